package storage

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/sordini/sordini/storage/vfs"
)

// A batch that was sent twice in one turn was answered as a duplicate of itself although the write had failed, so
// that a producer took it for stored.
func TestADuplicateOfABatchThatWasNotWrittenIsRefused(t *testing.T) {
	fs := vfs.NewMemFS()
	d := openDir(t, fs)
	defer closeDir(t, d)
	l := openLog(t, d, testConfig())
	s := spec{values: []string{"a"}, hasID: true, id: 1}
	first, again := &Append{Batch: s.build(t)}, &Append{Batch: s.build(t)}
	fs.SetCapacity(fs.Used() + 10)
	err := l.Append(0, 0, []*Append{first, again})
	fs.SetCapacity(0)
	if !errors.Is(err, ErrDiskFull) || !errors.Is(first.Result.Err, ErrDiskFull) {
		t.Fatalf("%v, %v", err, first.Result.Err)
	}
	if !errors.Is(again.Result.Err, ErrDiskFull) || again.Result.Duplicate {
		t.Errorf("the repeated batch: %+v", again.Result)
	}
}

// Garbage behind the last batch of a closed segment is no torn tail: the segment after it says where it ended.
func TestGarbageBehindAClosedSegmentLosesNoLaterSegment(t *testing.T) {
	for _, keepIndex := range []bool{true, false} {
		mem := vfs.NewMemFS()
		d := openDir(t, mem)
		config := testConfig()
		config.SegmentBytes = 100
		l := openLog(t, d, config)
		want := values("v", 5)
		for _, v := range want {
			appendOne(t, l, spec{values: []string{v}})
		}
		first := (*l.segments.Load())[0]
		closeDir(t, d)
		clone := damage(t, mem, first.path, func(f vfs.File) error {
			_, err := f.WriteVAt([][]byte{make([]byte, 50)}, first.size.Load())
			return err
		})
		if !keepIndex {
			if err := clone.RemoveAll(dataPath + "/" + indexDir); err != nil {
				t.Fatal(err)
			}
		}
		if err := checkCrashed(clone, config, worldState{records: want}, 5); err != nil {
			t.Errorf("index kept %v: %v", keepIndex, err)
		}
	}
}

// The segments behind a torn one were unlinked, and the names came back after a second crash: the log then had two answers for
// an offset, and did not open.
func TestSegmentsCutByRecoveryStayCutAfterASecondCrash(t *testing.T) {
	mem := vfs.NewMemFS()
	d := openDir(t, mem)
	config := testConfig()
	config.SegmentBytes, config.Durability = 100, DurabilityOS
	l := openLog(t, d, config)
	appendOne(t, l, spec{values: []string{"a"}})
	if err := d.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	torn := spec{values: []string{"b"}}
	appendOne(t, l, torn)
	path := l.active().path
	d.mu.Lock()
	d.work.mu.Lock()
	d.work.mu.closed = true // nothing is sealed any more
	d.work.mu.Unlock()
	d.mu.Unlock()
	appendOne(t, l, spec{values: []string{"c"}})
	appendOne(t, l, spec{values: []string{"d"}})
	clone := damage(t, mem, path, func(f vfs.File) error { return f.Truncate(30) })
	d.work.mu.Lock()
	d.work.mu.closed = false
	d.work.mu.Unlock()
	closeDir(t, d)
	d = openDir(t, clone)
	l = openLog(t, d, config)
	if l.LogEndOffset() != 1 {
		t.Fatalf("log end %d", l.LogEndOffset())
	}
	want := []string{"a"}
	for range 4 {
		v := strings.Repeat("x", 5)
		appendOne(t, l, spec{values: []string{v}})
		want = append(want, v)
		if err := d.syncer.sync([]*Log{l}); err != nil {
			t.Fatal(err)
		}
		if err := checkCrashed(clone.CrashClone(0, nil), config, worldState{records: want}, int64(len(want))); err != nil {
			t.Fatalf("after %d: %v", len(want), err)
		}
	}
	closeDir(t, d)
}

// A directory could not be opened for its sync because no descriptor was left, and the whole log directory went offline.
func TestASyncOfADirectoryWithoutDescriptorsIsNoFailure(t *testing.T) {
	mem := vfs.NewMemFS()
	none := new(atomic.Bool)
	fs := vfs.Hook(mem, func(op vfs.Op) error {
		if none.Load() && (op.Kind == vfs.OpSyncDir || op.Kind == vfs.OpOpen && !strings.Contains(op.Path, indexDir)) {
			return syscall.EMFILE
		}
		return nil
	})
	d := openDir(t, fs)
	config := testConfig()
	config.SegmentBytes = 100
	l := openLog(t, d, config)
	none.Store(true)
	for i := range 4 {
		appendOne(t, l, spec{values: []string{fmt.Sprint(i)}})
		d.work.wait()
	}
	if err := d.Checkpoint(); err != nil {
		t.Error(err)
	}
	_ = l.Truncate(1)
	if err := d.Failure(); err != nil {
		t.Errorf("offline: %v", err)
	}
	other := Partition{Topic: "other", ID: TopicID{9}}
	if _, err := d.OpenLog(other, config); err != nil {
		t.Fatal(err)
	}
	if err := d.DeleteLog(other); err != nil {
		t.Error(err)
	}
	none.Store(false)
	if err := d.Failure(); err != nil {
		t.Errorf("offline: %v", err)
	}
	if err := l.Truncate(1); err != nil {
		t.Error(err)
	}
	closeDir(t, d)
}

// Deleted partitions of a topic with a long name got one directory name between them, and the second could not be deleted.
func TestPartitionsOfATopicWithALongNameAreDeleted(t *testing.T) {
	d := openDir(t, vfs.NewMemFS())
	defer closeDir(t, d)
	config := testConfig()
	config.FileDeleteDelayMs = 1 << 40
	for i := range int32(3) {
		p := Partition{Topic: strings.Repeat("t", 249), ID: TopicID{7}, Index: i}
		for range 2 { // and a partition that came back
			if _, err := d.OpenLog(p, config); err != nil {
				t.Fatal(err)
			}
			if err := d.DeleteLog(p); err != nil {
				t.Errorf("partition %d: %v", i, err)
			}
		}
	}
}

// An older copy of the index, put back by a restore, led reads into the middle of batches, and kept whole logs from
// opening because segments had been longer before they were compacted.
func TestAnOlderCopyOfTheIndexChangesNoAnswer(t *testing.T) {
	mem := vfs.NewMemFS()
	config := testConfig()
	config.Compact, config.Delete, config.MinCleanableRatio = true, false, 0
	config.SegmentBytes, config.IndexIntervalBytes = 3000, 100
	add := func(l *Log, from, to int) {
		for i := from; i < to; i++ {
			appendOne(t, l, spec{values: values(fmt.Sprint("v", i), 1+i%3), ts: int64(i * 10), keyed: true})
		}
	}
	d := openDir(t, mem)
	add(openLog(t, d, config), 0, 150)
	closeDir(t, d)
	older := mem.CrashClone(100, nil)
	// Given a log that went on, was compacted and cut, and grew again.
	d = openDir(t, mem)
	l := openLog(t, d, config)
	add(l, 150, 200)
	if err := d.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.RunCompaction(t.Context(), 5000); err != nil {
		t.Fatal(err)
	}
	add(l, 200, 220)
	if err := l.Truncate(l.LogEndOffset() - 10); err != nil {
		t.Fatal(err)
	}
	add(l, 220, 300)
	want := answers(t, l)
	closeDir(t, d)
	for range 2 {
		// When the index is that of before, then it is not believed.
		copyIndex(t, older, mem)
		d = openDir(t, mem)
		if got := answers(t, openLog(t, d, config)); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
		closeDir(t, d)
	}
	// And the one that was made instead is believed.
	d = openDir(t, mem)
	if d.lostIndex {
		t.Error("the index of the last start is not known")
	}
	if got := answers(t, openLog(t, d, config)); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	closeDir(t, d)
}

func copyIndex(t *testing.T, from, to *vfs.MemFS) {
	t.Helper()
	dir := dataPath + "/" + indexDir
	if err := errors.Join(to.RemoveAll(dir), to.MkdirAll(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	names, err := from.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := vfs.WriteFile(to, dir+"/"+name, fileBytes(t, from, dir+"/"+name)); err != nil {
			t.Fatal(err)
		}
	}
}

// Whoever was still reading, opening or tidying when the directory was closed met a closed database, and the process ended
// in a panic.
func TestClosingWaitsForWhatIsGoingOn(t *testing.T) {
	for seed := range 20 {
		d := openDir(t, vfs.NewMemFS())
		config := testConfig()
		config.SegmentBytes, config.Compact, config.MinCleanableRatio, config.IndexIntervalBytes = 500, true, 0, 50
		l := openLog(t, d, config)
		for i := range 40 {
			appendOne(t, l, spec{values: values(fmt.Sprint(i), 2), keyed: true})
		}
		calls := []func() error{
			func() error { return d.Checkpoint() },
			func() error { _, err := d.RunCompaction(t.Context(), 5000); return err },
			func() error { _, err := d.RunRetention(5000); return err },
			func() error { return l.DeleteRecords(l.LogStartOffset() + 1) },
			func() error { return l.Truncate(l.LogEndOffset() - 1) },
			func() error { _, err := readAll(l, l.LogStartOffset(), 100); return err },
			func() error {
				_, err := d.OpenLog(Partition{Topic: "x", ID: TopicID{9}, Index: int32(seed)}, config)
				return err
			},
		}
		var all sync.WaitGroup
		for _, call := range calls {
			all.Go(func() {
				for range 1000 {
					if err := call(); errors.Is(err, ErrClosed) {
						return
					}
				}
			})
		}
		for range seed * 10 {
			appendOne(t, l, spec{values: []string{"more"}, keyed: true})
		}
		closeDir(t, d)
		all.Wait()
	}
}

// A damaged length field made recovery take memory for the whole rest of a segment.
func TestADamagedLengthTakesNoMemory(t *testing.T) {
	fs, file, ends, records := tornLog(t)
	at := ends[5].pos
	clone := damage(t, fs, file, func(f vfs.File) error {
		_, err := f.WriteVAt([][]byte{{0x01, 0xff, 0xff, 0xff}}, at+8)
		return errors.Join(err, f.Truncate(32<<20+at+20))
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f, err := clone.OpenLogFile(file, false)
	if err != nil {
		t.Fatal(err)
	}
	sc := newScanner(f, 0, at, 32<<20+at+20, ends[5].offset, nil)
	if _, err := sc.scan(); !errors.Is(err, errInvalid) {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 4<<20 {
		t.Errorf("%d bytes were allocated", grown)
	}
	if len(records) == 0 {
		t.Fatal("no records")
	}
}

// A large batch is checked in two steps, and is as good as any other.
func TestALargeBatchIsScannedAndLookedUp(t *testing.T) {
	mem := vfs.NewMemFS()
	d := openDir(t, mem)
	config := testConfig()
	l := openLog(t, d, config)
	big := strings.Repeat("x", trustedBytes+5)
	appendOne(t, l, spec{values: []string{"a"}, ts: 1})
	appendOne(t, l, spec{values: []string{"b", big}, ts: 5})
	closeDir(t, d)
	if err := mem.RemoveAll(dataPath + "/" + indexDir); err != nil {
		t.Fatal(err)
	}
	d = openDir(t, mem)
	defer closeDir(t, d)
	l = openLog(t, d, config)
	if offset, _, _, found, err := l.OffsetForTimestamp(6, 3); offset != 2 || !found || err != nil {
		t.Errorf("found %d, %v, %v", offset, found, err)
	}
}
