package vfs

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// both runs a test on the real and on the memory file system.
func both(t *testing.T, run func(t *testing.T, fs FS, dir string)) {
	t.Run("os", func(t *testing.T) { run(t, OS, t.TempDir()) })
	t.Run("mem", func(t *testing.T) {
		fs := NewMemFS()
		if err := fs.MkdirAll("/d", 0o755); err != nil {
			t.Fatal(err)
		}
		run(t, fs, "/d")
	})
	t.Run("hooked", func(t *testing.T) { run(t, Hook(OS, func(Op) error { return nil }), t.TempDir()) })
}

func TestGatheredWrites(t *testing.T) {
	both(t, func(t *testing.T, fs FS, dir string) {
		f, err := fs.OpenLogFile(fs.PathJoin(dir, "f"), true)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		// Given more buffers than one system call takes, some of them empty, in a file with reserved room.
		_ = f.Allocate(0, 1<<20)
		rng := rand.New(rand.NewPCG(1, 2))
		var bufs [][]byte
		want := []byte("head")
		for range 3000 {
			b := make([]byte, rng.IntN(40))
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
			bufs, want = append(bufs, b), append(want, b...)
		}
		for _, w := range []struct {
			bufs [][]byte
			at   int64
		}{{[][]byte{[]byte("head")}, 0}, {bufs, 4}, {nil, 4}} {
			n, err := f.WriteVAt(w.bufs, w.at)
			total := 0
			for _, b := range w.bufs {
				total += len(b)
			}
			if err != nil || n != total {
				t.Fatalf("wrote %d of %d, %v", n, total, err)
			}
		}
		// Then the file has exactly what was written, and reservations do not show.
		size, err := f.Size()
		got := make([]byte, size)
		if _, rerr := f.ReadAt(got, 0); err != nil || rerr != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes, want %d; %v %v", size, len(want), err, rerr)
		}
		if err := errors.Join(f.SyncData(), f.Truncate(4), fs.SyncDir(dir)); err != nil {
			t.Fatal(err)
		}
		if size, _ := f.Size(); size != 4 {
			t.Errorf("size %d after the cut", size)
		}
	})
}

func TestSmallFiles(t *testing.T) {
	both(t, func(t *testing.T, fs FS, dir string) {
		name := fs.PathJoin(dir, "small")
		for _, content := range []string{"one", "other, longer"} {
			if err := WriteFileAtomic(fs, name, []byte(content)); err != nil {
				t.Fatal(err)
			}
			if got, err := ReadFile(fs, name, 100); err != nil || string(got) != content {
				t.Errorf("%q, %v", got, err)
			}
		}
		if _, err := ReadFile(fs, name, 5); err == nil {
			t.Error("a file over the limit was read")
		}
		if _, err := ReadFile(fs, name+"x", 5); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a missing file: %v", err)
		}
		if _, err := fs.OpenLogFile(name+"x", false); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a missing segment: %v", err)
		}
		if err := fs.Rename(name, name+"y"); err != nil {
			t.Fatal(err)
		}
		if names, err := fs.List(dir); err != nil || !slices.Equal(names, []string{"smally"}) {
			t.Errorf("%v, %v", names, err)
		}
		if err := fs.Remove(name + "y"); err != nil {
			t.Fatal(err)
		}
	})
}

func TestLock(t *testing.T) {
	both(t, func(t *testing.T, fs FS, dir string) {
		name := fs.PathJoin(dir, "lock")
		l, err := fs.LockFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var held *LockedError
		if _, err := fs.LockFile(name); !errors.As(err, &held) || held.PID != os.Getpid() {
			t.Errorf("locked twice: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if l, err = fs.LockFile(name); err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
	})
}

func TestCrashKeepsWhatWasSynced(t *testing.T) {
	fs := NewMemFS()
	if err := fs.MkdirAll("/d", 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := fs.OpenLogFile("/d/f", true)
	if err != nil {
		t.Fatal(err)
	}
	write := func(b string, at int64) {
		t.Helper()
		if _, err := f.WriteVAt([][]byte{[]byte(b)}, at); err != nil {
			t.Fatal(err)
		}
	}
	read := func(fs *MemFS) string {
		b, err := ReadFile(fs, "/d/f", 1<<20)
		if err != nil {
			return "missing"
		}
		return string(b)
	}
	write("synced", 0)
	if err := f.SyncData(); err != nil {
		t.Fatal(err)
	}
	// A file without its directory entry is gone, and comes back with it.
	if got := read(fs.CrashClone(0, nil)); got != "missing" {
		t.Errorf("%q", got)
	}
	if err := errors.Join(fs.SyncDir("/"), fs.SyncDir("/d")); err != nil {
		t.Fatal(err)
	}
	write("SYNCED and more", 0)
	if got := read(fs.CrashClone(0, nil)); got != "synced" {
		t.Errorf("%q", got)
	}
	if got := read(fs.CrashClone(100, nil)); got != "SYNCED and more" {
		t.Errorf("%q", got)
	}
	if err := f.Truncate(3); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for seed := range uint64(50) {
		seen[read(fs.CrashClone(50, rand.New(rand.NewPCG(seed, 1))))] = true
	}
	for _, want := range []string{"synced", "SYN", "syn", "SYNced"} {
		if !seen[want] {
			t.Errorf("no crash left %q: %v", want, seen)
		}
	}
	// Renames happen or do not.
	if err := fs.Rename("/d/f", "/d/g"); err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(50) {
		names, _ := fs.CrashClone(50, rand.New(rand.NewPCG(seed, 1))).List("/d")
		if len(names) != 1 {
			t.Errorf("a rename left %v", names)
		}
	}
	s, _ := fs.OpenSyncer("/")
	if err := s.SyncFS(); err != nil {
		t.Fatal(err)
	}
	if names, _ := fs.CrashClone(0, nil).List("/d"); !slices.Equal(names, []string{"g"}) {
		t.Errorf("after a sync of everything: %v", names)
	}
}

func TestCapacity(t *testing.T) {
	fs := NewMemFS()
	f, err := fs.Create("/f", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	fs.SetCapacity(10)
	n, err := f.Write(make([]byte, 15))
	if n != 10 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%d bytes, %v", n, err)
	}
	if err := fs.Remove("/f"); err != nil || fs.Used() != 0 {
		t.Errorf("%d bytes used, %v", fs.Used(), err)
	}
}

func TestHookFailsOperations(t *testing.T) {
	boom := errors.New("boom")
	var kinds []OpKind
	fail := false
	fs := Hook(NewMemFS(), func(op Op) error {
		kinds = append(kinds, op.Kind)
		if fail {
			return boom
		}
		return nil
	})
	f, err := fs.OpenLogFile("/f", true)
	if err != nil {
		t.Fatal(err)
	}
	p, err := fs.Create("/p", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	s, err := fs.OpenSyncer("/")
	if err != nil {
		t.Fatal(err)
	}
	fail = true
	_, writeErr := f.WriteVAt([][]byte{{1}}, 0)
	_, readErr := f.ReadAt(make([]byte, 1), 0)
	_, pebbleErr := p.Write([]byte{1})
	for i, err := range []error{
		writeErr, readErr, pebbleErr, f.SyncData(), f.Truncate(0), p.Sync(), fs.Rename("/f", "/g"), fs.Remove("/f"),
		fs.MkdirAll("/d", 0), fs.SyncDir("/"), s.SyncFS(), fs.Link("/f", "/h"), fs.RemoveAll("/f"),
	} {
		if !errors.Is(err, boom) {
			t.Errorf("operation %d: %v", i, err)
		}
	}
	if len(kinds) != 15 {
		t.Errorf("%d operations: %v", len(kinds), kinds)
	}
}
