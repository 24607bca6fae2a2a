package storage

import (
	"fmt"
	"sync"
	"testing"

	"github.com/sordini/sordini/storage/vfs"
)

func TestASegmentEndsWhenItsIndexIsFull(t *testing.T) {
	mem := vfs.NewMemFS()
	d := openDir(t, mem)
	config := testConfig()
	config.IndexIntervalBytes, config.SegmentIndexBytes = 1, 5*kafkaEntryBytes
	l := openLog(t, d, config)
	for i := range 7 {
		appendOne(t, l, spec{values: []string{fmt.Sprint(i)}})
	}
	if l.Segments() != 2 || (*l.segments.Load())[1].base != 6 {
		t.Errorf("%s", dump(l))
	}
	closeDir(t, d)
}

func TestPreallocateReservesTheWholeSegment(t *testing.T) {
	var mu sync.Mutex
	allocated := 0
	d := openDir(t, vfs.Hook(vfs.NewMemFS(), func(op vfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		if op.Kind == vfs.OpAllocate && op.Path != dataPath+"/"+reserveFile {
			allocated++
		}
		return nil
	}))
	defer closeDir(t, d)
	config := testConfig()
	config.Preallocate = true
	l := openLog(t, d, config)
	for range 5 {
		appendOne(t, l, spec{values: []string{"a"}})
	}
	if allocated != 1 || l.mu.allocated != int64(config.SegmentBytes) {
		t.Errorf("%d reservations, %d bytes", allocated, l.mu.allocated)
	}
}

// A compacted log kept its active segment open for segment.ms, and max.compaction.lag.ms was not kept.
func TestACompactedLogRollsInTimeForItsMaximumLag(t *testing.T) {
	d := openDir(t, vfs.NewMemFS())
	defer closeDir(t, d)
	config := testConfig()
	config.Compact, config.MaxCompactionLagMs = true, 1000
	l := openLog(t, d, config)
	appendOne(t, l, spec{values: []string{"a"}, ts: 5000, keyed: true})
	appendOne(t, l, spec{values: []string{"b"}, ts: 6000, keyed: true})
	appendOne(t, l, spec{values: []string{"c"}, ts: 6001, keyed: true})
	if l.Segments() != 2 {
		t.Errorf("%d segments", l.Segments())
	}
}
