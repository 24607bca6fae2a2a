package storage

import (
	"errors"
	"io"
	"math"

	"github.com/sordini/sordini/protocol/batch"
)

// headerWalk hops from batch to batch. It reads a few KiB at a time, as the batches behind an index entry
// are within an index interval.
type headerWalk struct {
	l   *Log
	s   *segment
	h   *handle
	buf [4096]byte
	at0 int64
	n   int
	due int64 // lowest offset that the next batch may have
}

// walker takes a headerWalk from the directory's pool. It must be given back with done, and headers from it
// are not valid after that.
func (l *Log) walker(s *segment, h *handle) *headerWalk {
	w, _ := l.dir.walks.Get().(*headerWalk)
	if w == nil {
		w = new(headerWalk)
	}
	w.l, w.s, w.h, w.at0, w.n, w.due = l, s, h, 0, 0, s.base
	return w
}

func (w *headerWalk) done() {
	l := w.l
	w.l, w.s, w.h = nil, nil, nil
	l.dir.walks.Put(w)
}

// at returns the header of the batch at a position, without its records, and the batch's size. size is
// the end of the valid bytes. Positions rise from call to call.
func (w *headerWalk) at(pos, size int64) (batch.Batch, int64, error) {
	if size-pos < batch.HeaderSize {
		return nil, 0, w.l.damaged(w.s, pos, "%d bytes are left, less than a batch header", size-pos)
	}
	if pos < w.at0 || pos+batch.HeaderSize > w.at0+int64(w.n) {
		want := min(int64(len(w.buf)), size-pos)
		n, err := w.h.file.ReadAt(w.buf[:want], pos)
		if int64(n) < want {
			if err == nil || errors.Is(err, io.EOF) {
				return nil, 0, w.l.damaged(w.s, pos, "the file ends before position %d", pos+want)
			}
			return nil, 0, w.l.readFailed(err)
		}
		w.at0, w.n = pos, n
	}
	b := w.buf[pos-w.at0 : w.n]
	n, err := batch.Size(b)
	if err != nil {
		return nil, 0, w.l.damaged(w.s, pos, "%v", err)
	}
	if int64(n) > size-pos {
		return nil, 0, w.l.damaged(w.s, pos, "a batch of %d bytes, and %d are left", n, size-pos)
	}
	header := batch.Batch(b[:batch.HeaderSize])
	if header.LastOffsetDelta() < 0 || header.BaseOffset() < w.due || header.BaseOffset() > math.MaxInt64-math.MaxInt32 {
		return nil, 0, w.l.damaged(w.s, pos, "offsets %d+%d, at least %d was due", header.BaseOffset(), header.LastOffsetDelta(), w.due)
	}
	w.due = header.NextOffset()
	return header, int64(n), nil
}

// errStopWalk ends a walk early, without an error.
var errStopWalk = errors.New("stop")

// walk calls fn with the header of every batch of a segment that ends at or after offset from, and the
// batch's position. The header has no records behind it, except for control batches, which are small and whole.
func (l *Log) walk(s *segment, from int64, fn func(b batch.Batch, pos int64) error) error {
	h, err := s.acquire(&l.dir.files)
	if err != nil {
		return l.readFailed(err)
	}
	defer h.release()
	e, err := l.floor(s, from)
	if err != nil {
		return l.readFailed(err)
	}
	w := l.walker(s, h)
	defer w.done()
	size := s.size.Load()
	for pos := l.skipDamage(s, int64(e.Pos)); pos < size; pos = l.skipDamage(s, pos) {
		b, n, err := w.at(pos, size)
		if err != nil {
			return err
		}
		if b.LastOffset() >= from {
			if b.IsControl() {
				if b, err = l.readBatch(h, s, pos, n); err != nil {
					return err
				}
			}
			if err := fn(b, pos); err != nil {
				if errors.Is(err, errStopWalk) {
					return nil
				}
				return err
			}
		}
		pos += n
	}
	return nil
}

// readBatch reads one whole batch of n bytes, which the walk has compared with the file's size, and checks
// its checksum.
func (l *Log) readBatch(h *handle, s *segment, pos, n int64) (batch.Batch, error) {
	if n > trustedBytes {
		var header [batch.HeaderSize]byte
		if _, err := h.file.ReadAt(header[:], pos); err != nil {
			return nil, l.readFailed(err)
		}
		if err := checksum(h.file, header[:], pos, n); errors.Is(err, errInvalid) {
			return nil, l.damaged(s, pos, "%v", err)
		} else if err != nil {
			return nil, l.readFailed(err)
		}
	}
	buf := make([]byte, n)
	if _, err := h.file.ReadAt(buf, pos); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, l.damaged(s, pos, "the file ends inside of a batch")
		}
		return nil, l.readFailed(err)
	}
	b, _, err := batch.Next(buf)
	if err != nil {
		return nil, l.damaged(s, pos, "%v", err)
	}
	if !b.ValidCRC() {
		return nil, l.damaged(s, pos, "wrong checksum at offset %d", b.BaseOffset())
	}
	return b, nil
}
