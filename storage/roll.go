package storage

import (
	"fmt"
	"math"

	"github.com/sordini/sordini/protocol/batch"
)

// Preallocation grows with the segment, so that a quiet partition reserves nothing and a busy one asks
// seldom. Appends into reserved blocks cost about a quarter less, and syncs are steadier.
const (
	allocMin = 64 << 10
	allocMax = 32 << 20
)

// shouldRoll says whether a batch has to go into a new segment. queued bytes will be written to s before it.
// The rules are those of Kafka's LogSegment.shouldRoll.
func (s *segment) shouldRoll(config *LogConfig, nowMs, queued int64, b batch.Batch, next int64) bool {
	size := s.size.Load() + queued
	if size == 0 {
		return false
	}
	if size+int64(len(b)) > int64(config.SegmentBytes) {
		return true
	}
	// Index entries keep offsets relative to the base in four bytes, as Kafka's do.
	if max(next, b.BaseOffset())+int64(b.LastOffsetDelta())-s.base > math.MaxInt32 {
		return true
	}
	if s.indexFull(config.SegmentIndexBytes) {
		return true
	}
	facts := s.info()
	limit := config.maxSegmentMs() - jitter(s.base, config.SegmentJitterMs)
	if facts.FirstTimestamp >= 0 {
		return b.MaxTimestamp()-facts.FirstTimestamp > limit
	}
	return facts.LastModifiedMs > 0 && nowMs-facts.LastModifiedMs > limit
}

// jitter spreads rolls by time, by a number in [0, maxMs) that depends on the segment alone.
func jitter(base, maxMs int64) int64 {
	if maxMs <= 0 {
		return 0
	}
	h := uint64(base+1) * 0x9e3779b97f4a7c15
	return int64((h >> 1) % uint64(maxMs))
}

// rollLocked makes a new active segment that begins at the log end. The old one is synced and its index
// stored in the background.
func (l *Log) rollLocked(nowMs int64, base int64) (*segment, error) {
	if l.mu.tailDirty {
		if err := l.cleanTailLocked(); err != nil {
			return nil, err
		}
	}
	s := newSegment(l.dir.fs, l.path, base)
	err := l.createLocked(s)
	if isDiskFull(err) && l.config.Load().Vital && l.dir.releaseReserve(err) {
		err = l.createLocked(s)
	}
	if err != nil {
		if isOutOfFiles(err) {
			return nil, fmt.Errorf("%w: %w", ErrOutOfFiles, err)
		}
		if !isDiskFull(err) {
			l.dir.fail(err)
			return nil, err
		}
		l.dir.diskFull(err, 0)
		return nil, fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	s.mu.facts.LastModifiedMs = nowMs
	old := *l.segments.Load()
	segs := append(old[:len(old):len(old)], s)
	l.segments.Store(&segs)
	l.mu.allocated, l.mu.noAlloc = 0, false
	sealed := old[len(old)-1]
	l.dir.work.add(func() { l.dir.seal(l, sealed) })
	return s, nil
}

// createLocked creates a segment's file. One that is there already is a leftover of something that was cut,
// and is emptied.
func (l *Log) createLocked(s *segment) error {
	f, err := openLogFile(l.dir.fs, &l.dir.files, s.path, true)
	if err != nil {
		return fmt.Errorf("create segment %d: %w", s.base, err)
	}
	if size, err := f.Size(); err != nil || size > 0 {
		if err == nil {
			err = f.Truncate(0)
		}
		if err != nil {
			_ = f.Close()
			return fmt.Errorf("create segment %d: %w", s.base, err)
		}
	}
	s.newFile.Store(true)
	s.pinned.Store(true)
	s.handle.Store(newHandle(f, s.path))
	return nil
}

// preallocateLocked keeps reserved blocks ahead of the writes. It is a hint: when the file system cannot,
// or is full, the write itself will tell.
func (l *Log) preallocateLocked(h *handle, at, n int64) {
	config := l.config.Load()
	if l.mu.noAlloc || at+n <= l.mu.allocated || (at+n < allocMin && !config.Preallocate) {
		return
	}
	step := min(max(at/4, allocMin), allocMax)
	upTo := min(at+n+step, max(int64(config.SegmentBytes), at+n))
	if config.Preallocate {
		upTo = max(int64(config.SegmentBytes), at+n)
	}
	from := max(at, l.mu.allocated)
	if err := h.file.Allocate(from, upTo-from); err != nil {
		l.mu.noAlloc = true
		return
	}
	l.mu.allocated = upTo
}
