package legacy

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
)

// A batch that holds more than the memory limit comes as several wrappers, and however small the client's buffer is, it sees every
// record once.
func TestBatchLargerThanTheMemoryLimitComesInSeveralWrappers(t *testing.T) {
	for c := codec.Gzip; c <= codec.LZ4; c++ {
		for magic := range int8(2) {
			for _, maxBytes := range []int{400, 2000, 1 << 20} {
				rnd := rand.New(rand.NewPCG(7, 9))
				log := append(randomBatch(t, rnd, batch.Options{Codec: c, BaseOffset: 100}, 300), randomBatch(t, rnd, batch.Options{Codec: c, BaseOffset: 400}, 3)...)
				want := stored(t, log)
				if magic == 0 {
					want = without(want)
				}
				var got []entry
				fetches := 0
				for offset := int64(100); offset < 403; fetches++ {
					out, err := DownConvert(nil, log, magic, offset, maxBytes, 3000)
					if err != nil {
						t.Fatal(err)
					}
					piece := from(consume(t, out), offset)
					if len(piece) == 0 || len(out) > maxBytes || piece[0].offset != offset {
						t.Fatalf("%v magic %d at %d: %d bytes, %v", c, magic, offset, len(out), piece)
					}
					got = append(got, piece...)
					offset = piece[len(piece)-1].offset + 1
				}
				if !reflect.DeepEqual(got, want) || maxBytes > 1000 && fetches > 100 || maxBytes > 100_000 && fetches > 1 {
					t.Errorf("%v magic %d: %d of %d records in %d fetches", c, magic, len(got), len(want), fetches)
				}
			}
		}
	}
}

// zeros is a batch of n records of size bytes each, that compress to nearly nothing.
func zeros(tb testing.TB, c codec.Codec, n, size int) []byte {
	b := batch.NewBuilder(batch.Options{Codec: c, BaseOffset: 100})
	for range n {
		b.Add(testNow, nil, make([]byte, size), nil)
	}
	out, err := b.Build(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestMemoryOfADownConversionIsBounded(t *testing.T) {
	const memory = 1 << 20
	for c := codec.Gzip; c <= codec.LZ4; c++ {
		log := zeros(t, c, 600, 100_000)
		n := 0
		got := allocated(func() {
			out, err := DownConvert(nil, log, 1, 350, 64<<20, memory)
			if err != nil {
				t.Fatal(err)
			}
			n = len(top(t, out))
		})
		if n < 10 || got > 24*memory {
			t.Errorf("%v: %d wrappers, %d bytes", c, n, got)
		}
	}
}

func TestTooLargeRecordsBeforeTheFetchOffsetDoNotStopIt(t *testing.T) {
	for c := codec.Gzip; c <= codec.LZ4; c++ {
		b := batch.NewBuilder(batch.Options{Codec: c, BaseOffset: 100})
		for i := range 40 {
			size := 100
			if i%20 == 10 {
				size = 1 << 20
			}
			b.Add(testNow, nil, bytes.Repeat([]byte{byte(i)}, size), nil)
		}
		log, berr := b.Build(nil)
		if berr != nil {
			t.Fatal(berr)
		}
		out, err := DownConvert(nil, log, 1, 100, 1<<20, 1<<19)
		if got := consume(t, out); err != nil || len(got) != 10 {
			t.Errorf("%v: up to the large one: %d, %v", c, len(got), err)
		}
		if _, err := DownConvert(nil, log, 1, 110, 1<<20, 1<<19); err == nil || err.Code != kerr.MessageTooLarge {
			t.Errorf("%v: the large one: %v", c, err)
		}
		out, err = DownConvert(nil, log, 1, 115, 1<<20, 1<<19)
		if got := consume(t, out); err != nil || len(got) != 15 || got[0].offset != 115 {
			t.Errorf("%v: behind it: %d, %v", c, len(got), err)
		}
		if got := consume(t, mustDown(t, log, 1, 115, 8<<20)); len(got) != 40 {
			t.Errorf("%v: with more memory the batch is whole: %d", c, len(got))
		}
	}
}

// A wrapper whose messages lie across the pieces in which it is decompressed, and one that would not fit in memory.
func TestLargeWrapperIsConvertedUpInPieces(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 2))
	for c := codec.Gzip; c <= codec.LZ4; c++ {
		for magic := range int8(2) {
			b := batch.NewBuilder(batch.Options{Codec: c})
			for i := range 1000 {
				b.Add(testNow+int64(i), fmt.Appendf(nil, "%d", i), bytes.Repeat([]byte{byte(i)}, rnd.IntN(3000)+i/250*3000), nil)
			}
			raw, berr := b.Build(nil)
			if berr != nil {
				t.Fatal(berr)
			}
			set := mustDown(t, raw, magic, 0, 64<<20)
			want := stored(t, raw)
			if magic == 0 {
				want = without(want)
			}
			if n := len(top(t, set)); n != 1 {
				t.Fatal(n, "wrappers: Produce takes one")
			}
			if got := stored(t, mustUp(t, set)); !reflect.DeepEqual(got, want) {
				t.Errorf("%v magic %d: %d records of %d", c, magic, len(got), len(want))
			}
		}
		log := zeros(t, c, 300, 100_000)
		set, err := DownConvert(nil, log, 1, 100, 64<<20, 100<<20)
		if err != nil || len(top(t, set)) != 1 {
			t.Fatal(err)
		}
		log = nil
		r := openRules()
		r.MaxMessageBytes = 64 << 20
		var out []byte
		got := allocated(func() {
			if out, err = UpConvert(nil, set, r); err != nil {
				t.Fatal(err)
			}
		})
		if b := batch.Batch(out); b.Count() != 300 || got > 24<<20 {
			t.Errorf("%v: %d records, %d bytes", c, b.Count(), got)
		}
		r.MaxDecompressedBytes = 20 << 20
		if _, err := UpConvert(nil, set, r); err == nil || err.Code != kerr.MessageTooLarge {
			t.Errorf("%v: beyond the limit: %v", c, err)
		}
		r = openRules()
		r.MaxMessageBytes, r.Recompress = max(1<<20, len(set)), true
		if _, err := UpConvert(nil, set, r); err == nil || err.Code != kerr.MessageTooLarge {
			t.Errorf("%v: to a topic without compression: %v", c, err)
		}
	}
}

func TestUpConversionFollowsTheTopicsCompression(t *testing.T) {
	for source := codec.None; source <= codec.LZ4; source++ {
		raw := logOf(t, 40, batch.Options{Codec: source})
		for magic := range int8(2) {
			set := mustDown(t, raw, magic, 100, limit)
			want := stored(t, mustUp(t, set))
			for target := codec.None; target <= codec.Zstd; target++ {
				r := openRules()
				r.Recompress, r.Codec, r.Level = true, target, 2
				out, err := UpConvert(nil, set, r)
				if err != nil || batch.Batch(out).Codec() != target || !reflect.DeepEqual(stored(t, out), want) {
					t.Errorf("%v to %v: %v", source, target, err)
				}
			}
		}
	}
}

// Kafka calls the mix an invalid record. The checksum of format 2 is of another kind, so it must not be looked at as that of a message.
func TestBatchBehindAMessageIsAMixAndNotCorrupt(t *testing.T) {
	raw := logOf(t, 2, batch.Options{})
	set := append(mustDown(t, raw, 1, 100, limit), raw...)
	if _, err := UpConvert(nil, set, openRules()); err == nil || err.Code != kerr.InvalidRecord {
		t.Error(err)
	}
}
