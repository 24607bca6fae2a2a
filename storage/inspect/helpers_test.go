package inspect

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
)

const testTime = 1_700_000_000_000

// batchOf is a batch of n records from an offset on.
func batchOf(tb testing.TB, base int64, n int, opts batch.Options) []byte {
	tb.Helper()
	opts.BaseOffset = base
	b := batch.NewBuilder(opts)
	for i := range n {
		b.Add(testTime+int64(i), fmt.Appendf(nil, "key %d", i), fmt.Appendf(nil, "value %d", base+int64(i)), []batch.Header{{Key: "h", Value: []byte("v")}})
	}
	out, err := b.Build(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func plainBatch(tb testing.TB, base int64, n int) []byte {
	return batchOf(tb, base, n, batch.Options{})
}

// legacyMessage is a message of format 0 or 1.
func legacyMessage(magic int8, attributes byte, offset int64, key, value []byte) []byte {
	body := []byte{byte(magic), attributes}
	if magic == 1 {
		body = binary.BigEndian.AppendUint64(body, testTime)
	}
	for _, b := range [][]byte{key, value} {
		if b == nil {
			body = binary.BigEndian.AppendUint32(body, 0xffffffff)
			continue
		}
		body = append(binary.BigEndian.AppendUint32(body, uint32(len(b))), b...)
	}
	out := binary.BigEndian.AppendUint64(nil, uint64(offset))
	out = binary.BigEndian.AppendUint32(out, uint32(len(body)+4))
	out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(body))
	return append(out, body...)
}

// wrapper is a compressed message of format 1 around three others, whose offsets end at last.
func wrapper(tb testing.TB, last int64) []byte {
	tb.Helper()
	var inner []byte
	for i := range 3 {
		inner = append(inner, legacyMessage(1, 0, int64(i), nil, fmt.Appendf(nil, "inner %d", i))...)
	}
	packed, err := codec.Compress(nil, inner, codec.Gzip, codec.DefaultLevel)
	if err != nil {
		tb.Fatal(err)
	}
	return legacyMessage(1, byte(codec.Gzip), last, nil, packed)
}

// join puts batches one behind another.
func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// steps goes over a segment and notes what a Scanner says, a line a step.
func steps(tb testing.TB, segment []byte, opts Options) (lines []string) {
	tb.Helper()
	s := NewScanner(bytes.NewReader(segment), int64(len(segment)), opts)
	for s.Next() {
		if g := s.Gap(); g != nil {
			lines = append(lines, fmt.Sprintf("gap %d-%d torn=%t from %d", g.Position, g.End, g.Torn, g.FromOffset))
			continue
		}
		b := s.Batch()
		lines = append(lines, fmt.Sprintf("batch %d-%d at %d valid=%t", b.BaseOffset, b.LastOffset, b.Position, b.ValidCRC))
	}
	if s.Err() != nil {
		tb.Fatal(s.Err())
	}
	return lines
}

// partition writes segments into a directory: contents by base offset.
func partition(tb testing.TB, dir string, segments map[int64][]byte) string {
	tb.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	for base, b := range segments {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%020d.log", base)), b, 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

// verified is what verification finds in a directory or file, a line a finding.
func verified(tb testing.TB, path string) (lines []string, totals Totals) {
	tb.Helper()
	found, err := Find([]string{path})
	if err != nil {
		tb.Fatal(err)
	}
	v := &Verifier{Report: func(f Finding) {
		lines = append(lines, fmt.Sprintf("%s %s %d+%d offsets %d-%d: %s", f.Kind, f.File, f.Position, f.Bytes, f.FromOffset, f.ToOffset, f.Reason))
	}}
	for i := range found.Partitions {
		if err := v.Partition(context.Background(), &found.Partitions[i]); err != nil {
			tb.Fatal(err)
		}
	}
	return lines, v.Totals
}
