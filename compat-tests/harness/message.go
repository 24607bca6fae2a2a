package harness

import (
	"encoding/binary"
	"hash/crc32"
)

// Message is one message of format 0 or 1 with its offset and size, what an old record set is made of; nil is null. Format 0 has
// no time.
func Message(magic, attributes int8, offset, ms int64, key, value []byte) []byte {
	body := []byte{byte(magic), byte(attributes)}
	if magic == 1 {
		body = binary.BigEndian.AppendUint64(body, uint64(ms))
	}
	for _, field := range [][]byte{key, value} {
		if field == nil {
			body = binary.BigEndian.AppendUint32(body, 1<<32-1)
			continue
		}
		body = append(binary.BigEndian.AppendUint32(body, uint32(len(field))), field...)
	}
	b := binary.BigEndian.AppendUint64(nil, uint64(offset))
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)+4))
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(body))
	return append(b, body...)
}
