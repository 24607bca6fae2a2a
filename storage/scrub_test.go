package storage

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/storage/index"
	"github.com/sordini/sordini/storage/vfs"
)

// scrubbedLog has batches of three records in several segments.
func scrubbedLog(t *testing.T) (mem *vfs.MemFS, d *Dir, l *Log, reports *[]*CorruptError) {
	t.Helper()
	mem = vfs.NewMemFS()
	if err := FormatDir(mem, dataPath, Meta{ClusterID: "c", NodeID: 1}); err != nil {
		t.Fatal(err)
	}
	reports = new([]*CorruptError)
	d, err := OpenDir(DirConfig{Path: dataPath, FS: mem, OnCorruption: func(e *CorruptError) { *reports = append(*reports, e) }})
	if err != nil {
		t.Fatal(err)
	}
	config := testConfig()
	config.SegmentBytes, config.IndexIntervalBytes = 1000, 100
	l = openLog(t, d, config)
	for i := range 30 {
		appendOne(t, l, spec{values: values(fmt.Sprint("v", i), 3), ts: int64(i * 10)})
	}
	if err := d.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	d.work.wait()
	return mem, d, l, reports
}

// TestScrubFindsDamageAndTheRestIsRead damages each byte of a batch in turn.
func TestScrubFindsDamageAndTheRestIsRead(t *testing.T) {
	for at := range int64(90) {
		mem, d, l, reports := scrubbedLog(t)
		// Given that one byte of the fourth batch of the second segment is wrong.
		s := (*l.segments.Load())[1]
		var bad end
		n := 0
		if err := l.walk(s, s.base, func(b batch.Batch, pos int64) error {
			if n++; n == 4 {
				bad = end{b.BaseOffset(), pos}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		flip(t, mem, s.path, bad.pos+at)
		// When the log is scrubbed.
		sum, err := d.RunScrub(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		if at >= 12 && at < 16 {
			closeDir(t, d) // the leader epoch is not in the checksum
			continue
		}
		// Then the place is reported, reads of it fail, and everything else is read.
		if sum.Damaged != 1 || len(*reports) != 1 {
			t.Fatalf("byte %d: %+v, %v", at, sum, *reports)
		}
		if e := (*reports)[0]; e.Topic != "orders" || e.Position != bad.pos || e.FirstOffset != bad.offset || e.NextOffset != bad.offset+3 {
			t.Errorf("byte %d: %+v, want position %d, offset %d", at, e, bad.pos, bad.offset)
		}
		for offset := range l.LogEndOffset() {
			slice, err := l.Read(offset, 10_000, l.LogEndOffset(), true, nil)
			inside := offset >= bad.offset && offset < bad.offset+3
			if inside != errors.Is(err, ErrCorrupt) || (err != nil && errors.Is(err, ErrOffline)) || (!inside && err != nil) {
				t.Fatalf("byte %d: read at %d: %v", at, offset, err)
			}
			if err != nil {
				continue
			}
			raw, err := slice.AppendTo(nil)
			slice.Release()
			var got []record
			if _, derr := decode(raw, offset, &got); err != nil || derr != nil || len(got) == 0 || got[0].offset != offset {
				t.Fatalf("byte %d: read at %d: %v, %v, %v", at, offset, got, err, derr)
			}
		}
		closeDir(t, d)
	}
}

func TestScrubGoesOnWhereItWas(t *testing.T) {
	_, d, l, _ := scrubbedLog(t)
	defer closeDir(t, d)
	all := l.Segments()
	sum, err := d.RunScrub(t.Context(), 0)
	if err != nil || sum.Segments != all || sum.Damaged != 0 {
		t.Fatalf("%+v of %d segments, %v", sum, all, err)
	}
	// Given a pass that was in the third segment.
	b := d.index.NewBatch()
	b.SetScrubPosition(index.ScrubPosition{Log: l.name, Base: (*l.segments.Load())[2].base})
	if err := b.Commit(true); err != nil {
		t.Fatal(err)
	}
	if sum, err = d.RunScrub(t.Context(), 0); err != nil || sum.Segments != all-2 {
		t.Errorf("%+v, %v", sum, err)
	}
	if sum, err = d.RunScrub(t.Context(), 0); err != nil || sum.Segments != all {
		t.Errorf("the next pass: %+v, %v", sum, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if sum, err = d.RunScrub(ctx, 1); !errors.Is(err, context.Canceled) || sum.Segments != 0 {
		t.Errorf("cancelled: %+v, %v", sum, err)
	}
}
