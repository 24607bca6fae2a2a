package storage

import (
	"errors"
	"io"
	"testing"

	"github.com/sordini/sordini/storage/vfs"
)

// FuzzScanner feeds any bytes to the scanner: it must stop, not panic, and return only what is whole.
func FuzzScanner(f *testing.F) {
	one := spec{values: values("v", 3)}.build(f)
	two := spec{values: values("w", 2)}.build(f)
	two.SetBaseOffset(3)
	f.Add([]byte(one))
	f.Add(append(append([]byte(nil), one...), two...))
	f.Add(append(append([]byte(nil), one...), make([]byte, 100)...))
	fs := vfs.NewMemFS()
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := vfs.WriteFile(fs, "/f", b); err != nil {
			t.Fatal(err)
		}
		file, err := fs.OpenLogFile("/f", false)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		sc := newScanner(file, 0, 0, int64(len(b)), 0, nil)
		next := int64(0)
		for {
			before := sc.pos
			batch, err := sc.scan()
			if err != nil {
				if !errors.Is(err, io.EOF) && !errors.Is(err, errInvalid) {
					t.Fatalf("error %v", err)
				}
				return
			}
			if batch.BaseOffset() < next || batch.NextOffset() <= batch.BaseOffset() || !batch.ValidCRC() || sc.pos != before+int64(len(batch)) {
				t.Fatalf("batch %d..%d at %d", batch.BaseOffset(), batch.NextOffset(), before)
			}
			next = batch.NextOffset()
		}
	})
}
