package batch

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sordini/sordini/protocol/codec"
)

// openRules are those of a topic with default settings.
func openRules() *Rules {
	return &Rules{Version: 9, NowMs: 1_700_000_000_000, TimestampBeforeMaxMs: math.MaxInt64, TimestampAfterMaxMs: math.MaxInt64}
}

func benchBatch(tb testing.TB, c codec.Codec, records, valueSize int) []byte {
	b := NewBuilder(Options{Codec: c})
	value := make([]byte, valueSize)
	for i := range value {
		value[i] = "0123456789abcdef"[i*7%16]
	}
	for i := range records {
		b.Add(1_700_000_000_000+int64(i/10), fmt.Appendf(nil, "key-%d", i), value, nil)
	}
	raw, err := b.Build(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func BenchmarkValidate(b *testing.B) {
	for c := codec.None; c <= codec.Zstd; c++ {
		for _, records := range []int{1, 150, 10_000} {
			b.Run(fmt.Sprintf("%v/%d", c, records), func(b *testing.B) {
				raw := benchBatch(b, c, records, 100)
				rules := openRules()
				b.ReportAllocs()
				b.SetBytes(int64(len(raw)))
				for b.Loop() {
					if _, err := Validate(raw, rules); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(records), "ns/record")
			})
		}
	}
}

// textBatch has records of words in random order, which compress about as well as logs and JSON do.
func textBatch(tb testing.TB, c codec.Codec, records, valueSize int) []byte {
	words := strings.Fields("offset partition leader the of sordini 4711 true false null timestamp \"user\": 17.25 error warn info")
	rnd := rand.New(rand.NewPCG(1, 2))
	b := NewBuilder(Options{Codec: c})
	for i := range records {
		value := make([]byte, 0, valueSize+16)
		for len(value) < valueSize {
			value = append(append(value, words[rnd.IntN(len(words))]...), byte('0'+rnd.IntN(10)), ' ')
		}
		b.Add(testNow+int64(i), fmt.Appendf(nil, "key-%d", i), value[:valueSize], nil)
	}
	raw, err := b.Build(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// BenchmarkValidateSizes is about batches of usual sizes: 16 KB, and 1 MiB of records.
func BenchmarkValidateSizes(b *testing.B) {
	for c := codec.None; c <= codec.Zstd; c++ {
		for _, records := range []int{16, 1048} {
			b.Run(fmt.Sprintf("%v/%dx1000", c, records), func(b *testing.B) {
				raw := textBatch(b, c, records, 1000)
				rules := openRules()
				b.ReportAllocs()
				b.SetBytes(int64(records) * 1000)
				for b.Loop() {
					if _, err := Validate(raw, rules); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkReader(b *testing.B) {
	raw := benchBatch(b, codec.None, 1000, 100)
	var r Reader
	var rec Record
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Reset(raw, 1<<30); err != nil {
			b.Fatal(err)
		}
		for r.Next(&rec) {
		}
		if r.Err() != nil {
			b.Fatal(r.Err())
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/record")
}
