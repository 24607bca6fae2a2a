package codec

import (
	"encoding/binary"
	"math/bits"
)

// The 32-bit xxHash with seed 0, which LZ4 frames use for all their checksums.
const (
	xxhPrime1 uint32 = 2654435761
	xxhPrime2 uint32 = 2246822519
	xxhPrime3 uint32 = 3266489917
	xxhPrime4 uint32 = 668265263
	xxhPrime5 uint32 = 374761393
)

func xxh32(b []byte) uint32 {
	var d xxh32Digest
	d.reset()
	d.write(b)
	return d.sum()
}

func xxhRound(v, in uint32) uint32 {
	return bits.RotateLeft32(v+in*xxhPrime2, 13) * xxhPrime1
}

// xxh32Digest is xxh32 over bytes that come in pieces.
type xxh32Digest struct {
	v     [4]uint32
	total uint32
	long  bool // there were 16 bytes
	tail  [16]byte
	n     int // bytes in tail
}

func (d *xxh32Digest) reset() {
	p1, p2 := xxhPrime1, xxhPrime2
	*d = xxh32Digest{v: [4]uint32{p1 + p2, p2, 0, -p1}}
}

func (d *xxh32Digest) write(b []byte) {
	d.total += uint32(len(b)) // the length counts modulo 2^32
	if d.n > 0 {
		n := copy(d.tail[d.n:], b)
		if d.n += n; d.n < len(d.tail) {
			return
		}
		b = b[n:]
		d.n = 0
		d.rounds(d.tail[:])
	}
	whole := len(b) &^ 15
	d.rounds(b[:whole])
	d.n = copy(d.tail[:], b[whole:])
}

func (d *xxh32Digest) rounds(b []byte) {
	d.long = d.long || len(b) > 0
	v1, v2, v3, v4 := d.v[0], d.v[1], d.v[2], d.v[3]
	for len(b) >= 16 {
		v1 = xxhRound(v1, binary.LittleEndian.Uint32(b))
		v2 = xxhRound(v2, binary.LittleEndian.Uint32(b[4:]))
		v3 = xxhRound(v3, binary.LittleEndian.Uint32(b[8:]))
		v4 = xxhRound(v4, binary.LittleEndian.Uint32(b[12:]))
		b = b[16:]
	}
	d.v = [4]uint32{v1, v2, v3, v4}
}

func (d *xxh32Digest) sum() uint32 {
	h := d.total
	if d.long {
		h += bits.RotateLeft32(d.v[0], 1) + bits.RotateLeft32(d.v[1], 7) + bits.RotateLeft32(d.v[2], 12) + bits.RotateLeft32(d.v[3], 18)
	} else {
		h += xxhPrime5
	}
	b := d.tail[:d.n]
	for ; len(b) >= 4; b = b[4:] {
		h += binary.LittleEndian.Uint32(b) * xxhPrime3
		h = bits.RotateLeft32(h, 17) * xxhPrime4
	}
	for _, c := range b {
		h += uint32(c) * xxhPrime5
		h = bits.RotateLeft32(h, 11) * xxhPrime1
	}
	h ^= h >> 15
	h *= xxhPrime2
	h ^= h >> 13
	h *= xxhPrime3
	return h ^ h>>16
}
