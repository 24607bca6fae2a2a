package vfs

import (
	"io"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// OpKind is what an operation changes.
type OpKind uint8

const (
	OpCreate OpKind = iota
	OpWrite
	OpSync
	OpTruncate
	OpRename
	OpRemove
	OpMkdir
	OpSyncDir
	OpSyncFS
	OpLink
	OpRead
	OpOpen // of a segment file that exists
	OpAllocate
)

// Op is one operation that is about to happen.
type Op struct {
	Kind OpKind
	Path string
}

// Hook wraps a file system so that before is asked about every operation that changes something, and every
// opening and read of a segment file. An error from it is the operation's, which then does not happen.
func Hook(fs FS, before func(Op) error) FS { return &hookFS{fs, before} }

type hookFS struct {
	FS
	before func(Op) error
}

func (h *hookFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := h.before(Op{OpCreate, name}); err != nil {
		return nil, err
	}
	return h.pebble(name)(h.FS.Create(name, c))
}

func (h *hookFS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	return h.pebble(name)(h.FS.Open(name, opts...))
}

func (h *hookFS) OpenDir(name string) (vfs.File, error) { return h.pebble(name)(h.FS.OpenDir(name)) }

func (h *hookFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return h.pebble(name)(h.FS.OpenReadWrite(name, c, opts...))
}

func (h *hookFS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := h.before(Op{OpRename, newname}); err != nil {
		return nil, err
	}
	return h.pebble(newname)(h.FS.ReuseForWrite(oldname, newname, c))
}

func (h *hookFS) pebble(name string) func(vfs.File, error) (vfs.File, error) {
	return func(f vfs.File, err error) (vfs.File, error) {
		if err != nil {
			return nil, err
		}
		return &hookPebbleFile{f, h, name}, nil
	}
}

func (h *hookFS) OpenLogFile(name string, create bool) (File, error) {
	kind := OpOpen
	if create {
		kind = OpCreate
	}
	if err := h.before(Op{kind, name}); err != nil {
		return nil, err
	}
	f, err := h.FS.OpenLogFile(name, create)
	if err != nil {
		return nil, err
	}
	return &hookFile{f, h, name}, nil
}

func (h *hookFS) Link(oldname, newname string) error {
	return h.guard(Op{OpLink, newname}, func() error { return h.FS.Link(oldname, newname) })
}

func (h *hookFS) Remove(name string) error {
	return h.guard(Op{OpRemove, name}, func() error { return h.FS.Remove(name) })
}

func (h *hookFS) RemoveAll(name string) error {
	return h.guard(Op{OpRemove, name}, func() error { return h.FS.RemoveAll(name) })
}

func (h *hookFS) Rename(oldname, newname string) error {
	return h.guard(Op{OpRename, newname}, func() error { return h.FS.Rename(oldname, newname) })
}

func (h *hookFS) MkdirAll(name string, perm os.FileMode) error {
	return h.guard(Op{OpMkdir, name}, func() error { return h.FS.MkdirAll(name, perm) })
}

func (h *hookFS) SyncDir(name string) error {
	return h.guard(Op{OpSyncDir, name}, func() error { return h.FS.SyncDir(name) })
}

func (h *hookFS) guard(op Op, do func() error) error {
	if err := h.before(op); err != nil {
		return err
	}
	return do()
}

func (h *hookFS) Lock(name string) (io.Closer, error) { return h.FS.Lock(name) }
func (h *hookFS) Unwrap() vfs.FS                      { return nil }

func (h *hookFS) OpenSyncer(dir string) (Syncer, error) {
	s, err := h.FS.OpenSyncer(dir)
	return &hookSyncer{s, h, dir}, err
}

type hookSyncer struct {
	Syncer
	h   *hookFS
	dir string
}

func (s *hookSyncer) SyncFS() error { return s.h.guard(Op{OpSyncFS, s.dir}, s.Syncer.SyncFS) }

// hookFile is a segment file.
type hookFile struct {
	File
	h    *hookFS
	name string
}

func (f *hookFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.h.before(Op{OpRead, f.name}); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, off)
}

func (f *hookFile) WriteVAt(bufs [][]byte, off int64) (int, error) {
	if err := f.h.before(Op{OpWrite, f.name}); err != nil {
		return 0, err
	}
	return f.File.WriteVAt(bufs, off)
}

func (f *hookFile) Truncate(size int64) error {
	return f.h.guard(Op{OpTruncate, f.name}, func() error { return f.File.Truncate(size) })
}

func (f *hookFile) Allocate(off, n int64) error {
	return f.h.guard(Op{OpAllocate, f.name}, func() error { return f.File.Allocate(off, n) })
}

func (f *hookFile) SyncData() error { return f.h.guard(Op{OpSync, f.name}, f.File.SyncData) }

// hookPebbleFile is a file of Pebble's.
type hookPebbleFile struct {
	vfs.File
	h    *hookFS
	name string
}

func (f *hookPebbleFile) Write(p []byte) (int, error) {
	if err := f.h.before(Op{OpWrite, f.name}); err != nil {
		return 0, err
	}
	return f.File.Write(p)
}

func (f *hookPebbleFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.h.before(Op{OpWrite, f.name}); err != nil {
		return 0, err
	}
	return f.File.WriteAt(p, off)
}

func (f *hookPebbleFile) Sync() error { return f.h.guard(Op{OpSync, f.name}, f.File.Sync) }
func (f *hookPebbleFile) SyncData() error {
	return f.h.guard(Op{OpSync, f.name}, f.File.SyncData)
}
