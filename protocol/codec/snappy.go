package codec

import (
	"bytes"
	"encoding/binary"

	"github.com/golang/snappy"
)

// The framing of snappy-java's SnappyOutputStream, which Kafka calls snappy: a 16-byte header, then blocks of at most 32 KiB
// of input, each a raw snappy block behind its length. Clients in C write one raw block without any framing, so both are read.
const (
	xerialHeaderSize = 16
	xerialBlockSize  = 32 << 10

	// snappyMaxRatio bounds how much raw snappy can grow: its densest element makes 64 bytes of 3.
	snappyMaxRatio = 22
)

var xerialHeader = [xerialHeaderSize]byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1}

// isXerial looks at the magic only: the two version fields after it are not checked by Java either, beyond "not newer".
func isXerial(src []byte) bool {
	return len(src) >= xerialHeaderSize && bytes.Equal(src[:8], xerialHeader[:8])
}

func compressSnappy(dst, src []byte) []byte {
	dst = append(dst, xerialHeader[:]...)
	for len(src) > 0 {
		block := src[:min(len(src), xerialBlockSize)]
		src = src[len(block):]
		dst = appendXerialBlock(dst, block)
	}
	return dst
}

func decompressSnappy(dst, src []byte, limit int) ([]byte, error) {
	if !isXerial(src) {
		return decompressSnappyBlock(dst, src, limit)
	}
	in, start := dst, len(dst)
	src = src[xerialHeaderSize:]
	for len(src) > 0 {
		if isXerial(src) { // streams put one behind the other
			src = src[xerialHeaderSize:]
			continue
		}
		if len(src) < 4 {
			return in, corrupt("snappy: torn block length")
		}
		n := binary.BigEndian.Uint32(src)
		src = src[4:]
		if uint64(n) > uint64(len(src)) {
			return in, corrupt("snappy: block of %d bytes, %d left", n, len(src))
		}
		var err error
		if dst, err = decompressSnappyBlock(dst, src[:n], limit-(len(dst)-start)); err != nil {
			return in, err
		}
		src = src[n:]
	}
	return dst, nil
}

func decompressSnappyBlock(dst, src []byte, limit int) ([]byte, error) {
	n, err := snappyLen(src)
	if err != nil {
		return dst, err
	}
	if n > limit {
		return dst, ErrTooLarge
	}
	grown := dst
	if cap(dst)-len(dst) < n {
		grown = room(dst, max(n, min(len(dst), limit)))
	}
	at := len(dst)
	if _, err := snappy.Decode(grown[at:at+n], src); err != nil {
		return dst, corrupt("%v", err)
	}
	return grown[:at+n], nil
}

// snappyLen is what a block says that it decompresses to, if it can be true.
func snappyLen(src []byte) (int, error) {
	n, err := snappy.DecodedLen(src)
	if err != nil {
		return 0, corrupt("%v", err)
	}
	if n > snappyMaxRatio*len(src) {
		return 0, corrupt("snappy: length %d cannot come from %d bytes", n, len(src))
	}
	return n, nil
}
