package inspect

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
)

// BenchmarkVerify reads segments of 32 MiB from the page cache.
func BenchmarkVerify(b *testing.B) {
	for _, c := range []codec.Codec{codec.None, codec.LZ4, codec.Zstd} {
		b.Run(c.String(), func(b *testing.B) {
			one := batchOf(b, 0, 300, batch.Options{Codec: c})
			var segment []byte
			for offset := int64(0); len(segment) < 32<<20; offset += 300 {
				next := batch.Batch(append([]byte(nil), one...))
				next.SetBaseOffset(offset)
				segment = append(segment, next...)
			}
			dir := partition(b, filepath.Join(b.TempDir(), "orders-0"), map[int64][]byte{0: segment})
			b.SetBytes(int64(len(segment)))
			b.ReportAllocs()
			for b.Loop() {
				found, err := Find([]string{dir})
				if err != nil {
					b.Fatal(err)
				}
				v := &Verifier{Report: func(f Finding) { b.Fatal(f) }}
				if err := v.Partition(context.Background(), &found.Partitions[0]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
