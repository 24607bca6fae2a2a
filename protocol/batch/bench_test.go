package batch

import (
	"fmt"
	"math"
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
