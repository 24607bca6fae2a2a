package inspect

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
)

func TestAWholeLogHasNoFindings(t *testing.T) {
	dir := partition(t, filepath.Join(t.TempDir(), "orders-0"), map[int64][]byte{
		0: join(legacyMessage(0, 0, 0, nil, []byte("old")), wrapper(t, 3), plainBatch(t, 4, 3)),
		7: join(batchOf(t, 7, 3, batch.Options{Codec: codec.Zstd}), batchOf(t, 15, 2, batch.Options{Codec: codec.LZ4})), // a compacted log has gaps
		// An empty last segment is ordinary.
		40: nil,
	})
	lines, totals := verified(t, dir)
	wantLines(t, lines)
	if totals.Segments != 3 || totals.Batches != 5 || totals.Records != 1+3+3+3+2 {
		t.Errorf("%+v", totals)
	}
}

func TestDamageIsReportedWithItsPlace(t *testing.T) {
	first, second := plainBatch(t, 0, 3), plainBatch(t, 3, 2)
	a := len(first)
	flipped := join(first, second)
	flipped[a+65] ^= 1
	short := join(first, second)[:a+20]
	lost := join(first, second, plainBatch(t, 5, 1))
	lost[a+16] = 77
	for name, c := range map[string]struct {
		segments map[int64][]byte
		want     []string
	}{
		"a wrong checksum": {map[int64][]byte{0: flipped}, []string{
			fmt.Sprintf("corrupt 00000000000000000000.log %d+%d offsets 3-4: wrong checksum: the header says %d", a, len(second), batch.Batch(second).CRC())}},
		"a torn tail": {map[int64][]byte{0: short}, []string{
			fmt.Sprintf("torn-tail 00000000000000000000.log %d+20 offsets 3--1: a batch of %d bytes, and 20 are left", a, len(second))}},
		"a segment that ends early in the middle of the log": {map[int64][]byte{0: short, 5: plainBatch(t, 5, 1)}, []string{
			fmt.Sprintf("corrupt 00000000000000000000.log %d+20 offsets 3--1: a batch of %d bytes, and 20 are left", a, len(second))}},
		"bytes that are no batch": {map[int64][]byte{0: lost}, []string{
			fmt.Sprintf("corrupt 00000000000000000000.log %d+%d offsets 3-4: unknown magic 77", a, len(second))}},
		"offsets that go back": {map[int64][]byte{0: join(first, plainBatch(t, 1, 1), second)}, []string{
			fmt.Sprintf("order 00000000000000000000.log %d+%d offsets 1-1: offset 1, and at least 3 was due", a, len(plainBatch(t, 1, 1)))}},
		"segments that overlap": {map[int64][]byte{0: join(first, second), 4: plainBatch(t, 5, 1)}, []string{
			"order 00000000000000000004.log -1+-1 offsets -1--1: it begins at offset 4 by its name, and the segment before it ends at 4"}},
		"a segment of another log": {map[int64][]byte{100: first}, []string{
			fmt.Sprintf("order 00000000000000000100.log 0+%d offsets 0-2: offsets 0 to 2 in a segment that begins at 100", a)}},
	} {
		t.Run(name, func(t *testing.T) {
			lines, _ := verified(t, partition(t, filepath.Join(t.TempDir(), "orders-0"), c.segments))
			wantLines(t, lines, c.want...)
		})
	}
}

// A checksum that fits does not make records readable.
func TestRecordsAreReadToTheEnd(t *testing.T) {
	seal := func(b batch.Batch) batch.Batch {
		b.RecomputeCRC()
		return b
	}
	counted := batch.Batch(plainBatch(t, 0, 3))
	binary.BigEndian.PutUint32(counted[57:], 2)
	many := batch.Batch(plainBatch(t, 0, 3))
	binary.BigEndian.PutUint32(many[57:], 2000)
	packed := batch.Batch(batchOf(t, 0, 50, batch.Options{Codec: codec.Gzip}))
	copy(packed[len(packed)-20:], make([]byte, 12))
	inner := wrapper(t, 2)
	for name, c := range map[string]struct {
		segment []byte
		want    string
	}{
		"fewer records than there are": {seal(counted), "the checksum is right, but record 2: "},
		"more records than offsets":    {seal(many), "2000 records at offsets 0 to 2"},
		"compressed rubbish":           {seal(packed), "the checksum is right, but record 0: decompress the batch at offset 0: "},
	} {
		t.Run(name, func(t *testing.T) {
			lines, _ := verified(t, partition(t, filepath.Join(t.TempDir(), "orders-0"), map[int64][]byte{0: c.segment}))
			want := fmt.Sprintf("records 00000000000000000000.log 0+%d offsets ", len(c.segment))
			if len(lines) != 1 || lines[0][:len(want)] != want || !strings.Contains(lines[0], c.want) {
				t.Errorf("%q, want %q", lines, c.want)
			}
		})
	}
	// A wrapper whose own checksum is right, around a message whose is wrong.
	broken := brokenWrapper(t, inner)
	lines, _ := verified(t, partition(t, filepath.Join(t.TempDir(), "orders-0"), map[int64][]byte{0: broken}))
	if len(lines) != 1 || !strings.Contains(lines[0], "wrong checksum of the message at offset 0 in a wrapper") {
		t.Errorf("%q", lines)
	}
}

func brokenWrapper(tb testing.TB, whole []byte) []byte {
	tb.Helper()
	_, value, _ := message(whole).keyValue()
	inner, err := codec.Decompress(nil, value, codec.Gzip, 1<<20)
	if err != nil {
		tb.Fatal(err)
	}
	inner[len(inner)-1] ^= 1 // the last message
	binary.BigEndian.PutUint32(inner[12:], crc32.ChecksumIEEE(inner[16:40]))
	packed, err := codec.Compress(nil, inner, codec.Gzip, codec.DefaultLevel)
	if err != nil {
		tb.Fatal(err)
	}
	return legacyMessage(1, byte(codec.Gzip), 2, nil, packed)
}

func TestTheTopicIDsOfATopicAgree(t *testing.T) {
	dir := t.TempDir()
	write := func(text string, path ...string) {
		file := filepath.Join(append([]string{dir}, path...)...)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("version=1\nnode.id=-3\ncluster.id=abc\n", "meta.properties")
	write("version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ\n", "orders-0", "partition.metadata")
	write("version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAg\n", "orders-1", "partition.metadata")
	write("version: 7\n", "paid-0", "partition.metadata")
	write("", "quiet-0", "00000000000000000000.log")
	write("", "gone-0.0123-delete", "00000000000000000000.log")

	found, err := Find([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	CheckMeta(&found.DataDirs[0], found.Partitions, func(f Finding) {
		rel, _ := filepath.Rel(dir, filepath.Join(f.Dir, f.File))
		lines = append(lines, string(f.Kind)+" "+rel)
	})
	wantLines(t, lines, "metadata meta.properties", "note gone-0.0123-delete", "metadata orders-1/partition.metadata", "metadata paid-0/partition.metadata",
		"note quiet-0/partition.metadata")
}
