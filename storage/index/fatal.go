package index

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
)

// ErrDead says that Pebble met an error it cannot go on after. The directory must go offline.
var ErrDead = errors.New("index: the database has failed")

// guard runs a call that may meet a fatal error in a goroutine of its own. Pebble's answer to such an
// error is Logger.Fatalf, which must not return, or a panic; the locks that it holds then stay held. So the
// goroutine ends or is parked, and whoever waits for it, or behind it, learns of it here.
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

// guarded is guard for a call with a result.
func guarded[T any](d *DB, call func() (T, error)) (T, error) {
	result := make(chan T, 1) // room for the result of a call that nobody waits for any more
	err := d.guard(func() error {
		v, err := call()
		result <- v
		return err
	})
	if errors.Is(err, ErrDead) {
		var none T
		return none, err
	}
	return <-result, err
}

// fatalLogger is quiet about Pebble's life and stops goroutines that meet a fatal error.
type fatalLogger struct {
	log     *slog.Logger
	onFatal func(error)
	once    sync.Once
	dead    chan struct{}
	opened  atomic.Bool
}

func (l *fatalLogger) Infof(string, ...any) {}

func (l *fatalLogger) Errorf(format string, args ...any) {
	if l.log != nil {
		l.log.Warn("index database", "error", fmt.Sprintf(format, args...))
	}
}

// background is told of a flush or a compaction that failed, which Pebble tries again, for ever and at once. A full disk its directory has
// spoken of. While the database is being opened, Open waits for the flush, and would wait for ever.
func (l *fatalLogger) background(err error) {
	switch full := errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT); {
	case full && !l.opened.Load():
		l.die(err.Error())
	case !full:
		l.Errorf("background error: %v", err)
	}
}

// Fatalf does not return. While the database is being opened the goroutine ends, which lets go of its locks. Later
// it is parked for good: Pebble gives up its own mutex in the middle of functions that unlock it when they end, and
// ending one there is an error that the runtime ends the process for.
func (l *fatalLogger) Fatalf(format string, args ...any) {
	l.die(fmt.Sprintf(format, args...))
	if l.opened.Load() {
		select {}
	}
	runtime.Goexit()
}

// fatalOnceOpen returns the error of a file operation while the database is being opened, and does not return with one later.
func (l *fatalLogger) fatalOnceOpen(op string, err error) error {
	if err != nil && l.opened.Load() {
		l.Fatalf("%s the write-ahead log: %v", op, err)
	}
	return err
}

func (l *fatalLogger) die(reason string) {
	l.once.Do(func() {
		close(l.dead)
		if l.onFatal != nil {
			l.onFatal(fmt.Errorf("%w: %s", ErrDead, reason))
		}
	})
}
