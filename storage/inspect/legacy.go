package inspect

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
)

// message is a message of format 0 or 1, or its header: at least headerSize bytes. docs/formats/legacy-messages.md has the layout.
type message []byte

func (m message) offset() int64      { return int64(binary.BigEndian.Uint64(m)) }
func (m message) magic() int8        { return int8(m[posMagic]) }
func (m message) codec() codec.Codec { return codec.Codec(m[posAttrs] & codec.Mask) }
func (m message) crc() uint32        { return binary.BigEndian.Uint32(m[posLegacy:]) }

func (m message) timestampType() TimestampType {
	switch {
	case m.magic() == 0:
		return NoTimestampType
	case m[posAttrs]&attrLegacyAppendTime != 0:
		return LogAppendTime
	}
	return CreateTime
}

func (m message) timestamp() int64 {
	if m.magic() == 0 {
		return batch.NoTimestamp
	}
	return int64(binary.BigEndian.Uint64(m[posTime:]))
}

// validCRC, keyValue and size want the whole message.
func (m message) validCRC() bool { return crc32.ChecksumIEEE(m[posMagic:]) == m.crc() }

func (m message) keyValue() (key, value []byte, ok bool) {
	key, rest, ok := nullable(m[headerSize(m.magic())-8:])
	if !ok {
		return nil, nil, false
	}
	value, rest, ok = nullable(rest)
	return key, value, ok && len(rest) == 0
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

// cutMessage takes the first message from an inner set. False when the bytes are none, or end before it does.
func cutMessage(set []byte) (m message, rest []byte, ok bool) {
	if len(set) < headToMagic {
		return nil, nil, false
	}
	size, magic, err := sizeOf(set)
	if err != nil || magic > 1 || size > int64(len(set)) {
		return nil, nil, false
	}
	return message(set[:size:size]), set[size:], true
}
