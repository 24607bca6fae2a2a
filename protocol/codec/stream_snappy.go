package codec

import (
	"encoding/binary"
	"io"

	"github.com/golang/snappy"
)

// snappyStream is where a stream is in its snappy blocks. Most blocks are small and decompressed at once. A block without
// framing is the whole batch, and one that holds more than the window is decompressed element by element.
type snappyStream struct {
	started bool
	framed  bool

	block  []byte // what is left of a large one
	total  int    // what it must decompress to
	done   int
	filled int // of the buffer
	plain  int // bytes that a literal still has to copy from the block
	match  int // bytes that a match still has to copy, from offset bytes back
	offset int
}

func (s *Stream) nextSnappy() ([]byte, error) {
	n := &s.snappy
	if n.done < n.total {
		return s.largeSnappy()
	}
	if !n.started {
		n.started, n.framed = true, isXerial(s.src)
		if n.framed && s.java && int32(binary.BigEndian.Uint32(s.src[8:])) < 1 {
			return nil, corrupt("snappy: framing of version %d", int32(binary.BigEndian.Uint32(s.src[8:])))
		}
		if !n.framed {
			block := s.src
			s.src = nil
			return s.snappyBlock(block)
		}
	}
	for isXerial(s.src) { // streams put one behind the other
		s.src = s.src[xerialHeaderSize:]
	}
	if len(s.src) == 0 {
		return nil, io.EOF
	}
	if len(s.src) < 4 {
		return nil, corrupt("snappy: torn block length")
	}
	size := binary.BigEndian.Uint32(s.src)
	s.src = s.src[4:]
	if uint64(size) > uint64(len(s.src)) {
		return nil, corrupt("snappy: block of %d bytes, %d left", size, len(s.src))
	}
	block := s.src[:size]
	s.src = s.src[size:]
	return s.snappyBlock(block)
}

func (s *Stream) snappyBlock(block []byte) ([]byte, error) {
	n, err := snappyLen(block)
	if err != nil {
		return nil, err
	}
	if n <= streamWindow && !s.pieces {
		out, err := snappy.Decode(s.piece(n), block)
		if err != nil {
			return nil, corrupt("%v", err)
		}
		return out, nil
	}
	_, header := binary.Uvarint(block)
	s.snappy.block, s.snappy.total, s.snappy.done, s.snappy.filled = block[header:], n, 0, 0
	return s.largeSnappy()
}

// largeSnappy decompresses the next piece of a large block. The buffer holds the window and room for several pieces, so that
// the window seldom moves.
func (s *Stream) largeSnappy() ([]byte, error) {
	n := &s.snappy
	buf := s.piece(streamWindow + 32*streamPiece)
	if n.filled+streamPiece > len(buf) {
		copy(buf, buf[n.filled-streamWindow:n.filled])
		n.filled = streamWindow
	}
	start := n.filled
	end := start + min(streamPiece, n.total-n.done)
	for n.filled < end {
		if n.plain > 0 {
			got := copy(buf[n.filled:end], n.block[:n.plain])
			n.filled, n.plain, n.block = n.filled+got, n.plain-got, n.block[got:]
			continue
		}
		if n.match == 0 {
			if err := n.element(); err != nil {
				return nil, err
			}
			continue
		}
		if n.offset > n.filled || n.offset > streamWindow {
			return nil, corrupt("snappy: refers %d bytes back", n.offset)
		}
		// A match may overlap what it makes: then it repeats, by at most its offset at a time.
		got := copy(buf[n.filled:end], buf[n.filled-n.offset:][:min(n.match, n.offset)])
		n.filled += got
		n.match -= got
	}
	n.done += end - start
	if n.done == n.total && (n.match > 0 || len(n.block) > 0) {
		return nil, corrupt("snappy: more than %d bytes", n.total)
	}
	return buf[start:end], nil
}

// element reads the head of the next element: what it copies is still to be copied.
func (n *snappyStream) element() error {
	if len(n.block) == 0 {
		return corrupt("snappy: torn block")
	}
	tag := n.block[0]
	extra := int(tag & 3) // bytes of a copy's offset
	size := int(tag >> 2)
	if extra == 0 { // a literal
		if size >= 60 {
			extra, size = size-59, -1
		}
	} else if extra == 3 {
		extra = 4
	}
	if len(n.block) < 1+extra {
		return corrupt("snappy: torn element")
	}
	number := uint64(0)
	for i, b := range n.block[1 : 1+extra] {
		number |= uint64(b) << (8 * i)
	}
	switch tag & 3 {
	case 0:
		if size < 0 {
			size = int(number)
		}
		return n.literal(1+extra, size+1)
	case 1:
		n.match, n.offset = 4+size&7, int(number)|size>>3<<8
	default:
		n.match, n.offset = 1+size, int(number)
	}
	if n.offset == 0 {
		return corrupt("snappy: offset 0")
	}
	n.block = n.block[1+extra:]
	return nil
}

// literal begins to copy the bytes of a literal.
func (n *snappyStream) literal(header, size int) error {
	if size > len(n.block)-header {
		return corrupt("snappy: torn literal")
	}
	n.block, n.plain = n.block[header:], size
	return nil
}
