package storage

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/storage/index"
	"github.com/sordini/sordini/storage/producer"
	"github.com/sordini/sordini/storage/vfs"
)

// recovery rebuilds a log from its files and from what the index knows of them.
//
// What the index has facts about was synced before the facts were committed: it is trusted, and damage there
// is reported, not cut. The rest is scanned and checked, and cut at the first byte that is not a valid batch:
// that is what a crash may have torn. Producers and leader epochs are known as of the recovery point, and are
// brought up to date from the batches after it.
type recovery struct {
	l         *Log
	known     index.Loaded
	facts     map[int64]index.Segment
	producers *producer.Table
	epochs    []index.Epoch
	// from is the offset from which on batches are applied to producers and epochs.
	from    int64
	scanned int64 // bytes
	lost    bool  // the index is new, or what it had of this log is damaged: then a gap in the log is not a torn tail
	stale   bool  // the index has entries that must go before new ones are written
	cut     bool
	aborted []AbortedTxn // that ended at or above from
}

func (r *recovery) run(names []string) error {
	bases, err := r.segmentFiles(names)
	if err != nil {
		return err
	}
	if err := r.begin(bases); err != nil {
		return err
	}
	bases = r.dropBelowStart(bases)
	l := r.l
	segs, err := r.segments(bases)
	if err != nil {
		for _, s := range segs {
			s.close(&l.dir.files)
		}
		return err
	}
	active := segs[len(segs)-1]
	l.segments.Store(&segs)
	if _, err := active.activate(&l.dir.files); err != nil {
		return err
	}
	l.start.Store(max(l.start.Load(), segs[0].base))
	end := r.end(active)
	active.mu.facts.NextOffset = end
	l.end.Store(end)
	l.durable.offset.Store(end)
	l.durable.flushed.Store(end)
	l.mu.producers = r.producers
	// Epochs may have been stored that began in what a crash has taken.
	r.epochs = truncateEpochsEnd(r.epochs, end)
	l.epochs.Store(&r.epochs)
	l.noteUnstableLocked()
	if err := r.abortedTxns(); err != nil {
		return err
	}
	l.changed.Store(r.scanned > 0 || r.cut || r.stale)
	l.loadDamage(r.known.Damage)
	return r.cleanIndex(segs)
}

// segmentFiles returns the base offsets of the segment files, in order, and removes what an unfinished
// compaction left.
func (r *recovery) segmentFiles(names []string) ([]int64, error) {
	var bases []int64
	for _, name := range names {
		if base, ok := parseSegmentName(name); ok {
			bases = append(bases, base)
			continue
		}
		if strings.HasSuffix(name, cleanedSuffix) {
			if err := r.l.dir.fs.Remove(r.l.dir.fs.PathJoin(r.l.path, name)); err != nil {
				return nil, fmt.Errorf("remove unfinished compaction: %w", err)
			}
		}
	}
	slices.Sort(bases)
	return bases, nil
}

// begin takes over what the index knows as of the recovery point.
func (r *recovery) begin(bases []int64) error {
	l := r.l
	r.facts = make(map[int64]index.Segment, len(r.known.Segments))
	for _, f := range r.known.Segments {
		r.facts[f.Base] = f
	}
	state := r.known.State
	if state == nil {
		return nil
	}
	l.start.Store(state.LogStart)
	l.mu.recovery = state.RecoveryPoint
	r.epochs = state.Epochs
	for _, s := range slices.Backward(r.known.Snapshots) {
		if s.Offset > state.RecoveryPoint {
			continue
		}
		table, err := producer.ReadSnapshot(s.Bytes)
		if err != nil {
			l.dir.config.Logger.Error("producer snapshot is damaged", "log", l.name, "offset", s.Offset, "error", err)
			continue
		}
		r.producers, r.from = table, s.Offset
		l.lastSnapshot = s.Offset
		break
	}
	// Epochs that are known and are met again by the replay change nothing.
	return r.checkPresent(bases, state)
}

// checkPresent refuses a log of which files are missing that the index vouches for. To go on with less
// would give offsets that were acknowledged to other records. Removing the index accepts what is there.
func (r *recovery) checkPresent(bases []int64, state *index.LogState) error {
	missing := func(base int64, reason string) error {
		return &CorruptError{
			Dir: r.l.path, Segment: segmentName(base), Position: -1, Reason: reason,
			Topic: r.l.partition.Topic, Partition: r.l.partition.Index,
		}
	}
	for _, f := range r.known.Segments {
		if f.NextOffset <= state.LogStart || f.NextOffset == f.Base {
			continue
		}
		if len(bases) > 0 && f.NextOffset <= bases[0] {
			continue // deleted by retention, and the index is an older copy
		}
		if !slices.Contains(bases, f.Base) {
			return missing(f.Base, "the file is missing")
		}
	}
	if len(bases) == 0 && state.RecoveryPoint > state.LogStart {
		return missing(state.LogStart, "all files are missing")
	}
	return nil
}

// dropBelowStart unlinks segments that end at or below the log start: their deletion was committed to the
// index and not finished.
func (r *recovery) dropBelowStart(bases []int64) []int64 {
	l := r.l
	for len(bases) > 1 && bases[1] <= l.start.Load() {
		path := l.dir.fs.PathJoin(l.path, segmentName(bases[0]))
		l.dir.work.add(func() { _ = l.dir.fs.Remove(path) })
		r.stale = true
		bases = bases[1:]
	}
	return bases
}

// segments opens and recovers each file. The result has at least one segment, and is not sorted out when
// there is an error.
func (r *recovery) segments(bases []int64) ([]*segment, error) {
	l := r.l
	var segs []*segment
	for i, base := range bases {
		if len(segs) > 0 {
			end := r.end(segs[len(segs)-1])
			if base < end && r.merged(bases[i:], end) {
				if err := r.removeMerged(base); err != nil {
					return segs, err
				}
				continue
			}
			if base != end && r.endsHere(base, end) {
				return segs, r.removeFrom(bases[i:], end)
			} else if base < end {
				return segs, l.corrupt(segs[len(segs)-1], -1, "it ends at offset %d, and the next begins at %d", end, base)
			}
		}
		if n := len(segs); n > 0 && segs[n-1].handle.Load() != nil {
			l.dir.files.add(segs[n-1]) // it has one after it, so it takes no appends
		}
		s := newSegment(l.dir.fs, l.path, base)
		segs = append(segs, s)
		next := int64(-1)
		if i+1 < len(bases) {
			next = bases[i+1]
		}
		whole, err := r.segment(s, next)
		if err != nil {
			return segs, err
		}
		if !whole {
			return segs, r.removeFrom(bases[i+1:], r.end(s))
		}
	}
	if len(segs) > 0 {
		return segs, nil
	}
	s := newSegment(l.dir.fs, l.path, l.start.Load())
	if err := l.createLocked(s); err != nil {
		return segs, err
	}
	return append(segs, s), nil
}

// end is the end offset of what was recovered so far. A log start above the last batch is of a truncation
// inside of a batch, or of a tail that a crash has taken: offsets below it are not given again.
func (r *recovery) end(s *segment) int64 { return max(s.info().NextOffset, r.l.start.Load()) }

// endsHere says whether a segment that does not begin where the one before it ends is the other side of a
// torn tail: above the recovery point of an index that was there all the time.
func (r *recovery) endsHere(base, end int64) bool {
	_, known := r.facts[base]
	return base > end && !known && !r.lost && end >= r.l.mu.recovery
}

// merged says whether the first of some segments is one that compaction has merged into the one before and not unlinked
// any more: that one has everything of it, the index has forgotten it, and the log goes on where that one ends.
func (r *recovery) merged(bases []int64, end int64) bool {
	_, known := r.facts[bases[0]]
	return !known && slices.Contains(bases, end)
}

func (r *recovery) removeMerged(base int64) error {
	r.stale, r.cut = true, true
	if err := r.l.dir.fs.Remove(r.l.dir.fs.PathJoin(r.l.path, segmentName(base))); err != nil {
		return fmt.Errorf("remove segment %d, which was merged: %w", base, err)
	}
	return nil
}

// removeFrom unlinks the segments after a cut.
func (r *recovery) removeFrom(bases []int64, end int64) error {
	for _, base := range slices.Backward(bases) {
		r.l.dir.config.Logger.Warn("segment after a torn one is removed", "log", r.l.name, "base_offset", base, "log_end", end)
		if err := r.l.dir.fs.Remove(r.l.dir.fs.PathJoin(r.l.path, segmentName(base))); err != nil {
			return fmt.Errorf("remove segment %d: %w", base, err)
		}
		r.cut, r.stale = true, true
	}
	return nil
}

// segment recovers one file. next is where the segment after it begins, -1 for the last. It says whether the file is
// whole, that is, no batch had to be cut.
func (r *recovery) segment(s *segment, next int64) (whole bool, err error) {
	last := next < 0
	info, err := r.l.dir.fs.Stat(s.path)
	if err != nil {
		return false, fmt.Errorf("size of segment %d: %w", s.base, err)
	}
	size := info.Size()
	if size > math.MaxUint32 {
		// Positions have four bytes. segment.bytes has no larger value, so this was never a segment of a Kafka.
		return false, r.l.corrupt(s, math.MaxUint32, "the file has %d bytes", size)
	}
	facts, known := r.facts[s.base]
	if known && facts.Size > size {
		return false, r.l.corrupt(s, size, "the file ends here, and had %d bytes when they were synced", facts.Size)
	}
	if known && facts.Size == size && facts.NextOffset <= r.from && !last {
		// The ordinary case of a closed segment: its file need not even be opened.
		s.mu.facts, s.mu.onDisk, s.mu.indexed, s.mu.lastEntry = facts, true, true, size
		s.size.Store(size)
		s.synced.Store(size)
		return true, nil
	}
	f, err := r.l.dir.fs.OpenLogFile(s.path, false)
	if err != nil {
		return false, fmt.Errorf("open segment %d: %w", s.base, err)
	}
	s.handle.Store(newHandle(f, s.path))
	if known {
		s.mu.facts, s.mu.onDisk, s.mu.lastEntry = facts, true, facts.Size
		s.mu.indexed = !last && facts.Size == size
		// How many entries are stored is not worth a lookup: this is as many as there can be.
		s.mu.indexSize = facts.Size / int64(r.l.config.Load().IndexIntervalBytes) * kafkaEntryBytes
		s.size.Store(facts.Size)
		if err := r.replay(s); err != nil {
			return false, err
		}
	} else {
		r.stale = true
		s.newFile.Store(!r.l.foundSynced)
	}
	if s.mu.facts.Size < size {
		return r.scan(s, f, size, next)
	}
	s.synced.Store(size)
	return true, nil
}

// replay applies the trusted batches at and above r.from, of which only the headers are read.
func (r *recovery) replay(s *segment) error {
	if s.mu.facts.NextOffset <= r.from {
		return nil
	}
	return r.l.walk(s, max(r.from, s.base), func(b batch.Batch, _ int64) error {
		r.apply(b)
		return nil
	})
}

func (r *recovery) apply(b batch.Batch) {
	r.epochs = assignEpoch(r.epochs, b.PartitionLeaderEpoch(), b.BaseOffset())
	if b.HasProducerID() && b.BaseOffset() >= r.from {
		pb := producerBatch(b, b.BaseOffset())
		if done, ended := r.producers.Apply(&pb, r.l.dir.config.Clock()); ended && done.Aborted {
			r.aborted = append(r.aborted, abortedTxn(done))
		}
	}
}

// abortedTxns takes over what the database has below the offset from which on batches were applied.
func (r *recovery) abortedTxns() error {
	a := &r.l.aborted
	state := r.known.State
	if state == nil {
		a.only(r.aborted)
		return nil
	}
	a.claimed = state.AbortedEnd
	a.stored.Store(state.AbortedEnd)
	if state.AbortedEnd <= r.from {
		a.set(r.aborted)
		return nil
	}
	all, err := r.l.abortedBelow(r.from)
	if err != nil {
		return err
	}
	a.only(append(all, r.aborted...))
	return nil
}

// scan checks the bytes that the index does not vouch for, and cuts what is not valid.
func (r *recovery) scan(s *segment, f vfs.File, size, next int64) (whole bool, err error) {
	l := r.l
	l.dir.scans <- struct{}{}
	defer func() { <-l.dir.scans }()
	sc := newScanner(f, s.base, s.mu.facts.Size, size, s.mu.facts.NextOffset, nil)
	interval := int64(l.config.Load().IndexIntervalBytes)
	var stop error
	for stop == nil {
		pos := sc.pos
		var b batch.Batch
		if b, stop = sc.scan(); stop != nil {
			break
		}
		s.noteLocked(b, pos, interval)
		r.apply(b)
	}
	r.scanned += sc.pos - s.size.Load()
	s.size.Store(sc.pos)
	s.mu.facts.LastModifiedMs = l.dir.config.Clock()
	if errors.Is(stop, io.EOF) {
		s.synced.Store(l.syncedSize(size))
		return true, nil
	}
	if !errors.Is(stop, errInvalid) {
		return false, stop
	}
	// A segment that ends where the next one begins has all its batches: what is behind them was left by a write that failed.
	complete := s.mu.facts.NextOffset == next
	if !complete && (r.end(s) < l.mu.recovery || (r.lost && next >= 0)) {
		return false, l.corrupt(s, sc.pos, "%v", stop)
	}
	l.dir.config.Logger.Warn("torn tail is cut", "log", l.name, "segment", segmentName(s.base), "position", sc.pos,
		"bytes", size-sc.pos, "log_end", s.mu.facts.NextOffset, "reason", stop.Error())
	if err := f.Truncate(sc.pos); err != nil {
		return false, fmt.Errorf("cut segment %d: %w", s.base, err)
	}
	s.synced.Store(l.syncedSize(sc.pos))
	if complete {
		return true, nil
	}
	r.cut = true
	return false, nil
}

// cleanIndex removes entries about what is no longer there, before anything new is appended.
func (r *recovery) cleanIndex(segs []*segment) error {
	if !r.stale {
		return nil
	}
	b := r.l.dir.index.NewBatch()
	have := make(map[int64]bool, len(segs))
	for _, s := range segs {
		have[s.base] = true
		if !s.mu.onDisk {
			b.DeleteSegment(r.l.key, s.base)
		}
	}
	for _, f := range r.known.Segments {
		if !have[f.Base] {
			b.DeleteSegment(r.l.key, f.Base)
		}
	}
	return b.Commit(false)
}

// syncedSize is how much of a scanned file of this size is durable.
func (l *Log) syncedSize(size int64) int64 {
	if l.foundSynced {
		return size
	}
	return 0
}
