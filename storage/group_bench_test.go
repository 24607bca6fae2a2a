package storage

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkGroupCommit appends from several producers, each of which waits until its batch is durable, under the policy `group`. The rate of
// one producer is that of the disk's syncs; the ratio of the others to it is what the group commit is worth. Run it on a real disk:
// TMPDIR says where.
func BenchmarkGroupCommit(b *testing.B) {
	alone := 0.0
	for _, producers := range []int{1, 8, 64, 256} {
		b.Run(fmt.Sprint(producers), func(b *testing.B) {
			rate := benchGroupCommit(b, producers)
			if producers == 1 {
				alone = rate
			} else if alone > 0 {
				b.ReportMetric(rate/alone, "times-one")
			}
		})
	}
}

func benchGroupCommit(b *testing.B, producers int) (perSecond float64) {
	d := benchDir(b)
	config := testConfig()
	config.Durability, config.SegmentBytes, config.IndexIntervalBytes = DurabilityGroup, 256<<20, 4096
	l := openLog(b, d, config)
	var mu sync.Mutex
	risen := sync.NewCond(&mu)
	l.OnDurable(func(int64) {
		mu.Lock()
		risen.Broadcast()
		mu.Unlock()
	})
	var left atomic.Int64
	left.Store(int64(b.N))
	var all sync.WaitGroup
	b.ResetTimer()
	began := time.Now()
	for range producers {
		all.Go(func() {
			a := &Append{Batch: spec{values: []string{string(make([]byte, 1000))}}.build(b)}
			appends := []*Append{a}
			for left.Add(-1) >= 0 {
				if err := l.Append(1, 0, appends); err != nil {
					b.Error(err)
					return
				}
				mu.Lock()
				for l.DurableOffset() <= a.Result.BaseOffset {
					risen.Wait()
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	b.StopTimer()
	return float64(b.N) / time.Since(began).Seconds()
}
