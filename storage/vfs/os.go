package vfs

import (
	"errors"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"
)

// OS is the operating system's file system.
var OS FS = osFS{vfs.Default}

type osFS struct{ vfs.FS }

// osFile is a segment file. It is read and written at positions only, so the file's own offset,
// which sendfile through os.File would use, never matters.
type osFile struct{ f *os.File }

func (osFS) OpenLogFile(name string, create bool) (File, error) {
	flags := os.O_RDWR
	if create {
		flags |= os.O_CREATE
	}
	f, err := os.OpenFile(name, flags, 0o644)
	if err != nil {
		return nil, err
	}
	return &osFile{f: f}, nil
}

func (osFS) SyncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

type osSyncer struct{ dir *os.File }

func (osFS) OpenSyncer(dir string) (Syncer, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	return &osSyncer{dir: d}, nil
}

func (s *osSyncer) Close() error { return s.dir.Close() }

func (f *osFile) ReadAt(p []byte, off int64) (int, error) { return f.f.ReadAt(p, off) }
func (f *osFile) Close() error                            { return f.f.Close() }
func (f *osFile) Truncate(size int64) error               { return f.f.Truncate(size) }
func (f *osFile) OSFile() *os.File                        { return f.f }

func (f *osFile) Size() (int64, error) {
	info, err := f.f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// lockFile is an flock: it goes away with the process, however that ends.
type lockFile struct{ f *os.File }

func (l *lockFile) Close() error { return l.f.Close() }

func (osFS) LockFile(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		held := &LockedError{Name: name, PID: readPID(f)}
		return nil, errors.Join(held, f.Close())
	}
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &lockFile{f: f}, nil
}

func readPID(f *os.File) int {
	var b [32]byte
	n, _ := f.ReadAt(b[:], 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	if err != nil || pid < 0 {
		return 0
	}
	return pid
}
