package inspect

import (
	"bytes"
	"fmt"
	"io"
	"math"

	"github.com/sordini/sordini/protocol/batch"
)

// Limits bound what reading takes.
type Limits struct {
	// BatchBytes is the largest batch that is taken into memory, and DecompressedBytes what its records may become.
	BatchBytes, DecompressedBytes int
}

// DefaultLimits are far above what a broker accepts from clients, and below what hurts.
func DefaultLimits() Limits {
	return Limits{BatchBytes: 128 << 20, DecompressedBytes: 256 << 20}
}

const (
	scanStep   = 1 << 20 // read at a time, when everything is read
	headerStep = 8 << 10 // and when only headers are
)

// Options say how a segment is read.
type Options struct {
	Limits Limits
	// HeadersOnly hops from header to header: checksums are not computed, and batches have no Raw.
	HeadersOnly bool
	// Base is the segment's base offset, from its name: batches lie between it and 2^31-1 above. Negative: not known.
	Base int64
}

// Gap is a place of a segment that is no batch.
type Gap struct {
	Position, End int64 // End is where the next batch begins, or the file's size
	Reason        string
	// Torn: the bytes could be the beginning of a batch whose rest was not written, or room that was reserved; no batch follows.
	// In the last segment of a log that is what a crash leaves behind.
	Torn bool
	// FromOffset is the lowest offset that may have been there.
	FromOffset int64
}

// Scanner goes over one segment file, batch by batch:
//
//	for s.Next() {
//		if gap := s.Gap(); gap != nil { ... }
//		b := s.Batch()
//	}
//	err := s.Err()
type Scanner struct {
	opts Options
	w    window
	pos  int64
	next int64 // the lowest offset that the next batch should have
	b    Batch
	gap  *Gap
	err  error

	budget  int64  // checksummed bytes that searches may still spend
	scratch []byte // for checksums of what the window does not take in
}

// NewScanner begins to read a file of a size. Bytes that are written behind it later are not looked at.
func NewScanner(file io.ReaderAt, size int64, opts Options) *Scanner {
	if opts.Limits == (Limits{}) {
		opts.Limits = DefaultLimits()
	}
	step := scanStep
	if opts.HeadersOnly {
		step = headerStep
	}
	s := &Scanner{opts: opts, next: max(opts.Base, 0), budget: searchFactor*size + searchBytes}
	s.w = window{file: file, size: size, step: step}
	return s
}

// Next goes to the next batch or gap. It returns false at the end of the file and when the disk fails, which Err tells apart.
func (s *Scanner) Next() bool {
	s.gap = nil
	if s.err != nil || s.pos >= s.w.size {
		return false
	}
	b, problem, err := s.at(s.pos)
	if err != nil {
		s.err = err
		return false
	}
	if problem == nil {
		s.b = b
		s.pos += b.Size
		// A damaged header may claim any offset. It does not move what is expected of the next one.
		if (b.ValidCRC || !b.Checked) && s.plausible(&b) {
			s.next = max(s.next, b.LastOffset+1)
		}
		return true
	}
	return s.skip(problem)
}

// Batch is the present batch. It is meaningless while Gap is not nil.
func (s *Scanner) Batch() *Batch { return &s.b }

// Gap is the present damaged place; nil at a batch.
func (s *Scanner) Gap() *Gap { return s.gap }

// Err is why Next returned false: nil at the end of the file.
func (s *Scanner) Err() error { return s.err }

// Position is where the next step begins, and how far the file was looked at.
func (s *Scanner) Position() int64 { return s.pos }

// problem is why there is no batch at a position.
type problem struct {
	reason string
	torn   bool
}

// at reads the batch at a position. A problem says that there is none; an error is the disk's.
func (s *Scanner) at(pos int64) (Batch, *problem, error) {
	left := s.w.size - pos
	if left < headToMagic {
		return Batch{}, &problem{fmt.Sprintf("%d bytes are left, less than a batch header", left), true}, nil
	}
	head, err := s.w.bytes(pos, headToMagic)
	if err != nil {
		return Batch{}, nil, err
	}
	size, magic, bad := sizeOf(head)
	if bad != nil {
		return Batch{}, &problem{reason: bad.Error()}, nil
	}
	if size > left {
		return Batch{}, &problem{fmt.Sprintf("a batch of %d bytes, and %d are left", size, left), true}, nil
	}
	if head, err = s.w.bytes(pos, headerSize(magic)); err != nil {
		return Batch{}, nil, err
	}
	b := parseHeader(head, pos, size, magic)
	if magic == batch.Magic && b.LastOffset < b.BaseOffset {
		return Batch{}, &problem{reason: fmt.Sprintf("last offset delta %d", int32(b.LastOffset-b.BaseOffset))}, nil
	}
	if s.opts.HeadersOnly {
		if !s.plausible(&b) {
			return Batch{}, &problem{reason: fmt.Sprintf("base offset %d in a segment that begins at %d", b.BaseOffset, s.opts.Base)}, nil
		}
		return b, nil, nil
	}
	if err := s.check(&b); err != nil {
		return Batch{}, nil, err
	}
	if !b.ValidCRC && !s.endsWell(&b) {
		return Batch{}, &problem{reason: fmt.Sprintf("wrong checksum at offset %d, and no batch behind its %d bytes", b.BaseOffset, b.Size)}, nil
	}
	return b, nil, nil
}

// check computes the checksum, and keeps the batch's bytes if they are not too many.
func (s *Scanner) check(b *Batch) error {
	b.Checked = true
	if b.Size <= int64(s.opts.Limits.BatchBytes) {
		raw, err := s.w.bytes(b.Position, int(b.Size))
		if err != nil {
			return err
		}
		b.Raw = raw
		if b.Magic < batch.Magic {
			b.ValidCRC = message(raw).validCRC()
			return nil
		}
		b.ValidCRC = batch.Batch(raw).ValidCRC()
		return nil
	}
	sum, err := s.checksum(b)
	b.ValidCRC = sum == b.CRC
	return err
}

// plausible says whether a batch's offsets can be those of the segment.
func (s *Scanner) plausible(b *Batch) bool {
	if b.BaseOffset < 0 || b.LastOffset < b.BaseOffset || b.LastOffset == math.MaxInt64 {
		return false
	}
	return s.opts.Base < 0 || b.BaseOffset >= s.opts.Base && b.LastOffset-s.opts.Base <= math.MaxInt32
}

// endsWell says whether something that looks like a batch, or the end of the file, follows a batch whose checksum is wrong: then its
// length can be trusted.
func (s *Scanner) endsWell(b *Batch) bool {
	end := b.Position + b.Size
	if end == s.w.size {
		return true
	}
	if s.w.size-end < headToMagic {
		return false
	}
	// Reading ahead would take the batch's bytes away, which Raw still points to.
	var head [batch.HeaderSize]byte
	n := int(min(int64(len(head)), s.w.size-end))
	if _, err := s.w.file.ReadAt(head[:n], end); err != nil {
		return false
	}
	size, magic, bad := sizeOf(head[:])
	if bad != nil || n < headerSize(magic) || size > s.w.size-end {
		return false
	}
	next := parseHeader(head[:], end, size, magic)
	return s.plausible(&next)
}

// zeros says whether there is nothing but zeros from a position to the end of the file.
func (s *Scanner) zeros(pos int64) (bool, error) {
	for pos < s.w.size {
		b, err := s.w.peek(pos, s.w.step)
		if err != nil {
			return false, err
		}
		if len(bytes.TrimLeft(b, "\x00")) > 0 {
			return false, nil
		}
		pos += int64(len(b))
	}
	return true, nil
}
