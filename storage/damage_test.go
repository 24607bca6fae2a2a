package storage

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/storage/index"
	"github.com/sordini/sordini/storage/vfs"
)

// damagedBatch is the one that the tests damage: the fourth of a segment.
func damagedBatch(t *testing.T, l *Log, s *segment) (at end, length int64) {
	t.Helper()
	n := 0
	if err := l.walk(s, s.base, func(b batch.Batch, pos int64) error {
		if n++; n == 4 {
			at = end{b.BaseOffset(), pos}
		} else if n == 5 {
			length = pos - at.pos
		}
		return nil
	}); err != nil || length == 0 {
		t.Fatal(err, length)
	}
	return at, length
}

func xor(t *testing.T, fs *vfs.MemFS, path string, at int64, mask byte) {
	t.Helper()
	f, err := fs.OpenLogFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= mask
	if _, err := f.WriteVAt([][]byte{b[:]}, at); err != nil {
		t.Fatal(err)
	}
}

// readOne reads the batch with an offset as a consumer does, who compares the checksum.
func readOne(l *Log, offset int64) error {
	slice, err := l.Read(offset, 10_000, l.LogEndOffset(), true, nil)
	if err != nil {
		return err
	}
	raw, err := slice.AppendTo(nil)
	slice.Release()
	if err != nil {
		return err
	}
	b, _, err := batch.Next(raw)
	if err != nil {
		return err
	}
	if !b.ValidCRC() {
		return fmt.Errorf("%w: a consumer sees a wrong checksum", ErrCorrupt)
	}
	if b.BaseOffset() > offset || b.LastOffset() < offset {
		return fmt.Errorf("asked for %d, got %d to %d", offset, b.BaseOffset(), b.LastOffset())
	}
	return nil
}

// TestEveryBitOfABatch flips each bit of a batch in turn, in a closed segment and in the active one. Reads that come across it fail for the
// records in question alone, once the background has looked; and a scrub finds the place whatever reads have seen.
func TestEveryBitOfABatch(t *testing.T) {
	for _, closed := range []bool{true, false} {
		_, _, l, _ := scrubbedLog(t)
		_, length := damagedBatch(t, l, (*l.segments.Load())[1])
		closeDir(t, l.dir)
		for bit := range 8 * length {
			if leaderEpoch := bit/8 >= 12 && bit/8 < 16; leaderEpoch {
				continue // it is not in the checksum, and any value may be right
			}
			mem, d, l, reports := scrubbedLog(t)
			s := (*l.segments.Load())[1]
			if !closed {
				s = l.active()
				for s.info().NextOffset-s.base < 15 {
					appendOne(t, l, spec{values: values("w", 3), ts: 1000})
					s = l.active()
				}
			}
			checkDamage(t, mem, d, l, s, bit, reports)
			closeDir(t, d)
		}
	}
}

func checkDamage(t *testing.T, mem *vfs.MemFS, d *Dir, l *Log, s *segment, bit int64, reports *[]*CorruptError) {
	t.Helper()
	// Given one wrong bit.
	bad, _ := damagedBatch(t, l, s)
	xor(t, mem, s.path, bad.pos+bit/8, 1<<(bit%8))
	// When everything is read, then no read takes the log for lost.
	for offset := range l.LogEndOffset() {
		if err := readOne(l, offset); err != nil && errors.Is(err, ErrOffline) {
			t.Fatalf("bit %d: read at %d: %v", bit, offset, err)
		}
	}
	// And what was noticed is narrowed down to the batch.
	d.work.wait()
	if sum, err := d.RunScrub(t.Context(), 0); err != nil || sum.Damaged != 1 {
		t.Fatalf("bit %d: %+v, %v", bit, sum, err)
	}
	for offset := range l.LogEndOffset() {
		err := readOne(l, offset)
		inside := offset >= bad.offset && offset < bad.offset+3
		if !inside && err != nil || inside && (!errors.Is(err, ErrCorrupt) || errors.Is(err, ErrOffline)) {
			t.Fatalf("bit %d: read at %d, damaged from %d on: %v", bit, offset, bad.offset, err)
		}
	}
	// And it was reported once.
	if len(*reports) != 1 {
		t.Fatalf("bit %d: %v", bit, *reports)
	}
	if e := (*reports)[0]; e.Topic != "orders" || e.Position != bad.pos || e.FirstOffset != bad.offset || e.NextOffset != bad.offset+3 || e.Segment != segmentName(s.base) || e.Dir != l.path {
		t.Errorf("bit %d: %+v, want position %d, offset %d", bit, e, bad.pos, bad.offset)
	}
}

func TestWhatAScrubFoundIsKnownAfterARestart(t *testing.T) {
	mem, d, l, _ := scrubbedLog(t)
	s := (*l.segments.Load())[1]
	bad, _ := damagedBatch(t, l, s)
	xor(t, mem, s.path, bad.pos+70, 1)
	if _, err := d.RunScrub(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	before := l.Damaged()
	config := l.Config()
	closeDir(t, d)
	// When the broker starts anew, then the place is known without another scrub, and reads of it fail.
	var reports []*CorruptError
	d, err := OpenDir(DirConfig{Path: dataPath, FS: mem, OnCorruption: func(e *CorruptError) { reports = append(reports, e) }})
	if err != nil {
		t.Fatal(err)
	}
	l = openLog(t, d, config)
	if after := l.Damaged(); len(before) != 1 || len(after) != 1 || *after[0] != *before[0] {
		t.Fatalf("before %+v, after %+v", before, after)
	}
	if err := readOne(l, bad.offset+1); !errors.Is(err, ErrCorrupt) {
		t.Fatal(err)
	}
	// And the next scrub does not call it new.
	if sum, err := d.RunScrub(t.Context(), 0); err != nil || sum.Damaged != 1 || len(reports) != 0 {
		t.Fatalf("%+v, %v, %v", sum, err, reports)
	}
	// When somebody has put the right bytes back, then the scrub notices.
	xor(t, mem, (*l.segments.Load())[1].path, bad.pos+70, 1)
	if sum, err := d.RunScrub(t.Context(), 0); err != nil || sum.Damaged != 0 || len(l.Damaged()) != 0 {
		t.Fatalf("%+v, %v, %v", sum, err, l.Damaged())
	}
	if err := readOne(l, bad.offset+1); err != nil {
		t.Fatal(err)
	}
	closeDir(t, d)
	d = openDir(t, mem)
	l = openLog(t, d, config)
	if len(l.Damaged()) != 0 {
		t.Error("the repaired place came back")
	}
	// And what is known of a segment goes with it.
	xor(t, mem, (*l.segments.Load())[1].path, bad.pos+70, 1)
	if sum, err := d.RunScrub(t.Context(), 0); err != nil || sum.Damaged != 1 {
		t.Fatalf("%+v, %v", sum, err)
	}
	if err := l.DeleteRecords((*l.segments.Load())[2].base); err != nil {
		t.Fatal(err)
	}
	if len(l.Damaged()) != 0 {
		t.Error("deleted records are still damaged")
	}
	closeDir(t, d)
}

// A disk that has lost every other sector must not fill the memory, the index and the log with places.
func TestManyPlacesAreBounded(t *testing.T) {
	mem := vfs.NewMemFS()
	if err := FormatDir(mem, dataPath, Meta{ClusterID: "c", NodeID: 1}); err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	found := 0
	d, err := OpenDir(DirConfig{
		Path: dataPath, FS: mem, Logger: slog.New(slog.NewTextHandler(&lines, nil)), OnCorruption: func(*CorruptError) { found++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer closeDir(t, d)
	l := openLog(t, d, testConfig())
	for range 2*maxPlaces + 500 {
		appendOne(t, l, spec{values: []string{"value"}})
	}
	s := l.active()
	n := 0
	var bad []int64
	if err := l.walk(s, 0, func(_ batch.Batch, pos int64) error {
		if n++; n%2 == 0 {
			bad = append(bad, pos)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, pos := range bad {
		xor(t, mem, s.path, pos+70, 1)
	}
	sum, err := d.RunScrub(t.Context(), 0)
	if err != nil || sum.Damaged != maxPlaces || found != maxPlaces {
		t.Fatalf("%+v, %d reports, %v", sum, found, err)
	}
	if said := strings.Count(lines.String(), "\n"); said > maxReports+3 {
		t.Errorf("%d lines", said)
	}
	// What comes before the last place is read, and what comes after it is given up.
	for offset := range l.LogEndOffset() {
		given := readOne(l, offset) == nil
		if want := offset%2 == 0 && offset < 2*maxPlaces-1; given != want {
			t.Fatalf("offset %d: read %t", offset, given)
		}
	}
}

func TestScrubIsDueAfterTheInterval(t *testing.T) {
	mem := vfs.NewMemFS()
	d := openDir(t, mem)
	defer closeDir(t, d)
	due := func() int64 {
		t.Helper()
		at, err := d.ScrubDueMs(500)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	if due() > 1000 {
		t.Error("a directory that was never scrubbed waits")
	}
	if _, err := d.RunScrub(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if at := due(); at != 1500 {
		t.Error(at)
	}
	if at, err := d.ScrubDueMs(1<<63 - 1); err != nil || at != 1<<63-1 {
		t.Error(at, err)
	}
	// A pass that did not end goes on at once.
	openLog(t, d, testConfig())
	l := d.openLogs()[0]
	for range 2 {
		appendOne(t, l, spec{values: []string{"a"}, ts: 1})
		if err := l.DeleteRecords(0); err != nil {
			t.Fatal(err)
		}
	}
	b := d.index.NewBatch()
	b.SetScrubPosition(index.ScrubPosition{Log: l.name, Base: 0})
	if err := b.Commit(true); err != nil {
		t.Fatal(err)
	}
	if due() > 1000 {
		t.Error("an interrupted pass waits")
	}
}
