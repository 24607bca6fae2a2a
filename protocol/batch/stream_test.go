package batch

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/protocol/codec"
)

// scanAll is readAll with a Scanner.
func scanAll(b Batch, maxRecordBytes int) (out []Record, err error) {
	var s Scanner
	defer s.Close()
	s.Reset(b, maxRecordBytes)
	var rec Record
	for s.Next(&rec) {
		r := rec
		r.Key, r.Value = bytes.Clone(rec.Key), bytes.Clone(rec.Value)
		if len(rec.Headers) > 0 {
			r.Headers = nil
			for _, h := range rec.Headers {
				r.Headers = append(r.Headers, Header{h.Key, bytes.Clone(h.Value)})
			}
		}
		out = append(out, r)
	}
	return out, s.Err()
}

// bigRecords are larger than any piece, between small ones.
func bigRecords() []Record {
	rnd := rand.New(rand.NewPCG(6, 6))
	out := randomRecords(rnd, 3000)
	for i := 500; i < len(out); i += 500 {
		out[i].Value = bytes.Repeat([]byte{byte(i), 1, 2}, 100_000)
		out[i].Headers = []Header{{Key: "k", Value: bytes.Repeat([]byte("h"), 70_000)}, {Key: "null"}}
	}
	return out
}

func TestRecordsAcrossPiecesAreTheSame(t *testing.T) {
	records := bigRecords()
	for c := codec.None; c <= codec.Zstd; c++ {
		raw := build(t, Options{Codec: c}, records)
		got, err := scanAll(raw, 1<<20)
		if err != nil || !reflect.DeepEqual(got, readAll(t, raw)) {
			t.Fatalf("%v: %d records, %v", c, len(got), err)
		}
		want, got2 := Info{}, Info{}
		if info, err := Validate(build(t, Options{}, records), openRules()); err != nil {
			t.Fatal(err)
		} else {
			want = info
		}
		if info, err := Validate(raw, openRules()); err != nil {
			t.Fatal(c, err)
		} else {
			got2 = info
		}
		want.Batch, got2.Batch = nil, nil
		if !reflect.DeepEqual(want, got2) {
			t.Errorf("%v: %+v, want %+v", c, got2, want)
		}
		if c == codec.None {
			continue
		}
		if _, err := scanAll(raw, 100_000); !errors.Is(err, codec.ErrTooLarge) {
			t.Errorf("%v: a record that is too large: %v", c, err)
		}
		for _, n := range []int{len(raw) / 3, len(raw) - 7} {
			if _, err := scanAll(refit(bytes.Clone(raw[:n])), 1<<20); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%v cut at %d: %v", c, n, err)
			}
			if _, err := Validate(refit(bytes.Clone(raw[:n])), openRules()); err == nil || err.Code != kerr.InvalidRecord {
				t.Errorf("%v cut at %d: %v", c, n, err)
			}
		}
	}
}

func TestScannerPassesOverWhatIsBelow(t *testing.T) {
	records := bigRecords()
	for c := codec.None; c <= codec.Zstd; c++ {
		raw := build(t, Options{Codec: c, BaseOffset: 7000}, records)
		s := Scanner{From: 9501}
		s.Reset(raw, 1000) // no record above it is so large before 10,000
		var rec Record
		for want := int64(9501); want < 10_000; want++ {
			if !s.Next(&rec) || rec.Offset != want {
				t.Fatalf("%v: %d, want %d: %v", c, rec.Offset, want, s.Err())
			}
		}
		s.Close()
		if s.Next(&rec) || s.Err() != nil {
			t.Error("a closed scanner has nothing")
		}
	}
	var s Scanner
	var rec Record
	if s.Next(&rec) {
		t.Error("a scanner without a batch has nothing")
	}
	s.Close()
}

// Whoever looks for a time need not hold the record that has it.
func TestTimesOfRecordsThatAreTooLargeToHold(t *testing.T) {
	for c := codec.Gzip; c <= codec.Zstd; c++ {
		s := Scanner{TimesOnly: true, From: 1}
		s.Reset(huge(t, c, 1, 3, 1, 3), 2<<20)
		var rec Record
		var got []int64
		for s.Next(&rec) {
			if rec.Timestamp != testNow || rec.Offset == 2 != (rec.Value != nil) {
				t.Errorf("%v: offset %d, time %d, %d bytes", c, rec.Offset, rec.Timestamp, len(rec.Value))
			}
			got = append(got, rec.Offset)
		}
		if s.Err() != nil || !slices.Equal(got, []int64{1, 2, 3}) {
			t.Errorf("%v: %v, %v", c, got, s.Err())
		}
		torn := build(t, Options{}, []Record{{Timestamp: testNow}})
		payload := append(bytes.Clone(Batch(torn).Payload()), appendVarint(nil, 3<<20)...) // and nothing of the record
		torn[posAttributes+1] = byte(c)
		torn = withPayload(t, edit(torn, posCount+3, 2), payload)
		if s.Reset(Batch(torn), 2<<20); s.Next(&rec) || !errors.Is(s.Err(), ErrCorrupt) {
			t.Errorf("%v: torn: %v, %v", c, rec, s.Err())
		}
		s.Close()
	}
}

// huge is a batch whose records are n MiB of zeros each.
func huge(tb testing.TB, c codec.Codec, sizes ...int) []byte {
	raw := build(tb, Options{}, []Record{{Timestamp: testNow, Key: []byte("k")}})
	w, err := codec.NewWriter(bytes.Clone(raw[:HeaderSize]), c, 1)
	if err != nil {
		tb.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for i, mib := range sizes {
		n := mib << 20
		head := append([]byte{0, 0}, byte(i*2), 2, 'k')
		head = appendVarint(head, n)
		_, _ = w.Write(append(appendVarint(nil, len(head)+n+1), head...))
		for range mib {
			_, _ = w.Write(zeros)
		}
		_, _ = w.Write([]byte{0})
	}
	out, err := w.Close()
	if err != nil {
		tb.Fatal(err)
	}
	out[posAttributes+1] = byte(c)
	out[posLastOffsetDelta+3] = byte(len(sizes) - 1)
	out[posCount+3] = byte(len(sizes))
	return refit(out)
}

// Kafka takes a batch that compresses a thousandfold, for it never has the whole of it in memory. Nor have we.
func TestVeryCompressibleBatchIsAccepted(t *testing.T) {
	for c := codec.Gzip; c <= codec.Zstd; c++ {
		raw := huge(t, c, 60, 1, 40)
		rules := openRules()
		rules.Compacted = true
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		info, err := Validate(raw, rules)
		runtime.ReadMemStats(&after)
		if err != nil || info.UncompressedBytes < 101<<20 {
			t.Errorf("%v: %+v, %v", c, info, err)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 20<<20 {
			t.Errorf("%v: %d bytes were allocated", c, got)
		}
		rules.MaxDecompressedBytes = 90 << 20
		if _, err := Validate(raw, rules); err == nil || err.Code != kerr.MessageTooLarge {
			t.Errorf("%v: beyond the limit: %v", c, err)
		}
	}
}

// max.decompressed.message.bytes once bounded what a whole batch unpacks to. In Kafka 4.4 it bounds each record, and a batch whose records
// are all smaller is taken whatever they add up to; uncompressed records are not measured. A record that is too large is refused before
// it is decompressed.
func TestManySmallRecordsAreRefusedByTheLimitOfOne(t *testing.T) {
	const largest = 3<<20 + 10 // huge's 3 MiB with what stands around them
	for c := codec.Gzip; c <= codec.Zstd; c++ {
		raw, few := huge(t, c, 1, 2, 3), three(t, c)
		rules := openRules()
		rules.MaxRecordBytes = largest
		if info, err := Validate(raw, rules); err != nil || info.UncompressedBytes < 6<<20 {
			t.Errorf("%v: %+v, %v", c, info, err)
		}
		rules.MaxRecordBytes--
		_, err := Validate(raw, rules)
		if err == nil || err.Code != kerr.InvalidRecord || !strings.HasSuffix(err.Message, "record 2") {
			t.Errorf("%v: %+v", c, err)
		}
		rules.MaxRecordBytes = minRecordBody // all of these lie within one piece
		if _, err := Validate(few, rules); err == nil || err.Code != kerr.InvalidRecord || !strings.HasSuffix(err.Message, "record 0") {
			t.Errorf("%v, small: %+v", c, err)
		}
	}
	rules := openRules()
	rules.MaxRecordBytes = 1
	if _, err := Validate(three(t, codec.None), rules); err != nil {
		t.Error("not compressed:", err)
	}
}

// All records that a topic does not want are named, in whatever piece they lie; damage anywhere goes before them.
func TestUnwantedRecordsInPieces(t *testing.T) {
	records := bigRecords()
	for i := range records {
		records[i].Key = []byte("k")
	}
	for _, i := range []int{0, 499, 500, 2999} {
		records[i].Key = nil
	}
	records[1500].Timestamp = testNow + 50_000
	for c := codec.None; c <= codec.Zstd; c++ {
		r := openRules()
		r.Compacted, r.TimestampAfterMaxMs = true, 20_000
		raw := build(t, Options{Codec: c}, records)
		_, err := Validate(raw, r)
		if err == nil || err.Code != kerr.InvalidTimestamp || len(err.Records) != 5 {
			t.Fatalf("%v: %+v", c, err)
		}
		for i, want := range []int32{0, 499, 500, 1500, 2999} {
			if err.Records[i].Index != want {
				t.Errorf("%v: %+v", c, err.Records[i])
			}
		}
		raw[posCount+3]++
		raw[posLastOffsetDelta+3]++
		if _, err := Validate(refit(raw), r); err == nil || err.Code != kerr.InvalidRecord || len(err.Records) != 0 {
			t.Errorf("%v: %+v", c, err)
		}
	}
}

func TestDependentLZ4BlocksAreRefused(t *testing.T) {
	raw := build(t, Options{Codec: codec.LZ4}, []Record{{Timestamp: testNow}})
	flags := raw[HeaderSize+4]
	// the checksums of the frame's header with and without the flag
	independent, dependent := []byte{0x60, 0x40, raw[HeaderSize+6]}, []byte{0x40, 0x40, 0xC0}
	if flags != independent[0] {
		t.Fatalf("%02x", flags)
	}
	copy(raw[HeaderSize+4:], dependent)
	if _, err := codec.Decompress(nil, Batch(raw).Payload(), codec.LZ4, 1000); err != nil {
		t.Fatal("the test is wrong:", err)
	}
	if _, err := Validate(refit(raw), openRules()); err == nil || err.Code != kerr.InvalidRecord {
		t.Error("Java's consumers cannot read it:", err)
	}
}
