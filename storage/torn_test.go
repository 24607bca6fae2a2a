package storage

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sordini/sordini/storage/vfs"
)

// tornLog is a log of which the last three batches lie above the recovery point, as a crash of the process
// leaves it.
func tornLog(t *testing.T) (fs *vfs.MemFS, file string, ends []end, records []string) {
	t.Helper()
	fs = vfs.NewMemFS()
	d := openDir(t, fs)
	config := testConfig()
	config.Durability = DurabilityOS
	l := openLog(t, d, config)
	for i := range 8 {
		s := spec{values: values(fmt.Sprint("v", i), 1+i%4), ts: int64(100 * i), hasID: true, id: 1, sequence: int32(len(records))}
		appendOne(t, l, s)
		records = append(records, s.values...)
		ends = append(ends, end{l.LogEndOffset(), l.Size()})
		if i == 4 {
			if err := d.Checkpoint(); err != nil {
				t.Fatal(err)
			}
		}
	}
	file = l.active().path
	fs = fs.CrashClone(100, nil)
	closeDir(t, d)
	return fs, file, ends, records
}

// damage changes a copy of the file system and opens it.
func damage(t *testing.T, fs *vfs.MemFS, file string, do func(f vfs.File) error) *vfs.MemFS {
	t.Helper()
	clone := fs.CrashClone(100, nil)
	f, err := clone.OpenLogFile(file, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(do(f), f.SyncData(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return clone
}

func fileBytes(t *testing.T, fs vfs.FS, name string) []byte {
	t.Helper()
	b, err := vfs.ReadFile(fs, name, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func allZero(b []byte) bool { return !slices.ContainsFunc(b, func(c byte) bool { return c != 0 }) }

func TestTornTail(t *testing.T) {
	fs, file, ends, records := tornLog(t)
	config := testConfig()
	from, size := ends[4].pos, ends[7].pos
	original := fileBytes(t, fs, file)
	tails := map[string]func(f vfs.File, at int64) error{
		"cut": func(f vfs.File, at int64) error { return f.Truncate(at) },
		"zeros": func(f vfs.File, at int64) error {
			return errors.Join(f.Truncate(at), f.Truncate(size+8192))
		},
		"garbage": func(f vfs.File, at int64) error {
			rng := rand.New(rand.NewPCG(uint64(at), 5))
			b := make([]byte, 300)
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
			_, err := f.WriteVAt([][]byte{b}, at)
			return errors.Join(f.Truncate(at), err)
		},
	}
	for name, tear := range tails {
		t.Run(name, func(t *testing.T) {
			for at := from; at <= size; at++ {
				// Given a log that is torn at one byte.
				clone := damage(t, fs, file, func(f vfs.File) error { return tear(f, at) })
				// Then it ends with the last whole batch, and goes on from there.
				// Zeros that were zeros before tear nothing: a record without headers ends with one.
				i := slices.IndexFunc(ends, func(e end) bool {
					return e.pos > at && (name != "zeros" || !allZero(original[at:e.pos]))
				})
				if i < 0 {
					i = len(ends)
				}
				want := ends[i-1].offset
				state := worldState{records: records[:want], startMax: 0}
				if err := checkCrashed(clone, config, state, want); err != nil {
					t.Fatalf("torn at %d of %d: %v", at, size, err)
				}
			}
		})
	}
}

func TestTornTailWithoutIndex(t *testing.T) {
	fs, file, ends, records := tornLog(t)
	for at := int64(0); at <= ends[7].pos; at++ {
		// Given that the index is gone as well.
		clone := damage(t, fs, file, func(f vfs.File) error { return f.Truncate(at) })
		if err := clone.RemoveAll(dataPath + "/" + indexDir); err != nil {
			t.Fatal(err)
		}
		want := int64(0)
		for _, e := range ends {
			if e.pos <= at {
				want = e.offset
			}
		}
		if err := checkCrashed(clone, testConfig(), worldState{records: records[:want]}, want); err != nil {
			t.Fatalf("torn at %d: %v", at, err)
		}
	}
}

// TestDamageBelowRecoveryPointIsReported: bytes that were synced and vouched for are never cut.
func TestDamageBelowRecoveryPointIsReported(t *testing.T) {
	fs, file, ends, _ := tornLog(t)
	for at := int64(0); at < ends[4].pos; at += 7 {
		clone := damage(t, fs, file, func(f vfs.File) error { return f.Truncate(at) })
		d := openDir(t, clone)
		_, err := d.OpenLog(testPartition, testConfig())
		var corrupt *CorruptError
		if !errors.As(err, &corrupt) || corrupt.Segment != segmentName(0) {
			t.Fatalf("cut at %d: %v", at, err)
		}
		closeDir(t, d)
	}
	clone := damage(t, fs, file, func(vfs.File) error { return nil })
	if err := clone.Remove(file); err != nil {
		t.Fatal(err)
	}
	d := openDir(t, clone)
	defer closeDir(t, d)
	if _, err := d.OpenLog(testPartition, testConfig()); err == nil {
		t.Error("a log without its file was opened")
	}
}

// TestFlippedBitsAreNeverServedAsGood flips each byte below the recovery point in turn. The header walk may
// or may not see it; whoever checks the checksum must.
func TestFlippedBitsAreNeverServedAsGood(t *testing.T) {
	fs, file, ends, records := tornLog(t)
	for at := int64(0); at < ends[4].pos; at++ {
		clone := damage(t, fs, file, func(f vfs.File) error {
			var b [1]byte
			if _, err := f.ReadAt(b[:], at); err != nil {
				return err
			}
			b[0] ^= 0x40
			_, err := f.WriteVAt([][]byte{b[:]}, at)
			return err
		})
		d := openDir(t, clone)
		l, err := d.OpenLog(testPartition, testConfig())
		if err == nil {
			got, _ := readAll(l, 0, 1<<20)
			if err := compareValues(got, records); err != nil {
				t.Fatalf("flipped %d: %v", at, err)
			}
		}
		closeDir(t, d)
	}
}

// compareValues allows records to be missing, and to have moved because a header outside of the checksum was
// damaged, but not to be others.
func compareValues(got []record, want []string) error {
	for _, r := range got {
		if !slices.Contains(want, r.value) {
			return fmt.Errorf("record %v was never written", r)
		}
	}
	return nil
}

// TestRebuiltIndexGivesTheSameAnswers removes the index of a log of many segments.
func TestRebuiltIndexGivesTheSameAnswers(t *testing.T) {
	fs := vfs.NewMemFS()
	config := testConfig()
	config.SegmentBytes, config.IndexIntervalBytes = 2000, 100
	d := openDir(t, fs)
	l := openLog(t, d, config)
	for i := range 300 {
		if i%100 == 50 {
			if err := l.Append(0, int32(i), []*Append{{Batch: spec{values: values("epoch", 2)}.build(t)}}); err != nil {
				t.Fatal(err)
			}
		}
		a := &Append{Batch: spec{values: values(fmt.Sprint(i), 3), ts: int64(i * 10), hasID: true, id: int64(i % 3), sequence: int32(i / 3 * 3)}.build(t)}
		if err := l.Append(0, int32(i/100*100), []*Append{a}); err != nil || a.Result.Err != nil {
			t.Fatal(err, a.Result.Err)
		}
	}
	want := answers(t, l)
	closeDir(t, d)
	for _, how := range []string{"kept", "removed", "corrupt"} {
		clone := fs.CrashClone(100, nil)
		switch how {
		case "removed":
			if err := clone.RemoveAll(dataPath + "/" + indexDir); err != nil {
				t.Fatal(err)
			}
		case "corrupt":
			corruptIndex(t, clone)
		}
		d := openDir(t, clone)
		if got := answers(t, openLog(t, d, config)); got != want {
			t.Errorf("index %s:\n got %s\nwant %s", how, got, want)
		}
		closeDir(t, d)
	}
}

// corruptIndex damages every file of the index.
func corruptIndex(t *testing.T, fs *vfs.MemFS) {
	t.Helper()
	names, err := fs.List(dataPath + "/" + indexDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		f, err := fs.OpenLogFile(dataPath+"/"+indexDir+"/"+name, false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteVAt([][]byte{[]byte("damage")}, 10); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
	}
}

// answers is everything that a log can be asked, as text.
func answers(t *testing.T, l *Log) string {
	t.Helper()
	out := fmt.Sprintln(l.LogStartOffset(), l.LogEndOffset(), l.Segments(), l.LatestEpoch())
	for _, r := range mustReadAll(t, l, l.LogStartOffset(), 5000) {
		out += fmt.Sprint(r, " ")
	}
	for ts := int64(-1); ts < 3100; ts += 7 {
		offset, timestamp, epoch, found, err := l.OffsetForTimestamp(ts, l.LogEndOffset())
		out += fmt.Sprintln(ts, offset, timestamp, epoch, found, err)
	}
	for epoch := int32(-1); epoch < 400; epoch += 25 {
		found, end := l.EpochEndOffset(epoch)
		out += fmt.Sprintln(epoch, found, end)
	}
	offset, timestamp, epoch, found, err := l.MaxTimestamp()
	out += fmt.Sprintln(offset, timestamp, epoch, found, err)
	for _, p := range l.ActiveProducers() {
		out += fmt.Sprintln(p.ID, p.Epoch, p.Batches())
	}
	return out
}

// A damaged table of the index failed reads of a log that was whole, and a damaged mark of the shutdown kept the broker from starting.
func TestAnyDamagedByteOfTheIndexChangesNoAnswer(t *testing.T) {
	fs := vfs.NewMemFS()
	config := testConfig()
	config.SegmentBytes, config.IndexIntervalBytes = 20_000, 100
	d := openDir(t, fs)
	l := openLog(t, d, config)
	for i := range 300 {
		a := &Append{Batch: spec{values: values(fmt.Sprint(i), 3), ts: int64(i * 10), hasID: true, id: int64(i % 3), sequence: int32(i / 3 * 3)}.build(t)}
		if err := l.Append(0, int32(i/100), []*Append{a}); err != nil || a.Result.Err != nil {
			t.Fatal(err, a.Result.Err)
		}
	}
	want := answers(t, l)
	closeDir(t, d)
	names, err := fs.List(dataPath + "/" + indexDir)
	if err != nil {
		t.Fatal(err)
	}
	flips := 0
	for _, name := range names {
		path := dataPath + "/" + indexDir + "/" + name
		info, err := fs.Stat(path)
		if err != nil || info.IsDir() || name == "LOCK" {
			continue
		}
		step := max(info.Size()/40, 1)
		for at := int64(0); at < info.Size(); at += step {
			flips++
			clone := fs.CrashClone(100, nil)
			flip(t, clone, path, at)
			d := openDir(t, clone)
			if got := answers(t, openLog(t, d, config)); got != want {
				t.Fatalf("byte %d of %s flipped:\n got %s\nwant %s", at, name, got, want)
			}
			closeDir(t, d)
		}
	}
	if flips < 50 {
		t.Errorf("only %d bytes were flipped", flips)
	}
}

func flip(t *testing.T, fs *vfs.MemFS, path string, at int64) {
	t.Helper()
	f, err := fs.OpenLogFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x40
	if _, err := f.WriteVAt([][]byte{b[:]}, at); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
}
