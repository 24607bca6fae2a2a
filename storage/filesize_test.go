package storage

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/sordini/sordini/storage/vfs"
)

// smallFiles is a file system on which segment files may not be larger than limit, as under ulimit -f.
type smallFiles struct {
	vfs.FS
	limit int64
}

func (s smallFiles) OpenLogFile(name string, create bool) (vfs.File, error) {
	f, err := s.FS.OpenLogFile(name, create)
	if err != nil || !strings.HasSuffix(name, ".log") {
		return f, err
	}
	return smallFile{f, s.limit}, nil
}

type smallFile struct {
	vfs.File
	limit int64
}

// WriteVAt writes what fits, as the kernel does.
func (f smallFile) WriteVAt(bufs [][]byte, off int64) (int, error) {
	total := 0
	for _, b := range bufs {
		fits := min(max(f.limit-off-int64(total), 0), int64(len(b)))
		n, err := f.File.WriteVAt([][]byte{b[:fits]}, off+int64(total))
		total += n
		if err == nil && n < len(b) {
			err = syscall.EFBIG
		}
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

func (f smallFile) Allocate(off, n int64) error {
	if off+n > f.limit {
		return syscall.EFBIG
	}
	return f.File.Allocate(off, n)
}

// A limit on the size of files took the directory offline when the first segment had grown to it.
func TestFilesThatMayNotGrowEndTheSegmentAndNothingElse(t *testing.T) {
	mem := vfs.NewMemFS()
	d, log, _ := openRoom(t, smallFiles{mem, 300})
	l := openLog(t, d, testConfig())
	var want []string
	for i := range 20 {
		v := fmt.Sprint("value-", i)
		a, b := &Append{Batch: spec{values: []string{v}}.build(t)}, &Append{Batch: spec{values: []string{v + "b"}}.build(t)}
		if err := l.Append(0, 0, []*Append{a, b}); err != nil || a.Result.Err != nil || b.Result.BaseOffset != a.Result.BaseOffset+1 {
			t.Fatalf("%v, %+v, %+v", err, a.Result, b.Result)
		}
		want = append(want, v, v+"b")
	}
	// What does not fit into a file of its own is refused, and the log goes on.
	if err := tryAppend(t, l, strings.Repeat("x", 300), Client); !errors.Is(err, syscall.EFBIG) || errors.Is(err, ErrOffline) {
		t.Errorf("a batch that is too large for a file: %v", err)
	}
	appendOne(t, l, spec{values: []string{"last"}})
	want = append(want, "last")
	if got := mustReadAll(t, l, 0, 1000); len(got) != len(want) || d.Failure() != nil || d.DiskFull() || l.Segments() < 10 {
		t.Errorf("%d records of %d in %d segments, failure %v, full %v", len(got), len(want), l.Segments(), d.Failure(), d.DiskFull())
	}
	if n := log.count("ulimit -f"); n != 1 {
		t.Errorf("it was said %d times", n)
	}
	if err := d.syncer.sync([]*Log{l}); err != nil {
		t.Fatal(err)
	}
	if err := checkCrashed(mem.CrashClone(0, nil), testConfig(), worldState{records: want}, int64(len(want))); err != nil {
		t.Error(err)
	}
	closeDir(t, d)
}
