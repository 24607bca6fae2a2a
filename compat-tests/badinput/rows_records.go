package badinput

import (
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// recordRows are about what is inside a batch. Kafka answers -1 where its decompressor or record reader throws what nobody
// expected; we say what it is.
func recordRows() []row {
	whole := encodedRecords(3)
	with := func(records []byte) func() []byte { return func() []byte { return batchOf(3, records, nil) } }
	rows := []row{
		produced("wrong offset deltas", invalid, 8, plain, with(swapped())).kafka(ok, ok),
		produced("wrong offset deltas, compressed", invalid, 8, plain, func() []byte {
			return compressedBatch(3, gzipCodec, compress(gzipCodec, swapped()))
		}).kafka(kafkaSlip, kafkaSlip),
		produced("last record cut short", invalid, 8, plain, with(whole[:len(whole)-2])),
		produced("bytes after the last record", invalid, 8, plain, with(append(whole[:len(whole):len(whole)], 0, 0))),
		produced("no bytes of records", invalid, 8, plain, with(nil)),
		produced("record length 0", invalid, 8, plain, with(firstRecord(0))),
		produced("record length -1", invalid, 8, plain, with(firstRecord(-1))),
		produced("record length 2^31-1", invalid, 8, plain, with(firstRecord(1<<31-1))),
		produced("record length without end", invalid, 8, plain, with(append(bytesOf(0xff, 12), whole...))).kafka(kafkaSlip, kafkaSlip),
		produced("header count -1", invalid, 8, plain, with(headerCount(-1))),
		produced("header count 2^31-1", invalid, 8, plain, with(headerCount(1<<31-1))),
		produced("header without a key", invalid, 8, plain, with(nullHeaderKey())),
		produced("key longer than the record", invalid, 8, plain, with(longKey())),
		produced("no key on a compacted topic", invalid, 8, compacted, func() []byte {
			return batchOf(1, encodedRecord(0, nil, []byte("v")), nil)
		}).check(recordErrors),
		produced("no key on a compacted topic, compressed", invalid, 8, compacted, func() []byte {
			return compressedBatch(1, lz4Codec, compress(lz4Codec, encodedRecord(0, nil, []byte("v"))))
		}).check(recordErrors),
		produced("record attributes", ok, 8, plain, with(recordAttributes())),
	}
	for codec := gzipCodec; codec <= zstdCodec; codec++ {
		rows = append(rows, damagedPayloads(codec)...)
	}
	return rows
}

func bytesOf(b byte, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = b
	}
	return out
}

// swapped are three records whose offset deltas do not rise.
func swapped() []byte {
	var b []byte
	for _, delta := range []int32{1, 0, 2} {
		b = append(b, encodedRecord(delta, []byte("k"), []byte("v"))...)
	}
	return b
}

// firstRecord replaces the length of the first of three records.
func firstRecord(length int64) []byte {
	return append(binary.AppendVarint(nil, length), encodedRecords(3)[1:]...)
}

// threeOf puts a hand-made record body before two good ones.
func threeOf(body []byte) []byte {
	b := append(binary.AppendVarint(nil, int64(len(body))), body...)
	return append(append(b, encodedRecord(1, nil, nil)...), encodedRecord(2, nil, nil)...)
}

// bareRecord is attributes, both deltas, a null key and a null value: what stands before the header count.
func bareRecord() []byte { return []byte{0, 0, 0, 1, 1} }

func headerCount(n int64) []byte { return threeOf(binary.AppendVarint(bareRecord(), n)) }

func nullHeaderKey() []byte {
	return threeOf(append(binary.AppendVarint(bareRecord(), 1), 1, 1))
}

func longKey() []byte {
	return threeOf(append(binary.AppendVarint([]byte{0, 0, 0}, 1000), 'k', 1, 0))
}

func recordAttributes() []byte { return threeOf([]byte{0x55, 0, 0, 1, 1, 0}) }

// damagedPayloads: the outer checksum is right, what it covers is not.
func damagedPayloads(codec int) []row {
	payload := compress(codec, append(encodedRecord(0, nil, bytesOf('a', 5000)), encodedRecord(1, nil, bytesOf('b', 5000))...))
	name := codecNames[codec] + ": "
	damaged := func(what string, payload []byte) row {
		return produced(name+what, broken, 7, plain, func() []byte { return compressedBatch(2, codec, payload) }).
			kafka(broken+" | "+kafkaSlip, broken+" | "+kafkaSlip)
	}
	return []row{
		damaged("cut short", payload[:len(payload)-5]),
		damaged("half", payload[:len(payload)/2]),
		damaged("no payload", nil),
		damaged("garbage", bytesOf(0xa5, 200)),
		damaged("not compressed at all", encodedRecords(2)),
		damaged("fewer records than announced", compress(codec, encodedRecords(1))),
		damaged("more records than announced", compress(codec, encodedRecords(3))),
	}
}

// sequenceRows are about idempotent producers. Each row has a producer id of its own, which nobody handed out: Kafka does not
// ask where an id comes from.
func sequenceRows() []row {
	next := int64(990_000)
	type sent struct {
		epoch    int16
		sequence int32
		count    int
	}
	history := func(name, want string, before []sent, last sent) row {
		next++
		id := next
		return row{name: name, want: want, send: func(e *env, _ *conn) []byte {
			for _, s := range before {
				e.mustProduce(e.plain, sequenced(id, s.epoch, s.sequence, s.count))
			}
			return frameOf(produceRequest(7, e.plain, 0, sequenced(id, last.epoch, last.sequence, last.count)), rowID)
		}}
	}
	six := []sent{{0, 0, 1}, {0, 1, 1}, {0, 2, 1}, {0, 3, 1}, {0, 4, 1}, {0, 5, 1}}
	const most = 1<<31 - 1
	return []row{
		history("a new producer may start anywhere", ok, nil, sent{0, 17, 2}),
		history("gap", outOfOrder, []sent{{0, 0, 2}}, sent{0, 3, 1}),
		history("repeat of the last batch", ok, []sent{{0, 0, 2}}, sent{0, 0, 2}),
		history("repeat of the fifth last", ok, six, sent{0, 1, 1}),
		history("repeat of the sixth last", outOfOrder, six, sent{0, 0, 1}),
		history("part of a batch", outOfOrder, []sent{{0, 0, 5}}, sent{0, 0, 3}),
		history("overlap", outOfOrder, []sent{{0, 0, 5}}, sent{0, 3, 4}),
		history("older epoch", partitionCode(47), []sent{{3, 0, 1}}, sent{2, 1, 1}),
		history("new epoch at 0", ok, []sent{{3, 0, 1}}, sent{4, 0, 1}),
		history("new epoch not at 0", outOfOrder, []sent{{3, 0, 1}}, sent{4, 1, 1}),
		history("sequence wraps", ok, []sent{{0, most, 1}}, sent{0, 0, 1}),
		history("sequence wraps inside a batch", ok, []sent{{0, most - 1, 4}}, sent{0, 2, 1}),
		sameOffset(next + 1000),
	}
}

// sameOffset: a repeat is answered with the offset of the first time.
func sameOffset(id int64) row {
	var first int64
	r := row{name: "a repeat has the old offset", want: ok, send: func(e *env, _ *conn) []byte {
		first = e.mustProduce(e.plain, sequenced(id, 0, 0, 2))
		e.mustProduce(e.plain, sequenced(id, 0, 2, 2))
		return frameOf(produceRequest(7, e.plain, 0, sequenced(id, 0, 0, 2)), rowID)
	}}
	return r.check(func(_ *env, resp kmsg.Response) string {
		if got := resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0].BaseOffset; got != first {
			return fmt.Sprintf("offset %d, want %d", got, first)
		}
		return ""
	})
}
