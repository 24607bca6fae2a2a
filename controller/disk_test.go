package controller

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/broker/metalog"
	"github.com/sordini/sordini/controller/image"
	"github.com/sordini/sordini/controller/machine"
	"github.com/sordini/sordini/controller/quorum/quorumtest"
	"github.com/sordini/sordini/storage"
	"github.com/sordini/sordini/storage/vfs"
)

// TestAFullDiskUnderARealLog fills the disk under the metadata log of the broker, again and again, and starts again
// each time: full or not, what was answered is there, and the directory stays online.
func TestAFullDiskUnderARealLog(t *testing.T) {
	fs := vfs.NewMemFS()
	if err := storage.FormatDir(fs, "/d", storage.Meta{ClusterID: "cluster", NodeID: 1, DirectoryID: "d"}); err != nil {
		t.Fatal(err)
	}
	var room atomic.Int64 // writes that still find room; below 0 all do
	room.Store(-1)
	hooked := vfs.Hook(fs, func(op vfs.Op) error {
		if op.Kind != vfs.OpWrite || !strings.HasSuffix(op.Path, ".log") || strings.Contains(op.Path, ".index") || room.Load() < 0 {
			return nil
		}
		if left := room.Load(); left > 0 {
			room.Store(left - 1)
			return nil
		}
		return syscall.ENOSPC
	})
	cfg := config(quorumtest.NewCrashFS(dir), nil)
	cfg.FS, cfg.Dir = hooked, "/d"
	created := map[string]bool{}
	for start := range 4 {
		data, err := storage.OpenDir(storage.DirConfig{
			Path: "/d", FS: hooked, Clock: func() int64 { return 1 }, OnFailure: func(err error) { t.Errorf("offline: %v", err) },
		})
		must(t, err)
		log, err := metalog.Open(data, func() int64 { return 1 })
		must(t, err)
		cfg.Log = log
		s := open(t, cfg)
		stop := run(t, s)
		register(t, s)
		for name := range created {
			if s.Image().Topic(name) == nil {
				t.Fatalf("start %d: topic %s is gone", start, name)
			}
		}
		for round := range 6 {
			room.Store(int64(round % 3))
			for i := range 4 {
				name := fmt.Sprint("t", start, ".", round, ".", i)
				switch r := s.CreateTopics(context.Background(), topic(name), false)[0]; r.Err {
				case nil:
					created[name] = true
				case kerr.KafkaStorageError:
				default:
					t.Fatalf("%s: %+v", name, r)
				}
			}
			if round < 5 || start%2 == 0 { // otherwise it stops full
				room.Store(-1)
				name := fmt.Sprint("t", start, ".", round, ".room")
				if r := s.CreateTopics(context.Background(), topic(name), false)[0]; r.Err != nil {
					t.Fatalf("%s: %+v", name, r)
				}
				created[name] = true
			}
		}
		must(t, stop())
		room.Store(-1)
		must(t, data.Close(context.Background()))
	}
	if len(created) < 24 {
		t.Errorf("only %d topics were created", len(created))
	}
}

// What a publisher could not do because the disk was full it was not asked to do again before the next change.
func TestARefreshGivesThePublishersTheImageOnceMore(t *testing.T) {
	s := open(t, config(quorumtest.NewCrashFS(dir), quorumtest.NewMemLog()))
	refreshed := make(chan *image.Image, 1)
	refreshing := false
	s.Subscribe(PublisherFunc(func(delta *image.Delta, img *image.Image) {
		if refreshing {
			if !delta.Empty() || delta.Base() != img {
				t.Errorf("the delta changes something")
			}
			refreshed <- img
		}
	}))
	run(t, s)
	register(t, s)
	refreshing = true // nothing is published between the answer to a request and the next
	s.Refresh()
	if img := <-refreshed; img != s.Image() {
		t.Error("it is not the image that is shown")
	}
}

func TestOnAFullDiskTopicsAreDeletedAndNotCreated(t *testing.T) {
	cfg := config(quorumtest.NewCrashFS(dir), quorumtest.NewMemLog())
	var full atomic.Bool
	cfg.Full = full.Load
	s := open(t, cfg)
	run(t, s)
	register(t, s)
	if r := s.CreateTopics(context.Background(), topic("a"), false)[0]; r.Err != nil {
		t.Fatal(r.Err)
	}
	full.Store(true)
	if r := s.CreateTopics(context.Background(), topic("b"), false)[0]; r.Err != kerr.KafkaStorageError {
		t.Errorf("create: %v", r.Err)
	}
	if r := s.CreatePartitions(context.Background(), []machine.GrowingTopic{{Name: "a", Count: 9}}, false)[0]; r.Err != kerr.KafkaStorageError {
		t.Errorf("add partitions: %v", r.Err)
	}
	if r := s.DeleteTopics(context.Background(), deletable("a"))[0]; r.Err != nil {
		t.Errorf("delete: %v", r.Err)
	}
}

func deletable(name string) []machine.DeletableTopic { return []machine.DeletableTopic{{Name: &name}} }
