package inspect

import (
	"encoding/binary"
	"fmt"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
)

// Where fields lie that all formats have, and how short a batch can be. Formats 0 and 1 have messages, which may be wrappers
// around others; here they are called batches too.
const (
	posLength   = 8
	posLegacy   = 12 // CRC of formats 0 and 1
	posMagic    = 16
	posAttrs    = 17 // of formats 0 and 1
	posTime     = 18 // of format 1
	headToMagic = posMagic + 1

	minLengthV0 = 14
	minLengthV1 = 22
)

// Bits of the attributes.
const (
	attrLegacyAppendTime = 1 << 3
	attrDeleteHorizon    = 1 << 6
	attrKnown            = 0x7f // of format 2
	attrKnownLegacy      = 0x0f
)

// TimestampType says where a batch's times come from, in Kafka's words.
type TimestampType string

// The timestamp types.
const (
	NoTimestampType TimestampType = "NoTimestampType" // format 0
	CreateTime      TimestampType = "CreateTime"
	LogAppendTime   TimestampType = "LogAppendTime"
)

// Batch is one batch of a segment, or one message of the old formats. Its fields are what the file says, true or not.
type Batch struct {
	Position int64
	Size     int64 // of the whole batch
	Magic    int8

	BaseOffset    int64 // formats 0 and 1: the same as LastOffset, because the file does not say
	LastOffset    int64
	MaxTimestamp  int64
	TimestampType TimestampType
	Codec         codec.Codec
	CRC           uint32

	// Checked says that the checksum was computed; ValidCRC what came out.
	Checked, ValidCRC bool

	// Count is -1 in formats 0 and 1. The others are format 2's alone and -1 or false elsewhere.
	Count                int32
	PartitionLeaderEpoch int32
	ProducerID           int64
	ProducerEpoch        int16
	BaseSequence         int32
	LastSequence         int32
	Transactional        bool
	Control              bool
	DeleteHorizonMs      int64
	HasDeleteHorizon     bool

	// Raw is all of the batch, valid until the Scanner's next step. It is nil when the batch is larger than the limit or
	// only headers are read.
	Raw []byte
}

// Legacy says that it is a message of format 0 or 1.
func (b *Batch) Legacy() bool { return b.Magic < batch.Magic }

// Compressed says whether its records are; in the old formats it is a wrapper then.
func (b *Batch) Compressed() bool { return b.Codec != codec.None }

// headerSize is how many bytes a batch of a format has at least.
func headerSize(magic int8) int {
	switch magic {
	case 0:
		return batch.LogOverhead + minLengthV0
	case 1:
		return batch.LogOverhead + minLengthV1
	default:
		return batch.HeaderSize
	}
}

// sizeOf reads a batch's size and format from its first headToMagic bytes. The error says what is impossible about them.
func sizeOf(head []byte) (size int64, magic int8, err error) {
	length := int32(binary.BigEndian.Uint32(head[posLength:]))
	magic = int8(head[posMagic])
	switch {
	case length < minLengthV0:
		return 0, magic, fmt.Errorf("impossible length %d", length)
	case magic < 0 || magic > batch.Magic:
		return 0, magic, fmt.Errorf("unknown magic %d", magic)
	}
	size = batch.LogOverhead + int64(length)
	if size < int64(headerSize(magic)) {
		return 0, magic, fmt.Errorf("length %d is too small for magic %d", length, magic)
	}
	return size, magic, nil
}

// parseHeader reads what a batch's header says. head has headerSize bytes of the format at least.
func parseHeader(head []byte, pos, size int64, magic int8) Batch {
	b := Batch{
		Position: pos, Size: size, Magic: magic, Count: -1, PartitionLeaderEpoch: batch.NoLeaderEpoch, ProducerID: batch.NoProducerID,
		ProducerEpoch: batch.NoProducerEpoch, BaseSequence: batch.NoSequence, LastSequence: batch.NoSequence,
	}
	if magic < batch.Magic {
		m := message(head)
		b.BaseOffset, b.LastOffset = m.offset(), m.offset()
		b.MaxTimestamp, b.TimestampType = m.timestamp(), m.timestampType()
		b.Codec, b.CRC = m.codec(), m.crc()
		return b
	}
	v := batch.Batch(head)
	b.BaseOffset, b.LastOffset, b.Count = v.BaseOffset(), v.LastOffset(), v.Count()
	b.MaxTimestamp, b.TimestampType = v.MaxTimestamp(), CreateTime
	if v.IsLogAppendTime() {
		b.TimestampType = LogAppendTime
	}
	b.Codec, b.CRC = v.Codec(), v.CRC()
	b.PartitionLeaderEpoch = v.PartitionLeaderEpoch()
	b.ProducerID, b.ProducerEpoch, b.BaseSequence, b.LastSequence = v.ProducerID(), v.ProducerEpoch(), v.BaseSequence(), v.LastSequence()
	b.Transactional, b.Control = v.IsTransactional(), v.IsControl()
	if v.Attributes()&attrDeleteHorizon != 0 {
		// The base timestamp of a compacted batch may be when its tombstones go (KIP-534).
		b.HasDeleteHorizon, b.DeleteHorizonMs = true, v.BaseTimestamp()
	}
	return b
}
