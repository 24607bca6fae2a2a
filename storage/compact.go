package storage

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
)

// Compaction keeps, of every key, the last record, as Kafka's cleaner does. A pass learns the last offset of each key
// in the segments that were never compacted, as far as the memory for keys goes, and then rewrites everything up to
// there: small neighbours into one segment of at most segment.bytes, records with their offsets, batches with theirs. A
// batch of which nothing is left goes, except for the last one of the new segment and the last one of a producer, of which the
// header stays. Tombstones, and markers of transactions that are empty, get a delete horizon when they are first met
// (KIP-534), and go with the first pass after it.

// cleanedSuffix marks the new form of segments while compaction writes it.
const cleanedSuffix = ".cleaned"

// CleanerConfig bounds what compaction takes.
type CleanerConfig struct {
	// DedupeBufferBytes is log.cleaner.dedupe.buffer.size: the memory for keys, 24 bytes each. 0: the default.
	DedupeBufferBytes int64
	// IOMaxBytesPerSecond is log.cleaner.io.max.bytes.per.second, of reads and writes together; 0: no limit.
	IOMaxBytesPerSecond int64
	// Threads is log.cleaner.threads: how many logs are compacted at once. They share the memory and the rate. 0: one.
	Threads int
}

const defaultDedupeBufferBytes = 32 << 20

// Compacted is what RunCompaction did.
type Compacted struct {
	Logs, Segments        int
	BytesBefore, BytesNow int64
}

// SetCleaner replaces the bounds of compaction from its next pass on.
func (d *Dir) SetCleaner(c CleanerConfig) { d.cleaner.Store(&c) }

// RunCompaction goes over all logs that are compacted and have become dirty enough, once. It is for the
// broker's timer; only one pass runs at a time. It ends soon after ctx, or Close, and what it has not replaced by then
// is as it was.
func (d *Dir) RunCompaction(ctx context.Context, nowMs int64) (Compacted, error) {
	if err := d.enter(); err != nil {
		return Compacted{}, err
	}
	defer d.leave()
	d.compacting.Lock()
	defer d.compacting.Unlock()
	cleaner := *d.cleaner.Load()
	if cleaner.DedupeBufferBytes <= 0 {
		cleaner.DedupeBufferBytes = defaultDedupeBufferBytes
	}
	cleaner.Threads = max(cleaner.Threads, 1)
	cleaner.DedupeBufferBytes /= int64(cleaner.Threads)
	cleaner.IOMaxBytesPerSecond = (cleaner.IOMaxBytesPerSecond + int64(cleaner.Threads) - 1) / int64(cleaner.Threads)
	logs := slices.DeleteFunc(d.openLogs(), func(l *Log) bool { return !l.config.Load().Compact })
	var next atomic.Int64
	var sum Compacted
	var sumMu sync.Mutex
	var errs []error
	work := func() {
		io := &throttle{bytesPerSecond: cleaner.IOMaxBytesPerSecond}
		for i := next.Add(1) - 1; i < int64(len(logs)); i = next.Add(1) - 1 {
			if ctx.Err() != nil || d.failure() != nil || d.mayGrow(logs[i].config.Load()) != nil {
				return // and what is left of a full disk is not for a copy
			}
			done, err := d.compactLog(logs[i], compaction{ctx: ctx, io: io, nowMs: nowMs, cleaner: cleaner})
			sumMu.Lock()
			sum.add(done)
			errs = append(errs, err)
			sumMu.Unlock()
		}
	}
	var others sync.WaitGroup
	for range min(cleaner.Threads, len(logs)) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
	return sum, errors.Join(append(errs, ctx.Err(), d.failure())...)
}

func (c *Compacted) add(o Compacted) {
	c.Logs += o.Logs
	c.Segments += o.Segments
	c.BytesBefore += o.BytesBefore
	c.BytesNow += o.BytesNow
}

// compactLog compacts one log. A segment in which the pass meets something that cannot be read is left as it is, from then on,
// and the pass begins anew without it.
func (d *Dir) compactLog(l *Log, c compaction) (sum Compacted, err error) {
	for {
		pass := c
		pass.l, pass.config = l, l.config.Load()
		err = pass.run(&sum)
		var unreadable *unreadableError
		if !errors.As(err, &unreadable) {
			break
		}
		if unreadable.s.removed.Load() || l.durableGeneration() != pass.generation {
			err = errRemoved // it was cut while it was read
			break
		}
		if unreadable.s.left.Swap(true) {
			break
		}
		d.config.Logger.Error("compaction leaves a segment as it is", "log", l.name, "segment", segmentName(unreadable.s.base), "error", unreadable.cause)
		check := segmentCheck{ctx: c.ctx, io: c.io}
		if _, err = check.run(l, unreadable.s); err != nil {
			break
		}
	}
	if err == nil || errors.Is(err, ErrClosed) || errors.Is(err, errRemoved) {
		return sum, nil
	}
	err = fmt.Errorf("compaction of %s: %w", l.name, err)
	if isDiskFull(err) {
		d.diskFull(err, 0)
		err = fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	return sum, err
}

// unreadableError says that a segment holds a batch that compaction cannot take apart.
type unreadableError struct {
	s     *segment
	cause error
}

func (e *unreadableError) Error() string { return e.cause.Error() }
func (e *unreadableError) Unwrap() error { return e.cause }

// compaction is one pass over one log.
type compaction struct {
	l       *Log
	ctx     context.Context // of the pass, which is a call
	io      *throttle
	cleaner CleanerConfig
	config  *LogConfig
	nowMs   int64
	// generation is that of the log when the pass began: a truncation since then ends it.
	generation uint64
	// latest has the offset of each key's last record among those below end.
	latest *keyMap
	end    int64
	txns   txnCleaner

	scanBuf, payload []byte // used again and again
}

func (c *compaction) run(sum *Compacted) error {
	l := c.l
	if err := l.usable(); err != nil {
		return err
	}
	c.generation = l.durableGeneration()
	segs := l.compactable(c.config, c.nowMs)
	// Where something cannot be read, nobody knows which transactions ended there, and how.
	c.txns.unknown = slices.ContainsFunc(*l.segments.Load(), l.isLeft)
	segs = slices.DeleteFunc(slices.Clone(segs), l.isLeft)
	dirty := firstDirty(segs)
	if dirty == len(segs) || !dirtyEnough(c.config, segs, dirty, c.nowMs) {
		return nil
	}
	c.latest = newKeyMap(c.cleaner.DedupeBufferBytes)
	c.end = max(l.cleanedTo.Load(), segs[dirty].base)
	covered := dirty
	for full := false; covered < len(segs) && !full; covered++ {
		var err error
		if full, err = c.learn(segs[covered]); err != nil {
			return err
		}
	}
	sum.Logs++
	for rest := segs[:covered]; len(rest) > 0; {
		n := c.group(rest)
		before, now, err := c.rewrite(rest[:n])
		if err != nil {
			return err
		}
		sum.Segments += n
		sum.BytesBefore += before
		sum.BytesNow += now
		rest = rest[n:]
	}
	storeMax(&l.cleanedTo, c.end)
	return nil
}

// isLeft says whether compaction passes a segment over.
func (l *Log) isLeft(s *segment) bool { return s.left.Load() || len(l.damageIn(s)) > 0 }

// goesOn says why the pass has to end, if so.
func (c *compaction) goesOn() error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	return c.l.usable()
}

// whole says that everything in a segment was learnt or is clean: it need not be looked at again by itself.
func (c *compaction) whole(s *segment) bool { return c.end >= s.info().NextOffset }

// group says how many of the first segments become one. As in Kafka the sizes are those before: what shrinks now is
// merged the next time.
func (c *compaction) group(segs []*segment) int {
	size := segs[0].size.Load()
	n := 1
	for ; n < len(segs) && c.whole(segs[n]) && segs[n-1].info().NextOffset == segs[n].base; n++ {
		size += segs[n].size.Load()
		if size > int64(c.config.SegmentBytes) || segs[n].info().NextOffset-segs[0].base > math.MaxInt32 {
			break
		}
	}
	return n
}

// compactable returns the closed segments that may be compacted: durable, below every open transaction, and
// older than the minimum lag.
func (l *Log) compactable(config *LogConfig, nowMs int64) []*segment {
	segs := *l.segments.Load()
	limit := min(l.durable.offset.Load(), l.LastStableOffset())
	n := 0
	for n < len(segs)-1 {
		facts := segs[n].info()
		if facts.NextOffset > limit {
			break
		}
		young := !olderThan(nowMs, facts.MaxTimestamp, facts.LastModifiedMs, config.MinCompactionLagMs)
		if config.MinCompactionLagMs > 0 && young {
			break
		}
		n++
	}
	return segs[:n]
}

// firstDirty is the first segment that was never compacted as a whole. What is appended later is always behind it.
func firstDirty(segs []*segment) int {
	for i, s := range segs {
		if s.info().CleanedMs == 0 {
			return i
		}
	}
	return len(segs)
}

// dirtyEnough compares the share of bytes that were never compacted with min.cleanable.dirty.ratio, which it must exceed, and the
// age of the oldest of them with max.compaction.lag.ms. Tombstones that have become due wait for one
// of the two.
func dirtyEnough(config *LogConfig, segs []*segment, dirty int, nowMs int64) bool {
	clean, total := int64(0), int64(0)
	for i, s := range segs {
		total += s.size.Load()
		if i < dirty {
			clean += s.size.Load()
		}
	}
	if total == 0 {
		return false
	}
	if float64(total-clean)/float64(total) > config.MinCleanableRatio {
		return true
	}
	first := segs[dirty].info()
	return config.MaxCompactionLagMs < math.MaxInt64 &&
		olderThan(nowMs, first.FirstTimestamp, first.LastModifiedMs, config.MaxCompactionLagMs)
}

// learn notes the last offset of every key in a segment, from c.end on. It says whether the map is full; then c.end is
// the first offset that was not noted.
func (c *compaction) learn(s *segment) (full bool, err error) {
	next := s.info().NextOffset
	err = c.each(s, func(b batch.Batch, _ int64) error {
		if b.NextOffset() <= c.end {
			return nil
		}
		if full {
			return errStopWalk
		}
		skip := b.IsControl() || (b.IsTransactional() && c.txns.unknown)
		if b.IsTransactional() && !skip {
			var err error
			if skip, err = c.isAborted(s, b); err != nil {
				return err
			}
		}
		if !skip {
			if full, err = c.learnBatch(s, b); full || err != nil {
				return err
			}
		}
		c.end = b.NextOffset()
		return nil
	})
	if !full && err == nil {
		c.end = max(c.end, next)
	}
	return full, err
}

func (c *compaction) learnBatch(s *segment, b batch.Batch) (full bool, err error) {
	err = c.records(s, b, func(rec *rawRecord) bool {
		offset := b.BaseOffset() + int64(rec.offset)
		if rec.key != nil && offset >= c.end && !c.latest.put(rec.key, offset) {
			full, c.end = true, offset
			return false
		}
		return true
	})
	return full, err
}

// each calls fn with every whole batch of a segment, whose checksum is right.
func (c *compaction) each(s *segment, fn func(b batch.Batch, pos int64) error) error {
	h, err := s.acquire(&c.l.dir.files)
	if err != nil {
		return c.l.readFailed(err)
	}
	defer h.release()
	size := s.size.Load()
	sc := newScanner(h.file, s.base, 0, size, s.base, c.scanBuf)
	defer func() { c.scanBuf = sc.buf }()
	for sc.pos < size {
		pos := sc.pos
		b, err := sc.scan()
		if err != nil {
			if errors.Is(err, errInvalid) {
				return &unreadableError{s, c.l.corrupt(s, pos, "%v", err)}
			}
			return c.l.readFailed(err)
		}
		if err := c.goesOn(); err != nil {
			return err
		}
		if err := fn(b, pos); err != nil {
			if errors.Is(err, errStopWalk) {
				return nil
			}
			return err
		}
		if err := c.io.spent(c.ctx, int64(len(b))); err != nil {
			return err
		}
	}
	return nil
}

// records takes a batch apart until fn says that it is enough. What fn gets is valid until the next batch.
func (c *compaction) records(s *segment, b batch.Batch, fn func(rec *rawRecord) bool) error {
	payload := b.Payload()
	if b.Codec() != codec.None {
		var err error
		if c.payload, err = codec.Decompress(c.payload[:0], payload, b.Codec(), c.config.MaxDecompressedBytes); err != nil {
			return &unreadableError{s, fmt.Errorf("batch at offset %d: %w", b.BaseOffset(), err)}
		}
		payload = c.payload
	}
	last := int32(-1)
	for range b.Count() {
		rec, rest, err := nextRecord(payload)
		if err == nil && (rec.offset <= last || rec.offset > b.LastOffsetDelta()) {
			err = errRecord
		}
		if err != nil {
			return &unreadableError{s, fmt.Errorf("batch at offset %d: %w", b.BaseOffset(), err)}
		}
		if !fn(&rec) {
			return nil
		}
		payload, last = rest, rec.offset
	}
	return nil
}
