package storage

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"

	"github.com/sordini/sordini/protocol/batch"
)

// Compaction keeps, of every key, the last record. It rewrites closed segments one by one: a segment keeps
// its base offset and its end offset, and records keep their offsets. Batches of which nothing is left go, except
// for the last one of a segment and the last one of a producer, of which the header stays, as in Kafka's cleaner.
//
// Records of transactions are kept, and supersede nothing, because it is not known here which of them were
// aborted. Control batches are kept.

const (
	// cleanedSuffix marks the new form of a segment while compaction writes it.
	cleanedSuffix = ".cleaned"
	// maxCompactionKeys bounds the memory of one pass (about 50 bytes a key). With more keys, the records
	// after the last one that fitted wait for the next pass.
	maxCompactionKeys = 1 << 18
)

// Compacted is what RunCompaction did.
type Compacted struct {
	Logs, Segments        int
	BytesBefore, BytesNow int64
}

// RunCompaction goes over all logs that are compacted and have become dirty enough, once. It is for the
// broker's timer; only one pass runs at a time.
func (d *Dir) RunCompaction(ctx context.Context, nowMs int64) (Compacted, error) {
	if err := d.enter(); err != nil {
		return Compacted{}, err
	}
	defer d.leave()
	d.compacting.Lock()
	defer d.compacting.Unlock()
	var sum Compacted
	var errs []error
	for _, l := range d.openLogs() {
		if err := errors.Join(ctx.Err(), d.failure()); err != nil {
			return sum, errors.Join(append(errs, err)...)
		}
		if err := l.compact(ctx, nowMs, &sum); err != nil && !errors.Is(err, ErrClosed) && !errors.Is(err, errRemoved) {
			errs = append(errs, fmt.Errorf("compaction of %s: %w", l.name, err))
		}
	}
	return sum, errors.Join(errs...)
}

// keyHash stands for a key. Sixteen bytes of a cryptographic hash do not collide.
type keyHash [16]byte

func hashKey(key []byte) keyHash {
	sum := sha256.Sum256(key)
	return keyHash(sum[:16])
}

// compaction is one pass over one log.
type compaction struct {
	l      *Log
	config *LogConfig
	nowMs  int64
	// generation is that of the log when the pass began: a truncation since then ends it.
	generation uint64
	// latest has the offset of each key's last record among those below end.
	latest map[keyHash]int64
	end    int64
}

func (l *Log) compact(ctx context.Context, nowMs int64, sum *Compacted) error {
	config := l.config.Load()
	if !config.Compact {
		return nil
	}
	if err := l.usable(); err != nil {
		return err
	}
	generation := l.durableGeneration()
	segs := l.compactable(config, nowMs)
	dirty := firstDirty(segs)
	if dirty == len(segs) || !dirtyEnough(config, segs, dirty, nowMs) {
		return nil
	}
	c := compaction{l: l, config: config, nowMs: nowMs, generation: generation, latest: make(map[keyHash]int64)}
	covered := dirty
	for covered < len(segs) {
		full, err := c.learn(segs[covered])
		if err != nil {
			return err
		}
		covered++
		if full {
			break
		}
	}
	sum.Logs++
	for i, s := range segs[:covered] {
		if err := ctx.Err(); err != nil {
			return err
		}
		before := s.size.Load()
		// The last one may be covered in part only; then it stays dirty, for its rest.
		whole := i < covered-1 || c.end >= s.info().NextOffset
		now, err := c.rewrite(s, whole)
		if err != nil {
			return err
		}
		sum.Segments++
		sum.BytesBefore += before
		sum.BytesNow += now
	}
	return nil
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

// firstDirty is the first segment that was never compacted. What is appended later is always behind it.
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

// learn notes the last offset of every key in a segment. It says whether the map is full; then c.end is
// the first offset that was not noted.
func (c *compaction) learn(s *segment) (full bool, err error) {
	err = c.each(s, func(b batch.Batch, _ int64) error {
		if full {
			return errStopWalk
		}
		if b.IsControl() || b.IsTransactional() {
			c.end = b.NextOffset()
			return nil
		}
		return c.records(s, b, func(rec *batch.Record) bool {
			if rec.Key != nil {
				h := hashKey(rec.Key)
				if _, known := c.latest[h]; !known && len(c.latest) >= maxCompactionKeys {
					full = true
					return false
				}
				c.latest[h] = rec.Offset
			}
			c.end = rec.Offset + 1
			return true
		})
	})
	if !full && err == nil {
		c.end = max(c.end, s.info().NextOffset)
	}
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
	sc := newScanner(h.file, s.base, 0, size, s.base)
	for sc.pos < size {
		pos := sc.pos
		b, err := sc.scan()
		if err != nil {
			if errors.Is(err, errInvalid) {
				return c.l.damaged(s, pos, "%v", err)
			}
			return c.l.readFailed(err)
		}
		if err := fn(b, pos); err != nil {
			if errors.Is(err, errStopWalk) {
				return nil
			}
			return err
		}
	}
	return nil
}

// records decodes a batch until fn says that it is enough.
func (c *compaction) records(s *segment, b batch.Batch, fn func(rec *batch.Record) bool) error {
	var r batch.Reader
	var rec batch.Record
	if err := r.Reset(b, c.config.MaxDecompressedBytes); err != nil {
		return fmt.Errorf("batch at offset %d of segment %d: %w", b.BaseOffset(), s.base, err)
	}
	for r.Next(&rec) {
		if !fn(&rec) {
			return nil
		}
	}
	if err := r.Err(); err != nil {
		return fmt.Errorf("batch at offset %d of segment %d: %w", b.BaseOffset(), s.base, err)
	}
	return nil
}

// keeps says whether compaction keeps a record. Tombstones go when their segment was first compacted longer
// than delete.retention.ms ago: every reader that was on its way then has seen them.
func (c *compaction) keeps(rec *batch.Record, cleanedMs int64) bool {
	if rec.Offset >= c.end {
		return true
	}
	if rec.Key == nil {
		return false // a compacted topic does not take them; they are of a time before it was one
	}
	if last, known := c.latest[hashKey(rec.Key)]; known && last > rec.Offset {
		return false
	}
	if rec.Value != nil || cleanedMs == 0 {
		return true
	}
	return !olderThan(c.nowMs, cleanedMs, cleanedMs, c.config.DeleteRetentionMs)
}
