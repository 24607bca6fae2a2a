package storage

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
)

// BenchmarkCompaction compacts 256 MiB of records with keys of 20 bytes and values of 1 KiB, of which half are superseded. Beside
// the throughput by the clock, in which the disk has a share, it reports that of a core: bytes of log by the CPU time of the process,
// which is what a quiet machine with a fast disk would show, and what other work on the machine changes least.
func BenchmarkCompaction(b *testing.B) {
	for _, c := range []struct {
		codec   codec.Codec
		records int // a batch
	}{{codec.None, 16}, {codec.None, 1}, {codec.LZ4, 16}, {codec.LZ4, 1}, {codec.Zstd, 16}} {
		b.Run(fmt.Sprintf("%v/%d", c.codec, c.records), func(b *testing.B) { benchCompaction(b, c.codec, c.records) })
	}
}

func benchCompaction(b *testing.B, codec codec.Codec, records int) {
	const total = 256 << 20
	rng := rand.New(rand.NewPCG(1, 1))
	value := make([]byte, 1024)
	spent, compacted := 0.0, int64(0)
	for b.Loop() {
		b.StopTimer()
		d := benchDir(b)
		config := compactedConfig()
		config.SegmentBytes, config.IndexIntervalBytes, config.Durability = 64<<20, 4096, DurabilityOS
		l := openLog(b, d, config)
		keys := total / 1044 / 2
		size := int64(0)
		for size < total {
			builder := batch.NewBuilder(batch.Options{Codec: codec})
			for range records {
				for i := 0; i < len(value); i += 16 {
					binary.LittleEndian.PutUint64(value[i:], rng.Uint64())
				}
				builder.Add(1, fmt.Appendf(nil, "%020d", rng.IntN(keys)), value, nil)
			}
			raw, err := builder.Build(nil)
			if err != nil {
				b.Fatal(err)
			}
			if err := l.Append(1, 0, []*Append{{Batch: raw}}); err != nil {
				b.Fatal(err)
			}
			size += int64(records * 1044)
		}
		if err := d.Checkpoint(); err != nil {
			b.Fatal(err)
		}
		d.work.wait()
		before := cpuSeconds()
		b.StartTimer()
		sum, err := d.RunCompaction(b.Context(), 5000)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		b.SetBytes(sum.BytesBefore)
		spent += cpuSeconds() - before
		compacted += sum.BytesBefore
		b.ReportMetric(float64(sum.BytesNow)/float64(sum.BytesBefore), "kept")
		if err := d.DeleteLog(testPartition); err != nil {
			b.Fatal(err)
		}
		d.work.wait()
		b.StartTimer()
	}
	b.ReportMetric(float64(compacted)/1e6/spent, "MB/cpu-s")
}

// cpuSeconds is the CPU time of the process so far, user and system.
func cpuSeconds() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
