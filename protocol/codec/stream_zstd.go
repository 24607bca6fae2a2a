package codec

import (
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
)

var zstdStreamers sync.Pool

// zstdStream is where a stream is in its zstd frames.
type zstdStream struct {
	dec     *zstd.Decoder
	in      zstdInput
	inFrame bool
	frames  int
	narrow  bool // the frame wants a larger window than it gets
}

// zstdInput is a frame whose header was replaced.
type zstdInput struct{ header, rest []byte }

func (r *zstdInput) Read(p []byte) (int, error) {
	if len(r.header) > 0 {
		n := copy(p, r.header)
		r.header = r.header[n:]
		return n, nil
	}
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func (z *zstdStream) close() {
	if z.dec == nil {
		return
	}
	_ = z.dec.Reset(nil) // forgets the input
	zstdStreamers.Put(z.dec)
	z.dec = nil
}

func (s *Stream) nextZstd() ([]byte, error) {
	z := &s.zstd
	if z.inFrame {
		return s.zstdPiece()
	}
	if len(s.src) == 0 {
		if z.frames == 0 {
			return nil, corrupt("zstd: no frame")
		}
		return nil, io.EOF
	}
	f, err := nextZstdFrame(s.src)
	if err != nil {
		return nil, err
	}
	z.frames++
	frame := s.src[:f.size]
	s.src = s.src[f.size:]
	if f.content <= wholeBytes && !s.pieces || f.content == 0 {
		out, err := f.decode(s.buf[:0], frame)
		if err != nil {
			return nil, err
		}
		s.buf = out
		return out, nil
	}
	return nil, s.beginZstd(f, frame)
}

// beginZstd makes a decoder ready for a large frame. It is told of no larger window than it gets, because it allocates what
// it is told: a frame may declare 128 MiB, or be a single segment, whose window is all its content. Where a frame really
// looks back further, the decoder finds it damaged.
func (s *Stream) beginZstd(f zstdFrame, frame []byte) (err error) {
	z := &s.zstd
	if f.window > zstdMaxWindow {
		return corrupt("zstd: window of %d bytes", f.window)
	}
	if z.dec == nil {
		var ok bool
		if z.dec, ok = zstdStreamers.Get().(*zstd.Decoder); !ok {
			z.dec, err = zstd.NewReader(nil,
				zstd.WithDecoderConcurrency(1),
				zstd.WithDecoderLowmem(true),
				zstd.WithDecoderMaxWindow(streamWindow))
			if err != nil {
				return err
			}
		}
	}
	z.in = zstdInput{rest: frame}
	if z.narrow = f.window > streamWindow; z.narrow {
		z.in = zstdInput{header: zstdNarrow(frame), rest: frame[f.header:]}
	}
	if err := z.dec.Reset(&z.in); err != nil {
		return corrupt("zstd: %v", err)
	}
	z.inFrame = true
	return nil
}

// zstdNarrow is the frame's header with streamWindow for its window.
//
//	magic 4 | descriptor 1 | window 1, unless it is a single segment | dictionary id 0, 1, 2, 4 | content size 0, 2, 4, 8
//
// A dictionary id is left out: it can only be 0.
func zstdNarrow(frame []byte) []byte {
	const (
		singleSegment = 1 << 5
		dictionary    = 3
		descriptor    = 4
		window        = (23 - 10) << 3 // 2^23
	)
	contentSize := 0
	if flag := frame[descriptor] >> 6; flag > 0 {
		contentSize = 1 << flag
	}
	at := descriptor + 1
	if frame[descriptor]&singleSegment == 0 {
		at++
	}
	at += [...]int{0, 1, 2, 4}[frame[descriptor]&dictionary]
	out := append(make([]byte, 0, 14), frame[:descriptor]...)
	out = append(out, frame[descriptor]&^(singleSegment|dictionary), window)
	return append(out, frame[at:at+contentSize]...)
}

func (s *Stream) zstdPiece() ([]byte, error) {
	z := &s.zstd
	buf := s.piece(max(streamPiece, min(cap(s.buf), zstdMaxBlock)))
	n, err := z.dec.Read(buf)
	if errors.Is(err, io.EOF) {
		z.inFrame = false
		err = nil
	}
	if err != nil {
		if z.narrow {
			return nil, corrupt("zstd: %v, with a window of %d bytes", err, streamWindow)
		}
		return nil, corrupt("zstd: %v", err)
	}
	return buf[:n], nil
}
