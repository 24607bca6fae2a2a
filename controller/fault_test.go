package controller

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/sordini/sordini/broker/metalog"
	"github.com/sordini/sordini/controller/image"
	"github.com/sordini/sordini/storage"
	"github.com/sordini/sordini/storage/vfs"
)

// oneFault is a file system on which one operation that changes something fails.
type oneFault struct {
	mu     sync.Mutex
	n      int // operations so far
	failAt int
	cause  error
	failed vfs.Op
}

func (f *oneFault) before(op vfs.Op) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if op.Kind == vfs.OpRead || op.Kind == vfs.OpOpen || strings.Contains(op.Path, "/.index/") { // the index has its own test, in storage
		return nil
	}
	f.n++
	if f.n-1 != f.failAt {
		return nil
	}
	f.failed = op
	return f.cause
}

// metadata is a controller on the metadata log of the broker.
type metadata struct {
	data *storage.Dir
	*Service
}

func openMetadata(fs vfs.FS) (m metadata, err error) {
	m.data, err = storage.OpenDir(storage.DirConfig{Path: "/d", FS: fs, Clock: func() int64 { return 1 }})
	if err != nil {
		return m, err
	}
	log, err := metalog.Open(m.data, func() int64 { return 1 })
	if err != nil {
		return m, errors.Join(err, m.data.Close(context.Background()))
	}
	cfg := config(nil, log)
	cfg.FS, cfg.Dir, cfg.Full, cfg.CheckpointEntries = m.data.ReserveFS(), "/d/"+metalog.DirName, m.data.DiskFull, 5
	if m.Service, err = Open(cfg); err != nil {
		return m, errors.Join(err, m.data.Close(context.Background()))
	}
	return m, nil
}

// TestEachMetadataOperationFailsOnce lets every write, sync, rename and so on fail in turn while topics are created and deleted, with
// checkpoints in between. What was answered is there afterwards, whatever the operation was and whatever a loss of power then takes.
func TestEachMetadataOperationFailsOnce(t *testing.T) {
	for _, cause := range []error{syscall.EIO, syscall.ENOSPC, syscall.EMFILE, syscall.EROFS} {
		t.Run(cause.Error(), func(t *testing.T) {
			for at := 0; failOne(t, at, cause); at++ {
			}
		})
	}
}

// failOne says whether there was an operation to fail.
func failOne(t *testing.T, at int, cause error) bool {
	mem := vfs.NewMemFS()
	must(t, storage.FormatDir(mem, "/d", storage.Meta{ClusterID: "cluster", NodeID: 1, DirectoryID: "d"}))
	f := &oneFault{failAt: at, cause: cause}
	var there, gone []string // what was answered
	if m, err := openMetadata(vfs.Hook(mem, f.before)); err == nil {
		stop := run(t, m.Service)
		if _, err := m.RegisterBroker(context.Background(), registration(1)); err == nil {
			there, gone = createAndDelete(m.Service)
		}
		stopped := stop()
		closed := m.data.Close(context.Background())
		if f.n <= at && (stopped != nil || closed != nil || len(there)+len(gone) != 10) {
			t.Fatalf("nothing failed, and yet: %v, %v, %d topics", stopped, closed, len(there)+len(gone))
		}
	}
	for _, percent := range []int{0, 50, 100} {
		m, err := openMetadata(mem.CrashClone(percent, rand.New(rand.NewPCG(uint64(at), 1))))
		if err != nil {
			t.Fatalf("%v of %s failed with %v, and with %d%% of unsynced data the next start says: %v", f.failed.Kind, f.failed.Path, cause, percent, err)
		}
		img := m.LoadedImage()
		if err := judge(img, there, gone); err != nil {
			t.Fatalf("%v of %s failed with %v, and with %d%% of unsynced data %v", f.failed.Kind, f.failed.Path, cause, percent, err)
		}
		must(t, m.data.Close(context.Background()))
	}
	return f.n > at
}

// createAndDelete creates ten topics and deletes every other one, and returns what it was told.
func createAndDelete(s *Service) (there, gone []string) {
	for i := range 10 {
		name := fmt.Sprint("t", i)
		if s.CreateTopics(context.Background(), topic(name), false)[0].Err != nil {
			continue
		}
		if i%2 == 0 {
			there = append(there, name)
		} else if s.DeleteTopics(context.Background(), deletable(name))[0].Err == nil {
			gone = append(gone, name)
		}
	}
	return there, gone
}

func judge(img *image.Image, there, gone []string) error {
	for _, name := range there {
		if img.Topic(name) == nil {
			return fmt.Errorf("topic %s is gone", name)
		}
	}
	for _, name := range gone {
		if img.Topic(name) != nil {
			return fmt.Errorf("topic %s is there", name)
		}
	}
	return nil
}
