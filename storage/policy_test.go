package storage

import (
	"testing"

	"github.com/sordini/sordini/storage/vfs"
)

func TestIntervalBytesSync(t *testing.T) {
	mem := vfs.NewMemFS()
	if err := FormatDir(mem, dataPath, Meta{ClusterID: "c", NodeID: 1}); err != nil {
		t.Fatal(err)
	}
	synced := make(chan string, 100)
	fs := vfs.Hook(mem, func(op vfs.Op) error {
		if op.Kind == vfs.OpSync || op.Kind == vfs.OpSyncFS {
			synced <- op.Path
		}
		return nil
	})
	d, err := OpenDir(DirConfig{Path: dataPath, FS: fs, SyncIntervalMs: 3600_000, SyncIntervalBytes: 1000})
	if err != nil {
		t.Fatal(err)
	}
	config := testConfig()
	config.Durability = DurabilityInterval
	l := openLog(t, d, config)
	for len(synced) > 0 {
		<-synced
	}
	// Given a policy that syncs every hour, or every 1000 bytes.
	for l.Size() < 900 {
		appendOne(t, l, spec{values: []string{"abc"}})
		if l.DurableOffset() != l.LogEndOffset() {
			t.Fatal("the policy waits for no sync")
		}
	}
	if l.durable.flushed.Load() != 0 {
		t.Fatal("synced too early")
	}
	// When the bytes are reached, then it syncs.
	appendOne(t, l, spec{values: values("many", 20)})
	end := l.LogEndOffset()
	<-synced
	closeDir(t, d)
	if got := l.durable.flushed.Load(); got != end {
		t.Errorf("synced up to %d of %d", got, end)
	}
}

func TestRetentionWaitsForFileDeleteDelay(t *testing.T) {
	mem := vfs.NewMemFS()
	d := openDir(t, mem)
	config := testConfig()
	config.SegmentBytes, config.RetentionMs, config.FileDeleteDelayMs = 200, 100, 3600_000
	l := openLog(t, d, config)
	for i := range 10 {
		appendOne(t, l, spec{values: []string{"value"}, ts: int64(i)})
	}
	if err := d.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	first := (*l.segments.Load())[0].path
	// When retention drops segments, then their files are there for a while.
	if r, err := d.RunRetention(10_000); err != nil || r.Segments == 0 {
		t.Fatal(r, err)
	}
	d.work.wait()
	if _, err := mem.Stat(first); err != nil {
		t.Error(err)
	}
	// And a start in between removes them.
	closeDir(t, d)
	d = openDir(t, mem)
	openLog(t, d, config)
	d.work.wait()
	if _, err := mem.Stat(first); err == nil {
		t.Error("the file of a segment below the log start is there after a start")
	}
	closeDir(t, d)
}
