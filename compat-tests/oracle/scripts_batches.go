package oracle

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// What producers write wrongly, or seldom.

func produceOddBatchesScript(s *session) {
	a := s.topic("a", 1)
	one := func(label string, b []byte) { s.ask(label, s.produceRequest(1, produced{a, 0, b})) }
	edited := func(label string, n int, edit func(*kmsg.RecordBatch)) { one(label, batch(n, edit)) }
	one("lz4", batch(5, compressed(lz4Codec)))
	one("snappy", batch(5, compressed(snappyCodec)))
	edited("an attribute bit that means nothing", 1, func(b *kmsg.RecordBatch) { b.Attributes = 0x100 })
	edited("append time by the client", 1, func(b *kmsg.RecordBatch) { b.Attributes = 0x08 })
	edited("delete horizon by the client", 1, func(b *kmsg.RecordBatch) { b.Attributes = 0x40 })
	edited("no records", 0, func(*kmsg.RecordBatch) {})
	edited("count 0", 1, func(b *kmsg.RecordBatch) { b.NumRecords = 0 })
	edited("count -1", 1, func(b *kmsg.RecordBatch) { b.NumRecords = -1 })
	edited("count too small", 3, func(b *kmsg.RecordBatch) { b.NumRecords = 2; b.LastOffsetDelta = 1 })
	edited("count of another last offset", 3, func(b *kmsg.RecordBatch) { b.LastOffsetDelta = 1 })
	edited("last offset delta -1", 1, func(b *kmsg.RecordBatch) { b.LastOffsetDelta = -1 })
	edited("negative base offset", 1, func(b *kmsg.RecordBatch) { b.FirstOffset = -1 })
	edited("largest base offset", 2, func(b *kmsg.RecordBatch) { b.FirstOffset = math.MaxInt64 })
	edited("largest time too small", 3, func(b *kmsg.RecordBatch) { b.MaxTimestamp = base })
	edited("largest time too large", 3, func(b *kmsg.RecordBatch) { b.MaxTimestamp = base + 50 })
	edited("largest time -1", 3, func(b *kmsg.RecordBatch) { b.MaxTimestamp = -1 })
	edited("a sequence without producer", 1, func(b *kmsg.RecordBatch) { b.FirstSequence = 5 })
	edited("an epoch without producer", 1, func(b *kmsg.RecordBatch) { b.ProducerEpoch = 3 })
	edited("producer id -5", 1, sequenced(-5, 0, 0))
	edited("producer without epoch", 1, sequenced(7_000_000, -1, 0))
	edited("sequence -5", 1, sequenced(7_000_000, 0, -5))
	edited("control and transactional", 1, func(b *kmsg.RecordBatch) { b.Attributes = 0x30 })
	edited("control of a producer", 1, func(b *kmsg.RecordBatch) { b.Attributes = 0x20; sequenced(7_000_000, 0, 0)(b) })
	one("a second batch that is damaged", append(batch(1), flip(batch(1), 18)...))
	one("three bytes more", append(batch(1), 0, 0, 0))
	one("twenty zeros more", append(batch(1), make([]byte, 20)...))
	one("three bytes", []byte{0, 0, 0})
	one("length 0", withLength(batch(1), 0))
	one("length 48", withLength(batch(1), 48))
	one("length -1", withLength(batch(1), -1))
	one("length one more", withLength(batch(1), int32(len(batch(1))-11)))
	one("length one less", withLength(batch(1), int32(len(batch(1))-13)))
	one("length of 2 GiB", withLength(batch(1), math.MaxInt32))
	one("a byte of the records changed", flip(batch(1), 65))
	one("a byte of the leader epoch changed", flip(batch(1), 15)) // it is not in the checksum
	one("null value", recordsOf([]kmsg.Record{{Key: []byte("k")}}))
	one("headers", recordsOf([]kmsg.Record{{Key: []byte("k"), Headers: []kmsg.Header{{Key: "h", Value: []byte("1")}, {Key: "h"}, {Key: ""}}}}))
	one("record attributes", recordsOf([]kmsg.Record{{Key: []byte("k"), Attributes: 5}}))
	one("offset deltas 0 and 2", recordsOf([]kmsg.Record{{Key: []byte("k")}, {OffsetDelta: 2}}))
	one("offset deltas 1 and 0", recordsOf([]kmsg.Record{{OffsetDelta: 1}, {OffsetDelta: 0}}))
	one("negative time delta", recordsOf([]kmsg.Record{{TimestampDelta64: 0}, {OffsetDelta: 1, TimestampDelta64: -5}}))
	s.fill(a, 0, batch(1)) // acknowledged by all: with it, everything before is for consumers
	s.logEnd(a, 0)
	if s.version >= 4 {
		r := s.must(11, (&session{version: 11, ids: s.ids, words: s.words}).fetchRequest(fetched{topic: a})).(*kmsg.FetchResponse)
		var lines []string
		s.records("Records", r.Topics[0].Partitions[0].RecordBatches, false, &lines)
		s.note("what is there", lines...)
	}
}

func withLength(b []byte, length int32) []byte {
	binary.BigEndian.PutUint32(b[8:], uint32(length))
	return b
}

// recordsOf is a batch of just these records.
func recordsOf(records []kmsg.Record, edit ...func(*kmsg.RecordBatch)) []byte {
	return batch(len(records), append([]func(*kmsg.RecordBatch){func(b *kmsg.RecordBatch) {
		b.Records = nil
		for i := range records {
			body := records[i].AppendTo(nil)[1:]
			b.Records = append(binary.AppendVarint(b.Records, int64(len(body))), body...)
		}
		b.MaxTimestamp = base
		for i := range records {
			b.MaxTimestamp = max(b.MaxTimestamp, base+records[i].TimestampDelta64)
		}
	}}, edit...)...)
}

// produceUnpackedScript is about max.decompressed.message.bytes, which bounds one record of a compressed batch.
func produceUnpackedScript(s *session) {
	const size = "10" // of each record in batch(3), without its length
	key := "max.decompressed.message.bytes"
	exact, less := s.topic("exact", 1, key, size), s.topic("less", 1, key, "9")
	repacked := s.topic("repacked", 1, key, "9", "compression.type", "gzip")
	one := func(label, topic string, b []byte) { s.ask(label, s.produceRequest(1, produced{topic, 0, b})) }
	one("three as large as one may be", exact, batch(3, compressed(gzipCodec)))
	one("a byte too large", less, batch(3, compressed(gzipCodec)))
	one("a byte too large, lz4", less, batch(3, compressed(lz4Codec)))
	one("a byte too large, snappy", less, batch(3, compressed(snappyCodec)))
	one("a byte too large, not compressed", less, batch(3))
	one("a byte too large, compressed by the broker", repacked, batch(3))
	one("a byte too large, compressed anew", repacked, batch(3, compressed(lz4Codec)))
	mixed := []kmsg.Record{{Key: []byte("k")}, {OffsetDelta: 1, Key: []byte("a key"), Value: []byte("a value")}}
	one("only the second too large", less, recordsOf(mixed, compressed(gzipCodec)))
	a, zeros := s.topic("a", 1), make([]byte, 1<<20)
	many := make([]kmsg.Record, 40)
	for i := range many {
		many[i] = kmsg.Record{OffsetDelta: int32(i), Value: zeros}
	}
	one("forty times max.message.bytes", a, recordsOf(many, compressed(gzipCodec)))
	s.logEnd(a, 0)
	s.logEnd(less, 0)
}

func produceLimitsScript(s *session) {
	size := len(batch(3))
	limit := func(n int) string { return fmt.Sprint(n) }
	exact, less := s.topic("exact", 1, "max.message.bytes", limit(size)), s.topic("less", 1, "max.message.bytes", limit(size-1))
	repacked := s.topic("repacked", 1, "max.message.bytes", limit(300), "compression.type", "gzip")
	one := func(label, topic string, b []byte) { s.ask(label, s.produceRequest(1, produced{topic, 0, b})) }
	one("as large as may be", exact, batch(3))
	one("a byte too large", less, batch(3))
	one("larger than the topic's limit before its own compression", repacked, batch(40))
	one("small, of another codec", repacked, batch(3, compressed(zstdCodec)))
	tiny := s.topic("tiny", 1, "segment.bytes", "1048576", "max.message.bytes", "3000000")
	one("larger than a segment", tiny, recordsOf([]kmsg.Record{{Value: make([]byte, 1_100_000)}}))
	now := time.Now().UnixMilli()
	bounded := s.topic("bounded", 1, "message.timestamp.before.max.ms", "3600000", "message.timestamp.after.max.ms", "3600000")
	one("now", bounded, batchAt(now, 2))
	one("half an hour ago", bounded, batchAt(now-1_800_000, 2))
	one("half an hour ahead", bounded, batchAt(now+1_800_000, 2))
	one("two hours ago", bounded, batchAt(now-7_200_000, 3))
	one("two hours ahead", bounded, batchAt(now+7_200_000, 2))
	one("two hours ahead, gzip", bounded, batchAt(now+7_200_000, 2, compressed(gzipCodec)))
	one("only the second too old", bounded, batchAt(now, 2, func(b *kmsg.RecordBatch) {
		rewrite(b, kmsg.Record{Key: []byte("k")}, kmsg.Record{OffsetDelta: 1, TimestampDelta64: -7_200_000})
	}))
	one("no time", bounded, batchAt(-1, 1))
	one("time -2", bounded, batchAt(-2, 1))
	one("time -2 without limits", exact, batchAt(-2, 1))
	one("largest time there is", bounded, batchAt(math.MaxInt64, 1))
	one("beyond the largest time", bounded, batchAt(math.MaxInt64, 2))
	stamped := s.topic("stamped", 1, "message.timestamp.type", "LogAppendTime", "message.timestamp.before.max.ms", "1000", "message.timestamp.after.max.ms", "1000")
	one("LogAppendTime does not look", stamped, batchAt(base, 2))
	one("LogAppendTime, gzip", stamped, batchAt(base, 2, compressed(gzipCodec)))
	compacted := s.topic("compacted", 1, "cleanup.policy", "compact")
	mixed := []kmsg.Record{{Key: []byte("k")}, {OffsetDelta: 1}, {OffsetDelta: 2, Key: []byte("k")}, {OffsetDelta: 3}}
	one("some without key", compacted, recordsOf(mixed))
	one("some without key, gzip", compacted, recordsOf(mixed, compressed(gzipCodec)))
	one("empty key", compacted, recordsOf([]kmsg.Record{{Key: []byte{}}}))
	lonely := s.topic("lonely", 1, "min.insync.replicas", "2")
	one("acks 1 with too few replicas", lonely, batch(1))
	s.ask("acks all with too few replicas", s.produceRequest(-1, produced{lonely, 0, batch(1)}, produced{exact, 0, batch(1)}))
	s.logEnd(lonely, 0)
	both := s.topic("both", 1, "cleanup.policy", "compact,delete", "message.timestamp.before.max.ms", "3600000")
	one("without key, and too old", both, recordsOf([]kmsg.Record{{}}))
	for _, topic := range []string{exact, repacked, bounded, stamped, compacted} {
		s.logEnd(topic, 0)
	}
}

func rewrite(b *kmsg.RecordBatch, records ...kmsg.Record) {
	b.Records = nil
	for i := range records {
		body := records[i].AppendTo(nil)[1:]
		b.Records = append(binary.AppendVarint(b.Records, int64(len(body))), body...)
	}
}

func produceDuplicatesScript(s *session) {
	a := s.topic("a", 2)
	stamped := s.topic("stamped", 1, "message.timestamp.type", "LogAppendTime")
	id := s.must(3, initProducer()).(*kmsg.InitProducerIDResponse).ProducerID
	write := func(label, topic string, partition int32, id int64, epoch int16, sequence int32, n int, edit ...func(*kmsg.RecordBatch)) {
		s.ask(label, s.produceRequest(-1, produced{topic, partition, batch(n, append(edit, sequenced(id, epoch, sequence))...)}))
	}
	for i := range int32(6) {
		write("new", a, 0, id, 0, 2*i, 2)
	}
	for i := int32(5); i >= 0; i-- {
		write(fmt.Sprint("again from the end ", 5-i), a, 0, id, 0, 2*i, 2)
	}
	write("again, shorter", a, 0, id, 0, 10, 1)
	write("again, longer", a, 0, id, 0, 10, 3)
	write("again, from before", a, 0, id, 0, 9, 3)
	write("again, other records", a, 0, id, 0, 10, 2, func(b *kmsg.RecordBatch) { b.FirstTimestamp += 5; b.MaxTimestamp += 5 })
	write("again, gzip", a, 0, id, 0, 10, 2, compressed(gzipCodec))
	write("sequence 0 again", a, 0, id, 0, 0, 1)
	write("next, epoch 5 at 12", a, 0, id, 5, 12, 1)
	write("epoch 5 at 0", a, 0, id, 5, 0, 1)
	write("epoch 0 again", a, 0, id, 0, 10, 2)
	write("epoch 32767", a, 0, id, 32767, 0, 1)
	write("another partition starts at 7", a, 1, id, 0, 7, 1)
	write("there, the one before", a, 1, id, 0, 6, 1)
	write("there, the next", a, 1, id, 0, 8, 1)
	write("stamped", stamped, 0, id, 0, 0, 2)
	write("stamped again", stamped, 0, id, 0, 0, 2)
	wraps := id + 500_000
	write("before the largest sequence", a, 1, wraps, 0, math.MaxInt32-1, 1)
	write("over the largest sequence", a, 1, wraps, 0, math.MaxInt32, 3)
	write("over the largest sequence again", a, 1, wraps, 0, math.MaxInt32, 3)
	write("behind it", a, 1, wraps, 0, 2, 1)
	write("sequence 0 behind it", a, 1, wraps, 0, 0, 1)
	r := s.produceRequest(1, produced{a, 1, batch(1, sequenced(wraps, 0, 3))})
	s.ask("acks 1", r)
	s.ask("acks 1 again", r)
	s.unanswered("acks 0 again", s.produceRequest(0, produced{a, 1, batch(1, sequenced(wraps, 0, 3))}))
	s.unanswered("acks 0, a gap", s.produceRequest(0, produced{a, 1, batch(1, sequenced(wraps, 0, 9))}))
	s.deleteBefore(a, 0, -1)
	write("again after the records were deleted", a, 0, id, 32767, 0, 1)
	write("next after the records were deleted", a, 0, id, 32767, 1, 1)
	s.logEnd(a, 0)
	s.logEnd(a, 1)
}
