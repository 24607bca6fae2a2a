package batch

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/protocol/codec"
)

func seeds(f *testing.F) [][]byte {
	var out [][]byte
	for c := codec.None; c <= codec.Zstd; c++ {
		out = append(out, three(f, c))
	}
	out = append(out, append(bytes.Clone(out[0]), out[1]...), out[0][:40], nil)
	return out
}

// FuzzValidate repairs the length and the CRC of its input, so that the fuzzer reaches the records. What is accepted must
// be readable by us and by kmsg, and stays accepted without another change.
func FuzzValidate(f *testing.F) {
	for _, b := range seeds(f) {
		f.Add(b, true, byte(0))
		f.Add(b, false, byte(3))
	}
	f.Fuzz(func(t *testing.T, in []byte, repair bool, flags byte) {
		if repair && len(in) >= HeaderSize {
			in = refit(bytes.Clone(in))
		}
		r := openRules()
		r.MaxDecompressedBytes = 1 << 20
		r.Compacted = flags&1 != 0
		r.HeaderOnly = flags&2 != 0
		r.LogAppendTime = flags&4 != 0
		before := bytes.Clone(in)
		info, err := Validate(in, r)
		if err != nil {
			if err.Code == nil || err.Message == "" || !bytes.Equal(in, before) {
				t.Fatalf("%+v", err)
			}
			return
		}
		b := info.Batch
		if !b.ValidCRC() || b.MaxTimestamp() != info.MaxTimestamp {
			t.Fatal("accepted with a wrong header")
		}
		if r.HeaderOnly && !r.Compacted && b.Codec() != codec.None {
			return
		}
		n := int32(0)
		for rec, err := range Records(b, 1<<20) {
			if err != nil || rec.Offset != int64(n) || (r.Compacted && rec.Key == nil) {
				t.Fatal(rec, err)
			}
			n++
		}
		if n != b.Count() {
			t.Fatalf("%d records of %d", n, b.Count())
		}
		var k kmsg.RecordBatch
		if err := k.ReadFrom(b); err != nil || k.NumRecords != n {
			t.Fatal(err)
		}
		after := bytes.Clone(b)
		b.clearLogAppendTime()
		b.RecomputeCRC()
		again, err := Validate(b, r)
		if err != nil || !bytes.Equal(b, after) || again.OffsetDeltaOfMaxTimestamp != info.OffsetDeltaOfMaxTimestamp {
			t.Fatalf("not stable: %v", err)
		}
	})
}

func FuzzNext(f *testing.F) {
	for _, b := range seeds(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		size, serr := Size(in)
		b, rest, err := Next(in)
		if err != nil {
			if len(rest) != len(in) || b != nil || (!errors.Is(err, ErrTorn) && !errors.Is(err, ErrCorrupt)) {
				t.Fatal(err)
			}
			return
		}
		if serr != nil || size != len(b) || len(b) < HeaderSize || len(b)+len(rest) != len(in) || b.Magic() != Magic {
			t.Fatal(size, serr)
		}
		// no getter goes out of bounds
		_, _, _ = b.ValidCRC(), b.LastSequence(), b.Info()
		_ = []any{b.NextOffset(), b.CRC(), b.Attributes(), b.ProducerEpoch(), b.IsControl(), b.Payload()}
	})
}

// FuzzReader reads any records. What comes out is built again, and must come out of that once more.
func FuzzReader(f *testing.F) {
	for _, b := range seeds(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) < HeaderSize {
			return
		}
		b, _, err := Next(refit(bytes.Clone(in)))
		if err != nil {
			return
		}
		scanned, serr := scanAll(b, 1<<20)
		read, rerr := drain(b)
		if (rerr == nil) != (serr == nil) || rerr == nil && !reflect.DeepEqual(read, scanned) {
			t.Fatalf("%d records, %v; scanned %d, %v", len(read), rerr, len(scanned), serr)
		}
		times := Scanner{TimesOnly: true}
		defer times.Close()
		times.Reset(b, recordHead) // nothing much is held
		n := 0
		for rec := new(Record); times.Next(rec); n++ {
			if rerr == nil && (rec.Offset != read[n].Offset || rec.Timestamp != read[n].Timestamp) {
				t.Fatalf("record %d: %+v, by its head %+v", n, read[n], *rec)
			}
		}
		if rerr == nil && (n != len(read) || times.Err() != nil) {
			t.Fatalf("%d records by their heads, %d in all, %v", n, len(read), times.Err())
		}
		var records []Record
		bl := NewBuilder(Options{BaseOffset: b.BaseOffset()})
		for rec, err := range Records(b, 1<<20) {
			if err != nil {
				if !errors.Is(err, ErrCorrupt) && !errors.Is(err, codec.ErrTooLarge) && !errors.Is(err, codec.ErrUnknown) {
					t.Fatal(err)
				}
				return
			}
			delta := rec.Offset - b.BaseOffset()
			if len(records) > 0 && rec.Offset <= records[len(records)-1].Offset || delta < 0 {
				return
			}
			rec.Attributes = 0
			records = append(records, *rec)
			bl.AddAt(int32(delta), rec.Timestamp, rec.Key, rec.Value, rec.Headers)
		}
		if len(records) == 0 {
			return
		}
		raw, err := bl.Build(nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := readAll(t, raw); !reflect.DeepEqual(got, records) {
			t.Fatalf("%+v\n%+v", got, records)
		}
	})
}

// drain is readAll for batches that may be damaged.
func drain(b Batch) (out []Record, err error) {
	for rec, err := range Records(b, 1<<20) {
		if err != nil {
			return nil, err
		}
		out = append(out, *rec)
	}
	return out, nil
}

// FuzzTape cuts any payload in pieces at any places. The walk must find what it finds when the payload is in one.
func FuzzTape(f *testing.F) {
	f.Add([]byte(Batch(three(f, codec.None)).Payload()), uint16(3), []byte{1, 2, 3, 50, 1, 1, 1, 1}, byte(0))
	f.Add([]byte(Batch(benchBatch(f, codec.None, 10, 200)).Payload()), uint16(10), []byte{7, 99}, byte(1))
	f.Fuzz(func(t *testing.T, payload []byte, count uint16, cuts []byte, flags byte) {
		r := openRules()
		r.Compacted = flags&1 != 0
		if flags&2 != 0 {
			r.TimestampBeforeMaxMs, r.TimestampAfterMaxMs = 1, 1
		}
		b := Batch(three(t, codec.None))
		whole, pieced := r.limits(b), r.limits(b)
		want := walk(payload, int32(count), &whole)
		tp := tape{stream: &cut{payload, cuts}, limit: MaxStreamBytes}
		got, err := walkTape(&tp, int32(count), &pieced)
		if err != nil || got != want || !reflect.DeepEqual(whole, pieced) {
			t.Fatalf("%+v, in pieces %+v, %v", want, got, err)
		}
	})
}

// cut gives a payload in pieces.
type cut struct{ rest, sizes []byte }

func (c *cut) Next() ([]byte, error) {
	if len(c.rest) == 0 {
		return nil, io.EOF
	}
	n := len(c.rest)
	if len(c.sizes) > 0 {
		n = min(n, int(c.sizes[0])+1)
		c.sizes = c.sizes[1:]
	}
	p := c.rest[:n]
	c.rest = c.rest[n:]
	return p, nil
}

// FuzzRecompress gives any batch that Validate takes any codec. The records' bytes stay, and Validate takes it again.
func FuzzRecompress(f *testing.F) {
	for i, b := range seeds(f) {
		f.Add(b, byte(i), int8(i), uint16(0))
	}
	f.Fuzz(func(t *testing.T, in []byte, to byte, level int8, most uint16) {
		if len(in) >= HeaderSize {
			in = refit(bytes.Clone(in))
		}
		info, err := Validate(in, openRules())
		if err != nil {
			return
		}
		target := codec.Codec(to % 5)
		out, rerr := Recompress([]byte("mine"), info.Batch, target, int(level), int(most))
		if errors.Is(rerr, ErrFull) && most > 0 && len(out) == 4 {
			return
		}
		if rerr != nil || string(out[:4]) != "mine" || most > 0 && len(out)-4 > int(most) {
			t.Fatalf("%d bytes of %d: %v", len(out)-4, most, rerr)
		}
		want, err1 := codec.Decompress(nil, info.Batch.Payload(), info.Batch.Codec(), 64<<20)
		got, err2 := codec.Decompress(nil, Batch(out[4:]).Payload(), target, 64<<20)
		if err1 != nil || err2 != nil || !bytes.Equal(want, got) {
			t.Fatal(err1, err2)
		}
		if again, err := Validate(out[4:], openRules()); err != nil || again.MaxTimestamp != info.MaxTimestamp || len(again.Batch) != len(out)-4 {
			t.Fatal(err)
		}
	})
}
