package codec

import (
	"encoding/binary"
	"io"

	"github.com/pierrec/lz4/v4"
)

// lz4Stream is where a stream is in its LZ4 frames.
type lz4Stream struct {
	anyChecksum bool
	inFrame     bool
	frames      int
	frame       lz4Frame
	content     uint64 // bytes of the frame so far
	sum         xxh32Digest
	filled      int // of the buffer, of which the end is what the next block may refer to
}

func (s *Stream) nextLZ4() ([]byte, error) {
	l := &s.lz4
	for !l.inFrame {
		if err := s.beginLZ4(); err != nil {
			return nil, err
		}
	}
	block, stored, err := l.frame.next()
	if err != nil {
		return nil, err
	}
	if block == nil {
		err := l.frame.end(l.content, l.sum.sum)
		s.src, l.inFrame = l.frame.src, false
		return nil, err
	}
	piece, err := s.lz4Block(block, stored)
	if err != nil {
		return nil, err
	}
	l.content += uint64(len(piece))
	if l.frame.flags&lz4ContentChecksum != 0 {
		l.sum.write(piece)
	}
	return piece, nil
}

// beginLZ4 reads the header of the next frame, or passes over one without content.
func (s *Stream) beginLZ4() error {
	l := &s.lz4
	if len(s.src) == 0 {
		if l.frames == 0 {
			return corrupt("lz4: no frame")
		}
		return io.EOF
	}
	l.frames++
	body, rest, err := lz4Skip(s.src)
	if err != nil {
		return err
	}
	if s.java && (body == nil || l.frames > 1) {
		return corrupt("lz4: more than one frame")
	}
	if body == nil {
		s.src = rest
		return nil
	}
	l.frame = lz4Frame{src: body}
	if err := l.frame.header(l.anyChecksum); err != nil {
		return err
	}
	if s.java && l.frame.flags&lz4Independent == 0 {
		return corrupt("lz4: blocks that depend on each other")
	}
	l.inFrame, l.content, l.filled = true, 0, 0
	l.sum.reset()
	return nil
}

// lz4Block decodes one block. Where blocks depend on each other, the buffer keeps the window before it.
func (s *Stream) lz4Block(block []byte, stored bool) ([]byte, error) {
	l := &s.lz4
	n, err := l.frame.contentLen(block, stored)
	if err != nil {
		return nil, err
	}
	if l.frame.flags&lz4Independent != 0 {
		l.filled = 0
	}
	at := l.filled
	if keep := min(at, lz4Window); cap(s.buf) < at+n {
		// Room for several blocks behind the window, so that it seldom moves.
		buf := s.buf[:cap(s.buf)]
		if len(buf) < keep+n {
			buf = make([]byte, keep+max(n, 3*lz4Window*min(1, keep)))
		}
		copy(buf, s.buf[at-keep:at])
		s.buf, at = buf, keep
	}
	s.buf = s.buf[:cap(s.buf)]
	out := s.buf[at : at+n]
	if stored {
		copy(out, block)
	} else {
		got, err := lz4.UncompressBlockWithDict(block, out, s.buf[max(0, at-lz4Window):at])
		if err != nil || got != n {
			return nil, corrupt("lz4: block")
		}
	}
	l.filled = at + len(out)
	return out, nil
}

// lz4Skip looks at the magic of a frame: body is what follows it, nil for a frame that is to be skipped, and rest what
// follows that.
func lz4Skip(src []byte) (body, rest []byte, err error) {
	if len(src) < 7 {
		return nil, nil, corrupt("lz4: torn frame header")
	}
	magic := binary.LittleEndian.Uint32(src)
	if magic == lz4Magic {
		return src[4:], nil, nil
	}
	if magic&^0xF != lz4Skippable {
		return nil, nil, corrupt("lz4: magic %08x", magic)
	}
	if len(src) < 8 || uint64(binary.LittleEndian.Uint32(src[4:])) > uint64(len(src)-8) {
		return nil, nil, corrupt("lz4: torn skippable frame")
	}
	return nil, src[8+binary.LittleEndian.Uint32(src[4:]):], nil
}
