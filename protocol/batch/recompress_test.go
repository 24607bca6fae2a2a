package batch

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/sordini/sordini/protocol/codec"
)

func TestRecompressChangesNothingButTheCodec(t *testing.T) {
	records := randomRecords(rand.New(rand.NewPCG(1, 9)), 100)
	levels := map[codec.Codec][]int{codec.None: {0}, codec.Gzip: {0, 1, 9}, codec.Snappy: {0}, codec.LZ4: {0, 1, 17}, codec.Zstd: {0, -3, 1, 19}}
	for _, large := range []int{0, 3 << 19} {
		records[7].Value = bytes.Repeat([]byte("large "), large/6)
		for source := codec.None; source <= codec.Zstd; source++ {
			raw := Batch(build(t, Options{
				Codec: source, BaseOffset: 77, PartitionLeaderEpoch: 3, HasProducer: true, ProducerID: 9, ProducerEpoch: 2, BaseSequence: 40,
				Transactional: true, LogAppendTime: true, LogAppendTimeMs: testNow,
			}, records))
			for target, ls := range levels {
				for _, level := range ls {
					if large > 0 && level != codec.DefaultLevel {
						continue
					}
					before := bytes.Clone(raw)
					out, err := Recompress([]byte("mine"), raw, target, level, 0)
					if err != nil || string(out[:4]) != "mine" || !bytes.Equal(before, raw) {
						t.Fatal(source, target, err)
					}
					again, _ := Recompress(nil, raw, target, level, 0)
					b, rest, err := Next(out[4:])
					if err != nil || len(rest) != 0 || !b.ValidCRC() || b.Codec() != target || !bytes.Equal(again, b) {
						t.Fatal(source, target, err)
					}
					if !reflect.DeepEqual(readAll(t, b), readAll(t, raw)) {
						t.Fatalf("%v to %v: other records", source, target)
					}
					if want := raw.NeedsCodec(target); want != (source != target) || !want && !bytes.Equal(b, raw) {
						t.Errorf("%v to %v: what has the codec stays", source, target)
					}
					// all of the header but length, CRC and codec
					for i := range HeaderSize {
						if in := func(from, n int) bool { return i >= from && i < from+n }; in(posLength, 4) || in(posCRC, 4) || i == posAttributes+1 {
							continue
						}
						if b[i] != raw[i] {
							t.Fatalf("%v to %v: byte %d of the header", source, target, i)
						}
					}
					if b.Attributes()&^codec.Mask != raw.Attributes()&^codec.Mask {
						t.Errorf("%v to %v: attributes %x", source, target, b.Attributes())
					}
				}
			}
		}
	}
}

func TestRecompressStopsAtTheLimit(t *testing.T) {
	for source := codec.None; source <= codec.Zstd; source++ {
		raw := build(t, Options{Codec: source}, bigRecords())
		for target := codec.None; target <= codec.Zstd; target++ {
			whole, err := Recompress(nil, raw, target, 0, 0)
			if err != nil {
				t.Fatal(err)
			}
			if out, err := Recompress([]byte("mine"), raw, target, 0, len(whole)); err != nil || !bytes.Equal(out[4:], whole) {
				t.Errorf("%v to %v: %v", source, target, err)
			}
			for _, most := range []int{1, len(whole) / 2, len(whole) - 1} {
				if out, err := Recompress([]byte("mine"), raw, target, 0, most); !errors.Is(err, ErrFull) || string(out) != "mine" {
					t.Errorf("%v to %v, %d of %d bytes: %v", source, target, most, len(whole), err)
				}
			}
		}
	}
	// a bomb to a topic without compression
	if _, err := Recompress(nil, huge(t, codec.Zstd, 30), codec.None, 0, 1<<20); !errors.Is(err, ErrFull) {
		t.Error(err)
	}
	out, err := Recompress(nil, huge(t, codec.Zstd, 50), codec.LZ4, 0, 8<<20)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := Validate(out, openRules()); err != nil || info.UncompressedBytes < 50<<20 {
		t.Error(err)
	}
}

func TestControlBatchesAreNotRecompressed(t *testing.T) {
	raw := build(t, Options{Control: true, Transactional: true}, []Record{{Timestamp: testNow, Key: []byte{0, 0, 0, 1}, Value: make([]byte, 6)}})
	if out, err := Recompress(nil, raw, codec.Zstd, 0, 0); err != nil || !bytes.Equal(out, raw) || Batch(raw).NeedsCodec(codec.Zstd) {
		t.Error(err)
	}
}

func TestLargeBatchIsCompressedWhileItIsBuilt(t *testing.T) {
	records := bigRecords()
	for c := codec.None; c <= codec.Zstd; c++ {
		b := NewBuilder(Options{Codec: c})
		for _, r := range records {
			b.Add(r.Timestamp, r.Key, r.Value, r.Headers)
		}
		first, err := b.Build(nil)
		if err != nil {
			t.Fatal(err)
		}
		second, err := b.Build(nil)
		if err != nil || !bytes.Equal(first, second) || !reflect.DeepEqual(readAll(t, first), readAll(t, build(t, Options{}, records))) {
			t.Errorf("%v: %v", c, err)
		}
		if c != codec.None {
			if b.Add(0, nil, nil, nil); !b.Full() {
				t.Error("a finished batch takes no more")
			}
		}
		most := NewBuilder(Options{Codec: c, MaxBytes: len(first) / 2})
		n := 0
		for _, r := range records {
			if most.Add(r.Timestamp, r.Key, r.Value, r.Headers); most.Full() {
				break
			}
			n++
		}
		if _, err := most.Build(nil); !errors.Is(err, ErrFull) {
			t.Errorf("%v: after %d records: %v", c, n, err)
		}
		b.Reset(Options{Codec: c})
		b.Add(testNow, nil, []byte("small"), nil)
		if small, err := b.Build(nil); err != nil || len(readAll(t, small)) != 1 {
			t.Errorf("%v: after a large one: %v", c, err)
		}
	}
}
