package codec

import (
	"encoding/binary"
	"errors"
	"sync"

	"github.com/klauspost/compress/zstd"
)

const (
	zstdMagic         = 0xFD2FB528
	zstdSkippable     = 0x184D2A50 // the low four bits are free
	zstdMaxBlock      = 128 << 10
	zstdMaxWindow     = 128 << 20 // what zstd's own level 22 and its default decoders use
	zstdEncoderWindow = 1 << 20   // batches are about this large; a larger window would only cost memory
)

var (
	zstdDecoders sync.Pool
	zstdEncoders [int(zstd.SpeedBestCompression) + 1]sync.Pool
)

// zstdDecoder remembers the limit it was set up with. Limits come from configuration and hardly ever differ.
type zstdDecoder struct {
	zd    *zstd.Decoder
	limit int
}

func getZstdDecoder(limit int) (*zstdDecoder, error) {
	most := uint64(max(limit, 1)) // zero is not allowed; decompressZstd checks again
	d, ok := zstdDecoders.Get().(*zstdDecoder)
	if !ok {
		zd, err := zstd.NewReader(nil,
			zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(zstdMaxWindow),
			zstd.WithDecoderMaxMemory(most))
		if err != nil {
			return nil, err
		}
		return &zstdDecoder{zd: zd, limit: limit}, nil
	}
	if d.limit != limit {
		if err := d.zd.ResetWithOptions(nil, zstd.WithDecoderMaxMemory(most)); err != nil {
			return nil, err
		}
		d.limit = limit
	}
	return d, nil
}

func compressZstd(dst, src []byte, level int) ([]byte, error) {
	if level == DefaultLevel {
		level = 3
	}
	speed := zstd.EncoderLevelFromZstd(level)
	ze, ok := zstdEncoders[speed].Get().(*zstd.Encoder)
	if !ok {
		var err error
		ze, err = zstd.NewWriter(nil,
			zstd.WithEncoderLevel(speed),
			zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(zstdEncoderWindow),
			zstd.WithLowerEncoderMem(true),
			zstd.WithEncoderCRC(false), // the batch has its own
			zstd.WithZeroFrames(true))
		if err != nil {
			return dst, err
		}
	}
	dst = ze.EncodeAll(src, dst)
	zstdEncoders[speed].Put(ze)
	return dst, nil
}

func decompressZstd(dst, src []byte, limit int) ([]byte, error) {
	bound, err := zstdBound(src)
	if err != nil {
		return dst, err
	}
	d, err := getZstdDecoder(limit)
	if err != nil {
		return dst, err
	}
	// The output is a slice of its own behind dst, because the decoder counts what is before it against its limit.
	dst = room(dst, min(bound, limit, 3*len(src)+64))
	behind := dst[len(dst):]
	out, err := d.zd.DecodeAll(src, behind)
	zstdDecoders.Put(d)
	switch {
	case err == nil && len(out) > limit,
		errors.Is(err, zstd.ErrDecoderSizeExceeded),
		errors.Is(err, zstd.ErrWindowSizeExceeded):
		return dst, ErrTooLarge
	case err != nil:
		return dst, corrupt("zstd: %v", err)
	case len(out) == 0:
		return dst, nil
	case cap(behind) > 0 && &out[0] == &behind[:1][0]:
		return dst[:len(dst)+len(out)], nil
	default: // the decoder had to grow it
		return append(dst, out...), nil
	}
}

// zstdBound walks the frame and block headers and returns what the data can decompress to at most. A frame that claims a
// larger content is refused: the decoder would allocate for the claim.
func zstdBound(src []byte) (int, error) {
	bound := 0
	if len(src) == 0 {
		return 0, corrupt("zstd: no frame")
	}
	for len(src) > 0 {
		if len(src) < 4 {
			return 0, corrupt("zstd: torn frame")
		}
		if magic := binary.LittleEndian.Uint32(src); magic&^0xF == zstdSkippable {
			if len(src) < 8 || uint64(binary.LittleEndian.Uint32(src[4:])) > uint64(len(src)-8) {
				return 0, corrupt("zstd: torn skippable frame")
			}
			src = src[8+int(binary.LittleEndian.Uint32(src[4:])):]
			continue
		}
		var h zstd.Header
		if err := h.Decode(src); err != nil {
			return 0, corrupt("zstd: %v", err)
		}
		if h.DictionaryID != 0 {
			return 0, corrupt("zstd: needs dictionary %d", h.DictionaryID)
		}
		content, size, err := zstdBlocks(src[h.HeaderSize:], h.HasCheckSum)
		if err != nil {
			return 0, err
		}
		if h.HasFCS && h.FrameContentSize > uint64(content) {
			return 0, corrupt("zstd: content size %d cannot come from %d bytes", h.FrameContentSize, size)
		}
		bound += content
		src = src[h.HeaderSize+size:]
	}
	return bound, nil
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
