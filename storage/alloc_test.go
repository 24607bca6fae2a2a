//go:build !race

package storage

import (
	"testing"

	"github.com/sordini/sordini/storage/vfs"
)

func TestAppendAllocatesAtMostOnce(t *testing.T) {
	d := openDir(t, vfs.NewMemFS())
	defer closeDir(t, d)
	config := testConfig()
	config.Durability, config.IndexIntervalBytes, config.SegmentBytes = DurabilityOS, 1<<30, 1<<30
	l := openLog(t, d, config)
	appends := []*Append{{Batch: spec{values: []string{"a"}}.build(t)}, {Batch: spec{values: []string{"b"}}.build(t)}}
	for range 200 {
		if err := l.Append(1, 0, appends); err != nil {
			t.Fatal(err)
		}
	}
	// The memory file system's own growth is amortised; everything else allocates nothing.
	if n := testing.AllocsPerRun(500, func() { _ = l.Append(1, 0, appends) }); n > 1 {
		t.Errorf("%v allocations per append", n)
	}
}
