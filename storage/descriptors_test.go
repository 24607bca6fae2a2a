package storage

import (
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/sordini/sordini/storage/vfs"
)

// outOfFiles is a file system of a process that has used up its descriptors while none is true.
func outOfFiles(mem *vfs.MemFS) (fs vfs.FS, none *atomic.Bool) {
	none = new(atomic.Bool)
	return vfs.Hook(mem, func(op vfs.Op) error {
		if none.Load() && strings.HasSuffix(op.Path, logSuffix) && (op.Kind == vfs.OpOpen || op.Kind == vfs.OpCreate) {
			return syscall.EMFILE
		}
		return nil
	}), none
}

// A roll that found no descriptor took the whole log directory offline, as if the disk had failed.
func TestARollWithoutDescriptorsIsRefusedAndWorksLater(t *testing.T) {
	fs, none := outOfFiles(vfs.NewMemFS())
	d := openDir(t, fs)
	config := testConfig()
	config.SegmentBytes = 200
	l := openLog(t, d, config)
	appendOne(t, l, spec{values: []string{strings.Repeat("a", 100)}})
	none.Store(true)
	a := &Append{Batch: spec{values: []string{strings.Repeat("b", 100)}}.build(t)}
	if err := l.Append(0, 0, []*Append{a}); err == nil || a.Result.Err == nil {
		t.Errorf("append that has to roll: %v, %v", err, a.Result.Err)
	}
	if err := d.Failure(); err != nil {
		t.Errorf("the directory is offline: %v", err)
	}
	none.Store(false)
	appendOne(t, l, spec{values: []string{"c"}})
	if end := l.LogEndOffset(); end != 2 {
		t.Errorf("log end %d, want 2", end)
	}
	closeDir(t, d)
}

// A sync whose file was evicted from the cache and could not be opened again took the directory offline. What is to be synced can be synced
// without opening it.
func TestASyncWithoutDescriptorsSyncsTheFileSystem(t *testing.T) {
	mem := vfs.NewMemFS()
	fs, none := outOfFiles(mem)
	d := openDir(t, fs)
	config := testConfig()
	config.SegmentBytes, config.Durability = 200, DurabilityOS
	l := openLog(t, d, config)
	for i := range 5 {
		appendOne(t, l, spec{values: []string{fmt.Sprint(i, strings.Repeat("x", 100))}})
	}
	d.work.wait()
	for _, s := range *l.segments.Load() { // as if they had been evicted before they were ever synced
		if s != l.active() {
			s.close(&d.files)
			s.synced.Store(0)
		}
	}
	none.Store(true)
	if err := d.syncer.sync([]*Log{l}); err != nil {
		t.Fatal(err)
	}
	none.Store(false)
	clone := mem.CrashClone(0, nil)
	d2 := openDir(t, clone)
	if end := openLog(t, d2, config).LogEndOffset(); end != 5 {
		t.Errorf("after a power loss the log ends at %d, want 5", end)
	}
	closeDir(t, d2)
	closeDir(t, d)
}

// Reads gave up while closed segments that nobody used held the descriptors.
func TestAReadTakesADescriptorFromTheCache(t *testing.T) {
	opened := new(atomic.Int64)
	limit := int64(1 << 30)
	mem := vfs.NewMemFS()
	fs := vfs.Hook(mem, func(op vfs.Op) error {
		if op.Kind == vfs.OpOpen && strings.HasSuffix(op.Path, logSuffix) && opened.Add(1)%2 == 0 && limit == 0 {
			return syscall.EMFILE // every second opening
		}
		return nil
	})
	d := openDir(t, fs)
	config := testConfig()
	config.SegmentBytes = 200
	l := openLog(t, d, config)
	for i := range 6 {
		appendOne(t, l, spec{values: []string{fmt.Sprint(i, strings.Repeat("x", 100))}})
	}
	d.work.wait()
	d.files.shed()
	limit = 0
	if got := len(mustReadAll(t, l, 0, 1000)); got != 6 {
		t.Errorf("%d records read, want 6", got)
	}
	if n := d.files.open(); n > 4 {
		t.Errorf("%d files are open, though descriptors were short", n)
	}
	limit = 1
	closeDir(t, d)
}
