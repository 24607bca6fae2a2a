package quorumtest

import (
	"errors"
	"math/rand/v2"

	pebblevfs "github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/sordini/sordini/storage/vfs"
)

// CrashFS is a file system in memory that can crash at any moment and fail at any operation.
type CrashFS struct {
	pebblevfs.FS
	segmentFS
	mem *pebblevfs.MemFS

	// Before, if set, is called before each operation that changes something. An error fails the operation.
	Before func(op, path string) error
}

// segmentFS stands for what vfs.FS has for segment files, which the quorum does not use. It panics if called.
type segmentFS struct{ vfs.FS }

// NewCrashFS returns an empty one, with a directory.
func NewCrashFS(dir string) *CrashFS {
	fs := wrap(pebblevfs.NewCrashableMem())
	if err := errors.Join(fs.MkdirAll(dir, 0o755), fs.SyncDir("/")); err != nil {
		panic(err)
	}
	return fs
}

func wrap(mem *pebblevfs.MemFS) *CrashFS {
	fs := &CrashFS{mem: mem}
	fs.FS = errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if fs.Before == nil || op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
			return nil
		}
		return fs.Before(opNames[op.Kind], op.Path)
	}))
	return fs
}

var opNames = map[errorfs.OpKind]string{
	errorfs.OpCreate: "create", errorfs.OpRename: "rename", errorfs.OpRemove: "remove",
	errorfs.OpFileWrite: "write", errorfs.OpFileSync: "sync",
}

// Crash returns what a machine could find on its disk after a power loss now: everything synced, and each other
// block with the given probability. It may be called from Before.
func (fs *CrashFS) Crash(rng *rand.Rand, unsyncedPercent int) *CrashFS {
	return wrap(fs.mem.CrashClone(pebblevfs.CrashCloneCfg{UnsyncedDataPercent: unsyncedPercent, RNG: rng}))
}

// SyncDir implements vfs.FS.
func (fs *CrashFS) SyncDir(name string) error {
	d, err := fs.OpenDir(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
