package vfs

import (
	"io"
	"os"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// memFile is an open file of a MemFS, for Pebble and for segments alike. Read and Write share a position,
// which belongs to one goroutine, as with Pebble's files.
type memFile struct {
	fs     *MemFS
	n      *node
	name   string
	pos    int64
	closed bool
}

func (f *memFile) Close() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed {
		return os.ErrClosed
	}
	f.closed = true
	return nil
}

func (f *memFile) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, f.pos)
	f.pos += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed {
		return 0, os.ErrClosed
	}
	if off >= int64(len(f.n.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.n.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) Write(p []byte) (int, error) {
	n, err := f.WriteAt(p, f.pos)
	f.pos += int64(n)
	return n, err
}

// WriteAt writes as much as fits, like a real full disk.
func (f *memFile) WriteAt(p []byte, off int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed {
		return 0, os.ErrClosed
	}
	if f.n.dir {
		return 0, &os.PathError{Op: "write", Path: f.name, Err: syscall.EISDIR}
	}
	var full error
	if grow := off + int64(len(p)) - f.n.room(); grow > 0 && f.fs.capacity > 0 && f.fs.used+grow > f.fs.capacity {
		full = &os.PathError{Op: "write", Path: f.name, Err: syscall.ENOSPC}
		fits := max(0, int64(len(p))-(f.fs.used+grow-f.fs.capacity))
		p = p[:fits]
	}
	if end := off + int64(len(p)); len(p) > 0 && end > int64(len(f.n.data)) {
		before := f.n.room()
		f.n.data = append(f.n.data, make([]byte, end-int64(len(f.n.data)))...)
		f.fs.used += f.n.room() - before
	}
	copy(f.n.data[min(off, int64(len(f.n.data))):], p)
	return len(p), full
}

func (f *memFile) WriteVAt(bufs [][]byte, off int64) (int, error) {
	total := 0
	for _, b := range bufs {
		n, err := f.WriteAt(b, off+int64(total))
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

func (f *memFile) Truncate(size int64) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed {
		return os.ErrClosed
	}
	before := f.n.room()
	f.n.allocated = 0
	if old := int64(len(f.n.data)); size <= old {
		f.n.data = f.n.data[:size:size]
	} else {
		f.n.data = append(f.n.data, make([]byte, size-old)...)
	}
	f.fs.used += f.n.room() - before
	return nil
}

func (f *memFile) Sync() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed {
		return os.ErrClosed
	}
	f.n.sync()
	return nil
}

func (f *memFile) SyncData() error { return f.Sync() }

func (f *memFile) Allocate(off, n int64) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	grow := off + n - f.n.room()
	if grow <= 0 {
		return nil
	}
	if f.fs.capacity > 0 && f.fs.used+grow > f.fs.capacity {
		return &os.PathError{Op: "allocate", Path: f.name, Err: syscall.ENOSPC}
	}
	f.fs.used += grow
	f.n.allocated = off + n
	return nil
}

// SyncTo promises nothing, and keeps that.
func (f *memFile) SyncTo(int64) (bool, error) { return false, nil }

func (f *memFile) Size() (int64, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed {
		return 0, os.ErrClosed
	}
	return int64(len(f.n.data)), nil
}

func (f *memFile) Stat() (vfs.FileInfo, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	return memInfo{f.name, int64(len(f.n.data)), f.n.dir}, nil
}

func (f *memFile) Preallocate(int64, int64) error { return nil }
func (f *memFile) Prefetch(int64, int64) error    { return nil }
func (f *memFile) Fd() uintptr                    { return vfs.InvalidFd }
func (f *memFile) OSFile() *os.File               { return nil }

type memInfo struct {
	name string
	size int64
	dir  bool
}

func (i memInfo) Name() string           { return i.name }
func (i memInfo) Size() int64            { return i.size }
func (i memInfo) ModTime() time.Time     { return time.Time{} }
func (i memInfo) IsDir() bool            { return i.dir }
func (i memInfo) Sys() any               { return nil }
func (i memInfo) DeviceID() vfs.DeviceID { return vfs.DeviceID{} }

func (i memInfo) Mode() os.FileMode {
	if i.dir {
		return os.ModeDir | 0o755
	}
	return 0o644
}
