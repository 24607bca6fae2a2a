// Package index keeps what can be derived from the segment files: sparse offset and time indexes,
// facts about segments, producer snapshots, leader epochs and checkpoints, of all partitions of one data
// directory in one Pebble database. Package storage is its only caller and the only writer.
//
// What must always hold: a committed value describes bytes that are in the segment files (grow), and what
// is about to leave the files has left the index first (shrink). Deleting the database loses nothing but
// the time that a scan takes, and log starts that lie inside a segment.
//
// Everything shares one write-ahead log and one order of commits. The packed chunks are small enough (0.2
// MB per GB of log) that a second write policy would save nothing, and so a synced checkpoint carries every
// chunk that was written before it.
package index

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"runtime"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	pebblevfs "github.com/cockroachdb/pebble/v2/vfs"

	"github.com/sordini/sordini/storage/vfs"
)

// Sizes are small: the database holds megabytes, and an idle broker must stay small.
const (
	memTableBytes = 1 << 20
	cacheBytes    = 1 << 20
	maxOpenFiles  = 64
)

// ErrDead says that Pebble met an error it cannot go on after. The directory must go offline.
var ErrDead = errors.New("index: the database has failed")

// Config is what Open needs.
type Config struct {
	FS     vfs.FS
	Path   string
	Logger *slog.Logger
	// OnFatal is called once when Pebble gives up. It must not call the DB.
	OnFatal func(error)
	// OnDiskFull is called when a write meets a full disk, before it is tried once more. It may make room.
	OnDiskFull func()
}

// DB is an open database. Its methods may be called concurrently.
type DB struct {
	db     *pebble.DB
	cache  *pebble.Cache
	logger *fatalLogger
}

// Open opens or creates the database. An error that IsCorrupt answers true for can be healed by removing the
// directory.
func Open(cfg Config) (*DB, error) {
	logger := &fatalLogger{log: cfg.Logger, onFatal: cfg.OnFatal, dead: make(chan struct{})}
	var fsys pebblevfs.FS = cfg.FS
	if cfg.OnDiskFull != nil {
		fsys = pebblevfs.OnDiskFull(fsys, cfg.OnDiskFull)
	}
	cache := pebble.NewCache(cacheBytes)
	opts := &pebble.Options{
		FS: fsys, Cache: cache, Logger: logger,
		MemTableSize: memTableBytes, MemTableStopWritesThreshold: 4, MaxOpenFiles: maxOpenFiles,
		FormatMajorVersion:         pebble.FormatNewest,
		CompactionConcurrencyRange: func() (lower, upper int) { return 1, 1 },
		DisableTableStats:          true,
	}
	d := &DB{cache: cache, logger: logger}
	err := d.guard(func() (err error) {
		d.db, err = pebble.Open(cfg.Path, opts)
		return err
	})
	if err != nil {
		cache.Unref()
		return nil, fmt.Errorf("open index %s: %w", cfg.Path, err)
	}
	return d, nil
}

// IsCorrupt says whether an error of Open or of a read means damaged or missing files.
func IsCorrupt(err error) bool {
	return pebble.IsCorruptionError(err) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, errValue) || errors.Is(err, errChunk)
}

// Close flushes and closes. After a fatal error there is nothing that can be closed safely.
func (d *DB) Close() error {
	err := d.guard(d.db.Close)
	if !errors.Is(err, ErrDead) {
		d.cache.Unref()
	}
	return err
}

// guard runs a call that may meet a fatal error in a goroutine of its own. Pebble's answer to such an
// error is Logger.Fatalf, which must not return, and the locks that it holds then stay held. So Fatalf ends
// the goroutine, and whoever waits for it, or behind it, learns of it here.
func (d *DB) guard(call func() error) error {
	select {
	case <-d.logger.dead:
		return ErrDead
	default:
	}
	done := make(chan error, 1) // room for the answer of a call that nobody waits for any more
	go func() {
		err := ErrDead
		defer func() { done <- err }()
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
	l.once.Do(func() {
		close(l.dead)
		if l.onFatal != nil {
			l.onFatal(fmt.Errorf("%w: %s", ErrDead, fmt.Sprintf(format, args...)))
		}
	})
	runtime.Goexit()
}
