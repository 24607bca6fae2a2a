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
	"strings"
	"sync"
	"syscall"

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

// Config is what Open needs.
type Config struct {
	FS     vfs.FS
	Path   string
	Logger *slog.Logger
	// OnFatal is called once when Pebble gives up. It must not call the DB.
	OnFatal func(error)
	// OnDiskFull is called when a write meets a full disk, before it is tried once more. It may make room.
	OnDiskFull func()
	// Room can refuse, with an error, a commit or a new table before it begins: once begun, a write that finds no room is fatal.
	Room func() error
	// OnOutOfFiles is called when a file cannot be opened because no descriptor is left, before it is tried once
	// more. It may close some.
	OnOutOfFiles func()
}

// DB is an open database. Its methods may be called concurrently.
type DB struct {
	db     *pebble.DB
	cache  *pebble.Cache
	logger *fatalLogger
	room   func() error
	// use is held for reading by every call, so that Close waits for them.
	use    sync.RWMutex
	closed bool // under use
}

// ErrClosed says that the database was closed.
var ErrClosed = errors.New("index: the database is closed")

// Open opens or creates the database. An error that IsCorrupt answers true for can be healed by removing the
// directory.
func Open(cfg Config) (*DB, error) {
	logger := &fatalLogger{log: cfg.Logger, onFatal: cfg.OnFatal, dead: make(chan struct{})}
	var fsys pebblevfs.FS = cfg.FS
	if cfg.OnDiskFull != nil {
		fsys = pebblevfs.OnDiskFull(fsys, cfg.OnDiskFull)
	}
	fsys = &files{fsys, logger, cfg.OnOutOfFiles, cfg.Room}
	cache := pebble.NewCache(cacheBytes)
	opts := &pebble.Options{
		FS: fsys, Cache: cache, Logger: logger,
		MemTableSize: memTableBytes, MemTableStopWritesThreshold: 4, MaxOpenFiles: maxOpenFiles,
		FormatMajorVersion:         pebble.FormatNewest,
		CompactionConcurrencyRange: func() (lower, upper int) { return 1, 1 },
		DisableTableStats:          true,
		// Damage in a table is the error of whoever reads it, who goes to the segments instead. Pebble's default is to end the process.
		EventListener: &pebble.EventListener{
			DataCorruption:  func(info pebble.DataCorruptionInfo) { logger.Errorf("%s", info) },
			BackgroundError: logger.background,
		},
	}
	opts.Experimental.CompactionScheduler = newScheduler()
	d := &DB{cache: cache, logger: logger, room: cfg.Room}
	err := d.guard(func() (err error) {
		d.db, err = pebble.Open(cfg.Path, opts)
		return err
	})
	if err != nil {
		cache.Unref()
		if looksDamaged(err) {
			err = fmt.Errorf("%w: %w", errDamaged, err)
		}
		return nil, fmt.Errorf("open index %s: %w", cfg.Path, err)
	}
	logger.opened.Store(true)
	return d, nil
}

var errDamaged = errors.New("index: the files are damaged")

// looksDamaged takes an error of Open apart. What is neither the operating system's word nor about a newer version of the
// format can only come from the contents of files: a wrong byte in Pebble's options, for one, is not called corruption.
func looksDamaged(err error) bool {
	var errno syscall.Errno
	var locked *vfs.LockedError
	return !errors.As(err, &errno) && !errors.As(err, &locked) && !errors.Is(err, ErrDead) && !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrPermission) &&
		!strings.Contains(err.Error(), "format major version")
}

// IsCorrupt says whether an error of Open or of a read means damaged or missing files.
func IsCorrupt(err error) bool {
	return errors.Is(err, errDamaged) || pebble.IsCorruptionError(err) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, errValue) || errors.Is(err, errChunk)
}

// Close flushes and closes. After a fatal error there is nothing that can be closed safely.
func (d *DB) Close() error {
	err := d.guard(func() error {
		d.use.Lock()
		defer d.use.Unlock()
		if d.closed {
			return ErrClosed
		}
		d.closed = true
		return d.db.Close()
	})
	if !errors.Is(err, ErrDead) {
		d.cache.Unref()
	}
	return err
}
