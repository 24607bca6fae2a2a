package index

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"

	pebblevfs "github.com/cockroachdb/pebble/v2/vfs"
)

// ErrDead says that Pebble met an error it cannot go on after. The directory must go offline.
var ErrDead = errors.New("index: the database has failed")

// guard runs a call that may meet a fatal error in a goroutine of its own. Pebble's answer to such an
// error is Logger.Fatalf, which must not return, or a panic; the locks that it holds then stay held. So the
// goroutine ends, and whoever waits for it, or behind it, learns of it here.
func (d *DB) guard(call func() error) error {
	select {
	case <-d.logger.dead:
		return ErrDead
	default:
	}
	done := make(chan error, 1) // room for the answer of a call that nobody waits for any more
	go func() {
		err := ErrDead
		defer func() {
			if r := recover(); r != nil {
				d.logger.die(fmt.Sprint(r))
			}
			done <- err
		}()
		err = call()
	}()
	select {
	case err := <-done:
		return err
	case <-d.logger.dead:
		return ErrDead
	}
}

// fatalLogger is quiet about Pebble's life and ends goroutines that meet a fatal error.
type fatalLogger struct {
	log     *slog.Logger
	onFatal func(error)
	once    sync.Once
	dead    chan struct{}
}

func (l *fatalLogger) Infof(string, ...any) {}

func (l *fatalLogger) Errorf(format string, args ...any) {
	if l.log != nil {
		l.log.Warn("index database", "error", fmt.Sprintf(format, args...))
	}
}

func (l *fatalLogger) Fatalf(format string, args ...any) {
	l.die(fmt.Sprintf(format, args...))
	runtime.Goexit()
}

func (l *fatalLogger) die(reason string) {
	l.once.Do(func() {
		close(l.dead)
		if l.onFatal != nil {
			l.onFatal(fmt.Errorf("%w: %s", ErrDead, reason))
		}
	})
}

// dirFS makes a failed sync of a directory fatal in the way above. Pebble would panic, in goroutines where
// nobody can recover from it.
type dirFS struct {
	pebblevfs.FS
	logger *fatalLogger
}

func (fs *dirFS) OpenDir(name string) (pebblevfs.File, error) {
	f, err := fs.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &syncedDir{f, fs.logger}, nil
}

func (fs *dirFS) Unwrap() pebblevfs.FS { return fs.FS }

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
