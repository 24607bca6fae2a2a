package inspect

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
)

// FuzzScanner: whatever the bytes, the steps cover the file from end to end, batches lie where they say, and records end.
func FuzzScanner(f *testing.F) {
	whole := join(plainBatch(f, 5, 3), batchOf(f, 8, 4, batch.Options{Codec: codec.Snappy}), legacyMessage(0, 0, 12, nil, []byte("v")), wrapper(f, 15), plainBatch(f, 16, 1))
	f.Add(whole, int64(5), false)
	f.Add(whole[:len(whole)-7], int64(5), false)
	f.Add(append(bytes.Clone(whole), make([]byte, 100)...), int64(-1), true)
	damaged := bytes.Clone(whole)
	damaged[len(plainBatch(f, 5, 3))+9] = 7
	f.Add(damaged, int64(0), false)
	f.Add([]byte{}, int64(0), true)
	f.Fuzz(func(t *testing.T, segment []byte, base int64, headersOnly bool) {
		limits := Limits{BatchBytes: 1 << 16, DecompressedBytes: 1 << 20}
		s := NewScanner(bytes.NewReader(segment), int64(len(segment)), Options{Limits: limits, HeadersOnly: headersOnly, Base: base})
		r := Reader{Limits: limits}
		pos := int64(0)
		for s.Next() {
			from, to := s.Batch().Position, s.Batch().Position+s.Batch().Size
			if g := s.Gap(); g != nil {
				from, to = g.Position, g.End
			} else if !headersOnly {
				_ = r.Each(s.Batch(), func(rec *Record) bool { return rec != nil })
			}
			if from != pos || to <= from || to > int64(len(segment)) || to != s.Position() {
				t.Fatalf("a step from %d to %d at %d of %d", from, to, pos, len(segment))
			}
			pos = to
		}
		if s.Err() != nil || pos != int64(len(segment)) {
			t.Fatalf("it ended at %d of %d: %v", pos, len(segment), s.Err())
		}
	})
}

// FuzzVerify: a directory of any bytes is verified and counted without an error.
func FuzzVerify(f *testing.F) {
	f.Add(join(plainBatch(f, 0, 3), wrapper(f, 6)), plainBatch(f, 7, 1), []byte("version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ\n"))
	f.Add(plainBatch(f, 9, 3), []byte{0}, []byte("version=1"))
	dir := filepath.Join(f.TempDir(), "orders-0")
	f.Fuzz(func(t *testing.T, first, second, meta []byte) {
		partition(t, dir, map[int64][]byte{0: first, 7: second})
		for path, b := range map[string][]byte{filepath.Join(dir, partitionFile): meta, filepath.Join(filepath.Dir(dir), metaFile): meta} {
			if err := os.WriteFile(path, b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		found, err := Find([]string{filepath.Dir(dir)})
		if err != nil {
			t.Fatal(err)
		}
		v := &Verifier{Limits: Limits{BatchBytes: 1 << 16, DecompressedBytes: 1 << 20}, Report: func(fi Finding) { _ = fi.String() }}
		CheckMeta(&found.DataDirs[0], found.Partitions, v.Report)
		if err := v.Partition(context.Background(), &found.Partitions[0]); err != nil {
			t.Fatal(err)
		}
		if _, err := StatPartition(context.Background(), &found.Partitions[0], len(meta)%2 == 0, v.Limits); err != nil {
			t.Fatal(err)
		}
	})
}
