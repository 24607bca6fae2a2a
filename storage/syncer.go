package storage

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sordini/sordini/storage/vfs"
)

// syncer is the group commit of a directory: one goroutine that syncs every log that became dirty since it
// last looked, and then tells all of them. While it syncs, the next group gathers by itself.
type syncer struct {
	dir     *Dir
	fs      vfs.Syncer
	wakeups chan struct{} // one place: a wake-up that is not yet seen covers all later ones
	stop    chan struct{}
	done    chan struct{}
	cost    syncCost
	scratch syncRound // of the goroutine
	mu      struct {
		sync.Mutex
		dirty, spare []*Log
		waiting      []*Log // dirty, but a sync within armedMs is early enough
		armedMs      int64
	}
}

func newSyncer(d *Dir, fs vfs.Syncer) *syncer {
	s := &syncer{
		dir: d, fs: fs, wakeups: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	s.mu.armedMs = math.MaxInt64
	s.cost.clock = d.config.Monotonic
	return s
}

// wake asks for a sync of a log as soon as possible.
func (s *syncer) wake(l *Log) {
	if !l.queued.CompareAndSwap(false, true) {
		return
	}
	s.mu.Lock()
	s.mu.dirty = append(s.mu.dirty, l)
	s.mu.Unlock()
	s.signal()
}

func (s *syncer) signal() {
	select {
	case s.wakeups <- struct{}{}:
	default:
	}
}

// wakeWithin asks for a sync within some milliseconds. A timer exists only while something waits.
func (s *syncer) wakeWithin(l *Log, ms int64) {
	if !l.later.CompareAndSwap(false, true) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.waiting = append(s.mu.waiting, l)
	if ms < s.mu.armedMs {
		s.mu.armedMs = ms
		// A longer timer that was armed before stays: whichever fires first syncs everything that waits.
		time.AfterFunc(time.Duration(min(ms, math.MaxInt64/int64(time.Millisecond)))*time.Millisecond, s.due)
	}
}

// due moves everything that waits to the dirty list.
func (s *syncer) due() {
	s.mu.Lock()
	waiting := s.mu.waiting
	s.mu.waiting, s.mu.armedMs = nil, math.MaxInt64
	s.mu.Unlock()
	for _, l := range waiting {
		l.later.Store(false)
		s.wake(l)
	}
}

func (s *syncer) run() {
	defer close(s.done)
	for {
		select {
		case <-s.wakeups:
		case <-s.stop:
			return
		}
		// Whoever the last sync has woken is about to append again: one step aside, and the group that is synced next has nearly all of
		// them, instead of the first one alone while the others wait for the sync after.
		runtime.Gosched()
		for s.round() {
			runtime.Gosched()
		}
	}
}

// round syncs one group. It says whether there was one.
func (s *syncer) round() bool {
	s.mu.Lock()
	logs := s.mu.dirty
	s.mu.dirty, s.mu.spare = s.mu.spare[:0], nil
	s.mu.Unlock()
	if len(logs) == 0 {
		s.mu.Lock()
		s.mu.spare = logs
		s.mu.Unlock()
		return false
	}
	for _, l := range logs {
		l.queued.Store(false) // before its end is read: an append after this queues it again
	}
	_ = s.syncRound(logs, &s.scratch) // a failure has taken the directory offline, and its logs answer for it
	clear(logs)
	s.mu.Lock()
	s.mu.spare = logs[:0]
	s.mu.Unlock()
	return true
}

func (s *syncer) close() {
	close(s.stop)
	<-s.done
}

// unsynced is one file that has to be synced, and what will be true then.
type unsynced struct {
	s    *segment
	h    *handle
	size int64
}

// syncRound is one sync on its way. Its memory is used again by the syncer's goroutine.
type syncRound struct {
	logs  []logEnd
	files []unsynced
	dirs  int // directory entries that have to be synced
	// unopened: a file could not be opened because no descriptor is left. Then only a sync of the whole file system will do.
	unopened error
}

// logEnd is a log as it was before its files were looked at, and which of the round's files are its own.
type logEnd struct {
	l          *Log
	generation uint64
	end        int64
	from, to   int
}

// sync makes everything that the logs hold at this moment durable, publishes it, and returns. It may be
// called from any goroutine, without locks. A failure takes the directory offline.
func (s *syncer) sync(logs []*Log) error { return s.syncRound(logs, &syncRound{}) }

func (s *syncer) syncRound(logs []*Log, r *syncRound) error {
	if err := s.dir.failure(); err != nil {
		return err
	}
	defer r.release()
	err := r.gather(logs)
	if err == nil {
		err = s.syncFiles(r)
	}
	if err != nil {
		s.dir.fail(fmt.Errorf("sync: %w", err))
		return s.dir.failure()
	}
	for _, e := range r.logs {
		e.l.synced(r.files[e.from:e.to], e.end, e.generation)
		e.l.raiseDurable(e.end, e.generation)
	}
	return nil
}

func (r *syncRound) gather(logs []*Log) error {
	for _, l := range logs {
		e := logEnd{l: l, generation: l.durableGeneration(), end: l.end.Load(), from: len(r.files)}
		var err error
		if r.files, err = l.appendUnsynced(r.files); isOutOfFiles(err) {
			r.unopened = err
		} else if err != nil {
			return err
		}
		e.to = len(r.files)
		r.logs = append(r.logs, e)
		for _, f := range r.files[e.from:] {
			if f.s.newFile.Load() {
				r.dirs++
			}
		}
		if l.newDir.Load() {
			r.dirs += 2
		}
	}
	return nil
}

func (r *syncRound) release() {
	for _, f := range r.files {
		if f.h != nil {
			f.h.release()
		}
	}
	clear(r.files)
	clear(r.logs)
	r.files, r.logs, r.dirs, r.unopened = r.files[:0], r.logs[:0], 0, nil
}

func (s *syncer) syncFiles(r *syncRound) error {
	n, began := len(r.files)+r.dirs, s.cost.now()
	if r.unopened != nil || s.cost.wholeIsCheaper(n) {
		err := s.fs.SyncFS()
		if !errors.Is(err, vfs.ErrUnsupported) {
			s.cost.wholeTook(began)
			return err
		}
		if r.unopened != nil {
			return r.unopened
		}
	}
	if err := s.syncData(r.files); err != nil {
		return err
	}
	if err := s.syncNames(r); err != nil {
		return err
	}
	s.cost.filesTook(n, began)
	return nil
}

// syncData syncs files, several at the same time, for the disk takes them together.
func (s *syncer) syncData(files []unsynced) error {
	if s.cost.clock == nil || len(files) == 1 {
		for _, f := range files {
			if err := f.sync(); err != nil {
				return err
			}
		}
		return nil
	}
	var next atomic.Int64
	var failed atomic.Pointer[error]
	work := func() {
		for i := next.Add(1) - 1; i < int64(len(files)); i = next.Add(1) - 1 {
			if err := files[i].sync(); err != nil {
				failed.CompareAndSwap(nil, &err)
				return
			}
		}
	}
	var others sync.WaitGroup
	for range min(syncAtOnce, len(files)) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

func (f *unsynced) sync() error {
	if f.size <= f.s.synced.Load() {
		return nil
	}
	return f.h.file.SyncData()
}

// syncNames makes the names of new files durable.
func (s *syncer) syncNames(r *syncRound) error {
	if r.dirs == 0 {
		return nil
	}
	for _, e := range r.logs {
		err := s.syncDirs(e.l, r.files[e.from:e.to])
		if err != nil && !e.l.deleted.Load() {
			return err
		}
	}
	return nil
}

// syncDirs makes the names of a log's new files durable.
func (s *syncer) syncDirs(l *Log, files []unsynced) error {
	if l.newDir.Load() {
		return s.dir.syncNewLog(l)
	}
	if slices.ContainsFunc(files, func(f unsynced) bool { return f.s.newFile.Load() }) {
		return s.dir.syncDir(l.path)
	}
	return nil
}

// syncDir makes the names in a directory durable. Where no descriptor is left to open it, the whole file system is
// synced, for which everything is open already: that a directory could not be opened says nothing about the disk.
func (d *Dir) syncDir(path string) error {
	err := d.fs.SyncDir(path)
	if !isOutOfFiles(err) {
		return err
	}
	d.files.shed()
	if err = d.fs.SyncDir(path); !isOutOfFiles(err) {
		return err
	}
	if serr := d.syncFS.SyncFS(); !errors.Is(serr, vfs.ErrUnsupported) {
		return serr
	}
	return err
}

// appendUnsynced adds the log's segments that hold bytes, or a name, which are not durable yet. They are the
// last ones: a segment is synced no later than the one after it. A file that no descriptor is left for is added without a handle, and is the
// error.
func (l *Log) appendUnsynced(files []unsynced) ([]unsynced, error) {
	segs := *l.segments.Load()
	first := len(segs)
	for first > 0 {
		s := segs[first-1]
		if s.size.Load() == s.synced.Load() && !s.newFile.Load() {
			break
		}
		first--
	}
	var unopened error
	for _, s := range segs[first:] {
		h, err := s.acquire(&l.dir.files)
		if errors.Is(err, errRemoved) || (err != nil && (s.removed.Load() || l.deleted.Load())) {
			continue
		}
		if isOutOfFiles(err) {
			unopened = err
		} else if err != nil {
			return files, err
		}
		files = append(files, unsynced{s: s, h: h, size: s.size.Load()})
	}
	return files, unopened
}

// synced notes what a sync has achieved. After a truncation since it began, positions and offsets mean
// something else, and nothing is noted.
func (l *Log) synced(files []unsynced, end int64, generation uint64) {
	l.durable.Lock()
	defer l.durable.Unlock()
	if generation != l.durable.generation {
		return
	}
	l.newDir.Store(false)
	for _, f := range files {
		f.s.newFile.Store(false)
		storeMax(&f.s.synced, f.size)
	}
	storeMax(&l.durable.flushed, end)
}
