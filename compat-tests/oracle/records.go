package oracle

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/compat-tests/harness"
)

const clientID = "oracle"

// base is the time of the first record of every batch that scripts make; records are 10 ms apart.
const base = 1_700_000_000_000

const (
	batchOverhead = 12
	gzipCodec     = 1
	snappyCodec   = 2
	lz4Codec      = 3
	zstdCodec     = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// batch is a record batch of n records, format 2. edit sees it before its checksum is made.
func batch(n int, edit ...func(*kmsg.RecordBatch)) []byte { return batchAt(base, n, edit...) }

func batchAt(ms int64, n int, edit ...func(*kmsg.RecordBatch)) []byte {
	var records []byte
	for i := range n {
		r := kmsg.Record{OffsetDelta: int32(i), TimestampDelta64: int64(10 * i), Key: fmt.Appendf(nil, "k%d", i), Value: fmt.Appendf(nil, "v%d", i)}
		body := r.AppendTo(nil)[1:] // the length, 0 here, takes one byte
		records = append(binary.AppendVarint(records, int64(len(body))), body...)
	}
	b := &kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, LastOffsetDelta: int32(n - 1), FirstTimestamp: ms, MaxTimestamp: ms + int64(10*max(n-1, 0)),
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: int32(n), Records: records,
	}
	for _, f := range edit {
		f(b)
	}
	return sealed(b)
}

func sealed(b *kmsg.RecordBatch) []byte {
	out := b.AppendTo(nil)
	binary.BigEndian.PutUint32(out[8:], uint32(len(out)-batchOverhead))
	binary.BigEndian.PutUint32(out[17:], crc32.Checksum(out[21:], castagnoli))
	return out
}

func compressed(codec int16) func(*kmsg.RecordBatch) {
	return func(b *kmsg.RecordBatch) {
		c, err := kgo.DefaultCompressor(map[int16]kgo.CompressionCodec{gzipCodec: kgo.GzipCompression(), snappyCodec: kgo.SnappyCompression(), lz4Codec: kgo.Lz4Compression(), zstdCodec: kgo.ZstdCompression()}[codec])
		if err != nil {
			panic(err)
		}
		b.Attributes |= codec
		packed, _ := c.Compress(new(bytes.Buffer), b.Records)
		b.Records = bytes.Clone(packed)
	}
}

func sequenced(producer int64, epoch int16, sequence int32) func(*kmsg.RecordBatch) {
	return func(b *kmsg.RecordBatch) { b.ProducerID, b.ProducerEpoch, b.FirstSequence = producer, epoch, sequence }
}

// message is a message of format 0 or 1.
func message(magic int8, ms int64, key, value string, offset int64) []byte {
	return harness.Message(magic, 0, offset, ms, []byte(key), []byte(value))
}

// records describes a record set, batch by batch or message by message. Sizes of compressed payloads are left out: encoders differ.
func (s *session) records(at string, set []byte, null bool, lines *[]string) {
	if len(set) == 0 {
		if null {
			*lines = append(*lines, at+"=null")
		}
		return
	}
	for i := 0; len(set) > 0; i++ {
		line := fmt.Sprintf("%s[%d]=", at, i)
		size := len(set) + 1
		if len(set) > 16 {
			size = batchOverhead + int(binary.BigEndian.Uint32(set[8:]))
		}
		if size > len(set) {
			*lines = append(*lines, line+"torn")
			return
		}
		switch one := set[:size]; {
		case one[16] == 2 && size >= 61:
			line += s.describeBatch(one)
		default:
			line += describeMessage(one)
		}
		*lines = append(*lines, line)
		set = set[size:]
	}
}

func (s *session) describeBatch(b []byte) string {
	var rb kmsg.RecordBatch
	if err := rb.ReadFrom(b); err != nil {
		return "unreadable: " + err.Error()
	}
	out := fmt.Sprintf("batch offset %d, %d records, epoch %d, attributes %#x, time %s to %s", rb.FirstOffset, rb.NumRecords, rb.PartitionLeaderEpoch,
		rb.Attributes, when(rb.FirstTimestamp), when(rb.MaxTimestamp))
	if rb.ProducerID >= 0 {
		out += fmt.Sprintf(", producer epoch %d, sequence %d", rb.ProducerEpoch, rb.FirstSequence)
	}
	if crc32.Checksum(b[21:], castagnoli) != uint32(rb.CRC) {
		out += ", WRONG CHECKSUM"
	}
	return out
}

func describeMessage(m []byte) string {
	if len(m) < 26 {
		return fmt.Sprintf("message of %d bytes", len(m))
	}
	out := fmt.Sprintf("message format %d, offset %d, attributes %#x", m[16], binary.BigEndian.Uint64(m), m[17])
	rest := m[18:]
	if m[16] == 1 {
		out += ", time " + when(int64(binary.BigEndian.Uint64(rest)))
		rest = rest[8:]
	}
	if m[17]&7 == 0 {
		out += ", " + fields(rest)
	}
	if crc32.ChecksumIEEE(m[16:]) != binary.BigEndian.Uint32(m[12:]) {
		out += ", WRONG CHECKSUM"
	}
	return out
}

func fields(b []byte) string {
	var parts []string
	for len(b) >= 4 {
		n := int32(binary.BigEndian.Uint32(b))
		if b = b[4:]; n < 0 {
			parts = append(parts, "null")
			continue
		}
		n = min(n, int32(len(b)))
		parts = append(parts, string(b[:n]))
		b = b[n:]
	}
	return strings.Join(parts, "=")
}

func when(ms int64) string {
	if nearNow(ms) {
		return "<now>"
	}
	return fmt.Sprint(ms)
}
