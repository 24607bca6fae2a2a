package storage

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
	"github.com/sordini/sordini/storage/vfs"
)

const rewriteBufferBytes = 1 << 20

// rewriter writes the new form of a segment.
type rewriter struct {
	c       *compaction
	s       *segment // old
	next    *segment // new; its facts and index grow with the file
	file    vfs.File
	buf     []byte
	written int64
	dropped bool
	builder batch.Builder
}

// rewrite replaces a segment by one without superseded records, if there are any. whole says that the
// segment need not be looked at again until tombstones are due. It returns the new size.
func (c *compaction) rewrite(s *segment, whole bool) (int64, error) {
	l := c.l
	w := &rewriter{c: c, s: s, next: newSegment(l.dir.fs, l.path, s.base), buf: make([]byte, 0, rewriteBufferBytes)}
	path := s.path + cleanedSuffix
	file, err := l.dir.fs.OpenLogFile(path, true)
	if err != nil {
		return 0, fmt.Errorf("create %s: %w", path, err)
	}
	w.file = file
	cleaned := s.info().CleanedMs
	err = file.Truncate(0)
	if err == nil {
		err = c.each(s, func(b batch.Batch, _ int64) error { return w.batch(b, cleaned) })
	}
	if err == nil {
		err = w.flush()
	}
	if err == nil && w.dropped {
		err = file.SyncData()
	}
	if err != nil || !w.dropped {
		_ = file.Close()
		_ = l.dir.fs.Remove(path)
		if err == nil {
			l.markCleaned(s, whole, c.nowMs)
		}
		return s.size.Load(), err
	}
	old := s.info()
	w.next.mu.facts.LastModifiedMs, w.next.mu.facts.NextOffset = old.LastModifiedMs, old.NextOffset
	if w.next.mu.facts.CleanedMs = old.CleanedMs; whole && old.CleanedMs == 0 {
		w.next.mu.facts.CleanedMs = max(c.nowMs, 1)
	}
	w.next.handle.Store(newHandle(file, s.path))
	return w.written, l.replace(s, w.next, path, c.generation)
}

// markCleaned notes that a segment was compacted and had nothing to lose.
func (l *Log) markCleaned(s *segment, whole bool, nowMs int64) {
	if !whole {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.facts.CleanedMs == 0 {
		s.mu.facts.CleanedMs, s.mu.indexed = max(nowMs, 1), false // for the next checkpoint
		l.changed.Store(true)
	}
}

// batch writes what is kept of one batch.
func (w *rewriter) batch(b batch.Batch, cleanedMs int64) error {
	if b.IsControl() || b.IsTransactional() || b.BaseOffset() >= w.c.end {
		return w.put(b)
	}
	kept, all := 0, true
	w.builder.Reset(optionsOf(b))
	err := w.c.records(w.s, b, func(rec *batch.Record) bool {
		if !w.c.keeps(rec, cleanedMs) {
			all = false
			return true
		}
		kept++
		w.builder.AddAt(int32(rec.Offset-b.BaseOffset()), rec.Timestamp, rec.Key, rec.Value, rec.Headers)
		return true
	})
	switch {
	case err != nil:
		return err
	case all && b.Count() > 0:
		return w.put(b)
	case kept == 0:
		if !w.mustStay(b) {
			w.dropped = true
			return nil
		}
		if b.Count() == 0 {
			return w.put(b)
		}
		w.dropped = true
		return w.put(emptied(b))
	}
	w.dropped = true
	out, err := w.builder.Build(nil)
	if err != nil {
		return fmt.Errorf("rebuild batch at offset %d: %w", b.BaseOffset(), err)
	}
	return w.put(withLastOffsetDelta(out, b.LastOffsetDelta()))
}

// mustStay says whether a batch without records is still needed: for the end offset of its segment, or for
// the sequence numbers of a producer.
func (w *rewriter) mustStay(b batch.Batch) bool {
	if b.NextOffset() >= w.s.info().NextOffset {
		return true
	}
	if !b.HasProducerID() {
		return false
	}
	state, known := w.c.l.ProducerState(b.ProducerID())
	batches := state.Batches()
	return known && len(batches) > 0 && batches[len(batches)-1].LastOffset == b.LastOffset()
}

func optionsOf(b batch.Batch) batch.Options {
	return batch.Options{
		Codec: b.Codec(), Level: codec.DefaultLevel, BaseOffset: b.BaseOffset(), PartitionLeaderEpoch: b.PartitionLeaderEpoch(),
		HasProducer: b.HasProducerID(), ProducerID: b.ProducerID(), ProducerEpoch: b.ProducerEpoch(),
		BaseSequence: b.BaseSequence(), LogAppendTime: b.IsLogAppendTime(), LogAppendTimeMs: b.MaxTimestamp(),
	}
}

// withLastOffsetDelta keeps the range of offsets, and so of sequences, that a batch was produced with.
func withLastOffsetDelta(b batch.Batch, delta int32) batch.Batch {
	const posLastOffsetDelta = 23
	binary.BigEndian.PutUint32(b[posLastOffsetDelta:], uint32(delta))
	b.RecomputeCRC()
	return b
}

// emptied is the header of a batch, as that of a batch without records.
func emptied(b batch.Batch) batch.Batch {
	const posLength, posAttributes, posCount = 8, 21, 57
	out := batch.Batch(slices.Clone(b[:batch.HeaderSize]))
	binary.BigEndian.PutUint32(out[posLength:], batch.HeaderSize-batch.LogOverhead)
	out[posAttributes+1] &^= codec.Mask
	binary.BigEndian.PutUint32(out[posCount:], 0)
	out.RecomputeCRC()
	return out
}

func (w *rewriter) put(b batch.Batch) error {
	pos := w.written + int64(len(w.buf))
	w.next.noteLocked(b, pos, int64(w.c.config.IndexIntervalBytes))
	w.buf = append(w.buf, b...)
	if len(w.buf) < rewriteBufferBytes {
		return nil
	}
	return w.flush()
}

func (w *rewriter) flush() error {
	if len(w.buf) == 0 {
		return nil
	}
	n, err := w.file.WriteVAt([][]byte{w.buf}, w.written)
	w.written += int64(n)
	w.buf = w.buf[:0]
	w.next.size.Store(w.written)
	w.next.synced.Store(w.written)
	return err
}

// replace puts the new form of a closed segment, which is written and synced, in the place of the old one:
// in the index first, which forgets the old one, then in the directory, then in memory. Readers that are in the
// old file stay there.
func (l *Log) replace(old, s *segment, path string, generation uint64) error {
	l.upkeep.Lock()
	defer l.upkeep.Unlock()
	if err := l.replaceable(old, generation); err != nil {
		s.close(&l.dir.files)
		_ = l.dir.fs.Remove(path) // and if not now, then when the log is opened
		return err
	}
	b := l.dir.index.NewBatch()
	b.DeleteSegment(l.key, old.base)
	if err := b.Commit(true); err != nil {
		s.close(&l.dir.files)
		_ = l.dir.fs.Remove(path)
		return err
	}
	old.mu.Lock()
	old.mu.onDisk, old.mu.indexed = false, false // until it is replaced, it is scanned from its beginning
	old.mu.Unlock()
	if err := l.dir.fs.Rename(path, old.path); err != nil {
		s.close(&l.dir.files)
		return fmt.Errorf("replace segment %d: %w", old.base, err)
	}
	if err := l.dir.syncDir(l.path); err != nil {
		l.dir.fail(fmt.Errorf("replace segment %d of %s: %w", old.base, l.name, err))
		return l.dir.failure()
	}
	l.swap(old, s)
	sp, _ := s.point(true)
	b = l.dir.index.NewBatch()
	sp.put(b, l.key)
	if err := b.Commit(false); err != nil {
		return err
	}
	sp.done()
	return nil
}

// replaceable says whether a segment still is the closed one that it was.
func (l *Log) replaceable(s *segment, generation uint64) error {
	if err := l.usable(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.removed.Load() || l.active() == s || l.durableGeneration() != generation {
		return errRemoved
	}
	return nil
}

func (l *Log) swap(old, s *segment) {
	l.mu.Lock()
	segs := slices.Clone(*l.segments.Load())
	segs[slices.Index(segs, old)] = s
	l.segments.Store(&segs)
	l.generation.Add(1)
	l.mu.Unlock()
	old.removed.Store(true)
	old.close(&l.dir.files)
	l.dir.files.add(s)
	l.changed.Store(true)
}
