package codec

import (
	"encoding/binary"
	"slices"
	"sync"

	"github.com/pierrec/lz4/v4"
)

// LZ4 frames are cut by hand: the library's reader allocates a full block of up to 4 MiB for the smallest batch, starts
// goroutines, and cannot be told to accept the header checksum of message format 0. Only its block functions are used.
//
//	magic 04 22 4D 18 | FLG | BD | content size, if flagged (8) | dictionary id, if flagged (4) | header checksum (1)
//	blocks: size (4, top bit: stored) | bytes | checksum, if flagged (4)
//	end mark 00000000 | content checksum, if flagged (4)
const (
	lz4Magic     = 0x184D2204
	lz4Skippable = 0x184D2A50
	lz4Stored    = 1 << 31
	lz4BlockSize = 64 << 10 // what Kafka writes
	lz4Window    = 64 << 10

	lz4Version         = 1 << 6
	lz4Independent     = 1 << 5
	lz4BlockChecksum   = 1 << 4
	lz4ContentSize     = 1 << 3
	lz4ContentChecksum = 1 << 2
	lz4Reserved        = 1 << 1
	lz4DictID          = 1 << 0

	lz4DefaultLevel = 9 // Kafka's default, for which Java takes the fast compressor
)

var (
	lz4Fast sync.Pool
	lz4High [lz4DefaultLevel + 1]sync.Pool
)

func compressLZ4(dst, src []byte, level int, legacyChecksum bool) ([]byte, error) {
	in := dst
	dst = appendLZ4Header(dst, legacyChecksum)
	compress := getLZ4Compressor(level)
	defer compress.put()
	for len(src) > 0 {
		block := src[:min(len(src), lz4BlockSize)]
		src = src[len(block):]
		var err error
		if dst, err = compress.append(dst, block); err != nil {
			return in, err
		}
	}
	return append(dst, 0, 0, 0, 0), nil
}

func appendLZ4Header(dst []byte, legacyChecksum bool) []byte {
	start := len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, lz4Magic)
	dst = append(dst, lz4Version|lz4Independent, 4<<4)
	checked := dst[start+4:]
	if legacyChecksum {
		checked = dst[start:]
	}
	return append(dst, byte(xxh32(checked)>>8))
}

// lz4Compressor is one of the library's two compressors with the pool it belongs to.
type lz4Compressor struct {
	fast lz4.Compressor
	high *lz4.CompressorHC
	pool *sync.Pool
}

func getLZ4Compressor(level int) *lz4Compressor {
	pool := &lz4Fast
	if level > 0 && level != lz4DefaultLevel {
		// The library has nine depths where Java has seventeen levels.
		level = min(level, lz4DefaultLevel)
		pool = &lz4High[level]
	}
	if c, ok := pool.Get().(*lz4Compressor); ok {
		return c
	}
	c := &lz4Compressor{pool: pool}
	if pool != &lz4Fast {
		c.high = &lz4.CompressorHC{Level: lz4.CompressionLevel(1 << (8 + level))}
	}
	return c
}

func (c *lz4Compressor) put() { c.pool.Put(c) }

// append appends one block of at most lz4BlockSize bytes behind its size, as it is where it cannot be compressed.
func (c *lz4Compressor) append(dst, block []byte) ([]byte, error) {
	dst = slices.Grow(dst, 4+lz4.CompressBlockBound(len(block)))
	at := len(dst) + 4
	n, err := c.block(block, dst[at:cap(dst)])
	if err != nil {
		return dst, err
	}
	if n == 0 || n >= len(block) { // not compressible
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(block))|lz4Stored)
		return append(dst, block...), nil
	}
	return binary.LittleEndian.AppendUint32(dst, uint32(n))[:at+n], nil
}

func (c *lz4Compressor) block(src, dst []byte) (int, error) {
	if c.high != nil {
		return c.high.CompressBlock(src, dst)
	}
	return c.fast.CompressBlock(src, dst)
}

func decompressLZ4(dst, src []byte, limit int, anyChecksum bool) ([]byte, error) {
	in, start := dst, len(dst)
	if len(src) == 0 {
		return in, corrupt("lz4: no frame")
	}
	for len(src) > 0 {
		body, rest, err := lz4Skip(src)
		if err != nil {
			return in, err
		}
		if body == nil {
			src = rest
			continue
		}
		f := lz4Frame{src: body, limit: limit - (len(dst) - start)}
		if err = f.header(anyChecksum); err == nil {
			dst, err = f.blocks(dst)
		}
		if err != nil {
			return in, err
		}
		src = f.src
	}
	return dst, nil
}

// lz4Frame is one frame while it is read; src is what is left.
type lz4Frame struct {
	src         []byte
	limit       int
	flags       byte
	maxBlock    int
	contentSize uint64
}

func (f *lz4Frame) header(anyChecksum bool) error {
	f.flags = f.src[0]
	bd := f.src[1]
	size := 2
	if f.flags&lz4ContentSize != 0 {
		size += 8
	}
	if f.flags&lz4DictID != 0 {
		size += 4
	}
	if len(f.src) < size+1 {
		return corrupt("lz4: torn frame header")
	}
	if f.flags>>6 != 1 || f.flags&lz4Reserved != 0 || bd&0x8F != 0 || bd>>4 < 4 {
		return corrupt("lz4: flags %02x %02x", f.flags, bd)
	}
	if f.flags&lz4DictID != 0 {
		return corrupt("lz4: needs a dictionary")
	}
	if !anyChecksum && f.src[size] != byte(xxh32(f.src[:size])>>8) {
		return corrupt("lz4: header checksum")
	}
	if f.flags&lz4ContentSize != 0 {
		f.contentSize = binary.LittleEndian.Uint64(f.src[2:])
	}
	f.maxBlock = 1 << (8 + 2*(bd>>4)) // 4: 64 KiB ... 7: 4 MiB
	f.src = f.src[size+1:]
	return nil
}

// blocks appends the frame's content to dst.
func (f *lz4Frame) blocks(dst []byte) ([]byte, error) {
	start := len(dst)
	for {
		block, stored, err := f.next()
		if err != nil {
			return dst, err
		}
		if block == nil {
			content := dst[start:]
			return dst, f.end(uint64(len(content)), func() uint32 { return xxh32(content) })
		}
		if dst, err = f.block(dst, start, block, stored); err != nil {
			return dst, err
		}
	}
}

// next cuts the next block; nil at the end mark.
func (f *lz4Frame) next() (block []byte, stored bool, err error) {
	if len(f.src) < 4 {
		return nil, false, corrupt("lz4: torn block size")
	}
	size := binary.LittleEndian.Uint32(f.src)
	f.src = f.src[4:]
	if size == 0 {
		return nil, false, nil
	}
	stored = size&lz4Stored != 0
	size &^= lz4Stored
	if uint64(size) > uint64(len(f.src)) || uint64(size) > uint64(f.maxBlock) {
		return nil, false, corrupt("lz4: block of %d bytes, %d left", size, len(f.src))
	}
	block = f.src[:size]
	f.src = f.src[size:]
	if f.flags&lz4BlockChecksum != 0 {
		if len(f.src) < 4 || binary.LittleEndian.Uint32(f.src) != xxh32(block) {
			return nil, false, corrupt("lz4: block checksum")
		}
		f.src = f.src[4:]
	}
	return block, stored, nil
}

// block appends one block's content. Its size is known before anything is allocated or decoded.
func (f *lz4Frame) block(dst []byte, start int, block []byte, stored bool) ([]byte, error) {
	n, err := f.contentLen(block, stored)
	if err != nil {
		return dst, err
	}
	if n > f.limit-(len(dst)-start) {
		return dst, ErrTooLarge
	}
	if cap(dst)-len(dst) < n {
		dst = room(dst, max(n, min(len(dst), f.limit-(len(dst)-start))))
	}
	at := len(dst)
	if stored {
		return append(dst, block...), nil
	}
	var window []byte
	if f.flags&lz4Independent == 0 {
		window = dst[max(start, at-lz4Window):at]
	}
	got, err := lz4.UncompressBlockWithDict(block, dst[at:at+n], window)
	if err != nil || got != n {
		return dst, corrupt("lz4: block")
	}
	return dst[:at+n], nil
}

// end reads what follows the end mark and compares it with the content that was found.
func (f *lz4Frame) end(content uint64, sum func() uint32) error {
	if f.flags&lz4ContentSize != 0 && f.contentSize != content {
		return corrupt("lz4: content size %d, found %d", f.contentSize, content)
	}
	if f.flags&lz4ContentChecksum == 0 {
		return nil
	}
	if len(f.src) < 4 || binary.LittleEndian.Uint32(f.src) != sum() {
		return corrupt("lz4: content checksum")
	}
	f.src = f.src[4:]
	return nil
}

// contentLen is the size of a block's content.
func (f *lz4Frame) contentLen(block []byte, stored bool) (int, error) {
	if stored {
		return len(block), nil
	}
	n := lz4DecodedLen(block)
	if n < 0 || n > f.maxBlock {
		return 0, corrupt("lz4: block does not decode to at most %d bytes", f.maxBlock)
	}
	return n, nil
}

// lz4LastBytes must follow the literals of a sequence with a match: its offset, and a sequence of five literals at least, with
// which a block ends. The specification wants it and the reference decoder, which nearly all clients have, insists; the library
// that is used here does not.
const lz4LastBytes = 2 + 1 + 5

// lz4DecodedLen adds up the literals and matches of a block without decoding it; -1 if the block is malformed.
func lz4DecodedLen(src []byte) int {
	total := 0
	for i := 0; i < len(src); {
		token := src[i]
		i++
		n, next := lz4Length(src, i, int(token>>4))
		if next < 0 || n > len(src)-next {
			return -1
		}
		total += n
		i = next + n
		if i == len(src) { // the last sequence has literals only
			return total
		}
		if len(src)-i < lz4LastBytes {
			return -1
		}
		i += 2 // offset
		n, i = lz4Length(src, i, int(token&0xF))
		if i < 0 {
			return -1
		}
		total += n + 4
	}
	return -1
}

// lz4Length reads the extra bytes of a length whose nibble is 15. At most 255 times the block's size: it cannot overflow.
func lz4Length(src []byte, i, n int) (length, next int) {
	if n < 15 {
		return n, i
	}
	for i < len(src) {
		b := src[i]
		i++
		n += int(b)
		if b != 255 {
			return n, i
		}
	}
	return 0, -1
}
