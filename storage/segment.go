package storage

import (
	"errors"
	"fmt"
	"math"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/storage/index"
	"github.com/sordini/sordini/storage/vfs"
)

const (
	logSuffix = ".log"
	// endsKept is how many ends of appends an active segment remembers, so that a read up to a recent
	// high watermark knows its file position without a lookup.
	endsKept = 64
	// kafkaEntryBytes is what an entry takes in Kafka's offset index.
	kafkaEntryBytes = 8
)

// segment is one file of a log. The last of a log takes appends; the others never change, until they are
// deleted or replaced.
type segment struct {
	base int64
	path string
	fs   vfs.FS

	handle atomic.Pointer[handle]
	used   atomic.Bool // read since the file cache's hand passed
	cached bool        // under fileCache.mu
	pinned atomic.Bool // takes appends: the file stays open

	// size is the length of the whole batches written, and synced how much of it is known to be durable.
	size, synced atomic.Int64
	// newFile: the file's directory entry has not been made durable.
	newFile atomic.Bool
	removed atomic.Bool // out of the log's list, by retention, truncation or deletion
	left    atomic.Bool // compaction found something in it that it cannot read
	// checkedMs is when a read that met damage last had the whole segment checked.
	checkedMs atomic.Int64

	mu struct {
		sync.Mutex
		facts index.Segment
		// entries is the index since the last chunk that was stored, or since the beginning.
		entries   []index.Entry
		lastEntry int64 // position of the last entry
		indexSize int64 // of Kafka's index: of all entries, stored or not
		onDisk    bool  // chunks of this segment are in the database
		indexed   bool  // the segment is closed, and everything about it is in the database
		ends      []end
		endsNext  int
	}
}

// errRemoved: the segment left the log while a reader was on its way to it. The log's list is newer.
var errRemoved = errors.New("storage: segment was removed")

// end is a batch boundary and its file position.
type end struct{ offset, pos int64 }

func segmentName(base int64) string { return fmt.Sprintf("%020d%s", base, logSuffix) }

// parseSegmentName accepts exactly Kafka's names: twenty digits and ".log".
func parseSegmentName(name string) (base int64, ok bool) {
	digits, found := strings.CutSuffix(name, logSuffix)
	if !found || len(digits) != 20 {
		return 0, false
	}
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return 0, false
		}
		if base > (math.MaxInt64-int64(c-'0'))/10 {
			return 0, false
		}
		base = base*10 + int64(c-'0')
	}
	return base, true
}

func newSegment(fs vfs.FS, dir string, base int64) *segment {
	s := &segment{base: base, path: fs.PathJoin(dir, segmentName(base)), fs: fs}
	s.mu.facts = emptyFacts(base)
	return s
}

func emptyFacts(base int64) index.Segment {
	return index.Segment{Base: base, NextOffset: base, MaxTimestamp: -1, FirstTimestamp: -1}
}

// acquire returns the open file with a reference for the caller. cache is where a file that has to be
// opened is registered.
func (s *segment) acquire(cache *fileCache) (*handle, error) {
	for {
		if h := s.handle.Load(); h != nil {
			if h.retain() {
				s.used.Store(true)
				return h, nil
			}
			continue // evicted in this moment: the pointer changes before the reference is dropped
		}
		if s.removed.Load() {
			return nil, errRemoved
		}
		f, err := openLogFile(s.fs, cache, s.path, false)
		if err != nil {
			return nil, fmt.Errorf("open segment %d: %w", s.base, err)
		}
		h := newHandle(f, s.path)
		h.retain()
		if !s.handle.CompareAndSwap(nil, h) {
			h.release()
			h.release()
			continue
		}
		if s.removed.Load() {
			// The path may be another segment's by now: one that begins at the same offset after a truncation.
			h.release()
			s.close(cache)
			return nil, errRemoved
		}
		s.used.Store(true)
		cache.add(s)
		return h, nil
	}
}

// openLogFile opens a segment file. Where no descriptor is left, it takes those of segments that are not in use.
func openLogFile(fsys vfs.FS, cache *fileCache, path string, create bool) (vfs.File, error) {
	f, err := fsys.OpenLogFile(path, create)
	if isOutOfFiles(err) {
		cache.shed()
		f, err = fsys.OpenLogFile(path, create)
	}
	return f, err
}

// activate opens the file for good: it stays open as long as the segment takes appends. The handle that is
// returned is the segment's own.
func (s *segment) activate(cache *fileCache) (*handle, error) {
	s.pinned.Store(true)
	cache.forget(s) // from here on nobody evicts it
	h, err := s.acquire(cache)
	if err != nil {
		return nil, err
	}
	h.release()
	return h, nil
}

// close lets go of the segment's own reference to its file. Readers that have one keep it open.
func (s *segment) close(cache *fileCache) {
	cache.forget(s)
	if h := s.handle.Swap(nil); h != nil {
		h.release()
	}
}

// publish makes an append that was written at a position visible to lookups, and then to readers.
func (s *segment) publish(bufs [][]byte, at int64, interval int64, nowMs int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	pos := at
	for _, b := range bufs {
		s.noteLocked(batch.Batch(b), pos, interval)
		pos += int64(len(b))
	}
	s.mu.facts.LastModifiedMs = nowMs
	s.endLocked(end{s.mu.facts.NextOffset, pos})
	s.size.Store(pos)
}

// noteLocked takes one batch at a position into the index and the facts.
func (s *segment) noteLocked(b batch.Batch, pos, interval int64) {
	f := &s.mu.facts
	if pos-s.mu.lastEntry >= interval {
		s.mu.entries = append(s.mu.entries, index.Entry{
			Rel: uint32(b.BaseOffset() - s.base), Pos: uint32(pos), MaxTimestamp: f.MaxTimestamp,
		})
		s.mu.lastEntry = pos
		s.mu.indexSize += kafkaEntryBytes
	}
	ts := b.MaxTimestamp()
	if pos == 0 {
		f.FirstTimestamp = ts
	}
	if ts > f.MaxTimestamp && b.Count() > 0 { // compaction leaves headers without records
		f.MaxTimestamp, f.MaxTimestampPos = ts, pos
	}
	f.NextOffset = b.NextOffset()
	f.Size = pos + int64(len(b))
}

// endLocked remembers a boundary. The ring grows only on segments that see many appends.
func (s *segment) endLocked(e end) {
	if len(s.mu.ends) < endsKept {
		s.mu.ends = append(s.mu.ends, e)
		return
	}
	s.mu.ends[s.mu.endsNext] = e
	s.mu.endsNext = (s.mu.endsNext + 1) % endsKept
}

// endPosition returns the file position of a recent boundary.
func (s *segment) endPosition(offset int64) (pos int64, found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if offset == s.mu.facts.NextOffset {
		return s.mu.facts.Size, true
	}
	for i := len(s.mu.ends) - 1; i >= 0; i-- {
		if s.mu.ends[i].offset == offset {
			return s.mu.ends[i].pos, true
		}
	}
	return 0, false
}

// indexFull says whether Kafka's index of the segment would have no room for another entry.
func (s *segment) indexFull(limit int32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.indexSize+kafkaEntryBytes > int64(limit)
}

// info returns a copy of the facts.
func (s *segment) info() index.Segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.facts
}

// floor finds the last batch known to begin at or before offset: where a scan for it starts. The entries in
// memory answer for the tail, the database for what is older; the segment's beginning is always right.
func (s *segment) floor(db *index.DB, key index.Key, offset int64) (index.Entry, error) {
	first := index.Entry{MaxTimestamp: -1}
	if offset <= s.base {
		return first, nil
	}
	rel := uint32(min(offset-s.base, math.MaxUint32))
	s.mu.Lock()
	if e, ok := floorEntry(s.mu.entries, rel); ok {
		s.mu.Unlock()
		return e, nil
	}
	onDisk := s.mu.onDisk
	s.mu.Unlock()
	if !onDisk {
		return first, nil
	}
	chunk, err := db.Chunk(nil, key, s.base, rel)
	if err != nil {
		return first, fmt.Errorf("look up offset %d in segment %d: %w", offset, s.base, err)
	}
	if e, ok := floorEntry(chunk, rel); ok && s.inDatabase() {
		return e, nil
	}
	return first, nil
}

// ceiling finds the first entry at or behind a file position. The search begins with the entries for an offset before it.
func (s *segment) ceiling(db *index.DB, key index.Key, offset, pos int64) (index.Entry, bool, error) {
	s.mu.Lock()
	entries, onDisk := s.mu.entries, s.mu.onDisk
	s.mu.Unlock()
	i := sort.Search(len(entries), func(i int) bool { return int64(entries[i].Pos) >= pos })
	if i > 0 || !onDisk { // nothing older comes into question
		if i == len(entries) {
			return index.Entry{}, false, nil
		}
		return entries[i], true, nil
	}
	rel := uint32(min(max(offset-s.base, 0), math.MaxUint32))
	e, found, err := db.EntryAt(key, s.base, rel, pos)
	if err != nil {
		return e, false, fmt.Errorf("look up position %d in segment %d: %w", pos, s.base, err)
	}
	if found = found && s.inDatabase(); !found && i < len(entries) {
		return entries[i], true, nil
	}
	return e, found, nil
}

func floorEntry(entries []index.Entry, rel uint32) (index.Entry, bool) {
	i := sort.Search(len(entries), func(i int) bool { return entries[i].Rel > rel })
	if i == 0 {
		return index.Entry{}, false
	}
	return entries[i-1], true
}

// floorTimestamp finds where a scan for the first batch with a timestamp of at least ts can start.
func (s *segment) floorTimestamp(db *index.DB, key index.Key, ts int64) (index.Entry, error) {
	first := index.Entry{MaxTimestamp: -1}
	s.mu.Lock()
	if e, ok := floorTimestampEntry(s.mu.entries, ts); ok {
		s.mu.Unlock()
		return e, nil
	}
	onDisk := s.mu.onDisk
	s.mu.Unlock()
	if !onDisk {
		return first, nil
	}
	chunk, err := db.ChunkBefore(nil, key, s.base, ts)
	if err != nil {
		return first, fmt.Errorf("look up timestamp %d in segment %d: %w", ts, s.base, err)
	}
	if e, ok := floorTimestampEntry(chunk, ts); ok && s.inDatabase() {
		return e, nil
	}
	return first, nil
}

// inDatabase is asked after a lookup: compaction may meanwhile have replaced the segment, and what was found is then
// about the file that has its name now. The flag goes before the new entries come.
func (s *segment) inDatabase() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.onDisk
}

func floorTimestampEntry(entries []index.Entry, ts int64) (index.Entry, bool) {
	i := sort.Search(len(entries), func(i int) bool { return entries[i].MaxTimestamp >= ts })
	if i == 0 {
		return index.Entry{}, false
	}
	return entries[i-1], true
}
