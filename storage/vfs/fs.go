// Package vfs is the file system as storage sees it: Pebble's vfs.FS, for the index, plus what
// segment files need (one positional gathered write, preallocation that does not change the size,
// data-only sync, truncation, a sync of the whole file system, a lock that names its holder).
//
// It owns no state of the log. Package storage and package storage/index call it, and nobody else.
// Three implementations exist: OS (the real one), MemFS (in memory; keeps what was synced apart from
// what was written, so that a crash can be simulated at any moment) and Hook (wraps another FS and lets
// a test see, or fail, every operation that changes something).
//
// What must always hold: a File's WriteVAt either writes everything or returns an error and the number
// of bytes that it did write; nothing here retries a failed sync.
package vfs

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// FS is a file system that can hold a data directory.
type FS interface {
	vfs.FS

	// OpenLogFile opens a segment file for reading and writing at positions. With create the file is
	// created when it does not exist; without, a missing file is an error.
	OpenLogFile(name string, create bool) (File, error)
	// SyncDir makes the entries of a directory durable: files created, renamed and removed in it.
	SyncDir(name string) error
	// OpenSyncer opens what syncs the whole file system that holds dir. It is opened once and kept,
	// because the kernel reports a write-back error to those who were there when it happened.
	OpenSyncer(dir string) (Syncer, error)
	// LockFile takes an exclusive lock and writes this process's id into the file. When another
	// process holds it the error is a *LockedError.
	LockFile(name string) (io.Closer, error)
}

// File is one open segment file. All methods may be called concurrently, except that writes and
// truncations need an order from the caller.
type File interface {
	io.ReaderAt
	io.Closer
	// WriteVAt writes the buffers one after the other at off, with as few system calls as possible.
	// The buffers are not kept and not changed.
	WriteVAt(bufs [][]byte, off int64) (int, error)
	// Allocate reserves room for n bytes at off without changing the file's size. It is a hint:
	// errors can be ignored.
	Allocate(off, n int64) error
	// Truncate cuts the file to size and gives back what Allocate had reserved beyond it.
	Truncate(size int64) error
	// SyncData makes the written bytes, and the size needed to read them, durable.
	SyncData() error
	Size() (int64, error)
	// OSFile is the operating system's file, for sendfile; nil when there is none.
	OSFile() *os.File
}

// Syncer syncs a whole file system.
type Syncer interface {
	io.Closer
	// SyncFS makes everything that was written before durable, directory entries too. ErrUnsupported
	// means that the caller must sync file by file.
	SyncFS() error
}

// ErrUnsupported says that the file system cannot do what was asked.
var ErrUnsupported = errors.New("vfs: not supported")

// LockedError says who holds a lock file. PID is 0 when the holder could not be read.
type LockedError struct {
	Name string
	PID  int
}

func (e *LockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("%s is held by another process", e.Name)
	}
	return fmt.Sprintf("%s is held by process %d", e.Name, e.PID)
}

// ReadFile reads a whole small file; more than limit bytes is an error.
func ReadFile(fs FS, name string, limit int64) ([]byte, error) {
	f, err := fs.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, limit)
	}
	return b, nil
}

// WriteFileAtomic replaces a small file: after a crash it holds the old bytes or the new ones.
// When it returns nil the new bytes are durable.
func WriteFileAtomic(fs FS, name string, data []byte) error {
	tmp := name + ".tmp"
	if err := writeSynced(fs, tmp, data); err != nil {
		return err
	}
	if err := fs.Rename(tmp, name); err != nil {
		return err
	}
	return fs.SyncDir(fs.PathDir(name))
}

func writeSynced(fs FS, name string, data []byte) error {
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// WriteFile creates or replaces a file without any sync: after a crash it may be missing, empty or torn.
func WriteFile(fs FS, name string, data []byte) error {
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// OnDiskFull wraps a file system so that full is called when a small file, or its directory, finds no room, before the operation is tried
// once more. Segment files are not its affair.
func OnDiskFull(fs FS, full func()) FS { return &roomFS{fs, vfs.OnDiskFull(fs, full)} }

type roomFS struct {
	FS
	retry vfs.FS
}

func (r *roomFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return r.retry.Create(name, c)
}
func (r *roomFS) Rename(oldname, newname string) error        { return r.retry.Rename(oldname, newname) }
func (r *roomFS) MkdirAll(dir string, perm os.FileMode) error { return r.retry.MkdirAll(dir, perm) }

// Available is how many bytes this process could still write on the file system that holds path.
func Available(fs FS, path string) (int64, error) {
	usage, err := fs.GetDiskUsage(path)
	if err != nil {
		return 0, err
	}
	free := usage.AvailBytes
	if os.Geteuid() == 0 {
		free = usage.TotalBytes - usage.UsedBytes // what is kept for root is there too
	}
	return int64(min(free, math.MaxInt64)), nil
}
