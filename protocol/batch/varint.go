package batch

// Zigzag varints as in protocol buffers. All readers take a position and return the next one; a position of -1 means that
// something before went wrong and is passed on, so that a row of reads needs one check at its end. What does not fit in 32
// or 64 bits is refused: decoders disagree about the surplus bits.

// varint reads a 32-bit number at i. One and two bytes are nearly all there is, so they have their own way.
func varint(b []byte, i int) (v, next int) {
	if uint(i) < uint(len(b)) {
		c := b[i]
		if c < 0x80 {
			return int(c>>1) ^ -int(c&1), i + 1
		}
		if i+1 < len(b) && b[i+1] < 0x80 {
			return int(c&0x7F)>>1 + int(b[i+1])<<6 ^ -int(c&1), i + 2
		}
	}
	return longVarint(b, i)
}

func longVarint(b []byte, i int) (v, next int) {
	if i < 0 {
		return 0, -1
	}
	var u uint32
	for shift := 0; i < len(b); shift += 7 {
		c := b[i]
		i++
		if shift == 28 && c > 0x0F {
			return 0, -1
		}
		u |= uint32(c&0x7F) << shift
		if c < 0x80 {
			return int(int32(u>>1) ^ -int32(u&1)), i
		}
	}
	return 0, -1
}

// varlong reads a 64-bit number at i.
func varlong(b []byte, i int) (v int64, next int) {
	if i < 0 {
		return 0, -1
	}
	var u uint64
	for shift := 0; i < len(b); shift += 7 {
		c := b[i]
		i++
		if shift == 63 && c > 1 {
			return 0, -1
		}
		u |= uint64(c&0x7F) << shift
		if c < 0x80 {
			return int64(u>>1) ^ -int64(u&1), i
		}
	}
	return 0, -1
}

func appendVarint(dst []byte, v int) []byte { return appendVarlong(dst, int64(v)) }

func appendVarlong(dst []byte, v int64) []byte {
	u := uint64(v)<<1 ^ uint64(v>>63)
	for u >= 0x80 {
		dst = append(dst, byte(u)|0x80)
		u >>= 7
	}
	return append(dst, byte(u))
}

func sizeVarlong(v int64) int {
	u := uint64(v)<<1 ^ uint64(v>>63)
	n := 1
	for u >= 0x80 {
		u >>= 7
		n++
	}
	return n
}
