package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/storage/index"
)

// Scrubbed is what RunScrub looked at.
type Scrubbed struct {
	Segments int
	Bytes    int64
	Damaged  int // places
}

// damagedRange is bytes of a closed segment that a scrub found damaged. Reads stop before it, and those that begin in it
// fail with ErrCorrupt; the rest of the log is read as ever.
type damagedRange struct {
	s           *segment
	pos, endPos int64
	err         *CorruptError
}

// RunScrub reads every closed segment of every log once and checks the checksums of all batches, so that damage is found
// before somebody needs the data. It takes at most so many bytes a second, 0 for no limit. A pass that ctx or Close ended
// is continued by the next call, after a restart too, with the segment that it was in. Damage is logged, told to OnCorruption,
// and no error of the pass; an error of one log does not keep the others from their turn.
func (d *Dir) RunScrub(ctx context.Context, bytesPerSecond int64) (Scrubbed, error) {
	var sum Scrubbed
	if err := d.enter(); err != nil {
		return sum, err
	}
	defer d.leave()
	d.scrubbing.Lock()
	defer d.scrubbing.Unlock()
	from, err := d.index.ScrubPosition()
	if err != nil && !index.IsCorrupt(err) {
		return sum, fmt.Errorf("scrub: %w", err)
	}
	p := scrub{d: d, ctx: ctx, io: &throttle{bytesPerSecond: bytesPerSecond}, sum: &sum}
	var errs []error
	for _, l := range d.openLogs() {
		if strings.Compare(l.name, from.Log) < 0 {
			continue
		}
		base := int64(0)
		if l.name == from.Log {
			base = from.Base
		}
		err := p.log(l, base)
		if stop := p.stopped(); stop != nil {
			return sum, errors.Join(append(errs, stop)...)
		}
		if err != nil && !errors.Is(err, ErrClosed) && !errors.Is(err, errRemoved) {
			errs = append(errs, fmt.Errorf("scrub of %s: %w", l.name, err))
		}
	}
	return sum, errors.Join(append(errs, p.note(index.ScrubPosition{}))...)
}

// scrub is one call of RunScrub.
type scrub struct {
	d   *Dir
	ctx context.Context // of the call
	io  *throttle
	sum *Scrubbed
	buf []byte
}

// stopped says why the whole pass has to end, if so.
func (p *scrub) stopped() error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	p.d.mu.Lock()
	closed := p.d.mu.closed
	p.d.mu.Unlock()
	if closed {
		return ErrClosed
	}
	return p.d.failure()
}

// note stores where the next call begins. It need not survive a crash.
func (p *scrub) note(at index.ScrubPosition) error {
	b := p.d.index.NewBatch()
	b.SetScrubPosition(at)
	return b.Commit(false)
}

func (p *scrub) log(l *Log, from int64) error {
	segs := *l.segments.Load()
	for _, s := range segs[:len(segs)-1] {
		if s.base < from || s.synced.Load() < s.size.Load() {
			continue
		}
		if err := p.note(index.ScrubPosition{Log: l.name, Base: s.base}); err != nil {
			return err
		}
		if err := p.segment(l, s); err != nil {
			return err
		}
		p.sum.Segments++
	}
	return nil
}

func (p *scrub) segment(l *Log, s *segment) error {
	h, err := s.acquire(&l.dir.files)
	if err != nil {
		return l.readFailed(err)
	}
	defer h.release()
	size, end := s.size.Load(), s.info().NextOffset
	sc := newScanner(h.file, s.base, 0, size, s.base, p.buf)
	defer func() { p.buf = sc.buf }()
	for {
		if err := errors.Join(p.ctx.Err(), l.usable()); err != nil {
			return err
		}
		pos, next := sc.pos, sc.next
		b, err := sc.scan()
		if err == nil && b.NextOffset() > end {
			err = fmt.Errorf("%w: offset %d in a segment that ends at %d", errInvalid, b.LastOffset(), end)
		}
		switch {
		case err == nil:
			p.sum.Bytes += int64(len(b))
			if err := p.io.spent(p.ctx, int64(len(b))); err != nil {
				return err
			}
			continue
		case errors.Is(err, io.EOF):
			return nil
		case !errors.Is(err, errInvalid):
			return l.readFailed(err)
		}
		to, nextOffset, rerr := resync(h, pos+1, size, next, end)
		if rerr != nil {
			return l.readFailed(rerr)
		}
		p.found(l, s, damagedRange{s: s, pos: pos, endPos: to, err: &CorruptError{
			Dir: l.path, Segment: segmentName(s.base), Position: pos, Reason: err.Error(),
			Topic: l.partition.Topic, Partition: l.partition.Index, FirstOffset: next, NextOffset: nextOffset,
		}})
		sc = newScanner(h.file, s.base, to, size, nextOffset, sc.buf)
	}
}

// found takes down what is damaged, unless the segment has left the log meanwhile.
func (p *scrub) found(l *Log, s *segment, r damagedRange) {
	l.upkeep.Lock()
	gone := s.removed.Load() || s.size.Load() < r.endPos
	if !gone {
		l.changeDamaged(func(all []damagedRange) []damagedRange {
			all = slices.DeleteFunc(all, func(o damagedRange) bool { return o.s == s && o.pos < r.endPos && r.pos < o.endPos })
			return append(all, r)
		})
	}
	l.upkeep.Unlock()
	if gone {
		return
	}
	p.sum.Damaged++
	p.d.config.Logger.Error("damaged records", "topic", r.err.Topic, "partition", r.err.Partition, "dir", r.err.Dir, "segment", r.err.Segment,
		"position", r.err.Position, "first_offset", r.err.FirstOffset, "next_offset", r.err.NextOffset, "reason", r.err.Reason)
	if p.d.config.OnCorruption != nil {
		p.d.config.OnCorruption(r.err)
	}
}

// changeDamaged replaces the list of damaged ranges; those of segments that are gone go with it. The caller holds upkeep.
func (l *Log) changeDamaged(change func([]damagedRange) []damagedRange) {
	var all []damagedRange
	if old := l.badRanges.Load(); old != nil {
		all = slices.Clone(*old)
	}
	all = change(slices.DeleteFunc(all, func(r damagedRange) bool { return r.s.removed.Load() }))
	if len(all) == 0 {
		l.badRanges.Store(nil)
		return
	}
	l.badRanges.Store(&all)
}

// beforeDamage shortens a range of a segment that is to be read, so that it ends before damaged bytes. A range
// that begins in them is an error.
func (l *Log) beforeDamage(s *segment, from, to int64) (int64, error) {
	all := l.badRanges.Load()
	if all == nil {
		return to, nil
	}
	for _, r := range *all {
		if r.s != s || from >= r.endPos || to <= r.pos {
			continue
		}
		if from >= r.pos {
			return to, r.err
		}
		to = r.pos
	}
	return to, nil
}

// skipDamage is where a walk goes on that has come to a position.
func (l *Log) skipDamage(s *segment, pos int64) int64 {
	if all := l.badRanges.Load(); all != nil {
		for _, r := range *all {
			if r.s == s && pos >= r.pos && pos < r.endPos {
				pos = r.endPos
			}
		}
	}
	return pos
}

// damageAt says that an offset lies in damaged bytes.
func (l *Log) damageAt(s *segment, offset int64) error {
	if all := l.badRanges.Load(); all != nil {
		for _, r := range *all {
			if r.s == s && offset >= r.err.FirstOffset && offset < r.err.NextOffset {
				return r.err
			}
		}
	}
	return nil
}

// resync finds the first place from pos on where a valid batch begins whose offsets lie in [low, high): where damage ends. It
// is the segment's end when there is none.
func resync(h *handle, pos, size, low, high int64) (at, offset int64, err error) {
	buf := make([]byte, scanBufferBytes)
	for pos+batch.HeaderSize <= size {
		n := min(int64(len(buf)), size-pos)
		if _, err := h.file.ReadAt(buf[:n], pos); err != nil {
			return 0, 0, err
		}
		last := n - batch.HeaderSize
		for i := int64(0); i <= last; i++ {
			header := batch.Batch(buf[i : i+batch.HeaderSize])
			if header.Magic() != 2 || header.BaseOffset() < low || header.LastOffsetDelta() < 0 || header.NextOffset() > high {
				continue
			}
			length := int64(int32(binary.BigEndian.Uint32(header[posLength:]))) + batch.LogOverhead
			if length < batch.HeaderSize || length > size-pos-i {
				continue
			}
			if err := checksum(h.file, header, pos+i, length); err == nil {
				return pos + i, header.BaseOffset(), nil
			} else if !errors.Is(err, errInvalid) {
				return 0, 0, err
			}
		}
		pos += last + 1
	}
	return size, high, nil
}
