package storage

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/sordini/sordini/storage/vfs"
)

// faulty is a file system on which one operation fails.
type faulty struct {
	mu     sync.Mutex
	n      int // operations so far
	failAt int
	err    error
	failed vfs.Op
}

func (f *faulty) before(op vfs.Op) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	opens := op.Kind == vfs.OpOpen || op.Kind == vfs.OpCreate || op.Kind == vfs.OpSyncDir
	if op.Kind == vfs.OpRead || (op.Kind == vfs.OpOpen && !errors.Is(f.err, syscall.EMFILE)) || (!opens && errors.Is(f.err, syscall.EMFILE)) {
		return nil
	}
	f.n++
	if f.n-1 != f.failAt {
		return nil
	}
	f.failed = op
	return f.err
}

func (f *faulty) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n
}

// script does a bit of everything, and stops at the first error.
type script struct {
	mu      sync.Mutex
	durable int64
	records []string
	start   int64
	d       *Dir
	l       *Log
}

func (s *script) run(t *testing.T, fs vfs.FS) (err error) {
	if s.d, err = tryOpenDir(fs); err != nil {
		return err
	}
	config := testConfig()
	config.SegmentBytes, config.Compact, config.Delete, config.MinCleanableRatio = 400, true, true, 0
	if s.l, err = s.d.OpenLog(testPartition, config); err != nil {
		return err
	}
	s.l.OnDurable(func(offset int64) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.durable = max(s.durable, offset)
	})
	for i := range 14 {
		if err := s.step(t, i); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
	}
	return nil
}

func (s *script) step(t *testing.T, i int) error {
	b := spec{values: values(fmt.Sprint("v", i), 4), ts: int64(i), keyed: true}
	a := &Append{Batch: b.build(t)}
	s.mu.Lock()
	s.records = append(s.records, b.values...)
	s.mu.Unlock()
	if err := s.l.Append(1, 1, []*Append{a}); err != nil {
		return err
	}
	if err := s.d.syncer.sync([]*Log{s.l}); err != nil {
		return err
	}
	s.d.work.wait()
	switch i {
	case 5, 12:
		return s.d.Checkpoint()
	case 8:
		cut := s.l.LogEndOffset() - 8
		s.mu.Lock()
		s.durable = cut
		s.mu.Unlock()
		if err := s.l.Truncate(cut); err != nil {
			return err
		}
		s.mu.Lock()
		s.records = s.records[:cut]
		s.mu.Unlock()
	case 10:
		s.mu.Lock()
		s.start = 9
		s.mu.Unlock()
		return s.l.DeleteRecords(9)
	case 11:
		other := Partition{Topic: "other", ID: TopicID{9}}
		l, err := s.d.OpenLog(other, testConfig())
		if err != nil {
			return err
		}
		a := &Append{Batch: spec{values: []string{strings.Repeat("x", allocMin)}}.build(t)}
		if err := l.Append(0, 0, []*Append{a}); err != nil {
			return err
		}
		return s.d.DeleteLog(other)
	case 13:
		_, err := s.d.RunCompaction(context.Background(), 5000)
		return err
	}
	return nil
}

// TestEachOperationFailsOnce lets every single write, sync, rename and so on fail in turn. What was said to be
// durable must be there afterwards, nothing may hang, and a directory that failed must not acknowledge.
func TestEachOperationFailsOnce(t *testing.T) {
	for _, cause := range []error{syscall.EIO, syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, syscall.EROFS, syscall.EMFILE} {
		t.Run(cause.Error(), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(8, 8))
			for at := 0; ; at++ {
				mem := vfs.NewMemFS()
				f := &faulty{failAt: at, err: cause}
				s := &script{}
				err := s.run(t, vfs.Hook(mem, f.before))
				if s.d != nil && s.d.Failure() != nil && errors.Is(cause, syscall.EMFILE) {
					t.Errorf("no descriptor for %v of %s, and the directory is offline: %v", f.failed.Kind, f.failed.Path, s.d.Failure())
				}
				if s.d != nil && s.d.Failure() != nil && errors.Is(cause, syscall.ENOSPC) && grows(f.failed.Kind) {
					t.Errorf("no room for %v of %s, and the directory is offline: %v", f.failed.Kind, f.failed.Path, s.d.Failure())
				}
				if s.d != nil {
					ctx := context.Background()
					if cerr := s.d.Close(ctx); cerr == nil && err != nil && errors.Is(cause, syscall.EIO) && s.d.failure() != nil {
						t.Errorf("%v of %s failed, and the directory was closed as if nothing had been", f.failed.Kind, f.failed.Path)
					}
				}
				if f.count() <= at {
					if err != nil {
						t.Fatalf("nothing failed, and yet: %v", err)
					}
					return // every operation had its turn
				}
				checkFaulted(t, s, f, mem, rng, err)
			}
		})
	}
}

// grows says whether an operation takes room. What failed before it did anything is no reason to give a directory up; a sync is.
func grows(kind vfs.OpKind) bool {
	return slices.Contains([]vfs.OpKind{vfs.OpCreate, vfs.OpWrite, vfs.OpRename, vfs.OpMkdir, vfs.OpLink, vfs.OpAllocate}, kind)
}

func checkFaulted(t *testing.T, s *script, f *faulty, mem *vfs.MemFS, rng *rand.Rand, cause error) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, percent := range []int{0, 50, 100} {
		state := worldState{records: s.records, startMax: s.start}
		config := testConfig()
		config.SegmentBytes, config.Compact, config.Delete = 400, true, true
		if err := checkCrashed(mem.CrashClone(percent, rng), config, state, s.durable); err != nil {
			t.Fatalf("operation %d, %v of %s, failed (the script said %v); with %d%% of unsynced data: %v",
				f.failAt, f.failed.Kind, f.failed.Path, cause, percent, err)
		}
	}
}

// TestFailedSyncIsNeverAcknowledged: after a failed sync nothing rises any more, even though later syncs would work. That it found no room is
// no exception: what was written is not in the page cache any more.
func TestFailedSyncIsNeverAcknowledged(t *testing.T) {
	for _, cause := range []syscall.Errno{syscall.EIO, syscall.ENOSPC} {
		t.Run(cause.Error(), func(t *testing.T) { failOneSync(t, cause) })
	}
}

func failOneSync(t *testing.T, cause syscall.Errno) {
	mem := vfs.NewMemFS()
	var mu sync.Mutex
	fail := false
	fs := vfs.Hook(mem, func(op vfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		if fail && (op.Kind == vfs.OpSync || op.Kind == vfs.OpSyncFS) {
			fail = false
			return cause
		}
		return nil
	})
	failures := make(chan error, 2)
	if err := FormatDir(fs, dataPath, Meta{ClusterID: "c", NodeID: 1}); err != nil {
		t.Fatal(err)
	}
	d, err := OpenDir(DirConfig{Path: dataPath, FS: fs, OnFailure: func(err error) { failures <- err }})
	if err != nil {
		t.Fatal(err)
	}
	l := openLog(t, d, testConfig())
	appendOne(t, l, spec{values: []string{"a"}})
	if err := d.syncer.sync([]*Log{l}); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	fail = true
	mu.Unlock()
	// When a sync fails behind an append.
	if err := l.Append(0, 0, []*Append{{Batch: spec{values: []string{"b"}}.build(t)}}); err != nil {
		t.Fatal(err)
	}
	if err := <-failures; !errors.Is(err, ErrOffline) || !errors.Is(err, cause) {
		t.Errorf("told of %v", err)
	}
	// Then the append is not durable, and the log answers that it is offline.
	if got := l.DurableOffset(); got != 1 {
		t.Errorf("durable offset %d", got)
	}
	a := &Append{Batch: spec{values: []string{"c"}}.build(t)}
	if err := l.Append(0, 0, []*Append{a}); !errors.Is(err, ErrOffline) || !errors.Is(a.Result.Err, ErrOffline) {
		t.Errorf("append: %v, %v", err, a.Result.Err)
	}
	if _, err := l.Read(0, 100, 1, true, nil); !errors.Is(err, ErrOffline) {
		t.Errorf("read: %v", err)
	}
	if err := d.Close(context.Background()); !errors.Is(err, ErrOffline) {
		t.Errorf("close: %v", err)
	}
	if d2 := openDir(t, mem.CrashClone(100, nil)); d2.WasClean() {
		t.Error("a failed directory has the mark of a clean shutdown")
	} else {
		closeDir(t, d2)
	}
}

// TestDiskFullIsAState: appends fail without a trace, reads go on, and appends work again when there is room.
func TestDiskFullIsAState(t *testing.T) {
	fs := vfs.NewMemFS()
	d := openDir(t, fs)
	config := testConfig()
	config.SegmentBytes = 2000
	l := openLog(t, d, config)
	var want []record
	sequence := int32(0)
	add := func(prefix string) error {
		s := spec{values: values(prefix, 5), hasID: true, id: 1, sequence: sequence}
		a := &Append{Batch: s.build(t)}
		if err := l.Append(0, 0, []*Append{a}); err != nil {
			return err
		}
		if a.Result.Err != nil {
			return a.Result.Err
		}
		sequence += 5
		for i, v := range s.values {
			want = append(want, record{a.Result.BaseOffset + int64(i), v})
		}
		return nil
	}
	for i := range 50 {
		if err := add(fmt.Sprint("before", i)); err != nil {
			t.Fatal(err)
		}
	}
	// Given a disk on which half of the next batch fits.
	d.work.wait()
	for n := range 3 {
		fs.SetCapacity(fs.Used() + 70)
		err := add("refused")
		if !errors.Is(err, ErrDiskFull) || errors.Is(err, ErrOffline) || !d.DiskFull() {
			t.Fatalf("append to a full disk: %v", err)
		}
		if got := mustReadAll(t, l, 0, 1000); len(got) != len(want) {
			t.Fatalf("%d records, want %d", len(got), len(want))
		}
		// When there is room again, then the same sequence is accepted.
		fs.SetCapacity(0)
		if err := add(fmt.Sprint("after", n)); err != nil {
			t.Fatal(err)
		}
	}
	closeDir(t, d)
	d = openDir(t, fs)
	defer closeDir(t, d)
	got := mustReadAll(t, openLog(t, d, config), 0, 1000)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}
