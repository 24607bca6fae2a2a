package batch

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/protocol/codec"
)

// DefaultMaxDecompressedBytes bounds what a Reader, which holds a compressed batch in memory, should be allowed. A Scanner
// needs no such bound.
const DefaultMaxDecompressedBytes = 128 << 20

// minLegacyLength is the smallest length field of any format, below which Kafka calls the bytes corrupt.
const minLegacyLength = 14

// zstdVersion is the first Produce version that may carry zstd (KIP-110).
const zstdVersion = 7

// Rules are what a topic and a request demand of a batch. They do not change during a call.
type Rules struct {
	Version         int16 // of the Produce request
	MaxMessageBytes int   // max.message.bytes, against the whole batch as it was sent; 0: no limit
	Compacted       bool  // cleanup.policy contains compact: every record needs a key

	LogAppendTime        bool  // message.timestamp.type
	NowMs                int64 // the broker's wall clock
	TimestampBeforeMaxMs int64 // message.timestamp.before.max.ms; math.MaxInt64: no limit
	TimestampAfterMaxMs  int64 // message.timestamp.after.max.ms

	// HeaderOnly skips decompression: compressed batches are then taken on the word of their header. Compacted topics
	// decompress always, because a record without a key would stop the cleaner.
	HeaderOnly           bool
	MaxDecompressedBytes int // bounds the work, not memory; 0: MaxStreamBytes

	// MaxRecordBytes is max.decompressed.message.bytes: how large a single record of a compressed batch may be, as its length field says
	// it; 0: no limit. It is no bound on the batch, whatever the name says.
	MaxRecordBytes int

	// Recompress says that the topic's compression.type names a codec, which is Codec at Level, where it does not leave the choice to
	// the producer. legacy.UpConvert follows it; what Validate accepted is Recompress's to convert.
	Recompress bool
	Codec      codec.Codec
	Level      int

	// Topic and Partition are for messages only; an empty topic leaves them out.
	Topic     string
	Partition int32
}

// Info is what Validate learned about a good batch.
type Info struct {
	Batch Batch // the request's bytes, without what was torn off behind the batch

	// MaxTimestamp is the batch's maximum, and OffsetDeltaOfMaxTimestamp the first record that has it: -1 when no record
	// has a timestamp, the last record when the records were not looked at.
	MaxTimestamp              int64
	OffsetDeltaOfMaxTimestamp int32

	LogAppendTimeMs   int64 // NoTimestamp if the topic keeps the producer's times
	UncompressedBytes int   // of all records; 0 when the records were not looked at
}

// Info describes a batch that is known to be good, from its header alone: one that the broker built itself.
func (b Batch) Info() Info {
	i := b.headerInfo()
	if b.IsLogAppendTime() {
		i.LogAppendTimeMs, i.OffsetDeltaOfMaxTimestamp = i.MaxTimestamp, 0
	}
	return i
}

func (b Batch) headerInfo() Info {
	return Info{
		Batch:                     b,
		MaxTimestamp:              b.MaxTimestamp(),
		OffsetDeltaOfMaxTimestamp: b.LastOffsetDelta(),
		LogAppendTimeMs:           NoTimestamp,
	}
}

// Validate checks what a client sent for one partition in Produce v3 or later, or a set of magic 2 in an older version: one
// whole batch that every consumer can read. Bytes behind it that are too few for a second batch are cut off silently, as in
// Kafka. The batch is patched in place where Kafka patches it: a wrong maximum timestamp is set right, and a topic with
// LogAppendTime stamps it; the CRC follows. Base offset and leader epoch are left to the log.
//
// A good uncompressed batch costs its CRC and one walk, without any allocation. Error codes are Kafka's, except where Kafka
// answers UNKNOWN_SERVER_ERROR or nothing at all.
func Validate(records []byte, r *Rules) (Info, *Error) {
	b, err := r.cut(records)
	if err != nil {
		return Info{}, err
	}
	if err := r.checkBatch(b); err != nil {
		return Info{}, err
	}
	info := b.headerInfo()
	if b.Codec() == codec.None || r.Compacted || !r.HeaderOnly {
		if err := r.checkRecords(b, &info); err != nil {
			return Info{}, err
		}
	}
	r.patch(&info)
	return info, nil
}

// cut finds the one batch in a client's bytes, with the checks that depend on the version of the request.
func (r *Rules) cut(records []byte) (Batch, *Error) {
	size, err := r.nextSize(records)
	if err != nil {
		return nil, err
	}
	if size == 0 {
		return nil, r.Refuse(kerr.InvalidRecord, "Produce requests with version %d must have at least one record batch per partition", r.Version)
	}
	if records[posMagic] != Magic {
		return nil, r.Refuse(kerr.InvalidRecord, "Produce requests with version %d are only allowed to contain record batches with magic version 2", r.Version)
	}
	if size < HeaderSize {
		return nil, r.Refuse(kerr.CorruptMessage, "Record batch is corrupt (the size %d is smaller than the minimum allowed overhead %d)", size, HeaderSize)
	}
	b := Batch(records[:size:size])
	if b.Codec() == codec.Zstd && r.Version < zstdVersion {
		return nil, r.Refuse(kerr.UnsupportedCompressionType, "Produce requests with version %d are not allowed to use ZStandard compression", r.Version)
	}
	more, err := r.nextSize(records[size:])
	if err != nil {
		return nil, err
	}
	if more != 0 {
		return nil, r.Refuse(kerr.InvalidRecord, "Produce requests with version %d are only allowed to contain exactly one record batch per partition", r.Version)
	}
	return b, nil
}

// nextSize is the size of the batch of any format that begins b; 0 when b ends before it does. Damage is seen only as far
// as Kafka sees it: in the length and in the magic.
func (r *Rules) nextSize(b []byte) (int, *Error) {
	if len(b) < LogOverhead {
		return 0, nil
	}
	length := int32(binary.BigEndian.Uint32(b[posLength:]))
	if length < minLegacyLength {
		return 0, r.Refuse(kerr.CorruptMessage, "Record size %d is less than the minimum record overhead (%d)", length, minLegacyLength)
	}
	if len(b) <= posMagic {
		return 0, nil
	}
	if b[posMagic] > Magic {
		return 0, r.Refuse(kerr.CorruptMessage, "Invalid magic found in record: %d", int8(b[posMagic]))
	}
	if int64(length) > int64(len(b)-LogOverhead) {
		return 0, nil
	}
	return LogOverhead + int(length), nil
}

// checkBatch holds the header against the rules, in Kafka's order, so that a batch with several faults gets Kafka's code.
func (r *Rules) checkBatch(b Batch) *Error {
	if base := b.BaseOffset(); base != 0 {
		return r.Refuse(kerr.InvalidRecord, "The baseOffset of the record batch should be 0, but it is %d", base)
	}
	if r.MaxMessageBytes > 0 && len(b) > r.MaxMessageBytes {
		return r.Refuse(kerr.MessageTooLarge, "The record batch size is %d bytes, which exceeds the maximum configured value of %d", len(b), r.MaxMessageBytes)
	}
	if !b.ValidCRC() {
		return r.Refuse(kerr.CorruptMessage, "Record is corrupt (stored crc = %d)", b.CRC())
	}
	if !b.Codec().Known() {
		return r.Refuse(kerr.UnsupportedCompressionType, "Unknown compression type id: %d", uint8(b.Codec()))
	}
	last, count := b.LastOffsetDelta(), b.Count()
	if last < 0 {
		return r.Refuse(kerr.InvalidRecord, "Batch has an invalid offset range: [0, %d]", last)
	}
	if count <= 0 {
		return r.Refuse(kerr.InvalidRecord, "Invalid reported count for record batch: %d", count)
	}
	if int64(last)+1 != int64(count) {
		return r.Refuse(kerr.InvalidRecord, "Inconsistent batch offset range [0, %d] and count of records %d", last, count)
	}
	if b.IsControl() {
		return r.Refuse(kerr.InvalidRecord, "Clients are not allowed to write control records")
	}
	if b.HasProducerID() && b.BaseSequence() < 0 {
		return r.Refuse(kerr.InvalidRecord, "Invalid sequence number %d in record batch with producerId %d", b.BaseSequence(), b.ProducerID())
	}
	if r.LogAppendTime && b.IsLogAppendTime() {
		return r.RefuseRecords([]RecordError{{Message: ProducerAppendTime}}, true)
	}
	return nil
}

// checkRecords walks the records, which are decompressed in pieces if need be, and completes info.
func (r *Rules) checkRecords(b Batch, info *Info) *Error {
	l := r.limits(b)
	var w walked
	if b.Codec() == codec.None {
		info.UncompressedBytes = len(b.Payload())
		w = walk(b.Payload(), b.Count(), &l)
	} else {
		var err error
		if w, info.UncompressedBytes, err = walkCompressed(b, r.decompressLimit(), &l); err != nil {
			return r.refuseDecompress(b.Codec(), err)
		}
	}
	if w.fault != faultNone {
		return r.refuseDamage(w)
	}
	if len(l.refused) > 0 {
		return r.RefuseRecords(l.refused, l.badTimestamp)
	}
	info.MaxTimestamp, info.OffsetDeltaOfMaxTimestamp = w.maxTimestamp, w.maxIndex
	return nil
}

// walkCompressed walks the records of a compressed batch, of which most bytes are decompressed at most.
func walkCompressed(b Batch, most int, l *limits) (w walked, n int, err error) {
	s := codec.OpenAsJava(b.Payload(), b.Codec())
	defer s.Close()
	t := tape{stream: s, limit: most}
	if l.rules.MaxRecordBytes > 0 {
		l.mostBytes = min(l.mostBytes, l.rules.MaxRecordBytes)
	}
	w, err = walkTape(&t, b.Count(), l)
	return w, t.passed, err
}

// patch makes the header say what the topic and the records say.
func (r *Rules) patch(info *Info) {
	b := info.Batch
	if r.LogAppendTime {
		b.StampLogAppendTime(r.NowMs)
		info.LogAppendTimeMs, info.MaxTimestamp, info.OffsetDeltaOfMaxTimestamp = r.NowMs, r.NowMs, 0
		return
	}
	if b.MaxTimestamp() == info.MaxTimestamp && !b.IsLogAppendTime() {
		return
	}
	b.clearLogAppendTime()
	b.SetMaxTimestamp(info.MaxTimestamp)
	b.RecomputeCRC()
}

// DecompressLimit is MaxDecompressedBytes or its default.
func (r *Rules) DecompressLimit() int { return r.decompressLimit() }

func (r *Rules) decompressLimit() int {
	if r.MaxDecompressedBytes > 0 {
		return r.MaxDecompressedBytes
	}
	return MaxStreamBytes
}

func (r *Rules) limits(b Batch) limits {
	l := limits{baseTimestamp: b.BaseTimestamp(), needKey: r.Compacted, mostBytes: math.MaxInt32, rules: r}
	l.oldest, l.youngest = r.Window()
	return l
}

// Window is the range of timestamps that the topic takes, both ends inclusive; NoTimestamp is taken besides. With
// LogAppendTime the producer's times do not matter.
func (r *Rules) Window() (oldest, youngest int64) {
	if r.LogAppendTime {
		return math.MinInt64, math.MaxInt64
	}
	oldest = subSaturating(r.NowMs, r.TimestampBeforeMaxMs)
	if r.TimestampBeforeMaxMs == math.MaxInt64 { // no limit, and so not even for times before the year -292,000,000
		oldest = math.MinInt64
	}
	return oldest, addSaturating(r.NowMs, r.TimestampAfterMaxMs)
}

func (r *Rules) refuseDecompress(c codec.Codec, err error) *Error {
	if errors.Is(err, codec.ErrTooLarge) {
		return r.Refuse(kerr.MessageTooLarge, "The records exceed %d bytes when decompressed", r.decompressLimit())
	}
	return r.Refuse(kerr.InvalidRecord, "The records cannot be decompressed with %v: %v", c, err)
}

func addSaturating(a, b int64) int64 {
	if s := a + b; (s > a) == (b > 0) {
		return s
	}
	return math.MaxInt64
}

func subSaturating(a, b int64) int64 {
	if s := a - b; (s < a) == (b > 0) {
		return s
	}
	return math.MinInt64
}
