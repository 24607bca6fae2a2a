package storage

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/sordini/sordini/storage/vfs"
)

// syncFilesMax is up to how many dirty files are synced one by one. Above, one syncfs is 25 to 35 times
// cheaper.
const syncFilesMax = 3

// syncer is the group commit of a directory: one goroutine that syncs every log that became dirty since it
// last looked, and then tells all of them. While it syncs, the next group gathers by itself.
type syncer struct {
	dir     *Dir
	fs      vfs.Syncer
	wakeups chan struct{} // one place: a wake-up that is not yet seen covers all later ones
	stop    chan struct{}
	done    chan struct{}
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
		for s.round() {
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
	_ = s.sync(logs) // a failure has taken the directory offline, and its logs answer for it
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
	l    *Log
	s    *segment
	h    *handle
	size int64
}

// sync makes everything that the logs hold at this moment durable, publishes it, and returns. It may be
// called from any goroutine, without locks. A failure takes the directory offline.
func (s *syncer) sync(logs []*Log) error {
	if err := s.dir.failure(); err != nil {
		return err
	}
	type point struct {
		end        int64
		generation uint64
	}
	points := make([]point, len(logs))
	var files []unsynced
	var err error
	dirs := 0
	for i, l := range logs {
		points[i].generation = l.durableGeneration()
		points[i].end = l.end.Load()
		n := len(files)
		if files, err = l.appendUnsynced(files); err != nil {
			break
		}
		for _, f := range files[n:] {
			if f.s.newFile.Load() {
				dirs++
			}
		}
		if l.newDir.Load() {
			dirs += 2
		}
	}
	defer func() {
		for _, f := range files {
			f.h.release()
		}
	}()
	if err == nil {
		err = s.syncFiles(logs, files, dirs)
	}
	if err != nil {
		err = fmt.Errorf("sync: %w", err)
		s.dir.fail(err)
		return s.dir.failure()
	}
	for _, f := range files {
		f.s.newFile.Store(false)
		storeMax(&f.s.synced, f.size)
	}
	for i, l := range logs {
		l.newDir.Store(false)
		l.raiseFlushed(points[i].end, points[i].generation)
		l.raiseDurable(points[i].end, points[i].generation)
	}
	return nil
}

func (s *syncer) syncFiles(logs []*Log, files []unsynced, dirs int) error {
	if len(files)+dirs > syncFilesMax {
		err := s.fs.SyncFS()
		if !errors.Is(err, vfs.ErrUnsupported) {
			return err
		}
	}
	for _, f := range files {
		if f.size > f.s.synced.Load() {
			if err := f.h.file.SyncData(); err != nil {
				return err
			}
		}
	}
	for i, f := range files {
		if f.s.newFile.Load() && (i == 0 || files[i-1].l != f.l || !files[i-1].s.newFile.Load()) {
			if err := s.dir.fs.SyncDir(f.l.path); err != nil && !f.l.deleted.Load() {
				return err
			}
		}
	}
	for _, l := range logs {
		if l.newDir.Load() {
			if err := s.dir.syncNewLog(l); err != nil && !l.deleted.Load() {
				return err
			}
		}
	}
	return nil
}

// appendUnsynced adds the log's segments that hold bytes, or a name, which are not durable yet. They are the
// last ones: a segment is synced no later than the one after it.
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
	for _, s := range segs[first:] {
		h, err := s.acquire(&l.dir.files)
		if errors.Is(err, errRemoved) || (err != nil && (s.removed.Load() || l.deleted.Load())) {
			continue
		}
		if err != nil {
			return files, err
		}
		files = append(files, unsynced{l: l, s: s, h: h, size: s.size.Load()})
	}
	return files, nil
}

// raiseFlushed is raiseDurable for what was really synced.
func (l *Log) raiseFlushed(offset int64, generation uint64) {
	l.durable.Lock()
	defer l.durable.Unlock()
	if generation == l.durable.generation && offset > l.durable.flushed.Load() {
		l.durable.flushed.Store(offset)
	}
}
