package batch

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/protocol/codec"
)

// The view, the builder and the reader agree with kmsg's decoder about every field.
func TestAgreesWithKmsg(t *testing.T) {
	const seed = 7
	rnd := rand.New(rand.NewPCG(seed, 0))
	for round := range 60 {
		opts := Options{
			Codec:                codec.Codec(round % 5),
			BaseOffset:           rnd.Int64(),
			PartitionLeaderEpoch: rnd.Int32(),
			HasProducer:          round%2 == 0,
			ProducerID:           rnd.Int64(),
			ProducerEpoch:        int16(rnd.Int32()),
			BaseSequence:         rnd.Int32(),
			Transactional:        round%3 == 0,
			Control:              round%7 == 0,
		}
		records := randomRecords(rnd, 1+rnd.IntN(200))
		b := Batch(build(t, opts, records))

		var k kmsg.RecordBatch
		if err := k.ReadFrom(b); err != nil {
			t.Fatalf("seed %d round %d: %v", seed, round, err)
		}
		got := fmt.Sprint(b.BaseOffset(), b.Length()-12, b.PartitionLeaderEpoch(), b.Magic(), int32(b.CRC()), b.Attributes(), b.LastOffsetDelta(),
			b.BaseTimestamp(), b.MaxTimestamp(), b.ProducerID(), b.ProducerEpoch(), b.BaseSequence(), b.Count())
		want := fmt.Sprint(k.FirstOffset, k.Length, k.PartitionLeaderEpoch, k.Magic, k.CRC, k.Attributes, k.LastOffsetDelta,
			k.FirstTimestamp, k.MaxTimestamp, k.ProducerID, k.ProducerEpoch, k.FirstSequence, k.NumRecords)
		if got != want || !bytes.Equal(b.Payload(), k.Records) {
			t.Fatalf("seed %d round %d:\n%s\n%s", seed, round, got, want)
		}
		if !b.ValidCRC() || b.Codec() != opts.Codec || b.IsControl() != opts.Control || b.IsTransactional() != opts.Transactional ||
			b.HasProducerID() != opts.HasProducer || b.IsLogAppendTime() {
			t.Fatalf("seed %d round %d: attributes %x of %+v", seed, round, b.Attributes(), opts)
		}

		payload, err := codec.Decompress(nil, k.Records, opts.Codec, 64<<20)
		if err != nil {
			t.Fatal(err)
		}
		for i, rec := range readAll(t, b) {
			n, start := varint(payload, 0)
			var kr kmsg.Record
			if err := kr.ReadFrom(payload[:start+n]); err != nil {
				t.Fatal(err)
			}
			payload = payload[start+n:]
			theirs := Record{Attributes: kr.Attributes, Timestamp: k.FirstTimestamp + kr.TimestampDelta64, Offset: k.FirstOffset + int64(kr.OffsetDelta), Key: kr.Key, Value: kr.Value}
			for _, h := range kr.Headers {
				theirs.Headers = append(theirs.Headers, Header(h))
			}
			mine := records[i]
			mine.Offset += opts.BaseOffset
			if !reflect.DeepEqual(rec, mine) || !reflect.DeepEqual(rec, theirs) {
				t.Fatalf("seed %d round %d record %d:\nread %+v\nkmsg %+v\nput  %+v", seed, round, i, rec, theirs, mine)
			}
		}
	}
}

func TestSettersKeepTheCRCWhereItCounts(t *testing.T) {
	b := Batch(build(t, Options{}, randomRecords(rand.New(rand.NewPCG(1, 1)), 3)))
	b.SetBaseOffset(1 << 40)
	b.SetPartitionLeaderEpoch(77)
	if b.BaseOffset() != 1<<40 || b.LastOffset() != 1<<40+2 || b.NextOffset() != 1<<40+3 || b.PartitionLeaderEpoch() != 77 || !b.ValidCRC() {
		t.Error("base offset and leader epoch are outside the CRC", b[:HeaderSize])
	}
	b.SetMaxTimestamp(5)
	if b.ValidCRC() {
		t.Error("the maximum timestamp is inside the CRC")
	}
	b.RecomputeCRC()
	if !b.ValidCRC() || b.MaxTimestamp() != 5 {
		t.Error("RecomputeCRC")
	}
	b.StampLogAppendTime(9)
	if !b.ValidCRC() || b.MaxTimestamp() != 9 || !b.IsLogAppendTime() {
		t.Error("StampLogAppendTime")
	}
	for _, rec := range readAll(t, b) {
		if rec.Timestamp != 9 {
			t.Error("with LogAppendTime every record has the batch's time", rec)
		}
	}
}

func TestLastSequenceWraps(t *testing.T) {
	for _, tc := range []struct {
		first, last int32
		records     int
	}{{-1, -1, 5}, {0, 4, 5}, {math.MaxInt32, math.MaxInt32, 1}, {math.MaxInt32, 0, 2}, {math.MaxInt32 - 1, 2, 5}} {
		b := Batch(build(t, Options{HasProducer: true, BaseSequence: tc.first}, make([]Record, tc.records)))
		if b.LastSequence() != tc.last {
			t.Errorf("%d records from %d end at %d, want %d", tc.records, tc.first, b.LastSequence(), tc.last)
		}
	}
}

func TestNext(t *testing.T) {
	one := build(t, Options{}, make([]Record, 2))
	two := append(bytes.Clone(one), build(t, Options{BaseOffset: 2}, make([]Record, 1))...)

	// given two batches, when they are cut, then both come whole and nothing is left
	first, rest, err := Next(two)
	if err != nil || !bytes.Equal(first, one) {
		t.Fatal(err)
	}
	second, rest, err := Next(rest)
	if err != nil || second.BaseOffset() != 2 || len(rest) != 0 {
		t.Fatal(err)
	}
	// a batch cannot grow into the next
	if cap(first) != len(first) {
		t.Error("capacity reaches into the rest")
	}
	for n := range one {
		if b, rest, err := Next(one[:n]); !errors.Is(err, ErrTorn) || b != nil || len(rest) != n {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	corrupt := map[string][]byte{
		"zeros":          make([]byte, 100),
		"length 48":      edit2(one, posLength, 0, 0, 0, 48),
		"length -1":      edit2(one, posLength, 255, 255, 255, 255),
		"length maximal": edit2(one, posLength, 0x7F, 255, 255, 255),
		"magic 1":        edit2(one, posMagic, 1),
		"magic 3":        edit2(one, posMagic, 3),
		"magic -1":       edit2(one, posMagic, 255),
	}
	for name, b := range corrupt {
		if _, _, err := Next(b); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// edit2 changes bytes and leaves length and CRC alone.
func edit2(raw []byte, at int, v ...byte) []byte {
	raw = bytes.Clone(raw)
	copy(raw[at:], v)
	return raw
}

// Kafka 3.9.1 wrote these with each of its own compressors; the records are the same in all.
func TestReadsWhatJavaWrites(t *testing.T) {
	var want []Record
	for c := codec.None; c <= codec.Zstd; c++ {
		raw, err := os.ReadFile("testdata/java-" + c.String() + ".bin")
		if err != nil {
			t.Fatal(err)
		}
		b, rest, err := Next(raw)
		if err != nil || len(rest) != 0 || b.Codec() != c || !b.ValidCRC() {
			t.Fatal(c, err)
		}
		got := readAll(t, b)
		if len(got) != 7 || string(got[0].Key) != "key-0" || len(got[0].Headers) != 2 {
			t.Fatalf("%v: %+v", c, got)
		}
		if c == codec.None {
			want = got
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%v: %+v", c, got)
		}
		if _, verr := Validate(bytes.Clone(raw), openRules()); verr != nil {
			t.Errorf("%v: %v", c, verr)
		}
	}
}

func TestBuilder(t *testing.T) {
	b := NewBuilder(Options{})
	if out, err := b.Build([]byte("x")); !errors.Is(err, ErrEmpty) || string(out) != "x" {
		t.Error("an empty batch", err)
	}
	b.AddAt(3, 100, nil, []byte("v"), nil)
	b.AddAt(7, 50, nil, nil, nil)
	raw, err := b.Build([]byte("before"))
	if err != nil || string(raw[:6]) != "before" {
		t.Fatal(err)
	}
	v := Batch(raw[6:])
	if b.Count() != 2 || b.Size() != len(v) || b.MaxTimestamp() != 100 || v.LastOffsetDelta() != 7 || v.Count() != 2 {
		t.Error(v)
	}
	if got := readAll(t, v); got[0].Offset != 3 || got[1].Offset != 7 || got[1].Timestamp != 50 {
		t.Error("gaps of compaction are kept", got)
	}
	b.AddAt(7, 0, nil, nil, nil)
	if _, err := b.Build(nil); !errors.Is(err, ErrFull) {
		t.Error("offsets must rise", err)
	}
	b.Reset(Options{LogAppendTime: true, LogAppendTimeMs: 12})
	b.Add(1, nil, nil, nil)
	if raw, err = b.Build(nil); err != nil || Batch(raw).MaxTimestamp() != 12 || !Batch(raw).IsLogAppendTime() || Batch(raw).ProducerID() != NoProducerID {
		t.Error(err)
	}
}

func TestReaderReportsDamage(t *testing.T) {
	good := build(t, Options{}, []Record{{Value: []byte("abc")}, {Value: []byte("def")}})
	payload := bytes.Clone(good[HeaderSize:])
	for name, raw := range map[string][]byte{
		"too few":    edit(good, posCount, 0, 0, 0, 9),
		"too many":   edit(good, posCount, 0, 0, 0, 1),
		"none":       withPayload(t, good, nil),
		"long value": withPayload(t, good, edit2(payload, 5, 100)),
		"headers":    withPayload(t, good, edit2(payload, 9, 100)),
		"garbage gz": edit(good, posAttributes+1, 1),
	} {
		var failed error
		n := 0
		for _, err := range Records(Batch(raw), 1000) {
			if failed = err; err == nil {
				n++
			}
		}
		if !errors.Is(failed, ErrCorrupt) || n > 2 {
			t.Errorf("%s: %v after %d", name, failed, n)
		}
	}
	big := build(t, Options{Codec: codec.Zstd}, []Record{{Value: make([]byte, 5000)}})
	var r Reader
	if err := r.Reset(big, 1000); !errors.Is(err, codec.ErrTooLarge) || r.Next(new(Record)) {
		t.Error(err)
	}
	// leaving early is no error, and the reader can be used again
	if err := r.Reset(good, 1000); err != nil || !r.Next(new(Record)) || r.Err() != nil {
		t.Error(err)
	}
}
