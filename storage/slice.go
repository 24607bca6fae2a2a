package storage

import (
	"errors"
	"io"
	"os"
)

// Slice is a range of a segment file, from a batch's beginning on. It holds a reference to the file: the
// holder must Release it exactly once, and may then not use it any more. The zero Slice is empty.
type Slice struct {
	h   *handle
	pos int64
	len int
	of  *segment
}

// Len is how many bytes the slice has. It may end inside a batch.
func (s *Slice) Len() int { return s.len }

// Pos is where the slice begins in File.
func (s *Slice) Pos() int64 { return s.pos }

// File is the operating system's file, for sendfile at Pos; nil when there is none. It stays open until
// Release.
func (s *Slice) File() *os.File {
	if s.h == nil {
		return nil
	}
	return s.h.file.OSFile()
}

// ReadAt reads from the slice; off counts from its beginning.
func (s *Slice) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= int64(s.len) {
		return 0, io.EOF
	}
	short := int64(len(p)) > int64(s.len)-off
	if short {
		p = p[:int64(s.len)-off]
	}
	n, err := s.h.file.ReadAt(p, s.pos+off)
	if n == len(p) {
		err = nil
		if short {
			err = io.EOF
		}
	} else if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // the file is shorter than the log said
	}
	return n, err
}

// AppendTo appends the slice's bytes to dst.
func (s *Slice) AppendTo(dst []byte) ([]byte, error) {
	if s.len == 0 {
		return dst, nil
	}
	n := len(dst)
	if cap(dst)-n < s.len {
		grown := make([]byte, n, n+s.len)
		copy(grown, dst)
		dst = grown
	}
	dst = dst[:n+s.len]
	_, err := s.ReadAt(dst[n:], 0)
	return dst, err
}

// Release lets go of the file.
func (s *Slice) Release() {
	if s.h != nil {
		s.h.release()
		s.h = nil
	}
	s.len = 0
}
