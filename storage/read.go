package storage

import (
	"errors"
	"fmt"
	"sort"

	"github.com/sordini/sordini/storage/index"
)

// Cursor remembers where a reader's last read ended, so that the next one, which begins there, looks
// nothing up. The zero Cursor is ready. It belongs to one reader of one log.
type Cursor struct {
	segment    *segment
	offset     int64
	pos        int64
	generation uint64
}

// readRetries bounds how often a read starts anew because the segment it found has just been removed.
const readRetries = 16

// Read returns stored bytes from the batch that contains offset on: at most maxBytes, up to the boundary
// upTo, within one segment. The slice may end inside a batch; with atLeastOne the first batch is whole
// even when it is larger than maxBytes. offset == upTo gives an empty slice. cursor may be nil.
func (l *Log) Read(offset int64, maxBytes int, upTo int64, atLeastOne bool, cursor *Cursor) (Slice, error) {
	if err := l.usable(); err != nil {
		return Slice{}, err
	}
	for range readRetries {
		// The generation is read before the list: if it is still the same afterwards, positions hold.
		generation := l.generation.Load()
		end := l.end.Load()
		if offset < l.start.Load() || offset > end {
			return Slice{}, ErrOffsetOutOfRange
		}
		if upTo = min(upTo, end); offset >= upTo || (maxBytes <= 0 && !atLeastOne) {
			return Slice{}, nil
		}
		r := reading{l: l, offset: offset, upTo: upTo, max: int64(max(maxBytes, 0)), whole: atLeastOne}
		var next Cursor
		if cursor != nil {
			next = *cursor
		}
		s, err := r.run(&next, generation)
		if errors.Is(err, errRemoved) {
			continue
		}
		if l.generation.Load() != generation {
			s.Release() // the segment was cut or replaced meanwhile: positions in it mean nothing
			continue
		}
		if cursor != nil {
			*cursor = next
		}
		return s, err
	}
	return Slice{}, ErrOffsetOutOfRange
}

// reading is one Read on its way.
type reading struct {
	l      *Log
	segs   []*segment
	offset int64
	upTo   int64
	max    int64
	whole  bool
}

func (r *reading) run(cursor *Cursor, generation uint64) (Slice, error) {
	r.segs = *r.l.segments.Load()
	i := findSegment(r.segs, r.offset)
	known := cursor.segment != nil && cursor.offset == r.offset && cursor.generation == generation
	for ; i < len(r.segs); i++ {
		s := r.segs[i]
		from := int64(0)
		if known && cursor.segment == s {
			from = cursor.pos
		}
		out, next, err := r.readSegment(i, from, known && cursor.segment == s)
		if err != nil || out.len > 0 {
			if err == nil {
				*cursor = next
				cursor.generation = generation
			}
			return out, err
		}
		// Compaction may have removed everything from offset to the segment's end.
		if i+1 < len(r.segs) && r.segs[i+1].base >= r.upTo {
			break
		}
	}
	return Slice{}, nil
}

// findSegment is the last segment that begins at or before offset.
func findSegment(segs []*segment, offset int64) int {
	i := sort.Search(len(segs), func(i int) bool { return segs[i].base > offset })
	return max(i-1, 0)
}

// readSegment reads from segs[i]. An empty slice means that it has nothing at or after the offset.
func (r *reading) readSegment(i int, from int64, fromKnown bool) (Slice, Cursor, error) {
	s := r.segs[i]
	h, err := s.acquire(&r.l.dir.files)
	if err != nil {
		return Slice{}, Cursor{}, r.l.readFailed(err)
	}
	size := s.size.Load()
	if !fromKnown && r.offset > s.base {
		if from, err = r.start(s, h, size); err != nil {
			h.release()
			return Slice{}, Cursor{}, err
		}
	}
	to, boundary, err := r.stop(i, h, from, size)
	if err != nil || to <= from {
		h.release()
		return Slice{}, Cursor{}, err
	}
	if short, err := r.l.beforeDamage(s, from, to); err != nil {
		h.release()
		return Slice{}, Cursor{}, err
	} else if short < to {
		to, boundary = short, -1
	}
	next := Cursor{}
	if boundary >= 0 {
		next = Cursor{segment: s, offset: boundary, pos: to}
	}
	return Slice{h: h, pos: from, len: int(to - from), of: s}, next, nil
}

// start is the position of the batch that contains the offset, or of the first one after it.
func (r *reading) start(s *segment, h *handle, size int64) (int64, error) {
	if err := r.l.damageAt(s, r.offset); err != nil {
		return 0, err
	}
	e, err := r.l.floor(s, r.offset)
	if err != nil {
		return 0, r.l.readFailed(err)
	}
	pos := int64(e.Pos)
	w := r.l.walker(s, h)
	defer w.done()
	for pos = r.l.skipDamage(s, pos); pos < size; pos = r.l.skipDamage(s, pos) {
		b, n, err := w.at(pos, size)
		if err != nil {
			return 0, err
		}
		if b.LastOffset() >= r.offset {
			// The base offset is not in the checksum: this is what can be said of it.
			if end := s.info().NextOffset; b.NextOffset() > end {
				return 0, r.l.damaged(s, pos, "offset %d in a segment that ends at %d", b.LastOffset(), end)
			}
			return pos, nil
		}
		pos += n
	}
	return size, nil
}

// stop is where the slice ends. boundary is the offset there, or -1 when it is not known, because the end
// lies inside a batch.
func (r *reading) stop(i int, h *handle, from, size int64) (to, boundary int64, err error) {
	to, boundary, err = r.limit(i, h, from, size)
	if err != nil || to-from <= r.max {
		return to, boundary, err
	}
	if to = from + r.max; !r.whole {
		return to, -1, nil
	}
	w := r.l.walker(r.segs[i], h)
	defer w.done()
	b, n, err := w.at(from, size)
	if err != nil {
		return 0, -1, err
	}
	if from+n >= to {
		return from + n, b.NextOffset(), nil
	}
	return to, -1, nil
}

// limit is the position of upTo in the segment, or a position beyond from+max if that is all that matters.
func (r *reading) limit(i int, h *handle, from, size int64) (pos, boundary int64, err error) {
	s := r.segs[i]
	if i+1 < len(r.segs) && r.segs[i+1].base <= r.upTo {
		return size, r.segs[i+1].base, nil
	}
	if pos, found := s.endPosition(r.upTo); found {
		return pos, r.upTo, nil
	}
	e, err := r.l.floor(s, r.upTo)
	if err != nil {
		return 0, -1, r.l.readFailed(err)
	}
	pos = max(int64(e.Pos), from)
	w := r.l.walker(s, h)
	defer w.done()
	for pos < size && (pos-from <= r.max || (r.whole && pos == from)) {
		if skipped := r.l.skipDamage(s, pos); skipped != pos {
			pos = skipped
			continue
		}
		b, n, err := w.at(pos, size)
		if err != nil {
			return 0, -1, err
		}
		if b.BaseOffset() >= r.upTo {
			return pos, b.BaseOffset(), nil
		}
		pos += n
	}
	return pos, -1, nil
}

// floor is segment.floor for which a damaged index is no obstacle: without it the search begins at the segment's beginning.
func (l *Log) floor(s *segment, offset int64) (index.Entry, error) {
	e, err := s.floor(l.dir.index, l.key, offset)
	return e, l.indexDamage(s, err)
}

// indexDamage takes an error of a lookup. The index is derived: when it is damaged, it is reported and no longer asked about the segment.
func (l *Log) indexDamage(s *segment, err error) error {
	if err == nil || !index.IsCorrupt(err) {
		return err
	}
	s.mu.Lock()
	s.mu.onDisk = false
	s.mu.Unlock()
	l.dir.config.Logger.Error("the index is damaged and is no longer used for a segment", "log", l.name, "segment", segmentName(s.base), "error", err)
	return nil
}

// readFailed wraps an error of the disk. A failed read does not take the directory offline: other bytes
// may well be readable.
func (l *Log) readFailed(err error) error {
	if errors.Is(err, errRemoved) {
		return err
	}
	return fmt.Errorf("read log %s: %w: %w", l.name, ErrOffline, err)
}
