package storage

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sordini/sordini/storage/vfs"
)

const startPartitions = 10_000

// manyLogs is a cleanly closed directory of partitions with one small batch each.
func manyLogs(b *testing.B, n int32) string {
	b.Helper()
	dir := b.TempDir() + "/data"
	if err := FormatDir(vfs.OS, dir, Meta{ClusterID: "c", NodeID: 1}); err != nil {
		b.Fatal(err)
	}
	d, logs := openMany(b, dir, n)
	for _, l := range logs {
		appendOne(b, l, spec{values: []string{"a"}, ts: 1})
	}
	closeDir(b, d)
	return dir
}

// openMany opens logs from as many goroutines as a broker would use.
func openMany(b *testing.B, dir string, n int32) (*Dir, []*Log) {
	b.Helper()
	d, err := OpenDir(DirConfig{Path: dir})
	if err != nil {
		b.Fatal(err)
	}
	config := DefaultLogConfig()
	config.Durability = DurabilityOS
	logs := make([]*Log, n)
	var next atomic.Int32
	var all sync.WaitGroup
	for range 2 * runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for i := next.Add(1) - 1; i < n; i = next.Add(1) - 1 {
				l, err := d.OpenLog(Partition{Topic: "orders", ID: TopicID{1}, Index: i}, config)
				if err != nil {
					b.Error(err)
					return
				}
				logs[i] = l
			}
		})
	}
	all.Wait()
	return d, logs
}

// BenchmarkCleanStart opens 10,000 partitions of a directory that was closed properly.
func BenchmarkCleanStart(b *testing.B) {
	dir := manyLogs(b, startPartitions)
	for b.Loop() {
		d, _ := openMany(b, dir, startPartitions)
		b.StopTimer()
		closeDir(b, d)
		b.StartTimer()
	}
}

// BenchmarkIdlePartitionMemory reports the heap that a log costs which is open and not used.
func BenchmarkIdlePartitionMemory(b *testing.B) {
	dir := manyLogs(b, startPartitions)
	for b.Loop() {
		before := heap()
		d, logs := openMany(b, dir, startPartitions)
		after := heap()
		b.ReportMetric(float64(after-before)/startPartitions, "B/partition")
		runtime.KeepAlive(logs)
		closeDir(b, d)
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
