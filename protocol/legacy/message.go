package legacy

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
)

// A message of the old formats, everything big-endian:
//
//	offset 8 | size 4 | crc 4 | magic 1 | attributes 1 | timestamp 8 (format 1) | key length 4, key | value length 4, value
//
// A length of -1 is null. The size counts what follows it. The CRC is the IEEE one, over magic to end.
const (
	logOverhead = 12
	posSize     = 8
	posCRC      = 12
	posMagic    = 16
	posAttrs    = 17
	posTime     = 18

	minSizeV0 = 14 // size field of a message of format 0 with null key and null value
	minSizeV1 = 22

	attrLogAppendTime = 1 << 3
)

// Magic is the format of the first message or batch of a record set. False when the bytes end before they say.
func Magic(set []byte) (int8, bool) {
	if len(set) <= posMagic {
		return 0, false
	}
	return int8(set[posMagic]), true
}

// message is one whole message as bytes: len(m) == logOverhead + its size field, at least a header long for its format.
type message []byte

func (m message) offset() int64      { return int64(binary.BigEndian.Uint64(m)) }
func (m message) magic() int8        { return int8(m[posMagic]) }
func (m message) codec() codec.Codec { return codec.Codec(m[posAttrs] & codec.Mask) }
func (m message) isAppendTime() bool { return m.magic() == 1 && m[posAttrs]&attrLogAppendTime != 0 }
func (m message) crc() uint32        { return binary.BigEndian.Uint32(m[posCRC:]) }
func (m message) validCRC() bool     { return crc32.ChecksumIEEE(m[posMagic:]) == m.crc() }
func (m message) longEnough() bool   { return len(m) >= logOverhead+minSize(m.magic()) }
func (m message) body() []byte       { return m[logOverhead+minSize(m.magic())-8:] }
func (m message) keyValue() (k, v []byte, ok bool) {
	k, rest, ok := nullable(m.body())
	if !ok {
		return nil, nil, false
	}
	v, _, ok = nullable(rest)
	return k, v, ok
}

// timestamp is batch.NoTimestamp in format 0, which has none.
func (m message) timestamp() int64 {
	if m.magic() == 0 {
		return batch.NoTimestamp
	}
	return int64(binary.BigEndian.Uint64(m[posTime:]))
}

func minSize(magic int8) int {
	if magic == 0 {
		return minSizeV0
	}
	return minSizeV1
}

// nullable reads bytes behind a four-byte length; any negative length is null, as in Java.
func nullable(b []byte) (v, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := int32(binary.BigEndian.Uint32(b))
	b = b[4:]
	if n < 0 {
		return nil, b, true
	}
	if int64(n) > int64(len(b)) {
		return nil, nil, false
	}
	return b[:n:n], b[n:], true
}

// messageSize is what appendMessage appends.
func messageSize(magic int8, key, value []byte) int {
	return logOverhead + minSize(magic) + len(key) + len(value)
}

// appendMessage appends a whole message. Attributes and timestamp as the format has them.
func appendMessage(dst []byte, magic int8, offset int64, attributes byte, timestamp int64, key, value []byte) []byte {
	start := len(dst)
	dst = binary.BigEndian.AppendUint64(dst, uint64(offset))
	dst = binary.BigEndian.AppendUint32(dst, uint32(minSize(magic)+len(key)+len(value)))
	dst = append(dst, 0, 0, 0, 0, byte(magic), attributes)
	if magic == 1 {
		dst = binary.BigEndian.AppendUint64(dst, uint64(timestamp))
	}
	dst = appendNullable(dst, key)
	dst = appendNullable(dst, value)
	binary.BigEndian.PutUint32(dst[start+posCRC:], crc32.ChecksumIEEE(dst[start+posMagic:]))
	return dst
}

func appendNullable(dst, b []byte) []byte {
	if b == nil {
		return append(dst, 0xFF, 0xFF, 0xFF, 0xFF)
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(b)))
	return append(dst, b...)
}
