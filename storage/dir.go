package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sordini/sordini/storage/index"
	"github.com/sordini/sordini/storage/vfs"
)

// DirConfig is what OpenDir needs.
type DirConfig struct {
	Path string
	FS   vfs.FS // nil: the operating system's
	// Clock is the wall clock in milliseconds. It stamps what no caller gives a time for.
	Clock func() int64
	// Monotonic is a clock for how long syncs take; nil: they are not measured.
	Monotonic         func() time.Duration
	Logger            *slog.Logger // its lines get the path as dir
	SyncIntervalMs    int64        // of Interval durability
	SyncIntervalBytes int64        // likewise, of one log; 0: no limit
	FDCacheSize       int          // open files of closed segments
	RecoveryThreads   int          // logs that are scanned at the same time
	Cleaner           CleanerConfig
	// OnFailure is told once, from a goroutine of the directory, when it goes offline.
	OnFailure func(error)
	// OnRoom is told, from a goroutine of the directory, each time that its disk is not full any more.
	OnRoom func()
	// OnCorruption is told of every damaged place when it is found, from a goroutine of the directory or one that runs a pass over
	// it.
	OnCorruption func(*CorruptError)
}

const (
	defaultSyncIntervalMs  = 1000
	defaultFDCacheSize     = 1024
	defaultRecoveryThreads = 2
)

// Dir is one data directory: its lock, its index, its logs and its two goroutines.
type Dir struct {
	config DirConfig
	fs     vfs.FS
	path   string
	meta   Meta
	lock   io.Closer
	index  *index.DB
	syncFS vfs.Syncer
	syncer *syncer
	work   *worker
	files  fileCache
	walks  sync.Pool // of *headerWalk
	// scans bounds how many logs recover at the same time.
	scans chan struct{}

	wasClean bool // the last process that had the directory closed it
	// lostIndex: the directory is old and its index was not there. Then a gap in a log is not a torn tail.
	lostIndex bool
	// syncedFS: the whole file system was synced when the directory was opened, so that everything found in
	// it is durable.
	syncedFS   bool
	cleaner    atomic.Pointer[CleanerConfig]
	recovered  struct{ logs, bytes atomic.Int64 }
	generation index.Generation // of this opening; under checkpointing once the directory is open

	failed     atomic.Pointer[error]
	room       room
	smallFiles atomic.Bool // it was said that files may not be as large as segments

	// checkpointing makes checkpoints follow each other, and compacting the passes of compaction.
	checkpointing sync.Mutex
	compacting    sync.Mutex
	scrubbing     sync.Mutex // likewise the passes of the scrub
	mu            struct {
		sync.Mutex
		logs    map[string]*Log // by directory name
		opening map[string]bool
		// halfOpened: an opening of the log has failed, and may have left files.
		halfOpened map[string]bool
		closed     bool
		busy       int // calls in progress that Close waits for
		idle       chan struct{}
	}
}

// OpenDir takes the lock of a formatted directory and opens its index. Logs are opened one by one.
func OpenDir(config DirConfig) (*Dir, error) {
	config = config.withDefaults()
	meta, err := ReadMeta(config.FS, config.Path)
	if err != nil {
		return nil, err
	}
	d := &Dir{
		config: config, fs: config.FS, path: config.Path, meta: meta, work: newWorker(),
		files: fileCache{max: config.FDCacheSize}, scans: make(chan struct{}, config.RecoveryThreads),
	}
	d.SetCleaner(config.Cleaner)
	d.mu.logs, d.mu.opening, d.mu.halfOpened = make(map[string]*Log), make(map[string]bool), make(map[string]bool)
	if d.lock, err = d.fs.LockFile(d.fs.PathJoin(d.path, lockFile)); err != nil {
		return nil, fmt.Errorf("lock data directory: %w", err)
	}
	if err := d.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("open data directory %s: %w", d.path, err), d.lock.Close())
	}
	go d.syncer.run()
	go d.work.run()
	d.removeLeftovers()
	return d, nil
}

func (c DirConfig) withDefaults() DirConfig {
	if c.FS == nil {
		c.FS = vfs.OS
	}
	if c.Clock == nil {
		c.Clock = func() int64 { return 0 }
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = c.Logger.With("dir", c.Path)
	if c.SyncIntervalMs <= 0 {
		c.SyncIntervalMs = defaultSyncIntervalMs
	}
	if c.FDCacheSize <= 0 {
		c.FDCacheSize = defaultFDCacheSize
	}
	if c.RecoveryThreads <= 0 {
		c.RecoveryThreads = defaultRecoveryThreads
	}
	return c
}

func (d *Dir) open() error {
	names, err := d.fs.List(d.path)
	if err != nil {
		return err
	}
	hasLogs := slices.ContainsFunc(names, func(name string) bool {
		_, _, ok := parseDirName(name)
		return ok
	})
	d.lostIndex = hasLogs && !slices.Contains(names, indexDir)
	if d.syncFS, err = d.fs.OpenSyncer(d.path); err != nil {
		return err
	}
	d.syncer = newSyncer(d, d.syncFS)
	d.reserve()
	err = d.indexRoom()
	if err == nil {
		err = d.openIndex()
	}
	if err != nil {
		return errors.Join(err, d.syncFS.Close())
	}
	err = d.begin(hasLogs)
	if index.IsCorrupt(err) {
		if err = d.renewIndex(err); err == nil {
			err = d.begin(hasLogs)
		}
	}
	if err != nil {
		return errors.Join(err, d.index.Close(), d.syncFS.Close())
	}
	return nil
}

// openIndex opens the database. A damaged one is put aside: it is a cache, and rebuilt.
func (d *Dir) openIndex() error {
	db, err := index.Open(d.indexConfig())
	if index.IsCorrupt(err) {
		return d.renewIndex(err)
	}
	d.index = db
	return err
}

func (d *Dir) indexConfig() index.Config {
	return index.Config{
		FS: d.fs, Path: d.fs.PathJoin(d.path, indexDir), Logger: d.config.Logger, OnFatal: d.fail,
		OnDiskFull: func() { d.releaseReserve(errors.New("there is no room for the index")) },
		Room:       d.indexRoom, OnOutOfFiles: d.files.shed,
	}
}

// renewIndex begins a new database in the place of a damaged one.
func (d *Dir) renewIndex(cause error) error {
	d.config.Logger.Error("the index is damaged and will be rebuilt", "error", cause)
	d.lostIndex = true
	if d.index != nil {
		_ = d.index.Close()
		d.index = nil
	}
	if err := d.fs.RemoveAll(d.fs.PathJoin(d.path, indexDir)); err != nil {
		return err
	}
	db, err := index.Open(d.indexConfig())
	d.index = db
	return err
}

// begin takes the mark of a clean shutdown away. Without the mark everything that the last process wrote
// is made durable first, with one sync: what recovery is about to find in the page cache may not be on disk.
func (d *Dir) begin(hasLogs bool) error {
	clean, err := d.index.Clean()
	if err != nil {
		return err
	}
	d.wasClean = clean
	if d.generation, err = d.checkGeneration(hasLogs); err != nil {
		return err
	}
	if !clean && hasLogs {
		err := d.syncFS.SyncFS()
		if err != nil && !errors.Is(err, vfs.ErrUnsupported) {
			return err
		}
		d.syncedFS = err == nil
	}
	b := d.index.NewBatch()
	b.SetClean(false)
	b.SetGeneration(d.generation)
	if err := b.Commit(true); err != nil {
		return err
	}
	err = d.writeGeneration(d.generation.Current)
	if isDiskFull(err) {
		return nil // the file keeps the number before, which the index knows as well
	}
	return err
}

// Meta is the directory's identity.
func (d *Dir) Meta() Meta { return d.meta }

// Path is the directory's path.
func (d *Dir) Path() string { return d.path }

// WasClean says whether the directory was closed properly before. After anything else this broker's
// replicas are suspect to a cluster (KIP-966).
func (d *Dir) WasClean() bool { return d.wasClean }

// Recovered is how many logs had bytes that only a scan could vouch for when they were opened, and how many bytes.
func (d *Dir) Recovered() (logs, bytes int64) {
	return d.recovered.logs.Load(), d.recovered.bytes.Load()
}

// Failure is why the directory is offline; nil when it is not.
func (d *Dir) Failure() error { return d.failure() }

func (d *Dir) failure() error {
	if err := d.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// fail takes the directory offline. Only the first cause counts.
func (d *Dir) fail(cause error) {
	err := fmt.Errorf("%w: %s: %w", ErrOffline, d.path, cause)
	if !d.failed.CompareAndSwap(nil, &err) {
		return
	}
	d.config.Logger.Error("data directory is offline", "error", cause)
	if d.config.OnFailure != nil {
		d.work.add(func() { d.config.OnFailure(err) })
	}
}

// removeLeftovers continues deletions that the last process began.
func (d *Dir) removeLeftovers() {
	names, err := d.fs.List(d.path)
	if err != nil {
		return
	}
	for _, name := range names {
		if strings.HasSuffix(name, deleteSuffix) {
			d.work.add(func() { _ = d.fs.RemoveAll(d.fs.PathJoin(d.path, name)) })
		}
	}
}

// Close makes everything durable, writes the checkpoints and the mark of a clean shutdown, and lets go of
// the directory. The logs cannot be used any more.
func (d *Dir) Close(ctx context.Context) error {
	d.mu.Lock()
	if d.mu.closed {
		d.mu.Unlock()
		return nil
	}
	d.mu.closed = true
	logs := make([]*Log, 0, len(d.mu.logs))
	for _, l := range d.mu.logs {
		logs = append(logs, l)
	}
	d.mu.Unlock()
	for _, l := range logs {
		l.stop()
	}
	d.waitIdle() // for what was going on in other goroutines, which the stopped logs end
	d.work.close()
	d.syncer.close()
	err := d.finish(ctx)
	for _, l := range logs {
		l.closeFiles()
	}
	return errors.Join(err, d.index.Close(), d.syncFS.Close(), d.lock.Close())
}

// enter begins a call that Close has to wait for; leave ends it.
func (d *Dir) enter() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mu.closed {
		return ErrClosed
	}
	if err := d.failure(); err != nil {
		return err
	}
	d.mu.busy++
	return nil
}

func (d *Dir) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mu.busy--; d.mu.busy == 0 && d.mu.idle != nil {
		close(d.mu.idle)
		d.mu.idle = nil
	}
}

// waitIdle is called once, when nobody can enter any more.
func (d *Dir) waitIdle() {
	d.mu.Lock()
	if d.mu.busy == 0 {
		d.mu.Unlock()
		return
	}
	idle := make(chan struct{})
	d.mu.idle = idle
	d.mu.Unlock()
	<-idle
}

func (d *Dir) finish(ctx context.Context) error {
	if err := d.failure(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("close data directory: %w", err)
	}
	if err := d.checkpoint(); err != nil {
		return fmt.Errorf("close data directory: %w", err)
	}
	// The number rises here too: an index that has lost its last commits to damage is one of another time.
	d.generation.Current, d.generation.Before = d.generation.Current+1, d.generation.Current
	b := d.index.NewBatch()
	b.SetClean(true)
	b.SetGeneration(d.generation)
	if err := b.Commit(true); err != nil {
		return err
	}
	if err := d.writeGeneration(d.generation.Current); err != nil && !isDiskFull(err) {
		return err
	}
	return nil
}
