package storage

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
	"github.com/sordini/sordini/storage/vfs"
)

const rewriteBufferBytes = 1 << 20

// Positions in a batch header that compaction writes.
const (
	posLength        = 8
	posAttributes    = 21
	posBaseTimestamp = 27
	posMaxTimestamp  = 35
	posCount         = 57
	// attrDeleteHorizon says that the base timestamp is when tombstones of the batch may go (KIP-534).
	attrDeleteHorizon = 0x40
)

// rewriter writes the new form of one or several neighbouring segments. As long as that would be the bytes of the only
// segment there is, it writes nothing: most segments of a log that was compacted before stay as they are.
type rewriter struct {
	c    *compaction
	s    *segment // the one that is being read
	end  int64    // where the last one ends
	next *segment // new; its facts and index grow with the file
	path string
	file vfs.File // nil as long as nothing differs
	same int64    // then the new file begins with that many bytes of the only old one

	buf, kept, built []byte
	written          int64
}

// rewrite replaces segments by one without superseded records, if there are any. It returns their sizes and its.
func (c *compaction) rewrite(group []*segment) (before, now int64, err error) {
	last := group[len(group)-1]
	facts := last.info()
	w := &rewriter{c: c, s: group[0], end: facts.NextOffset, next: newSegment(c.l.dir.fs, c.l.path, group[0].base)}
	w.path = group[0].path + cleanedSuffix
	if len(group) > 1 {
		err = w.begin()
	}
	whole := c.whole(last)
	cleaned := facts.CleanedMs
	if whole && cleaned == 0 {
		cleaned = max(c.nowMs, 1)
	}
	w.next.mu.facts.CleanedMs = cleaned
	for _, s := range group {
		if err != nil {
			break
		}
		before += s.size.Load()
		w.s = s
		w.next.mu.facts.LastModifiedMs = max(w.next.mu.facts.LastModifiedMs, s.info().LastModifiedMs)
		err = c.each(s, w.batch)
	}
	if err == nil && w.file == nil {
		c.l.markCleaned(group[0], whole, c.nowMs)
		return before, before, nil
	}
	if err == nil {
		err = w.finish()
	}
	if err != nil {
		w.abandon()
		return before, before, err
	}
	w.next.mu.facts.NextOffset = w.end
	w.next.handle.Store(newHandle(w.file, w.next.path))
	return before, w.written, c.l.replace(group, w.next, w.path, c.generation)
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

// begin creates the file, with what was the same so far.
func (w *rewriter) begin() error {
	file, err := openLogFile(w.c.l.dir.fs, &w.c.l.dir.files, w.path, true)
	if err != nil {
		return fmt.Errorf("create %s: %w", w.path, err)
	}
	w.file = file
	w.buf = make([]byte, 0, rewriteBufferBytes)
	if err := file.Truncate(0); err != nil {
		return err
	}
	if w.same == 0 {
		return nil
	}
	h, err := w.s.acquire(&w.c.l.dir.files)
	if err != nil {
		return w.c.l.readFailed(err)
	}
	defer h.release()
	for w.written < w.same {
		n := min(w.same-w.written, rewriteBufferBytes)
		if _, err := h.file.ReadAt(w.buf[:n], w.written); err != nil {
			return w.c.l.readFailed(err)
		}
		w.buf = w.buf[:n]
		if err := w.flush(); err != nil {
			return err
		}
	}
	return nil
}

func (w *rewriter) finish() error {
	if err := w.flush(); err != nil {
		return err
	}
	return w.file.SyncData()
}

func (w *rewriter) abandon() {
	if w.file != nil {
		_ = w.file.Close()
		_ = w.c.l.dir.fs.Remove(w.path) // and if not now, then when the log is opened
	}
}

// batch writes what is kept of one batch.
func (w *rewriter) batch(b batch.Batch, _ int64) error {
	if b.BaseOffset() >= w.c.end || (w.c.txns.unknown && (b.IsTransactional() || b.IsControl())) {
		return w.put(b, true)
	}
	if b.IsControl() {
		return w.control(b)
	}
	if b.IsTransactional() {
		gone, err := w.c.isAborted(w.s, b)
		if err != nil {
			return err
		}
		if gone {
			return w.drop(b)
		}
	}
	return w.data(b)
}

// data filters the records of a batch.
func (w *rewriter) data(b batch.Batch) error {
	kept, total, tombstones := int32(0), int32(0), false
	delta := int64(math.MinInt64)
	w.kept = w.kept[:0]
	err := w.c.records(w.s, b, func(rec *rawRecord) bool {
		total++
		if !w.keeps(b, rec) {
			return true
		}
		kept++
		tombstones = tombstones || !rec.hasValue
		delta = max(delta, rec.timestamp)
		w.kept = append(w.kept, rec.raw...)
		return true
	})
	if err != nil {
		return err
	}
	if kept == 0 {
		return w.drop(b)
	}
	horizon := tombstones && !hasHorizon(b) && b.NextOffset() <= w.c.end
	if kept == total && !horizon {
		return w.put(b, true)
	}
	if horizon {
		if err := w.shift(b.BaseTimestamp() - w.horizon()); err != nil {
			return err
		}
	}
	out, err := w.build(b, kept)
	if err != nil {
		return err
	}
	if !b.IsLogAppendTime() {
		binary.BigEndian.PutUint64(out[posMaxTimestamp:], uint64(b.BaseTimestamp()+delta))
	}
	if horizon {
		w.setHorizon(out)
	}
	out.RecomputeCRC()
	return w.put(out, false)
}

// keeps says whether compaction keeps a record of a batch below the end of what was learnt.
func (w *rewriter) keeps(b batch.Batch, rec *rawRecord) bool {
	offset := b.BaseOffset() + int64(rec.offset)
	if offset >= w.c.end {
		return true
	}
	if rec.key == nil {
		return false // a compacted topic does not take them; they are of a time before it was one
	}
	if last, known := w.c.latest.get(rec.key); known && last > offset {
		return false
	}
	return rec.hasValue || !w.due(b)
}

// control keeps a control batch, unless it ends a transaction of which nothing is left and everybody who
// was reading then has seen it.
func (w *rewriter) control(b batch.Batch) error {
	empty := w.c.txns.endsEmpty(b)
	if !empty || b.NextOffset() > w.c.end {
		return w.put(b, true)
	}
	if hasHorizon(b) {
		if w.due(b) && !w.mustStay(b) {
			return w.leaveOut()
		}
		return w.put(b, true)
	}
	w.kept = append(w.kept[:0], b.Payload()...)
	if b.Codec() != codec.None {
		return w.put(b, true) // nobody writes such
	}
	if err := w.shift(b.BaseTimestamp() - w.horizon()); err != nil {
		return err
	}
	out, err := w.build(b, b.Count())
	if err != nil {
		return err
	}
	w.setHorizon(out)
	out.RecomputeCRC()
	return w.put(out, false)
}

func hasHorizon(b batch.Batch) bool { return b[posAttributes+1]&attrDeleteHorizon != 0 }

func (w *rewriter) due(b batch.Batch) bool { return hasHorizon(b) && w.c.nowMs > b.BaseTimestamp() }

// horizon is when what is marked now may go.
func (w *rewriter) horizon() int64 {
	if retention := max(w.c.config.DeleteRetentionMs, 0); w.c.nowMs <= math.MaxInt64-retention {
		return w.c.nowMs + retention
	}
	return math.MaxInt64
}

func (w *rewriter) setHorizon(b batch.Batch) {
	b[posAttributes+1] |= attrDeleteHorizon
	binary.BigEndian.PutUint64(b[posBaseTimestamp:], uint64(w.horizon()))
}

// shift writes the kept records again with timestamps relative to another base.
func (w *rewriter) shift(by int64) error {
	old := w.kept
	w.kept = make([]byte, 0, len(old)+len(old)/8+64)
	for len(old) > 0 {
		rec, rest, err := nextRecord(old)
		if err != nil {
			return err
		}
		w.kept = rec.appendShifted(w.kept, rec.timestamp+by)
		old = rest
	}
	return nil
}

// build makes a batch of the kept records, with the offsets and sequences of the old one. It is valid until the next.
func (w *rewriter) build(b batch.Batch, count int32) (batch.Batch, error) {
	w.built = append(w.built[:0], b[:batch.HeaderSize]...)
	var err error
	if b.Codec() == codec.None {
		w.built = append(w.built, w.kept...)
	} else if w.built, err = codec.Compress(w.built, w.kept, b.Codec(), codec.DefaultLevel); err != nil {
		return nil, fmt.Errorf("rebuild batch at offset %d: %w", b.BaseOffset(), err)
	}
	if len(w.built) > math.MaxInt32 {
		return nil, fmt.Errorf("rebuild batch at offset %d: %w", b.BaseOffset(), batch.ErrFull)
	}
	out := batch.Batch(w.built)
	binary.BigEndian.PutUint32(out[posLength:], uint32(len(out)-batch.LogOverhead))
	binary.BigEndian.PutUint32(out[posCount:], uint32(count))
	return out, nil
}

// drop leaves a batch out of which nothing is kept, or keeps its header.
func (w *rewriter) drop(b batch.Batch) error {
	if w.neededByProducer(b) {
		if b.Count() == 0 {
			return w.put(b, true)
		}
		return w.put(emptied(b), false)
	}
	if b.NextOffset() < w.end {
		return w.leaveOut()
	}
	if b.Count() == 0 && !b.HasProducerID() {
		return w.put(b, true)
	}
	return w.put(anonymous(emptied(b)), false)
}

// leaveOut makes sure that there is a new file, now that it differs.
func (w *rewriter) leaveOut() error {
	if w.file == nil {
		return w.begin()
	}
	return nil
}

// mustStay says whether a batch without records is still needed: for the end offset of its segment, or by its producer.
func (w *rewriter) mustStay(b batch.Batch) bool {
	return b.NextOffset() >= w.end || w.neededByProducer(b)
}

// neededByProducer says whether a start without index needs the batch to know a producer's epoch and last sequence.
func (w *rewriter) neededByProducer(b batch.Batch) bool {
	if !b.HasProducerID() {
		return false
	}
	state, known := w.c.l.ProducerState(b.ProducerID())
	if !known {
		return false
	}
	batches := state.Batches()
	if b.IsControl() {
		return len(batches) == 0
	}
	return len(batches) > 0 && batches[len(batches)-1].LastOffset == b.LastOffset()
}

// emptied is the header of a batch, as that of a batch without records.
func emptied(b batch.Batch) batch.Batch {
	out := batch.Batch(slices.Clone(b[:batch.HeaderSize]))
	binary.BigEndian.PutUint32(out[posLength:], batch.HeaderSize-batch.LogOverhead)
	out[posAttributes+1] &^= codec.Mask | attrDeleteHorizon
	binary.BigEndian.PutUint32(out[posCount:], 0)
	out.RecomputeCRC()
	return out
}

// anonymous takes the producer out of a header that only keeps an end offset: its transaction may be forgotten.
func anonymous(b batch.Batch) batch.Batch {
	const posProducerID, producerBytes = 43, 8 + 2 + 4
	for i := range producerBytes {
		b[posProducerID+i] = 0xff // id, epoch and sequence are -1
	}
	b[posAttributes+1] &^= batch.AttrTransactional
	b.RecomputeCRC()
	return b
}

// put takes a batch into the new segment. same says that it is as it was.
func (w *rewriter) put(b batch.Batch, same bool) error {
	w.c.txns.keep(b)
	if w.file == nil && !same {
		if err := w.begin(); err != nil {
			return err
		}
	}
	pos := w.same
	if w.file != nil {
		pos = w.written + int64(len(w.buf))
	}
	w.next.noteLocked(b, pos, int64(w.c.config.IndexIntervalBytes))
	if w.file == nil {
		w.same += int64(len(b))
		return nil
	}
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
	if err != nil {
		return err
	}
	return w.c.io.spent(w.c.ctx, int64(n))
}
