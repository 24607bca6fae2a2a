package storage

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sordini/sordini/storage/vfs"
)

// TestACleanStartReadsNoLogData opens logs of several segments from many goroutines and counts what is read.
func TestACleanStartReadsNoLogData(t *testing.T) {
	var reads, opened atomic.Int64
	mem := vfs.NewMemFS()
	fs := vfs.Hook(mem, func(op vfs.Op) error {
		if strings.HasSuffix(op.Path, logSuffix) && !strings.Contains(op.Path, indexDir) {
			switch op.Kind {
			case vfs.OpRead:
				reads.Add(1)
			case vfs.OpOpen:
				opened.Add(1)
			}
		}
		return nil
	})
	const partitions = 20
	config := testConfig()
	config.SegmentBytes, config.IndexIntervalBytes = 500, 100
	open := func() (*Dir, []*Log) {
		d := openDir(t, fs)
		logs := make([]*Log, partitions)
		var all sync.WaitGroup
		for i := range int32(partitions) {
			all.Go(func() {
				l, err := d.OpenLog(Partition{Topic: "t", ID: TopicID{1}, Index: i}, config)
				if err != nil {
					t.Error(err)
				}
				logs[i] = l
			})
		}
		all.Wait()
		return d, logs
	}
	d, logs := open()
	for i, l := range logs {
		for n := range 10 * (1 + i%2) {
			appendOne(t, l, spec{values: values(fmt.Sprint("v", n), 4), hasID: true, id: 1, sequence: int32(n * 4)})
		}
	}
	closeDir(t, d)
	reads.Store(0)
	opened.Store(0)
	// When the directory was closed properly.
	d, logs = open()
	if !d.WasClean() || reads.Load() != 0 || opened.Load() != partitions {
		t.Errorf("clean %v, %d reads of log data, %d files opened", d.WasClean(), reads.Load(), opened.Load())
	}
	for i, l := range logs {
		if want := int64(40 * (1 + i%2)); l.LogEndOffset() != want || len(l.ActiveProducers()) != 1 {
			t.Errorf("log %d ends at %d, want %d, with producers %v", i, l.LogEndOffset(), want, l.ActiveProducers())
		}
	}
	// And the first that is read is what somebody asks for.
	if _, err := readAll(logs[3], 0, 1000); err != nil || reads.Load() == 0 {
		t.Errorf("%d reads, %v", reads.Load(), err)
	}
	closeDir(t, d)
}
