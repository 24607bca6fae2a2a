package badinput

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// produced is a row that produces records to a topic in some version.
func produced(name, want string, version int16, topic func(*env) string, records func() []byte) row {
	return request(name, want, func(e *env) kmsg.Request { return produceRequest(version, topic(e), 0, records()) })
}

func plain(e *env) string     { return e.plain }
func compacted(e *env) string { return e.compacted }
func small(e *env) string     { return e.small }
func strict(e *env) string    { return e.strict }
func segmented(e *env) string { return e.segmented }

// partitionCode names a code of a partition in the answers of most APIs.
func partitionCode(code int) string { return fmt.Sprintf("Partitions %d", code) }

const (
	corrupt     = "Partitions 2"
	invalid     = "Partitions 87"
	broken      = "Partitions 2 | Partitions 87" // compressed damage: where Kafka says -1
	kafkaSlip   = "Partitions -1"
	tooLarge    = "Partitions 10"
	outOfOrder  = "Partitions 45"
	unsupported = "Partitions 76"
)

// produceRows are about the request around the records.
func produceRows() []row {
	acks := func(acks int16) func(e *env) kmsg.Request {
		return func(e *env) kmsg.Request {
			r := produceRequest(7, e.plain, 0, goodBatch())
			r.Acks = acks
			return r
		}
	}
	to := func(topic string, partition int32, acks int16) func(e *env) kmsg.Request {
		return func(*env) kmsg.Request {
			r := produceRequest(7, topic, partition, goodBatch())
			r.Acks = acks
			return r
		}
	}
	transactional := func(control int16) func() []byte {
		return func() []byte {
			return batchOf(1, encodedRecords(1), func(b *kmsg.RecordBatch) {
				b.Attributes, b.ProducerID, b.ProducerEpoch, b.FirstSequence = 0x10|control, 880_001, 0, 0
			})
		}
	}
	return []row{
		request("acks=2", partitionCode(21), acks(2)),
		request("acks=-2", partitionCode(21), acks(-2)),
		request("acks=5 and no topics", ok, func(*env) kmsg.Request {
			r := kmsg.NewPtrProduceRequest()
			r.Version, r.Acks = 3, 5
			return r
		}),
		request("acks=0", unanswered, acks(0)),
		request("acks=0 to an unknown topic", closed, to("nowhere", 0, 0)),
		request("acks=0 to an unknown partition", closed, func(e *env) kmsg.Request {
			r := produceRequest(7, e.plain, 99, goodBatch())
			r.Acks = 0
			return r
		}),
		request("acks=0 with a wrong checksum", closed, func(e *env) kmsg.Request {
			r := produceRequest(7, e.plain, 0, patched(goodBatch(), func(b []byte) { b[crcAt] ^= 1 }))
			r.Acks = 0
			return r
		}),
		request("unknown topic", partitionCode(3), to("nowhere", 0, 1)),
		request("illegal topic name", partitionCode(3)+" | "+partitionCode(17), to("no/where", 0, 1)),
		request("empty topic name", partitionCode(3)+" | "+partitionCode(17), to("", 0, 1)),
		request("unknown partition", partitionCode(3), func(e *env) kmsg.Request { return produceRequest(7, e.plain, 99, goodBatch()) }),
		request("negative partition", partitionCode(3), func(e *env) kmsg.Request { return produceRequest(7, e.plain, -1, goodBatch()) }),
		request("unknown topic id", partitionCode(100), func(e *env) kmsg.Request {
			r := produceRequest(13, "", 0, goodBatch())
			r.Topics[0].TopicID = [16]byte{1, 2, 3}
			return r
		}).kafka(closed, ""), // 3.9.1 has no Produce 13
		request("group offsets are not for clients", partitionCode(17), to("__consumer_offsets", 0, 1)),
		produced("transactional batch without transactional id", partitionCode(53), 7, plain, transactional(0)),
		produced("transactional control batch without transactional id", partitionCode(53), 7, plain, transactional(0x20)),
		request("negative timeout", ok, func(e *env) kmsg.Request {
			r := produceRequest(7, e.plain, 0, goodBatch())
			r.TimeoutMillis = -1
			return r
		}),
	}
}

// batchRows are about the batch: its bounds and its header.
func batchRows() []row {
	edited := func(edit func(*kmsg.RecordBatch)) func() []byte {
		return func() []byte { return batchOf(3, encodedRecords(3), edit) }
	}
	after := func(patch func([]byte)) func() []byte { return func() []byte { return patched(goodBatch(), patch) } }
	length := func(n int32) func() []byte {
		return after(func(b []byte) { binary.BigEndian.PutUint32(b[lengthAt:], uint32(n)) })
	}
	magic := func(m byte) func() []byte { return after(func(b []byte) { b[magicAt] = m }) }
	count := func(n int32) func() []byte { return edited(func(b *kmsg.RecordBatch) { b.NumRecords = n }) }
	attributes := func(a int16) func() []byte { return edited(func(b *kmsg.RecordBatch) { b.Attributes = a }) }
	future := func(d time.Duration) func() []byte {
		return edited(func(b *kmsg.RecordBatch) {
			b.FirstTimestamp += d.Milliseconds()
			b.MaxTimestamp += d.Milliseconds()
		})
	}
	sizedBatch := func(n int) func() []byte {
		return func() []byte { return batchOf(1, encodedRecord(0, nil, make([]byte, n)), nil) }
	}
	rows := []row{
		produced("null records", invalid, 7, plain, func() []byte { return nil }).kafka(hung, hung),
		produced("no records", invalid, 7, plain, func() []byte { return []byte{} }),
		produced("half a batch", invalid, 7, plain, func() []byte { return goodBatch()[:50] }),
		produced("all but one byte of a batch", invalid, 7, plain, func() []byte { return goodBatch()[:len(goodBatch())-1] }),
		produced("two batches", invalid, 7, plain, func() []byte { return append(goodBatch(), goodBatch()...) }),
		produced("a batch and a few bytes", ok, 7, plain, func() []byte { return append(goodBatch(), 0, 0, 0, 0, 0) }),
		produced("a batch and half of another", ok, 7, plain, func() []byte { return append(goodBatch(), goodBatch()[:40]...) }),
		produced("message format 1 in v3", invalid, 3, plain, func() []byte { return message(1, 0, nil, []byte("v"), 0) }),
		produced("length 13", corrupt, 7, plain, length(13)),
		produced("length 0", corrupt, 7, plain, length(0)),
		produced("length -1", corrupt, 7, plain, length(-1)),
		produced("length 20, less than a header", corrupt, 7, plain, length(20)),
		produced("length 2^31-1", invalid, 7, plain, length(1<<31-1)).kafka(invalid+" | "+kafkaSlip, kafkaSlip),
		produced("magic 3", corrupt, 7, plain, magic(3)),
		produced("magic 127", corrupt, 7, plain, magic(127)),
		produced("magic -1", corrupt, 7, plain, magic(255)),
		produced("wrong checksum", corrupt, 7, plain, after(func(b []byte) { b[crcAt] ^= 1 })),
		produced("changed byte in a value", corrupt, 7, plain, after(func(b []byte) { b[len(b)-2] ^= 1 })),
		produced("base offset 5", invalid, 7, plain, after(func(b []byte) { b[7] = 5 })),
		produced("base offset -1", invalid, 7, plain, after(func(b []byte) { binary.BigEndian.PutUint64(b, 1<<64-1) })),
		produced("larger than max.message.bytes", tooLarge, 7, small, sizedBatch(2000)),
		produced("larger than a segment", partitionCode(18), 7, segmented, sizedBatch(1_500_000)),
		produced("count 0", invalid, 7, plain, count(0)),
		produced("count -1", invalid, 7, plain, count(-1)),
		produced("count 2^31-1", invalid, 7, plain, count(1<<31-1)),
		produced("count one too many", invalid, 7, plain, count(4)),
		produced("count one too few", invalid, 7, plain, count(2)),
		produced("count and last delta one too many", invalid, 7, plain, edited(func(b *kmsg.RecordBatch) { b.NumRecords, b.LastOffsetDelta = 4, 3 })),
		produced("last offset delta -1", invalid, 7, plain, edited(func(b *kmsg.RecordBatch) { b.LastOffsetDelta = -1 })),
		produced("last offset delta 9", invalid, 7, plain, edited(func(b *kmsg.RecordBatch) { b.LastOffsetDelta = 9 })),
		produced("control batch", invalid, 7, plain, attributes(0x20)),
		produced("producer id with sequence -1", invalid, 7, plain, edited(func(b *kmsg.RecordBatch) { b.ProducerID, b.ProducerEpoch = 880_002, 0 })),
		produced("sequence without producer id", ok, 7, plain, edited(func(b *kmsg.RecordBatch) { b.FirstSequence = 7 })),
		produced("unused attribute bits", ok, 7, plain, attributes(0x7f80&^0x40)),
		produced("wrong max timestamp", ok, 7, plain, edited(func(b *kmsg.RecordBatch) { b.MaxTimestamp -= 5000 })),
		produced("time in two hours", partitionCode(32), 7, plain, future(2*time.Hour)).kafka(ok, ""),
		produced("time an hour ago where a second is the limit", partitionCode(32), 8, strict, future(-time.Hour)).check(recordErrors),
		produced("zstd in v6", unsupported, 6, plain, func() []byte { return compressedBatch(3, zstdCodec, compress(zstdCodec, encodedRecords(3))) }),
	}
	for codec := 5; codec <= 7; codec++ {
		rows = append(rows, produced(fmt.Sprintf("codec %d", codec), unsupported, 7, plain, attributes(int16(codec))).kafka(kafkaSlip, kafkaSlip))
	}
	return rows
}

// recordErrors: from version 8 on the answer says which record was at fault and why.
func recordErrors(_ *env, resp kmsg.Response) string {
	p := resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0]
	if len(p.ErrorRecords) == 0 || p.ErrorMessage == nil || *p.ErrorMessage == "" {
		return fmt.Sprintf("%d record errors and message %v, want both", len(p.ErrorRecords), p.ErrorMessage)
	}
	return ""
}
