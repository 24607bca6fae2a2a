package storage

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/sordini/sordini/storage/vfs"
)

func TestAppendReadReopen(t *testing.T) {
	for _, segmentBytes := range []int32{200, 1000, 1 << 20} {
		for _, clean := range []bool{true, false} {
			t.Run(fmt.Sprintf("segment=%d clean=%v", segmentBytes, clean), func(t *testing.T) {
				testAppendReadReopen(t, segmentBytes, clean)
			})
		}
	}
}

func testAppendReadReopen(t *testing.T, segmentBytes int32, clean bool) {
	// Given a log with a few hundred records in batches of different sizes.
	fs := vfs.NewMemFS()
	config := testConfig()
	config.SegmentBytes = segmentBytes
	d := openDir(t, fs)
	l := openLog(t, d, config)
	var want []record
	for i := range 100 {
		s := spec{values: values(fmt.Sprintf("v%d", i), 1+i%7), ts: int64(1000 + i)}
		base := appendOne(t, l, s)
		if base != int64(len(want)) {
			t.Fatalf("base offset %d, want %d", base, len(want))
		}
		for j, v := range s.values {
			want = append(want, record{base + int64(j), v})
		}
	}
	check := func(l *Log) {
		t.Helper()
		if l.LogEndOffset() != int64(len(want)) || l.DurableOffset() > l.LogEndOffset() {
			t.Fatalf("end %d durable %d, want %d", l.LogEndOffset(), l.DurableOffset(), len(want))
		}
		// From every offset, by small and large reads.
		for from := range want {
			for _, maxBytes := range []int{1, 300, 1 << 20} {
				if maxBytes < 1<<20 && from%40 != 0 {
					continue
				}
				if got := mustReadAll(t, l, int64(from), maxBytes); !slices.Equal(got, want[from:]) {
					t.Fatalf("from %d by %d:\n got %v\nwant %v", from, maxBytes, got, want[from:])
				}
			}
		}
	}
	check(l)
	// When it is opened again, after a clean end or after a crash of the process, and after a checkpoint or none.
	if clean {
		closeDir(t, d)
	} else {
		fs = fs.CrashClone(100, nil)
		defer closeDir(t, d)
	}
	d2 := openDir(t, fs)
	defer closeDir(t, d2)
	// Then everything is there.
	l2 := openLog(t, d2, config)
	if d2.WasClean() != clean {
		t.Fatalf("clean %v, want %v", d2.WasClean(), clean)
	}
	check(l2)
	if base := appendOne(t, l2, spec{values: []string{"next"}}); base != int64(len(want)) {
		t.Fatalf("base offset %d after reopening, want %d", base, len(want))
	}
}

func TestReadBounds(t *testing.T) {
	d := openDir(t, vfs.NewMemFS())
	defer closeDir(t, d)
	l := openLog(t, d, testConfig())
	for i := range 10 {
		appendOne(t, l, spec{values: values(fmt.Sprint(i), 10)})
	}
	// Given 10 batches of 10 records: an upTo at a batch boundary is never passed.
	for upTo := int64(0); upTo <= 100; upTo += 10 {
		for from := range upTo {
			s, err := l.Read(from, 1<<20, upTo, true, nil)
			if err != nil {
				t.Fatal(err)
			}
			b, err := s.AppendTo(nil)
			s.Release()
			if err != nil {
				t.Fatal(err)
			}
			var got []record
			if next, err := decode(b, from, &got); err != nil || next != upTo || got[0].offset != from {
				t.Fatalf("read %d..%d ended at %d: %v", from, upTo, next, err)
			}
		}
	}
	for _, offset := range []int64{-1, 101} {
		if _, err := l.Read(offset, 100, 100, true, nil); !errors.Is(err, ErrOffsetOutOfRange) {
			t.Errorf("read at %d: %v", offset, err)
		}
	}
	if s, err := l.Read(100, 100, 100, true, nil); err != nil || s.Len() != 0 {
		t.Errorf("read at the end: %d bytes, %v", s.Len(), err)
	}
	if s, err := l.Read(0, 0, 100, false, nil); err != nil || s.Len() != 0 {
		t.Errorf("read of nothing: %d bytes, %v", s.Len(), err)
	}
}

func TestTailReadWithCursorReadsNothing(t *testing.T) {
	// Given a file system that counts reads of segment files.
	reads := 0
	fs := vfs.Hook(vfs.NewMemFS(), func(op vfs.Op) error {
		if op.Kind == vfs.OpRead {
			reads++
		}
		return nil
	})
	d := openDir(t, fs)
	defer closeDir(t, d)
	l := openLog(t, d, testConfig())
	cursor := &Cursor{}
	// When a reader follows the tail, then finding the bytes costs no read.
	for i := range 50 {
		before := l.LogEndOffset()
		appendOne(t, l, spec{values: values(fmt.Sprint(i), 3)})
		s, err := l.Read(before, 1<<20, l.LogEndOffset(), true, cursor)
		if err != nil || s.Len() == 0 {
			t.Fatalf("%d bytes, %v", s.Len(), err)
		}
		s.Release()
	}
	if reads != 0 {
		t.Errorf("%d reads", reads)
	}
}

func TestSliceOutlivesDeletion(t *testing.T) {
	// Given a slice of a segment.
	d := openDir(t, vfs.NewMemFS())
	defer closeDir(t, d)
	config := testConfig()
	config.SegmentBytes = 300
	l := openLog(t, d, config)
	for i := range 20 {
		appendOne(t, l, spec{values: values(fmt.Sprint(i), 3)})
	}
	s, err := l.Read(0, 1<<20, l.LogEndOffset(), true, nil)
	if err != nil {
		t.Fatal(err)
	}
	// When its segment is deleted.
	if err := l.DeleteRecords(30); err != nil {
		t.Fatal(err)
	}
	d.work.wait()
	// Then it can still be read, and the log begins later.
	b, err := s.AppendTo(nil)
	var got []record
	if _, derr := decode(b, 0, &got); err != nil || derr != nil || len(got) == 0 {
		t.Fatalf("%v %v %v", got, err, derr)
	}
	s.Release()
	if _, err := l.Read(0, 100, 30, true, nil); !errors.Is(err, ErrOffsetOutOfRange) {
		t.Errorf("read below the log start: %v", err)
	}
	if got := mustReadAll(t, l, 30, 1000); len(got) != 30 {
		t.Errorf("%d records are left", len(got))
	}
}

func TestClosedSegmentsShareFewFiles(t *testing.T) {
	d := openDir(t, vfs.NewMemFS())
	defer closeDir(t, d)
	config := testConfig()
	config.SegmentBytes = 100
	l := openLog(t, d, config)
	for i := range 50 {
		appendOne(t, l, spec{values: values(fmt.Sprint(i), 3)})
	}
	d.work.wait()
	for range 3 {
		mustReadAll(t, l, 0, 1000)
		if n := d.files.open(); n > d.files.max {
			t.Errorf("%d files of closed segments are open, the limit is %d", n, d.files.max)
		}
	}
}
