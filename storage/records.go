package storage

import (
	"encoding/binary"
	"errors"
	"math"
)

// rawRecord is a record as it is stored, taken apart as far as compaction needs it. It aliases the payload.
type rawRecord struct {
	raw         []byte // with its length in front
	attributes  byte
	timestamp   int64  // delta
	offset      int32  // delta
	key         []byte // nil: null
	hasValue    bool
	afterOffset []byte // key length and everything behind it
}

var errRecord = errors.New("malformed record")

// nextRecord takes the first record of a decompressed payload.
func nextRecord(payload []byte) (rec rawRecord, rest []byte, err error) {
	n, size := binary.Varint(payload)
	if size <= 0 || n < 1 || n > int64(len(payload)-size) {
		return rec, nil, errRecord
	}
	end := size + int(n)
	body := payload[size:end]
	rec.raw, rec.attributes = payload[:end:end], body[0]
	body = body[1:]
	var ok bool
	if rec.timestamp, body, ok = takeVarint(body); !ok {
		return rec, nil, errRecord
	}
	offset, body, ok := takeVarint(body)
	if !ok || offset < 0 || offset > math.MaxInt32 {
		return rec, nil, errRecord
	}
	rec.offset, rec.afterOffset = int32(offset), body
	keySize, body, ok := takeVarint(body)
	if !ok || keySize < -1 || keySize > int64(len(body)) {
		return rec, nil, errRecord
	}
	if keySize >= 0 {
		rec.key, body = body[:keySize:keySize], body[keySize:]
	}
	valueSize, body, ok := takeVarint(body)
	if !ok || valueSize < -1 || valueSize > int64(len(body)) {
		return rec, nil, errRecord
	}
	rec.hasValue = valueSize >= 0
	return rec, payload[end:], nil
}

func takeVarint(b []byte) (int64, []byte, bool) {
	v, n := binary.Varint(b)
	if n <= 0 {
		return 0, nil, false
	}
	return v, b[n:], true
}

// appendShifted appends the record with another timestamp delta.
func (r *rawRecord) appendShifted(dst []byte, timestamp int64) []byte {
	var head [1 + 2*binary.MaxVarintLen64]byte
	head[0] = r.attributes
	n := 1 + binary.PutVarint(head[1:], timestamp)
	n += binary.PutVarint(head[n:], int64(r.offset))
	dst = binary.AppendVarint(dst, int64(n+len(r.afterOffset)))
	return append(append(dst, head[:n]...), r.afterOffset...)
}
