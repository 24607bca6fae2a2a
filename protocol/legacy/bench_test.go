package legacy

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
)

func BenchmarkConvert(b *testing.B) {
	for c := codec.None; c <= codec.LZ4; c++ {
		for _, n := range []int{10, 5000} {
			log := randomBatch(b, rand.New(rand.NewPCG(1, 1)), batch.Options{Codec: c, BaseOffset: 100}, n)
			set := mustDown(b, log, 1, 100, limit)
			b.Run(fmt.Sprintf("up/%v/%d", c, n), func(b *testing.B) {
				b.ReportAllocs()
				var out []byte
				for b.Loop() {
					var err *batch.Error
					if out, err = UpConvert(out[:0], set, openRules()); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run(fmt.Sprintf("down/%v/%d", c, n), func(b *testing.B) {
				b.ReportAllocs()
				var out []byte
				for b.Loop() {
					var err *batch.Error
					if out, err = DownConvert(out[:0], log, 1, 100, limit, limit); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
