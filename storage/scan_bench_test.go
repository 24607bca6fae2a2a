package storage

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/sordini/sordini/storage/vfs"
)

// BenchmarkScan checks a segment of 256 MiB, which is in the page cache, as recovery and the scrub do. Beside the throughput it reports the CPU
// time for a GB.
func BenchmarkScan(b *testing.B) {
	for _, batchBytes := range []int{1 << 10, 16 << 10, 500_000} {
		b.Run(fmt.Sprint(batchBytes), func(b *testing.B) {
			const total = 256 << 20
			path := b.TempDir() + "/segment"
			f, err := vfs.OS.OpenLogFile(path, true)
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			one := spec{values: []string{string(make([]byte, batchBytes-80))}}.build(b)
			size := int64(0)
			for offset := int64(0); size < total; offset++ {
				one.SetBaseOffset(offset)
				n, err := f.WriteVAt([][]byte{one}, size)
				if err != nil {
					b.Fatal(err)
				}
				size += int64(n)
			}
			var buf []byte
			b.SetBytes(size)
			before := cpuSeconds()
			for b.Loop() {
				sc := newScanner(f, 0, 0, size, 0, buf)
				for err = nil; err == nil; {
					_, err = sc.scan()
				}
				if !errors.Is(err, io.EOF) {
					b.Fatal(err)
				}
				buf = sc.buf
			}
			b.ReportMetric((cpuSeconds()-before)*1e9/float64(size)/float64(b.N), "cpu-s/GB")
		})
	}
}
