package legacy

import (
	"bytes"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
)

// logOf makes batches of n records each, one behind the other from offset 100 on.
func logOf(t testing.TB, n int, opts ...batch.Options) (out []byte) {
	rnd := rand.New(rand.NewPCG(5, 5))
	for i, o := range opts {
		o.BaseOffset = int64(100 + i*n)
		out = append(out, randomBatch(t, rnd, o, n)...)
	}
	return out
}

func from(entries []entry, offset int64) (out []entry) {
	for _, e := range entries {
		if e.offset >= offset {
			out = append(out, e)
		}
	}
	return out
}

// Old librdkafka takes the first message of an answer for the one it asked for.
func TestPlainBatchesAreCutAtTheFetchOffset(t *testing.T) {
	log := logOf(t, 10, batch.Options{}, batch.Options{}, batch.Options{Codec: codec.Gzip})
	all := stored(t, log)
	for offset := int64(100); offset < 130; offset++ {
		want := from(all, offset)
		if offset > 120 {
			want = from(all, 120) // a compressed batch goes out whole
		}
		if got := consume(t, mustDown(t, log, 1, offset, limit)); !reflect.DeepEqual(got, want) {
			t.Fatalf("from %d: %v, want %v", offset, got, want)
		}
	}
	if out := mustDown(t, log, 1, 130, limit); len(out) != 0 {
		t.Error("nothing is left at the end", out)
	}
}

// Whatever the limit: whole messages, in order, without a gap, and never a byte more.
func TestByteLimitIsHard(t *testing.T) {
	log := logOf(t, 12, batch.Options{}, batch.Options{Codec: codec.LZ4}, batch.Options{Codec: codec.Snappy}, batch.Options{})
	all := stored(t, log)
	whole := len(mustDown(t, log, 1, 100, limit))
	for maxBytes := 0; maxBytes <= whole+1; maxBytes++ {
		out := mustDown(t, log, 1, 100, maxBytes)
		got := consume(t, out)
		if len(out) > maxBytes || (len(got) > 0 && !reflect.DeepEqual(got, all[:len(got)])) {
			t.Fatalf("limit %d: %d bytes, %v", maxBytes, len(out), got)
		}
		if maxBytes >= whole && len(got) != len(all) {
			t.Fatalf("limit %d: %d messages", maxBytes, len(got))
		}
	}
	if out := mustDown(t, log, 1, 100, -1); len(out) != 0 {
		t.Error("a negative limit is none", len(out))
	}
}

// A client with a buffer smaller than a compressed batch would stay at it for ever. It gets the batch in pieces, and by
// fetching from where the last piece ended sees every record once.
func TestWrapperLargerThanTheLimitComesInPieces(t *testing.T) {
	for c := codec.Gzip; c <= codec.LZ4; c++ {
		for magic := range int8(2) {
			rnd := rand.New(rand.NewPCG(9, 9))
			log := append(randomBatch(t, rnd, batch.Options{Codec: c, BaseOffset: 100}, 300), randomBatch(t, rnd, batch.Options{Codec: c, BaseOffset: 400}, 5)...)
			want := stored(t, log)
			if magic == 0 {
				want = without(want)
			}
			var got []entry
			fetches := 0
			for offset := int64(100); offset < 405; fetches++ {
				out := mustDown(t, log, magic, offset, 700)
				piece := from(consume(t, out), offset)
				if len(piece) == 0 || len(out) > 700 || piece[0].offset != offset {
					t.Fatalf("%v magic %d at %d: %d bytes, %v", c, magic, offset, len(out), piece)
				}
				got = append(got, piece...)
				offset = piece[len(piece)-1].offset + 1
			}
			if !reflect.DeepEqual(got, want) || fetches < 3 {
				t.Errorf("%v magic %d: %d of %d records in %d fetches", c, magic, len(got), len(want), fetches)
			}
		}
	}
}

func TestControlBatchesVanish(t *testing.T) {
	control := batch.Options{HasProducer: true, ProducerID: 1, BaseSequence: -1, Control: true, Transactional: true}
	log := logOf(t, 1, batch.Options{}, control, batch.Options{})
	if got := consume(t, mustDown(t, log, 0, 100, limit)); len(got) != 2 || got[1].offset != 102 {
		t.Error(got)
	}
	if out := mustDown(t, log, 0, 101, limit); len(consume(t, out)) != 1 {
		t.Error("a marker at the position is passed")
	}
	only := logOf(t, 1, control)
	if out := mustDown(t, only, 0, 100, limit); len(out) != 0 {
		t.Error("a client that finds only a marker waits")
	}
}

func TestZstdEndsTheAnswer(t *testing.T) {
	zstd := batch.Options{Codec: codec.Zstd}
	log := logOf(t, 3, batch.Options{}, zstd, batch.Options{})
	if got := consume(t, mustDown(t, log, 1, 100, limit)); len(got) != 3 {
		t.Error("what comes before it is served:", got)
	}
	out, err := DownConvert([]byte("mine"), log, 1, 103, limit, limit)
	if err == nil || err.Code != kerr.UnsupportedCompressionType || string(out) != "mine" {
		t.Error(err)
	}
}

func TestDamageEndsTheAnswer(t *testing.T) {
	log := logOf(t, 3, batch.Options{}, batch.Options{Codec: codec.Gzip})
	flipped := bytes.Clone(log)
	flipped[len(flipped)-5] ^= 1
	if got := consume(t, mustDown(t, flipped, 1, 100, limit)); len(got) != 3 {
		t.Error(got)
	}
	for name, b := range map[string][]byte{"wrong CRC": flipped, "zeros": make([]byte, 100)} {
		if _, err := DownConvert(nil, b, 1, 103, limit, limit); err == nil || err.Code != kerr.CorruptMessage {
			t.Errorf("%s: %v", name, err)
		}
	}
	// the second batch may be torn anywhere
	first, rest, _ := batch.Next(log)
	for n := range rest {
		if got := consume(t, mustDown(t, log[:len(first)+n], 1, 100, limit)); len(got) != 3 {
			t.Fatal(n, got)
		}
	}
	large := logOf(t, 50, batch.Options{Codec: codec.Snappy})
	if _, err := DownConvert(nil, large, 1, 100, limit, 1); err == nil || err.Code != kerr.MessageTooLarge {
		t.Error(err)
	}
	if _, err := DownConvert(nil, log, 2, 100, limit, limit); err == nil {
		t.Error("magic 2 is no target")
	}
}

func TestAppendTimeOfABatchIsThatOfItsMessages(t *testing.T) {
	for c := codec.None; c <= codec.LZ4; c++ {
		log := logOf(t, 3, batch.Options{Codec: c, LogAppendTime: true, LogAppendTimeMs: 4711})
		for _, m := range top(t, mustDown(t, log, 1, 100, limit)) {
			if m.Timestamp != 4711 || m.Attributes != int8(c)|attrLogAppendTime {
				t.Errorf("%v: %+v", c, m)
			}
		}
		for _, m := range top(t, mustDown(t, log, 0, 100, limit)) {
			if m.Attributes != int8(c) {
				t.Errorf("%v: format 0 has no timestamp type: %+v", c, m)
			}
		}
	}
}

// Compaction leaves gaps. Relative offsets in format 1 keep them.
func TestGapsOfCompactionSurvive(t *testing.T) {
	for c := codec.None; c <= codec.LZ4; c++ {
		b := batch.NewBuilder(batch.Options{Codec: c, BaseOffset: 1000})
		for _, delta := range []int32{2, 3, 17, 40} {
			b.AddAt(delta, testNow, []byte("k"), []byte("v"), nil)
		}
		raw, err := b.Build(nil)
		if err != nil {
			t.Fatal(err)
		}
		for magic := range int8(2) {
			got := consume(t, mustDown(t, raw, magic, 1000, math.MaxInt))
			if len(got) != 4 || got[0].offset != 1002 || got[2].offset != 1017 || got[3].offset != 1040 {
				t.Errorf("%v magic %d: %v", c, magic, got)
			}
		}
	}
}

// Compaction removed the end of a batch. A client that has read the rest asks for what is not there any more; if it got the wrapper
// again, it would find nothing new in it, ask again, and never come to the next batch when both do not fit in its buffer.
func TestWrapperWithNothingNewDoesNotHoldUpOldClients(t *testing.T) {
	for c := codec.None; c <= codec.LZ4; c++ {
		for magic := range int8(2) {
			b := batch.NewBuilder(batch.Options{Codec: c, BaseOffset: 100})
			for i := range int32(5) {
				b.AddAt(i, testNow, []byte("k"), bytes.Repeat([]byte{byte(i)}, 300), nil)
			}
			raw, err := b.Build(nil)
			if err != nil {
				t.Fatal(err)
			}
			raw[26] = 9 // the last offset delta
			batch.Batch(raw).RecomputeCRC()
			log := append(bytes.Clone(raw), randomBatch(t, rand.New(rand.NewPCG(2, 2)), batch.Options{Codec: c, BaseOffset: 110}, 3)...)
			if out := mustDown(t, raw, magic, 105, limit); len(out) != 0 {
				t.Errorf("%v magic %d: %v", c, magic, consume(t, out))
			}
			if got := consume(t, mustDown(t, raw, magic, 104, limit)); len(got) == 0 || got[len(got)-1].offset != 104 {
				t.Errorf("%v magic %d: %v", c, magic, got)
			}
			if got := consume(t, mustDown(t, log, magic, 105, limit)); len(got) != 3 {
				t.Errorf("%v magic %d: %v", c, magic, got)
			}
		}
	}
}

func TestSkipStopsAtTheFirstRecordThatIsAskedFor(t *testing.T) {
	for c := codec.None; c <= codec.Zstd; c++ {
		log := logOf(t, 10, batch.Options{Control: true}, batch.Options{Codec: c}, batch.Options{Control: true, Codec: c}, batch.Options{Codec: c})
		compacted := logOf(t, 10, batch.Options{Codec: c}) // of which offset 110 is gone
		batch.Batch(compacted)[26]++
		batch.Batch(compacted).RecomputeCRC()
		for offset, want := range map[int64]int64{0: 110, 110: 110, 119: 110, 120: 130, 139: 130, 140: -1} {
			got := int64(-1)
			if rest := Skip(log, offset, 1); len(rest) > 0 {
				got = batch.Batch(rest).BaseOffset()
			}
			if got != want {
				t.Errorf("%v, from %d: the batch at %d, want %d", c, offset, got, want)
			}
		}
		if rest := Skip(compacted, 109, limit); len(rest) != len(compacted) {
			t.Errorf("%v: the last record was passed over", c)
		}
		if rest := Skip(compacted, 110, limit); len(rest) != 0 {
			t.Errorf("%v: there is nothing at 110", c)
		}
	}
	torn := logOf(t, 10, batch.Options{})
	if rest := Skip(torn[:len(torn)-1], 0, limit); len(rest) != 0 {
		t.Error("a torn batch")
	}
	if torn[16] = 9; len(Skip(torn, 0, limit)) == 0 {
		t.Error("damage is passed over")
	}
}
