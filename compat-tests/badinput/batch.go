package badinput

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Places in a record batch of format 2.
const (
	lengthAt   = 8
	magicAt    = 16
	crcAt      = 17
	attrsAt    = 21
	headerSize = 61
	overhead   = 12
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encodedRecord is one record of format 2.
func encodedRecord(delta int32, key, value []byte, headers ...kmsg.Header) []byte {
	r := kmsg.Record{OffsetDelta: delta, Key: key, Value: value, Headers: headers}
	body := r.AppendTo(nil)[1:] // the length, 0 here, takes one byte
	return append(binary.AppendVarint(nil, int64(len(body))), body...)
}

// encodedRecords are n small records.
func encodedRecords(n int) []byte {
	var b []byte
	for i := range n {
		b = append(b, encodedRecord(int32(i), fmt.Appendf(nil, "key-%d", i), fmt.Appendf(nil, "value-%d", i))...)
	}
	return b
}

// batchOf is a batch around encoded records, right in all that edit does not spoil: edit sees the fields before the checksum
// is made, so what it does arrives "signed".
func batchOf(count int, records []byte, edit func(*kmsg.RecordBatch)) []byte {
	now := time.Now().UnixMilli()
	rb := &kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, LastOffsetDelta: int32(count - 1), FirstTimestamp: now, MaxTimestamp: now,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: int32(count), Records: records,
	}
	if edit != nil {
		edit(rb)
	}
	b := rb.AppendTo(nil)
	binary.BigEndian.PutUint32(b[lengthAt:], uint32(len(b)-overhead))
	return signed(b)
}

// signed sets the checksum to what the bytes are.
func signed(b []byte) []byte {
	binary.BigEndian.PutUint32(b[crcAt:], crc32.Checksum(b[attrsAt:], castagnoli))
	return b
}

// patched changes a batch after it was signed.
func patched(b []byte, patch func(b []byte)) []byte {
	b = bytes.Clone(b)
	patch(b)
	return b
}

func goodBatch() []byte { return batchOf(3, encodedRecords(3), nil) }

// sequenced is a good batch of an idempotent producer.
func sequenced(producer int64, epoch int16, sequence int32, count int) []byte {
	return batchOf(count, encodedRecords(count), func(b *kmsg.RecordBatch) {
		b.ProducerID, b.ProducerEpoch, b.FirstSequence = producer, epoch, sequence
	})
}

// Codec ids as they stand in a batch's attributes.
const (
	gzipCodec = 1 + iota
	snappyCodec
	lz4Codec
	zstdCodec
)

var codecNames = map[int]string{gzipCodec: "gzip", snappyCodec: "snappy", lz4Codec: "lz4", zstdCodec: "zstd"}

func compress(codec int, plain []byte) []byte {
	option := map[int]kgo.CompressionCodec{
		gzipCodec: kgo.GzipCompression(), snappyCodec: kgo.SnappyCompression(), lz4Codec: kgo.Lz4Compression(), zstdCodec: kgo.ZstdCompression(),
	}[codec]
	c, err := kgo.DefaultCompressor(option)
	if err != nil {
		panic(fmt.Sprintf("codec %d: %v", codec, err))
	}
	out, _ := c.Compress(new(bytes.Buffer), plain)
	return bytes.Clone(out)
}

// compressedBatch says that its payload is of a codec, whatever it is.
func compressedBatch(count, codec int, payload []byte) []byte {
	return batchOf(count, payload, func(b *kmsg.RecordBatch) { b.Attributes = int16(codec) })
}
