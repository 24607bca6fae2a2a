package storage

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/storage/vfs"
)

const (
	scanBufferBytes = 1 << 20
	// trustedBytes is up to which size memory is taken for a batch because its length field says so. A larger one has to
	// prove its checksum first: a damaged length must not cost the rest of a large file in memory.
	trustedBytes = 8 << 20
)

// scanner reads a segment file from a position to its end, batch by batch, in large sequential reads, and
// checks everything that can be checked without decoding records.
type scanner struct {
	file io.ReaderAt
	base int64 // of the segment
	pos  int64 // of the next batch
	size int64 // of the file
	next int64 // lowest offset that the next batch may have
	buf  []byte
	have []byte // buf's part that is not consumed
	read int64  // where in the file the next read begins
}

// newScanner scans from pos to size. A buffer of another scanner may be given.
func newScanner(file vfs.File, base, pos, size, next int64, buf []byte) *scanner {
	if want := min(scanBufferBytes, max(size-pos, 0)); int64(len(buf)) < want {
		buf = make([]byte, want)
	}
	return &scanner{file: file, base: base, pos: pos, size: size, next: next, read: pos, buf: buf}
}

// errInvalid: there is no valid batch at the scanner's position. The bytes from there on are a torn tail, or
// damage; the position says which.
var errInvalid = errors.New("no valid batch")

// scan returns the next batch, which is valid until the call after. io.EOF says that the file ended at
// a batch boundary; errInvalid that it did not; anything else is the disk's.
func (s *scanner) scan() (batch.Batch, error) {
	if s.pos >= s.size {
		return nil, io.EOF
	}
	if err := s.fill(batch.HeaderSize); err != nil {
		return nil, err
	}
	n, err := batch.Size(s.have)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errInvalid, err)
	}
	if int64(n) > s.size-s.pos {
		return nil, fmt.Errorf("%w: %d bytes are missing", errInvalid, int64(n)-(s.size-s.pos))
	}
	if n > max(trustedBytes, len(s.buf)) {
		if err := checksum(s.file, batch.Batch(s.have[:batch.HeaderSize]), s.pos, int64(n)); err != nil {
			return nil, err
		}
	}
	if err := s.fill(n); err != nil {
		return nil, err
	}
	b, _, err := batch.Next(s.have)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errInvalid, err)
	}
	if err := s.check(b); err != nil {
		return nil, fmt.Errorf("%w: %w", errInvalid, err)
	}
	s.have = s.have[n:]
	s.pos += int64(n)
	s.next = b.NextOffset()
	return b, nil
}

// checksum compares the checksum of a batch of n bytes with its header's, in little memory.
func checksum(file io.ReaderAt, header batch.Batch, pos, n int64) error {
	const posAttributes = 21
	want := header.CRC()
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	if _, err := io.CopyBuffer(onlyWriter{sum}, io.NewSectionReader(file, pos+posAttributes, n-posAttributes), make([]byte, 64<<10)); err != nil {
		return fmt.Errorf("read segment at %d: %w", pos, err)
	}
	if sum.Sum32() != want {
		return fmt.Errorf("%w: wrong checksum of a batch of %d bytes", errInvalid, n)
	}
	return nil
}

// onlyWriter hides what else a writer can do, so that a copy uses the buffer that it was given.
type onlyWriter struct{ io.Writer }

func (s *scanner) check(b batch.Batch) error {
	base, delta := b.BaseOffset(), b.LastOffsetDelta()
	switch {
	case base < s.next:
		return fmt.Errorf("base offset %d, at least %d was due", base, s.next)
	case delta < 0:
		return fmt.Errorf("last offset delta %d", delta)
	case base-s.base > math.MaxInt32 || base > math.MaxInt64-math.MaxInt32-1:
		return fmt.Errorf("base offset %d in a segment that begins at %d", base, s.base)
	case !b.ValidCRC():
		return fmt.Errorf("wrong checksum at offset %d", base)
	}
	return nil
}

// fill makes sure that n bytes are there. The buffer grows only to what the file really holds.
func (s *scanner) fill(n int) error {
	if len(s.have) >= n {
		return nil
	}
	if int64(n) > s.size-s.pos {
		return fmt.Errorf("%w: %d bytes are left", errInvalid, s.size-s.pos)
	}
	if n > len(s.buf) {
		grown := make([]byte, n)
		copy(grown, s.have)
		s.have = grown[:len(s.have)]
		s.buf = grown
	} else {
		copy(s.buf, s.have)
		s.have = s.buf[:len(s.have)]
	}
	want := min(int64(len(s.buf)-len(s.have)), s.size-s.read)
	at := len(s.have)
	got, err := s.file.ReadAt(s.buf[at:at+int(want)], s.read)
	s.have = s.buf[:at+got]
	s.read += int64(got)
	if len(s.have) >= n {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: the file is shorter than it said", errInvalid)
	}
	return fmt.Errorf("read segment at %d: %w", s.read, err)
}
