package index

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/sordini/sordini/storage/vfs"
)

// flipped returns the file system with one bit of a file changed.
func flipped(t *testing.T, mem *vfs.MemFS, path string, at int64, bit byte) *vfs.MemFS {
	t.Helper()
	clone := mem.CrashClone(100, nil)
	f, err := clone.OpenLogFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= bit
	if _, err := f.WriteVAt([][]byte{b[:]}, at); err != nil {
		t.Fatal(err)
	}
	return clone
}

// Reading a damaged table ended the goroutine that read, which for the one that opened logs was the end of the start; and a
// wrong byte in a file of options kept the broker from starting at all.
func TestEveryDamageIsAnErrorThatHeals(t *testing.T) {
	mem := vfs.NewMemFS()
	d := openDB(t, mem)
	for i := range 1200 {
		b := d.NewBatch()
		b.PutSnapshot(Key{Partition: int32(i)}, Snapshot{int64(i), bytes.Repeat([]byte{byte(i)}, 1000)}, 0)
		b.PutState(Key{Partition: int32(i)}, &LogState{LogStart: int64(i)})
		commit(t, b, false)
	}
	closeDB(t, d)
	names, err := mem.List("/index")
	if err != nil {
		t.Fatal(err)
	}
	var read, refused int
	for _, name := range names {
		info, err := mem.Stat("/index/" + name)
		if err != nil || info.Size() == 0 {
			continue
		}
		step := max(info.Size()/4, 1)
		if strings.HasPrefix(name, "OPTIONS") {
			step = 60
		}
		for at := int64(0); at < info.Size(); at += step {
			what := fmt.Sprintf("byte %d of %s", at, name)
			var fatal error
			d, err := Open(Config{FS: flipped(t, mem, "/index/"+name, at, 0x20), Path: "/index", OnFatal: func(err error) { fatal = err }})
			if err != nil {
				if refused++; !IsCorrupt(err) {
					t.Fatalf("%s: %v", what, err)
				}
				continue
			}
			for i := int32(0); i < 1200; i += 300 {
				got, err := d.Load(Key{Partition: i})
				if err != nil && !IsCorrupt(err) || fatal != nil {
					t.Fatalf("%s: load: %v, %v", what, err, fatal)
				}
				if err == nil && got.State != nil && got.State.LogStart != int64(i) {
					t.Fatalf("%s: partition %d has %+v", what, i, got.State)
				}
				read++
			}
			_ = d.Close()
		}
	}
	t.Logf("%d loads, %d refused to open", read, refused)
}
