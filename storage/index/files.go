package index

import (
	"errors"
	"strings"
	"syscall"
	"time"

	pebblevfs "github.com/cockroachdb/pebble/v2/vfs"
)

// files is the file system that Pebble gets. Two kinds of errors must not reach it. A failed sync of a directory, or a
// write-ahead log that cannot be begun, makes it panic in goroutines and with locks from where nobody can recover: those are
// fatal in the way of fatalLogger. And to be out of descriptors is nothing to give up for: others are closed, and
// it is tried again for a while, which delays a checkpoint and no append.
type files struct {
	pebblevfs.FS
	logger       *fatalLogger
	onOutOfFiles func()
	room         func() error
}

const (
	retries    = 200
	retryEvery = 50 * time.Millisecond
)

func outOfFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

func (fs *files) open(name string, open func() (pebblevfs.File, error)) (pebblevfs.File, error) {
	f, err := open()
	for n := 0; outOfFiles(err) && fs.onOutOfFiles != nil && n < retries; n++ {
		if fs.onOutOfFiles(); n > 0 {
			time.Sleep(retryEvery)
		}
		f, err = open()
	}
	return f, err
}

// begin opens a new file, which for the write-ahead log must not fail.
func (fs *files) begin(name string, open func() (pebblevfs.File, error)) (pebblevfs.File, error) {
	f, err := fs.open(name, open)
	if !strings.HasSuffix(name, ".log") {
		return f, err
	}
	if err != nil {
		return nil, fs.logger.fatalOnceOpen("begin", err)
	}
	return &walFile{f, fs.logger}, nil
}

// walFile is a write-ahead log. Its errors come up in Pebble when it is closed, where they are such a panic too.
type walFile struct {
	pebblevfs.File
	logger *fatalLogger
}

func (f *walFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	return n, f.logger.fatalOnceOpen("write", err)
}

func (f *walFile) Sync() error     { return f.logger.fatalOnceOpen("sync", f.File.Sync()) }
func (f *walFile) SyncData() error { return f.logger.fatalOnceOpen("sync", f.File.SyncData()) }
func (f *walFile) Close() error    { return f.logger.fatalOnceOpen("close", f.File.Close()) }

func (f *walFile) SyncTo(n int64) (bool, error) {
	full, err := f.File.SyncTo(n)
	return full, f.logger.fatalOnceOpen("sync", err)
}

func (fs *files) Create(name string, c pebblevfs.DiskWriteCategory) (pebblevfs.File, error) {
	if strings.HasSuffix(name, ".sst") && fs.room != nil {
		if err := fs.room(); err != nil {
			time.Sleep(retryEvery) // Pebble tries a flush that failed again at once
			return nil, err
		}
	}
	return fs.begin(name, func() (pebblevfs.File, error) { return fs.FS.Create(name, c) })
}

func (fs *files) ReuseForWrite(oldname, newname string, c pebblevfs.DiskWriteCategory) (pebblevfs.File, error) {
	return fs.begin(newname, func() (pebblevfs.File, error) { return fs.FS.ReuseForWrite(oldname, newname, c) })
}

func (fs *files) Open(name string, opts ...pebblevfs.OpenOption) (pebblevfs.File, error) {
	return fs.open(name, func() (pebblevfs.File, error) { return fs.FS.Open(name, opts...) })
}

func (fs *files) OpenReadWrite(name string, c pebblevfs.DiskWriteCategory, opts ...pebblevfs.OpenOption) (pebblevfs.File, error) {
	return fs.open(name, func() (pebblevfs.File, error) { return fs.FS.OpenReadWrite(name, c, opts...) })
}

func (fs *files) OpenDir(name string) (pebblevfs.File, error) {
	f, err := fs.open(name, func() (pebblevfs.File, error) { return fs.FS.OpenDir(name) })
	if err != nil {
		return nil, err
	}
	return &syncedDir{f, fs.logger}, nil
}

func (fs *files) Unwrap() pebblevfs.FS { return fs.FS }

type syncedDir struct {
	pebblevfs.File
	logger *fatalLogger
}

func (d *syncedDir) Sync() error {
	if err := d.File.Sync(); err != nil {
		d.logger.Fatalf("sync of the index directory: %v", err)
	}
	return nil
}
