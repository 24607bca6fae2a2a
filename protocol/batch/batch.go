package batch

import (
	"encoding/binary"
	"hash/crc32"
	"math"

	"github.com/sordini/sordini/protocol/codec"
)

// Sizes, and the positions of the header's fields. Everything is big-endian.
const (
	HeaderSize  = 61 // up to and with the record count
	LogOverhead = 12 // base offset and length, which the length field does not count

	posBaseOffset      = 0
	posLength          = 8
	posLeaderEpoch     = 12
	posMagic           = 16
	posCRC             = 17
	posAttributes      = 21 // the CRC covers everything from here on
	posLastOffsetDelta = 23
	posBaseTimestamp   = 27
	posMaxTimestamp    = 35
	posProducerID      = 43
	posProducerEpoch   = 51
	posBaseSequence    = 53
	posCount           = 57
)

// Magic is the format that this package knows.
const Magic = 2

// Bits of the attributes. The codec is in codec.Mask.
const (
	AttrLogAppendTime = 1 << 3
	AttrTransactional = 1 << 4
	AttrControl       = 1 << 5
)

// What the header fields hold where they mean nothing.
const (
	NoProducerID    = -1
	NoProducerEpoch = -1
	NoSequence      = -1
	NoTimestamp     = -1
	NoLeaderEpoch   = -1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Batch is exactly one record batch: len(b) == LogOverhead + the length field, and at least HeaderSize. It aliases the
// bytes it was cut from; the setters change those.
type Batch []byte

func (b Batch) BaseOffset() int64 { return int64(binary.BigEndian.Uint64(b[posBaseOffset:])) }
func (b Batch) PartitionLeaderEpoch() int32 {
	return int32(binary.BigEndian.Uint32(b[posLeaderEpoch:]))
}
func (b Batch) Magic() int8       { return int8(b[posMagic]) }
func (b Batch) CRC() uint32       { return binary.BigEndian.Uint32(b[posCRC:]) }
func (b Batch) Attributes() int16 { return int16(binary.BigEndian.Uint16(b[posAttributes:])) }
func (b Batch) LastOffsetDelta() int32 {
	return int32(binary.BigEndian.Uint32(b[posLastOffsetDelta:]))
}
func (b Batch) BaseTimestamp() int64 { return int64(binary.BigEndian.Uint64(b[posBaseTimestamp:])) }
func (b Batch) MaxTimestamp() int64  { return int64(binary.BigEndian.Uint64(b[posMaxTimestamp:])) }
func (b Batch) ProducerID() int64    { return int64(binary.BigEndian.Uint64(b[posProducerID:])) }
func (b Batch) ProducerEpoch() int16 { return int16(binary.BigEndian.Uint16(b[posProducerEpoch:])) }
func (b Batch) BaseSequence() int32  { return int32(binary.BigEndian.Uint32(b[posBaseSequence:])) }

// Count is the number of records. After compaction it may be smaller than the range of offsets.
func (b Batch) Count() int32 { return int32(binary.BigEndian.Uint32(b[posCount:])) }

// Length is the size of the whole batch in bytes, the first twelve included.
func (b Batch) Length() int { return len(b) }

// LastOffset is the offset of the last record that the batch had when it was produced.
func (b Batch) LastOffset() int64 { return b.BaseOffset() + int64(b.LastOffsetDelta()) }

// NextOffset is where the next batch begins at the earliest.
func (b Batch) NextOffset() int64 { return b.LastOffset() + 1 }

// LastSequence is the sequence number of the last record. Sequence numbers go from 2^31-1 to 0. NoSequence if there is none.
func (b Batch) LastSequence() int32 {
	first := b.BaseSequence()
	if first < 0 {
		return NoSequence
	}
	return int32((int64(first) + int64(b.LastOffsetDelta())) & math.MaxInt32)
}

// Codec is the compression of the records.
func (b Batch) Codec() codec.Codec { return codec.Codec(b[posAttributes+1] & codec.Mask) }

func (b Batch) IsLogAppendTime() bool { return b[posAttributes+1]&AttrLogAppendTime != 0 }
func (b Batch) IsTransactional() bool { return b[posAttributes+1]&AttrTransactional != 0 }
func (b Batch) IsControl() bool       { return b[posAttributes+1]&AttrControl != 0 }

// HasProducerID reports whether an idempotent or transactional producer sent the batch.
func (b Batch) HasProducerID() bool { return b.ProducerID() > NoProducerID }

// Payload is the records, compressed as Codec says. It aliases the batch.
func (b Batch) Payload() []byte { return b[HeaderSize:] }

// ValidCRC computes the checksum and compares.
func (b Batch) ValidCRC() bool { return crc32.Checksum(b[posAttributes:], castagnoli) == b.CRC() }

// SetBaseOffset patches the base offset, which the CRC does not cover.
func (b Batch) SetBaseOffset(offset int64) {
	binary.BigEndian.PutUint64(b[posBaseOffset:], uint64(offset))
}

// SetPartitionLeaderEpoch patches the leader epoch, which the CRC does not cover.
func (b Batch) SetPartitionLeaderEpoch(epoch int32) {
	binary.BigEndian.PutUint32(b[posLeaderEpoch:], uint32(epoch))
}

// SetMaxTimestamp patches the maximum timestamp. The CRC is wrong until RecomputeCRC.
func (b Batch) SetMaxTimestamp(ts int64) {
	binary.BigEndian.PutUint64(b[posMaxTimestamp:], uint64(ts))
}

// RecomputeCRC makes the checksum fit the bytes.
func (b Batch) RecomputeCRC() {
	binary.BigEndian.PutUint32(b[posCRC:], crc32.Checksum(b[posAttributes:], castagnoli))
}

// StampLogAppendTime gives all records the broker's time, as a topic with message.timestamp.type=LogAppendTime wants it.
func (b Batch) StampLogAppendTime(nowMs int64) {
	b[posAttributes+1] |= AttrLogAppendTime
	b.SetMaxTimestamp(nowMs)
	b.RecomputeCRC()
}

// clearLogAppendTime takes back what a producer may not claim. The CRC is wrong until RecomputeCRC.
func (b Batch) clearLogAppendTime() { b[posAttributes+1] &^= AttrLogAppendTime }
