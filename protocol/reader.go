package protocol

import (
	"encoding/binary"
	"errors"
	"math"
	"unsafe"
)

// Limits on what one request may claim. Kafka's own: strings end at 32,767 bytes, a tag section at 10,000 tags. Ours: no
// array is longer than a million elements, however large the frame, and no Produce or Fetch lists more than MaxPartitions, each of which takes
// several hundred bytes of memory until it is answered, and as little as 6 on the wire.
const (
	MaxStringBytes   = math.MaxInt16
	MaxTags          = 10_000
	MaxArrayElements = 1_000_000
	MaxPartitions    = 250_000
)

// ErrMalformed is what every refused header and body wraps. Kafka closes the connection, and so should the caller.
var ErrMalformed = errors.New("malformed request")

// reader takes a message apart without allocating. The first read that does not fit makes it bad for good; from then on
// everything reads as zero, so callers check once, and before loops.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) fail() {
	r.b, r.bad = nil, true
}

// take returns the next n bytes. It aliases the input and cannot be appended to.
func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.fail()
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) int8() int8 {
	if b := r.take(1); b != nil {
		return int8(b[0])
	}
	return 0
}

func (r *reader) int16() int16 {
	if b := r.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (r *reader) int32() int32 {
	if b := r.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (r *reader) int64() int64 {
	if b := r.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (r *reader) uuid() (id [16]byte) {
	copy(id[:], r.take(16))
	return id
}

// uvarint reads an unsigned varint of at most 32 bits in at most 5 bytes.
func (r *reader) uvarint() uint32 {
	var v uint32
	for i := 0; i < 5 && i < len(r.b); i++ {
		c := r.b[i]
		if i == 4 && c > 0x0f {
			break
		}
		v |= uint32(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.b = r.b[i+1:]
			return v
		}
	}
	r.fail()
	return 0
}

// compactLen reads a length of KIP-482: 0 is null (-1). Lengths above 2^31-1 are refused, although Kafka, which counts in
// int, reads the largest of them as null: nobody sends those.
func (r *reader) compactLen() int {
	v := r.uvarint()
	if v > math.MaxInt32 {
		r.fail()
	}
	if r.bad {
		return 0
	}
	return int(v) - 1
}

// nullableLen maps every negative length to -1, as Kafka does. Compact lengths have no other than -1.
func nullableLen(n int) int { return max(n, -1) }

// stringLen and the others below return -1 for null; a null where none may be makes the reader bad.
func (r *reader) stringLen(flexible, nullable bool) int {
	n := 0
	if flexible {
		n = r.compactLen()
	} else {
		n = nullableLen(int(r.int16()))
	}
	if n > MaxStringBytes || n < 0 && !nullable {
		r.fail()
		return 0
	}
	return n
}

func (r *reader) bytesLen(flexible, nullable bool) int {
	n := 0
	if flexible {
		n = r.compactLen()
	} else {
		n = nullableLen(int(r.int32()))
	}
	if n < 0 && !nullable {
		r.fail()
		return 0
	}
	return n
}

// arrayLen reads the count of an array whose elements take at least minBytes each, and refuses counts that the bytes left
// cannot hold.
func (r *reader) arrayLen(flexible, nullable bool, minBytes int) int {
	n := r.bytesLen(flexible, nullable)
	if n > MaxArrayElements || n > 0 && n > len(r.b)/max(minBytes, 1) {
		r.fail()
		return 0
	}
	return n
}

// partitionsLen is arrayLen for partitions of a topic, when so many were read for the topics before it.
func (r *reader) partitionsLen(flexible bool, minBytes, before int) int {
	n := r.arrayLen(flexible, false, minBytes)
	if n > MaxPartitions-before {
		r.fail()
		return 0
	}
	return n
}

// string returns a string that aliases the input; ok is false for null.
func (r *reader) string(flexible, nullable bool) (s string, ok bool) {
	n := r.stringLen(flexible, nullable)
	if n < 0 || r.bad {
		return "", false
	}
	return aliasString(r.take(n)), true
}

// bytes returns bytes that alias the input; nil is null.
func (r *reader) bytes(flexible bool) []byte {
	n := r.bytesLen(flexible, true)
	if n < 0 {
		return nil
	}
	return r.take(n)
}

// tagCount reads the head of a tag section.
func (r *reader) tagCount() int {
	n := r.uvarint()
	if n > MaxTags || int64(n)*2 > int64(len(r.b)) {
		r.fail()
		return 0
	}
	return int(n)
}

// tag reads one tagged field; value reads within the field only.
func (r *reader) tag() (tag uint32, value reader) {
	tag = r.uvarint()
	size := r.uvarint()
	if size > math.MaxInt32 {
		r.fail()
		return 0, reader{bad: true}
	}
	b := r.take(int(size))
	return tag, reader{b: b, bad: r.bad}
}

// skipTags passes over a tag section in which no tag is known.
func (r *reader) skipTags(flexible bool) {
	if !flexible {
		return
	}
	for n := r.tagCount(); n > 0 && !r.bad; n-- {
		r.tag()
	}
}

// aliasString makes a string of b without copying: it is good for as long as nobody writes to b.
func aliasString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
