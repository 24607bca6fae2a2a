package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/storage/index"
)

// Damage in a log that is open is a matter of single batches: a check of the whole segment finds out which bytes they are, a
// read that begins in them fails with ErrCorrupt, and everything else is read as ever. What was found is kept in the index.

// damagedRange is bytes of a segment that a check found damaged.
type damagedRange struct {
	s           *segment
	pos, endPos int64
	err         *CorruptError
}

const (
	// maxPlaces is how many damaged places of one segment are told apart. The last one goes to the segment's end.
	maxPlaces = 1000
	// maxReports is how many of them are logged one by one.
	maxReports = 10
)

// recheckMs is how long a segment that reads say is damaged is left alone after a check.
const recheckMs = 60_000

// damaged is the error of a read that met bytes which cannot be what the log wrote. What exactly is wrong there, the background
// finds out.
func (l *Log) damaged(s *segment, pos int64, format string, args ...any) *CorruptError {
	now := max(l.dir.config.Clock(), 1)
	last := s.checkedMs.Load()
	open := l.segments.Load() != nil
	if open && (last == 0 || now-last >= recheckMs) && s.checkedMs.CompareAndSwap(last, now) {
		l.dir.work.add(func() {
			check := segmentCheck{ctx: context.Background(), io: &throttle{}} // it ends when the log is closed
			if _, err := check.run(l, s); err != nil && !errors.Is(err, ErrClosed) && !errors.Is(err, errRemoved) {
				l.dir.config.Logger.Error("a damaged segment cannot be checked", "log", l.name, "segment", segmentName(s.base), "error", err)
			}
		})
	}
	return l.corrupt(s, pos, format, args...)
}

// Suspect tells the log that the bytes which a read from an offset on has given are no valid batch. It returns the error with
// which the reader is answered.
func (l *Log) Suspect(offset int64, cause error) error {
	segs := *l.segments.Load()
	s := segs[findSegment(segs, offset)]
	err := l.damaged(s, -1, "%v", cause)
	err.FirstOffset, err.NextOffset = offset, offset+1
	return err
}

// segmentCheck compares all batches of segments with their checksums.
type segmentCheck struct {
	ctx   context.Context // of the call
	io    *throttle
	buf   []byte
	bytes int64 // good ones
}

// run checks one segment and takes down what is damaged in it. It returns in how many places.
func (c *segmentCheck) run(l *Log, s *segment) (places int, err error) {
	h, err := s.acquire(&l.dir.files)
	if err != nil {
		return 0, l.readFailed(err)
	}
	defer h.release()
	generation := l.durableGeneration()
	size := s.size.Load()
	end := s.info().NextOffset
	found, err := c.scan(l, s, h, size, end)
	if err != nil {
		return 0, err
	}
	return len(found), l.noteDamage(s, found, generation)
}

func (c *segmentCheck) scan(l *Log, s *segment, h *handle, size, end int64) (found []damagedRange, err error) {
	note := func(pos, to, from, next int64, cause error) {
		found = append(found, l.damagedRange(s, index.Damage{
			Base: s.base, Pos: pos, EndPos: to, FirstOffset: from, NextOffset: next, Reason: cause.Error(),
		}))
	}
	sc := newScanner(h.file, s.base, 0, size, s.base, c.buf)
	defer func() { c.buf = sc.buf }()
	last := batchAt{pos: -1}
	for {
		if err := errors.Join(c.ctx.Err(), l.usable()); err != nil {
			return nil, err
		}
		at := batchAt{sc.pos, sc.next}
		b, err := sc.scan()
		if err == nil && b.NextOffset() > end {
			err = fmt.Errorf("%w: offset %d in a segment that ends at %d", errInvalid, b.LastOffset(), end)
		}
		switch {
		case err == nil:
			last = at
			c.bytes += int64(len(b))
			if err := c.io.spent(c.ctx, int64(len(b))); err != nil {
				return nil, err
			}
			continue
		case errors.Is(err, io.EOF):
			return found, nil
		case !errors.Is(err, errInvalid):
			return nil, l.readFailed(err)
		}
		if first, lied := beliesLast(h, s, last, at, size, end); lied {
			note(last.pos, at.pos, last.due, first, fmt.Errorf("%w: its base offset does not fit those of the batches after it", errInvalid))
			sc = newScanner(h.file, s.base, at.pos, size, first, sc.buf)
			last = batchAt{pos: -1}
			continue
		}
		to, nextOffset, rerr := resync(h, at.pos+1, size, at.due, end)
		if rerr != nil {
			return nil, l.readFailed(rerr)
		}
		if len(found) == maxPlaces-1 {
			to, nextOffset, err = size, end, fmt.Errorf("%w: this is the last of %d places that are told apart", err, maxPlaces)
		}
		note(at.pos, to, at.due, nextOffset, err)
		sc = newScanner(h.file, s.base, to, size, nextOffset, sc.buf)
		last = batchAt{pos: -1}
	}
}

// batchAt is a batch's position, and the lowest offset that it may have.
type batchAt struct{ pos, due int64 }

// beliesLast says whether the batch at a position, which cannot come after the last one, is right all the same, and where it
// begins: the base offset is not in the checksum, so it may be that of the last one that is damaged. It is, when there is no room for the
// offsets of this one between the last one and what follows: the batch behind, or the segment's end.
func beliesLast(h *handle, s *segment, last, at batchAt, size, end int64) (first int64, lied bool) {
	if last.pos < 0 {
		return 0, false
	}
	sc := newScanner(h.file, s.base, at.pos, size, last.due, nil)
	b, err := sc.scan()
	if err != nil || b.NextOffset() > end {
		return 0, false
	}
	first, span := b.BaseOffset(), b.NextOffset()-b.BaseOffset()
	b, err = sc.scan()
	if err == nil {
		end = b.BaseOffset()
	} else if !errors.Is(err, io.EOF) {
		return 0, false
	}
	return first, span > end-at.due
}

func (l *Log) damagedRange(s *segment, d index.Damage) damagedRange {
	return damagedRange{s: s, pos: d.Pos, endPos: d.EndPos, err: &CorruptError{
		Dir: l.path, Segment: segmentName(s.base), Position: d.Pos, Reason: d.Reason,
		Topic: l.partition.Topic, Partition: l.partition.Index, FirstOffset: d.FirstOffset, NextOffset: d.NextOffset,
	}}
}

// noteDamage replaces what was known of a segment by what a check has found, unless the segment has left the log, or was cut,
// since the check began. What is new is reported.
func (l *Log) noteDamage(s *segment, found []damagedRange, generation uint64) error {
	l.upkeep.Lock()
	fresh, err := l.noteDamageLocked(s, found, generation)
	l.upkeep.Unlock()
	for i, r := range fresh {
		if i < maxReports {
			l.dir.logDamage(r.err)
		}
		if l.dir.config.OnCorruption != nil {
			l.dir.config.OnCorruption(r.err)
		}
	}
	if more := len(fresh) - maxReports; more > 0 {
		l.dir.config.Logger.Error("more damaged records in the same segment", "log", l.name, "segment", segmentName(s.base), "places", more,
			"next_offset", fresh[len(fresh)-1].err.NextOffset)
	}
	return err
}

// noteDamageLocked is called with upkeep held.
func (l *Log) noteDamageLocked(s *segment, found []damagedRange, generation uint64) (fresh []damagedRange, err error) {
	if s.removed.Load() || l.durableGeneration() != generation {
		return nil, nil
	}
	known := l.damageIn(s)
	for _, r := range found {
		if !slices.ContainsFunc(known, func(o damagedRange) bool { return o.pos == r.pos && o.endPos == r.endPos }) {
			fresh = append(fresh, r)
		}
	}
	if len(fresh) == 0 && len(known) == len(found) {
		return nil, nil
	}
	if len(found) == 0 {
		s.left.Store(false) // somebody has repaired it
	}
	l.changeDamaged(func(all []damagedRange) []damagedRange {
		return append(slices.DeleteFunc(all, func(r damagedRange) bool { return r.s == s }), found...)
	})
	b := l.dir.index.NewBatch()
	b.DeleteDamage(l.key, s.base)
	for _, r := range found {
		b.PutDamage(l.key, &index.Damage{
			Base: s.base, Pos: r.pos, EndPos: r.endPos, FirstOffset: r.err.FirstOffset, NextOffset: r.err.NextOffset, Reason: r.err.Reason,
		})
	}
	return fresh, b.Commit(false) // what a crash takes, the next check finds
}

func (d *Dir) logDamage(e *CorruptError) {
	d.config.Logger.Error("damaged records", "topic", e.Topic, "partition", e.Partition, "segment", e.Segment,
		"position", e.Position, "first_offset", e.FirstOffset, "next_offset", e.NextOffset, "reason", e.Reason)
}

// loadDamage takes over what earlier checks have found.
func (l *Log) loadDamage(known []index.Damage) {
	var all []damagedRange
	for _, d := range known {
		for _, s := range *l.segments.Load() {
			if s.base == d.Base && d.EndPos <= s.size.Load() {
				all = append(all, l.damagedRange(s, d))
			}
		}
	}
	if len(all) > 0 {
		l.badRanges.Store(&all)
		l.dir.config.Logger.Warn("the log has damaged records", "log", l.name, "places", len(all), "first_offset", all[0].err.FirstOffset)
	}
}

// Damaged returns the places in the log that are known to be damaged.
func (l *Log) Damaged() []*CorruptError {
	var out []*CorruptError
	if all := l.badRanges.Load(); all != nil {
		for _, r := range *all {
			if !r.s.removed.Load() {
				out = append(out, r.err)
			}
		}
	}
	return out
}

// damageIn returns what is known of one segment.
func (l *Log) damageIn(s *segment) []damagedRange {
	all := l.badRanges.Load()
	if all == nil {
		return nil
	}
	var out []damagedRange
	for _, r := range *all {
		if r.s == s {
			out = append(out, r)
		}
	}
	return out
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
