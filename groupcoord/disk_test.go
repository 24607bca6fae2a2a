package groupcoord

import (
	"errors"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/broker/config"
	"github.com/sordini/sordini/broker/replica"
	"github.com/sordini/sordini/groupcoord/group"
	"github.com/sordini/sordini/storage"
	"github.com/sordini/sordini/storage/vfs"
)

// disk is a log directory with __consumer_offsets-0 on it, as the broker has it.
type disk struct {
	fs     *vfs.MemFS
	broken atomic.Pointer[error] // what syncs and writes of segments fail with
	topic  map[string]string     // configs of the topic
	dir    *storage.Dir
	p      *replica.Partition
	failed chan error
}

func newDisk(t testing.TB) *disk {
	t.Helper()
	d := &disk{fs: vfs.NewMemFS(), failed: make(chan error, 1)}
	if err := storage.FormatDir(d.fs, "/d", storage.Meta{ClusterID: "c", NodeID: 1, DirectoryID: "d"}); err != nil {
		t.Fatal(err)
	}
	return d
}

// open opens the directory, after failing is what is done when it goes offline.
func (d *disk) open(t testing.TB, failing func()) replica.CoordinatorLog {
	t.Helper()
	hooked := vfs.Hook(d.fs, func(op vfs.Op) error {
		sync := op.Kind == vfs.OpSync || op.Kind == vfs.OpSyncFS
		if err := d.broken.Load(); err != nil && (sync || filepath.Ext(op.Path) == ".log" && op.Kind == vfs.OpWrite) {
			return *err
		}
		return nil
	})
	var err error
	d.dir, err = storage.OpenDir(storage.DirConfig{
		Path: "/d", FS: hooked, Clock: func() int64 { return time.Now().UnixMilli() },
		OnFailure: func(err error) {
			failing()
			d.failed <- err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.dir.Close(t.Context()) })
	d.p = offsetsOn(t, d.dir, 1, d.topic)[0]
	return replica.NewCoordinatorLog(d.p)
}

// offsetsOn opens partitions of __consumer_offsets in a directory.
func offsetsOn(t testing.TB, dir *storage.Dir, partitions int32, configs map[string]string) []*replica.Partition {
	t.Helper()
	replicas := replica.NewManager(1<<40, 1)
	if err := replicas.UseDirs([]*storage.Dir{dir}); err != nil {
		t.Fatal(err)
	}
	values, _, err := config.New(config.Options{DataDir: "/d"})
	if err != nil {
		t.Fatal(err)
	}
	topic := replica.OpenTopic{Name: "__consumer_offsets", ID: storage.TopicID{7}, Internal: true,
		LeaderEpochs: map[int32]int32{}, Config: config.Topic(values, configs)}
	for p := range partitions {
		topic.LeaderEpochs[p] = 0
	}
	if err := errors.Join(replicas.OpenTopics([]replica.OpenTopic{topic})...); err != nil {
		t.Fatal(err)
	}
	opened := make([]*replica.Partition, partitions)
	for p := range opened {
		opened[p] = replicas.Get(topic.Name, int32(p))
	}
	return opened
}

// realDisk is fifty partitions in a temporary directory.
func realDisk(b *testing.B) (logs []replica.CoordinatorLog) {
	path := b.TempDir()
	if err := storage.FormatDir(vfs.OS, path, storage.Meta{ClusterID: "c", NodeID: 1, DirectoryID: "d"}); err != nil {
		b.Fatal(err)
	}
	dir, err := storage.OpenDir(storage.DirConfig{Path: path, Clock: func() int64 { return time.Now().UnixMilli() }})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = dir.Close(b.Context()) })
	for _, p := range offsetsOn(b, dir, 50, nil) {
		logs = append(logs, replica.NewCoordinatorLog(p))
	}
	return logs
}

func (d *disk) breakWith(err error) {
	if err == nil {
		d.broken.Store(nil)
		return
	}
	d.broken.Store(&err)
}

func diskService(t *testing.T, changes ...func(*Config)) *Service {
	t.Helper()
	cfg := Config{
		Clock: func() int64 { return time.Now().UnixMilli() }, Logger: slog.New(slog.DiscardHandler), Group: group.DefaultConfig(),
		OffsetsPartitions: func() int32 { return 1 }, RandomID: func() string { return "id" },
		ResolveTopic: func(topic string, _ [16]byte, _ int32) (string, *kerr.Error) { return topic, nil },
	}
	for _, change := range changes {
		change(&cfg)
	}
	return New(cfg)
}

func awaitLoaded(t testing.TB, s *Service) {
	t.Helper()
	for range 10_000 {
		if s.ListGroups(t.Context(), &kmsg.ListGroupsRequest{}).ErrorCode == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("the partition is not loaded")
}

// TestAFailedSyncResigns: what waits for a sync that never comes, and what
// waits for other members, is told that the coordinator is elsewhere; no commit is
// acknowledged that a restart does not find.
func TestAFailedSyncResigns(t *testing.T) {
	d := newDisk(t)
	s := diskService(t)
	defer s.Close()
	s.Lead(0, 0, d.open(t, func() { s.Resign(0) }))
	awaitLoaded(t, s)
	wantCode(t, "commit", commitCode(s.OffsetCommit(t.Context(), commitRequest(2, 5))), nil)
	joined := make(chan int16, 1) // waits for group.initial.rebalance.delay.ms
	go func() {
		req := joinRequest(3, "")
		req.Group = "other"
		joined <- s.JoinGroup(t.Context(), req, ClientInfo{ID: "c"}).ErrorCode
	}()
	for len(s.ListGroups(t.Context(), &kmsg.ListGroupsRequest{}).Groups) < 2 {
		time.Sleep(time.Millisecond)
	}

	d.breakWith(syscall.EIO)
	wantCode(t, "commit", commitCode(s.OffsetCommit(t.Context(), commitRequest(2, 6))), kerr.NotCoordinator)
	if err := <-d.failed; !errors.Is(err, syscall.EIO) {
		t.Errorf("the directory failed with %v", err)
	}
	wantCode(t, "JoinGroup", <-joined, kerr.NotCoordinator)
	wantCode(t, "OffsetFetch", s.OffsetFetch(t.Context(), fetchRequest(7, 0)).ErrorCode, kerr.NotCoordinator)
	wantCode(t, "Heartbeat", s.Heartbeat(t.Context(), heartbeatRequest("m", 1)).ErrorCode, kerr.NotCoordinator)

	// Led again while it is offline, it neither loads nor answers; given up, it ends.
	s.Lead(0, 1, replica.NewCoordinatorLog(d.p))
	for range 20 {
		if code := s.OffsetFetch(t.Context(), fetchRequest(7, 0)).ErrorCode; code == 0 {
			t.Fatal("an offline directory answers")
		}
		time.Sleep(time.Millisecond)
	}
	s.Resign(0)
	_ = d.dir.Close(t.Context())

	// A restart on a disk that works finds what was acknowledged.
	d.breakWith(nil)
	d.fs = d.fs.CrashClone(100, nil) // another process: the index of the failed one may hold its lock as long as that one lives
	s.Lead(0, 2, d.open(t, func() {}))
	awaitLoaded(t, s)
	if got := fetchOffset(t, s, 0); got < 5 {
		t.Errorf("offset %d after the restart", got)
	}
}

// TestAFullDiskRefusesCommitsAndGoesOn: commits are refused with a code that
// clients try again on, and are taken when there is room.
func TestAFullDiskRefusesCommitsAndGoesOn(t *testing.T) {
	d := newDisk(t)
	s := diskService(t)
	defer s.Close()
	s.Lead(0, 0, d.open(t, func() { t.Error("the directory went offline") }))
	awaitLoaded(t, s)
	wantCode(t, "commit", commitCode(s.OffsetCommit(t.Context(), commitRequest(2, 5))), nil)

	d.breakWith(syscall.ENOSPC)
	for range 3 {
		code := commitCode(s.OffsetCommit(t.Context(), commitRequest(2, 6)))
		if err := kerr.TypedErrorForCode(code); err == nil || !err.Retriable {
			t.Errorf("commit on a full disk: %v", err)
		}
		awaitLoaded(t, s)
		if got := fetchOffset(t, s, 0); got != 5 {
			t.Errorf("offset %d", got)
		}
	}
	d.breakWith(nil)
	wantCode(t, "commit", commitCode(s.OffsetCommit(t.Context(), commitRequest(2, 7))), nil)
	if got := fetchOffset(t, s, 0); got != 7 {
		t.Errorf("offset %d", got)
	}
}
