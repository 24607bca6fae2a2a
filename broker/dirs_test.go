package broker

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/storage/vfs"
)

// breakableFS is the real file system, in which syncs below a directory fail once it is broken.
func breakableFS(dir string) (fs vfs.FS, broken *atomic.Bool) {
	broken = new(atomic.Bool)
	return vfs.Hook(vfs.OS, func(op vfs.Op) error {
		if broken.Load() && (op.Kind == vfs.OpSync || op.Kind == vfs.OpSyncFS) && strings.HasPrefix(op.Path, dir) {
			return syscall.EIO
		}
		return nil
	}), broken
}

// twoDirs starts a broker with two log directories, a topic in the second one, and the file system of the second one ready to be broken.
func twoDirs(t *testing.T) (s *testServer, broken *atomic.Bool) {
	t.Helper()
	root := t.TempDir()
	first, second := filepath.Join(root, "a"), filepath.Join(root, "b")
	fsys, broken := breakableFS(second)
	s = startServerOn(t, fsys, root, "log.dirs", first+","+second)
	admin := kadm.NewClient(s.client(t))
	for _, topic := range []string{"second", "first"} { // the first directory has __cluster_metadata already
		if _, err := admin.CreateTopic(testContext(t), 1, 1, nil, topic); err != nil {
			t.Fatal(err)
		}
	}
	if s.replicas.Get("second", 0).DirPath() != second || s.replicas.Get("first", 0).DirPath() != first {
		t.Fatal("the topics are not spread over the directories")
	}
	return s, broken
}

// Nobody told those who waited for a sync that there would never be one: acks=all producers sat out their whole timeout, and consumers theirs.
func TestAFailedSyncAnswersThoseWhoWaitForIt(t *testing.T) {
	s, broken := twoDirs(t)
	broken.Store(true)
	client := dialRaw(t, s.address)
	began := time.Now()
	frame := produceFrame(9, "second", -1, testBatch(t, 1, 100)) // with a timeout of 10 s
	answer := client.ask(frame)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the producer was answered after %v", took)
	}
	resp := kmsg.NewPtrProduceResponse()
	resp.Version = 9
	if err := resp.ReadFrom(answer[1:]); err != nil { // behind the tags of the header
		t.Fatal(err)
	}
	if code := resp.Topics[0].Partitions[0].ErrorCode; code != kerr.KafkaStorageError.Code {
		t.Errorf("error code %d, want KAFKA_STORAGE_ERROR", code)
	}
	// The other directory serves.
	if err := s.client(t).ProduceSync(testContext(t), &kgo.Record{Topic: "first", Value: []byte("v")}).FirstErr(); err != nil {
		t.Error(err)
	}
	s.failed = true
}

func TestALongPollEndsWhenItsDirectoryFails(t *testing.T) {
	s, broken := twoDirs(t)
	r := kmsg.NewPtrFetchRequest()
	r.Version, r.MaxWaitMillis, r.MinBytes, r.MaxBytes, r.SessionEpoch = 12, 30_000, 1, 1000, -1
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic = "second"
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.PartitionMaxBytes, rp.CurrentLeaderEpoch = 1000, -1
	rt.Partitions = append(rt.Partitions, rp)
	r.Topics = append(r.Topics, rt)
	polling := make(chan []byte, 1)
	client := dialRaw(t, s.address)
	began := time.Now()
	go func() { polling <- client.ask(encodeFrame(r)) }()
	until(t, "the fetch has come", func() bool { return s.metrics.Requests[kmsg.Fetch].Load() > 0 })
	broken.Store(true)
	dialRaw(t, s.address).ask(produceFrame(9, "second", 1, testBatch(t, 1, 100)))
	answer := <-polling
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the consumer was answered after %v", took)
	}
	resp := kmsg.NewPtrFetchResponse()
	resp.Version = 12
	if err := resp.ReadFrom(answer[1:]); err != nil {
		t.Fatal(err)
	}
	if code := resp.Topics[0].Partitions[0].ErrorCode; code != kerr.KafkaStorageError.Code {
		t.Errorf("error code %d, want KAFKA_STORAGE_ERROR", code)
	}
	s.failed = true
}

func TestTheBrokerStopsWhenItsMetadataIsLost(t *testing.T) {
	dir := t.TempDir()
	fsys, broken := breakableFS(dir)
	s := startServerOn(t, fsys, dir)
	produce(t, s, "orders", 0, 1)
	broken.Store(true)
	dialRaw(t, s.address).ask(produceFrame(9, "orders", 1, testBatch(t, 1, 100)))
	select {
	case err := <-s.done:
		if !errors.Is(err, syscall.EIO) {
			t.Errorf("the broker ended with %v", err)
		}
		s.ended = true
	case <-time.After(10 * time.Second):
		t.Error("the broker goes on without its metadata")
	}
}

// The broker died between the deletion of a topic and that of its logs. The topic could then never be created again: its directory belonged
// to another topic id, and the partition stayed offline.
func TestATopicCanBeCreatedAgainAfterACrashInItsDeletion(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, dir)
	produce(t, s, "other", 0, 1)
	produce(t, s, "orders", 0, 1)
	s.stop()
	saved := filepath.Join(t.TempDir(), "orders-0")
	if err := os.CopyFS(saved, os.DirFS(filepath.Join(dir, "orders-0"))); err != nil {
		t.Fatal(err)
	}
	s = startServer(t, dir)
	if _, err := kadm.NewClient(s.client(t)).DeleteTopic(testContext(t), "orders"); err != nil {
		t.Fatal(err)
	}
	s.stop()
	if err := os.CopyFS(filepath.Join(dir, "orders-0"), os.DirFS(saved)); err != nil {
		t.Fatal(err)
	}

	s = startServer(t, dir)
	produce(t, s, "orders", 0, 1)
	if records := consume(t, s, 1, kgo.ConsumeTopics("orders")); records[0].Offset != 0 {
		t.Errorf("the new topic begins at offset %d", records[0].Offset)
	}
	strays, err := filepath.Glob(filepath.Join(dir, "orders-0.*-stray"))
	if err != nil || len(strays) != 1 {
		t.Errorf("the old log is not kept aside: %v, %v", strays, err)
	}
}

func TestAPartitionThatCannotBeOpenedIsOfflineAndTheOthersServe(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, dir)
	produce(t, s, "good", 0, 1)
	produce(t, s, "bad", 0, 1)
	s.stop()
	if err := os.WriteFile(filepath.Join(dir, "bad-0", "partition.metadata"), []byte("nonsense"), 0o644); err != nil {
		t.Fatal(err)
	}
	s = startServer(t, dir)
	produce(t, s, "good", 1, 1)
	resp := kmsg.NewPtrProduceResponse()
	resp.Version = 9
	if err := resp.ReadFrom(dialRaw(t, s.address).ask(produceFrame(9, "bad", 1, testBatch(t, 1, 1)))[1:]); err != nil {
		t.Fatal(err)
	}
	if code := resp.Topics[0].Partitions[0].ErrorCode; code != kerr.KafkaStorageError.Code {
		t.Errorf("Produce to a partition that is offline: error code %d, want KAFKA_STORAGE_ERROR", code)
	}
	fetch := kmsg.NewPtrFetchResponse()
	fetch.Version = 12
	if err := fetch.ReadFrom(dialRaw(t, s.address).ask(fetchFrame(12, "bad", 0, 1000))[1:]); err != nil {
		t.Fatal(err)
	}
	if code := fetch.Topics[0].Partitions[0].ErrorCode; code != kerr.KafkaStorageError.Code {
		t.Errorf("Fetch from a partition that is offline: error code %d, want KAFKA_STORAGE_ERROR", code)
	}
}
