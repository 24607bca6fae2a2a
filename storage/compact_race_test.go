package storage

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/storage/vfs"
)

// A reader that had found its segment looked its position up in the index after compaction had replaced both, and read the old
// file at a position of the new one.
func TestReadersMeetCompaction(t *testing.T) {
	dir := t.TempDir() + "/data"
	if err := FormatDir(vfs.OS, dir, Meta{ClusterID: "c", NodeID: 1}); err != nil {
		t.Fatal(err)
	}
	d, err := OpenDir(DirConfig{Path: dir, FDCacheSize: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer closeDir(t, d)
	config := compactedConfig()
	config.SegmentBytes, config.IndexIntervalBytes, config.Durability = 6000, 100, DurabilityOS
	l := openLog(t, d, config)
	var stop atomic.Bool
	var all sync.WaitGroup
	for n := range uint64(3) {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(n, 12))
			for !stop.Load() {
				end := l.LogEndOffset()
				if end == 0 {
					continue
				}
				from := rng.Int64N(end)
				s, err := l.Read(from, 300, end, true, nil)
				if err != nil {
					t.Errorf("read at %d: %v", from, err)
					return
				}
				raw, err := s.AppendTo(nil)
				s.Release()
				b, _, nerr := batch.Next(raw)
				if err != nil || nerr != nil || !b.ValidCRC() || b.LastOffset() < from {
					t.Errorf("read at %d: %d bytes, %v, %v", from, len(raw), err, nerr)
					return
				}
				if _, _, _, _, err := l.OffsetForTimestamp(rng.Int64N(3000), end); err != nil && !errors.Is(err, ErrOffsetOutOfRange) {
					t.Errorf("lookup: %v", err)
					return
				}
			}
		})
	}
	all.Go(func() {
		for now := int64(5000); !stop.Load(); now += 700 {
			if _, err := d.RunCompaction(t.Context(), now); err != nil {
				t.Errorf("compaction: %v", err)
			}
			if sum, err := d.RunScrub(t.Context(), 0); err != nil || sum.Damaged != 0 {
				t.Errorf("scrub: %+v, %v", sum, err)
			}
			if err := d.Checkpoint(); err != nil {
				t.Errorf("checkpoint: %v", err)
			}
		}
	})
	for i := range 1500 {
		appendOne(t, l, spec{values: values(fmt.Sprint("v", i), 1+i%3), ts: int64(i), keyed: true})
	}
	stop.Store(true)
	all.Wait()
}

// A reader that had to open its segment just when the file of its successor had got the name, and the log did not know it yet, took the new
// file for the old one, and called it damaged.
func TestASegmentIsOpenedWhileItIsReplaced(t *testing.T) {
	mem := vfs.NewMemFS()
	if err := FormatDir(mem, dataPath, Meta{ClusterID: "c", NodeID: 1}); err != nil {
		t.Fatal(err)
	}
	var l *Log
	replacing, renamed, met := false, false, 0
	fs := vfs.Hook(mem, func(op vfs.Op) error {
		switch {
		case !replacing:
		case op.Kind == vfs.OpRename:
			renamed = true
		case op.Kind == vfs.OpSyncDir && renamed:
			renamed = false
			met++
			for from := range l.LogEndOffset() {
				s, err := l.Read(from, 300, l.LogEndOffset(), true, nil)
				if err != nil {
					t.Errorf("read at %d: %v", from, err)
					continue
				}
				raw, err := s.AppendTo(nil)
				s.Release()
				if b, _, nerr := batch.Next(raw); err != nil || nerr != nil || !b.ValidCRC() || b.LastOffset() < from {
					t.Errorf("read at %d: %d bytes, %v, %v", from, len(raw), err, nerr)
				}
			}
		}
		return nil
	})
	d, err := OpenDir(DirConfig{Path: dataPath, FS: fs, FDCacheSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer closeDir(t, d)
	config := compactedConfig()
	config.SegmentBytes, config.IndexIntervalBytes, config.Durability = 6000, 100, DurabilityOS
	l = openLog(t, d, config)
	// Given segments of which compaction leaves little, and whose files are not open.
	for i := range 400 {
		appendOne(t, l, spec{values: values(fmt.Sprint("v", i), 1+i%3), ts: int64(i), keyed: true})
	}
	d.work.wait()
	replacing = true
	if _, err := d.RunCompaction(t.Context(), 5000); err != nil {
		t.Fatal(err)
	}
	replacing = false
	if met == 0 {
		t.Error("nothing was replaced")
	}
}
