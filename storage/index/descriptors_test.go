package index

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/sordini/sordini/storage/vfs"
)

// The index could not begin a new file because no descriptor was left, and gave up, which took the whole log
// directory offline.
func TestNoDescriptorForANewFileIsNoFailure(t *testing.T) {
	for _, kind := range []string{".log", ".sst", ""} {
		mem := vfs.NewMemFS()
		none := new(atomic.Bool)
		var refused atomic.Int64
		fs := vfs.Hook(mem, func(op vfs.Op) error {
			if none.Load() && (op.Kind == vfs.OpCreate || op.Kind == vfs.OpRename) && strings.Contains(op.Path, kind) {
				refused.Add(1)
				return syscall.EMFILE
			}
			return nil
		})
		var fatal error
		var freed atomic.Int64
		d, err := Open(Config{FS: fs, Path: "/index", OnFatal: func(err error) { fatal = err }, OnOutOfFiles: func() {
			freed.Add(1)
			none.Store(false)
		}})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 4000 {
			if i%500 == 0 {
				none.Store(true)
			}
			b := d.NewBatch()
			b.PutSnapshot(Key{Partition: int32(i)}, Snapshot{Offset: int64(i), Bytes: []byte(strings.Repeat(fmt.Sprint(i), 200))}, 0)
			if err := b.Commit(false); err != nil {
				t.Fatalf("%q: commit %d: %v, %v", kind, i, err, fatal)
			}
		}
		if refused.Load() == 0 || freed.Load() == 0 {
			t.Errorf("%q: nothing was refused", kind)
		}
		none.Store(false)
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A write-ahead log that could not be begun, or whose name could not be synced, ended the process: "unlock of unlocked mutex".
func TestAWriteAheadLogThatCannotBeBegunIsReported(t *testing.T) {
	for _, kind := range []vfs.OpKind{vfs.OpCreate, vfs.OpSync, vfs.OpWrite} {
		fail := new(atomic.Bool)
		fs := vfs.Hook(vfs.NewMemFS(), func(op vfs.Op) error {
			if fail.Load() && (op.Kind == kind || op.Kind == vfs.OpRename) && (strings.HasSuffix(op.Path, ".log") || op.Path == "/index") {
				return syscall.EIO
			}
			return nil
		})
		fatal := make(chan error, 1)
		d, err := Open(Config{FS: fs, Path: "/index", OnFatal: func(err error) { fatal <- err }})
		if err != nil {
			t.Fatal(err)
		}
		fail.Store(true)
		err = nil
		for i := 0; i < 4000 && err == nil; i++ {
			b := d.NewBatch()
			b.PutSnapshot(Key{Partition: int32(i)}, Snapshot{Offset: int64(i), Bytes: []byte(strings.Repeat(fmt.Sprint(i), 200))}, 0)
			err = b.Commit(false)
		}
		if !errors.Is(err, ErrDead) || !errors.Is(<-fatal, ErrDead) {
			t.Errorf("commit: %v", err)
		}
		if err := d.Close(); !errors.Is(err, ErrDead) {
			t.Errorf("close: %v", err)
		}
	}
}
