package vfs

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
)

// BenchmarkSync makes 4 KiB each in several files durable: by one sync after the other, by several at a time, and by one of the whole file system;
// alone, and while 256 MiB that nobody waits for are dirty in another file. TMPDIR says on which disk.
func BenchmarkSync(b *testing.B) {
	for _, others := range []int{0, 256 << 20} {
		for _, files := range []int{1, 2, 4, 8, 16, 64, 256} {
			for _, way := range []string{"one-by-one", "eight-at-a-time", "syncfs"} {
				b.Run(fmt.Sprintf("others=%d/files=%d/%s", others>>20, files, way), func(b *testing.B) { benchSync(b, files, others, way) })
			}
		}
	}
}

func benchSync(b *testing.B, n, others int, way string) {
	dir := b.TempDir()
	whole, err := OS.OpenSyncer(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer whole.Close()
	open := func(name string) File {
		f, err := OS.OpenLogFile(filepath.Join(dir, name), true)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = f.Close() })
		return f
	}
	files := make([]File, n)
	for i := range files {
		files[i] = open(fmt.Sprint("f", i))
	}
	quiet := open("others")
	page, large := make([]byte, 4096), make([]byte, 1<<20)
	for pos := int64(0); b.Loop(); pos += int64(len(page)) {
		b.StopTimer()
		for at := 0; at < others; at += len(large) {
			if _, err := quiet.WriteVAt([][]byte{large}, int64(at)); err != nil {
				b.Fatal(err)
			}
		}
		for _, f := range files {
			if _, err := f.WriteVAt([][]byte{page}, pos); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		switch way {
		case "syncfs":
			err = whole.SyncFS()
		case "one-by-one":
			for _, f := range files {
				err = f.SyncData()
			}
		default:
			var all sync.WaitGroup
			for from := range min(8, n) {
				all.Go(func() {
					for i := from; i < n; i += 8 {
						if err := files[i].SyncData(); err != nil {
							b.Error(err)
						}
					}
				})
			}
			all.Wait()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
