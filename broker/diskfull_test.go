package broker

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sordini/sordini/groupcoord"
	"github.com/sordini/sordini/storage/vfs"
)

// noRoomFor is the real file system, on which there is no room for a partition of the topic while full is set.
func noRoomFor(topic string) (fs vfs.FS, full *atomic.Bool) {
	full = new(atomic.Bool)
	return vfs.Hook(vfs.OS, func(op vfs.Op) error {
		if full.Load() && strings.HasPrefix(filepath.Base(filepath.Dir(op.Path)), topic+"-") {
			return syscall.ENOSPC
		}
		return nil
	}), full
}

// A topic that was created when the disk was full stayed offline until the next start.
func TestATopicThatFoundNoRoomIsOpenedWhenThereIsSome(t *testing.T) {
	fs, full := noRoomFor("late")
	s := startServerOn(t, fs, t.TempDir())
	full.Store(true)
	admin := kadm.NewClient(s.client(t))
	if _, err := admin.CreateTopic(testContext(t), 3, 1, nil, "late"); err != nil {
		t.Fatal(err)
	}
	if !s.replicas.Offline("late", [16]byte{}, 2) {
		t.Fatal("there was room")
	}
	// While it is known that the disk is full, nothing more is promised.
	if _, err := admin.CreateTopic(testContext(t), 1, 1, nil, "more"); !errors.Is(err, kerr.KafkaStorageError) {
		t.Errorf("create a topic on a full disk: %v", err)
	}

	full.Store(false)
	produce(t, s, "late", 0, 20)
	consume(t, s, 20, kgo.ConsumeTopics("late"))
	if ids := s.replicas.Waiting(); len(ids) > 0 {
		t.Errorf("still waiting: %v", ids)
	}
	until(t, "the directory finds out that there is room", func() bool { return !s.dirs[0].DiskFull() })
	if _, err := admin.CreateTopic(testContext(t), 1, 1, nil, "more"); err != nil {
		t.Error(err)
	}
}

// The first group on a full disk had no coordinator until the next start.
func TestTheCoordinatorsComeWhenThereIsRoomForTheirTopic(t *testing.T) {
	fs, full := noRoomFor(groupcoord.OffsetsTopic)
	s := startServerOn(t, fs, t.TempDir())
	produce(t, s, "orders", 0, 1)
	full.Store(true)
	admin := kadm.NewClient(s.client(t))
	var offsets kadm.Offsets
	offsets.AddOffset("orders", 0, 1, -1)
	ctx, cancel := context.WithTimeout(testContext(t), 20*time.Second)
	defer cancel()
	committed := make(chan error, 1)
	go func() {
		resp, err := admin.CommitOffsets(ctx, "g", offsets)
		for ; err != nil || resp.Error() != nil; resp, err = admin.CommitOffsets(ctx, "g", offsets) { // as a group does
			if ctx.Err() != nil {
				committed <- errors.Join(err, resp.Error())
				return
			}
		}
		committed <- nil
	}()
	until(t, "the coordinator's partition is offline", func() bool { return s.replicas.Offline(groupcoord.OffsetsTopic, [16]byte{}, 0) })
	full.Store(false)
	if err := <-committed; err != nil {
		t.Errorf("there is room, and the group has no coordinator: %v", err)
	}
}

// Likewise the first transaction.
func TestTheTransactionCoordinatorComesWhenThereIsRoomForItsTopic(t *testing.T) {
	fs, full := noRoomFor(groupcoord.StateTopic)
	s := startServerOn(t, fs, t.TempDir())
	produce(t, s, "orders", 0, 1)
	full.Store(true)
	ctx, cancel := context.WithTimeout(testContext(t), 20*time.Second)
	defer cancel()
	sent := make(chan error, 1)
	go func() {
		for ctx.Err() == nil { // a client gives up now and then
			if err := oneTransaction(ctx, s.address); err == nil {
				break
			}
		}
		sent <- ctx.Err()
	}()
	until(t, "the coordinator's partition is offline", func() bool { return s.replicas.Offline(groupcoord.StateTopic, [16]byte{}, 0) })
	full.Store(false)
	if err := <-sent; err != nil {
		t.Errorf("there is room, and no transaction ends: %v", err)
	}
}

func oneTransaction(ctx context.Context, address string) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.TransactionalID("x"))
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := cl.BeginTransaction(); err != nil {
		return err
	}
	if err := cl.ProduceSync(ctx, &kgo.Record{Topic: "orders", Value: []byte("v")}).FirstErr(); err != nil {
		return err
	}
	return cl.EndTransaction(ctx, kgo.TryCommit)
}

// A topic whose partitions had found no room left their directories behind when it was deleted, and could not be created again.
func TestATopicThatFoundNoRoomIsDeletedWhole(t *testing.T) {
	fs, full := noRoomFor("late")
	dir := t.TempDir()
	s := startServerOn(t, fs, dir)
	full.Store(true)
	admin := kadm.NewClient(s.client(t))
	if _, err := admin.CreateTopic(testContext(t), 3, 1, nil, "late"); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.DeleteTopic(testContext(t), "late"); err != nil {
		t.Fatal(err)
	}
	full.Store(false)
	left, err := filepath.Glob(filepath.Join(dir, "late-?"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	produce(t, s, "late", 0, 20)
}
