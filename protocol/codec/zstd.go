package codec

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
)

const (
	zstdSkippable     = 0x184D2A50 // the low four bits are free
	zstdMaxBlock      = 128 << 10
	zstdMaxWindow     = 128 << 20 // what zstd's own level 22 and its default decoders use
	zstdSlack         = 32        // spare room behind the output lets the decoder copy in whole words
	zstdEncoderWindow = 1 << 20   // batches are about this large; a larger window would only cost memory
)

var (
	zstdDecoders sync.Pool
	zstdEncoders [int(zstd.SpeedBestCompression) + 1]sync.Pool
)

func compressZstd(dst, src []byte, level int) ([]byte, error) {
	ze, err := getZstdEncoder(&zstdEncoders, level)
	if err != nil {
		return dst, err
	}
	dst = ze.EncodeAll(src, dst)
	zstdEncoders[zstdSpeed(level)].Put(ze)
	return dst, nil
}

// zstdSpeed is the library's level for one of zstd's.
func zstdSpeed(level int) zstd.EncoderLevel {
	if level == DefaultLevel {
		level = 3
	}
	return zstd.EncoderLevelFromZstd(level)
}

func getZstdEncoder(pools *[int(zstd.SpeedBestCompression) + 1]sync.Pool, level int) (*zstd.Encoder, error) {
	speed := zstdSpeed(level)
	if ze, ok := pools[speed].Get().(*zstd.Encoder); ok {
		return ze, nil
	}
	return zstd.NewWriter(nil,
		zstd.WithEncoderLevel(speed),
		zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(zstdEncoderWindow),
		zstd.WithLowerEncoderMem(true),
		zstd.WithEncoderCRC(false), // the batch has its own
		zstd.WithZeroFrames(true))
}

// decompressZstd goes frame by frame. The library's own limit is no use here: it takes the window for memory, and a batch of
// 1 KB from Java declares a window of 2 MiB. What a frame can hold at most is known from its block headers instead.
func decompressZstd(dst, src []byte, limit int) ([]byte, error) {
	if len(src) == 0 {
		return dst, corrupt("zstd: no frame")
	}
	out := dst
	for len(src) > 0 {
		f, err := nextZstdFrame(src)
		if err != nil {
			return dst, err
		}
		left := limit - (len(out) - len(dst))
		switch {
		case f.content <= left:
			out, err = f.decode(out, src[:f.size])
		case f.exact:
			return dst, ErrTooLarge
		default:
			out, err = f.decodeBounded(out, src[:f.size], left)
		}
		if err != nil {
			return dst, err
		}
		src = src[f.size:]
	}
	return out, nil
}

func getZstdDecoder() (*zstd.Decoder, error) {
	if zd, ok := zstdDecoders.Get().(*zstd.Decoder); ok {
		return zd, nil
	}
	return zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(zstdMaxWindow))
}

// zstdFrame is what the headers of a frame and of its blocks say.
type zstdFrame struct {
	size    int // of the frame in bytes
	header  int // of its header
	window  uint64
	content int  // how many bytes it decompresses to, at most
	exact   bool // content is exact: the frame declares it and its blocks can hold it
}

// decode appends the content of one frame to dst, of which the caller knows that it is small enough.
func (f zstdFrame) decode(dst, src []byte) ([]byte, error) {
	zd, err := getZstdDecoder()
	if err != nil {
		return dst, err
	}
	defer zstdDecoders.Put(zd)
	guess := f.content
	if !f.exact {
		guess = min(guess, 4*f.size) // it grows if that was too little
	}
	dst = room(dst, guess+zstdSlack)
	out, err := zd.DecodeAll(src, dst[len(dst):])
	if err != nil {
		return dst, corrupt("zstd: %v", err)
	}
	return append(dst, out...), nil // which moves nothing when the decoder wrote in place
}

// decodeBounded is decode for a frame that might exceed the limit but does not say. Producers hardly ever make one: full
// blocks fill their bound.
func (f zstdFrame) decodeBounded(dst, src []byte, limit int) ([]byte, error) {
	s := Open(src, Zstd)
	defer s.Close()
	out := dst
	for {
		piece, err := s.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return dst, err
		}
		if len(piece) > limit-(len(out)-len(dst)) {
			return dst, ErrTooLarge
		}
		out = append(out, piece...)
	}
}

// nextZstdFrame walks the headers of the first frame in src. A frame that claims more content than its blocks could hold is
// refused, because memory is allocated for the claim.
func nextZstdFrame(src []byte) (f zstdFrame, err error) {
	if len(src) < 4 {
		return f, corrupt("zstd: torn frame")
	}
	if magic := binary.LittleEndian.Uint32(src); magic&^0xF == zstdSkippable {
		if len(src) < 8 || uint64(binary.LittleEndian.Uint32(src[4:])) > uint64(len(src)-8) {
			return f, corrupt("zstd: torn skippable frame")
		}
		return zstdFrame{size: 8 + int(binary.LittleEndian.Uint32(src[4:])), exact: true}, nil
	}
	var h zstd.Header
	if err := h.Decode(src); err != nil {
		return f, corrupt("zstd: %v", err)
	}
	if h.DictionaryID != 0 {
		return f, corrupt("zstd: needs dictionary %d", h.DictionaryID)
	}
	content, size, err := zstdBlocks(src[h.HeaderSize:], h.HasCheckSum)
	if err != nil {
		return f, err
	}
	f = zstdFrame{size: h.HeaderSize + size, header: h.HeaderSize, window: h.WindowSize, content: content}
	if h.SingleSegment {
		f.window = h.FrameContentSize
	}
	if h.HasFCS {
		if h.FrameContentSize > uint64(content) {
			return f, corrupt("zstd: content size %d cannot come from %d bytes", h.FrameContentSize, size)
		}
		f.content, f.exact = int(h.FrameContentSize), true
	}
	return f, nil
}

// zstdBlocks walks one frame's blocks: the most they can hold, and how many bytes they and the checksum take.
func zstdBlocks(src []byte, checksum bool) (content, size int, err error) {
	for last := false; !last; {
		if len(src)-size < 3 {
			return 0, 0, corrupt("zstd: torn block header")
		}
		h := int(src[size]) | int(src[size+1])<<8 | int(src[size+2])<<16
		size += 3
		last = h&1 != 0
		n, stored := h>>3, h>>3
		switch h >> 1 & 3 {
		case 0: // raw
			content += n
		case 1: // one byte, repeated
			content += n
			stored = 1
		case 2: // compressed
			content += zstdMaxBlock
		default:
			return 0, 0, corrupt("zstd: reserved block type")
		}
		if stored > len(src)-size {
			return 0, 0, corrupt("zstd: torn block")
		}
		size += stored
	}
	if checksum {
		if len(src)-size < 4 {
			return 0, 0, corrupt("zstd: torn checksum")
		}
		size += 4
	}
	return content, size, nil
}
