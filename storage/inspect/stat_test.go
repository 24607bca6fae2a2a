package inspect

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
)

func TestStatisticsCountWhatIsThere(t *testing.T) {
	packed := batchOf(t, 4, 100, batch.Options{Codec: codec.Gzip, HasProducer: true, ProducerID: 9, BaseSequence: 0})
	tombstones := batch.NewBuilder(batch.Options{BaseOffset: 104})
	tombstones.Add(testTime-5, []byte("k"), nil, nil)
	tombstones.Add(testTime+5000, nil, []byte("v"), nil)
	last, err := tombstones.Build(nil)
	if err != nil {
		t.Fatal(err)
	}
	old := join(legacyMessage(0, 0, 0, nil, []byte("old")), wrapper(t, 3))
	dir := partition(t, filepath.Join(t.TempDir(), "orders-3"), map[int64][]byte{0: old, 4: join(packed, last)})
	found, err := Find([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	p := &found.Partitions[0]
	for _, deep := range []bool{false, true} {
		s, err := StatPartition(context.Background(), p, deep, DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		if s.Segments != 2 || s.Bytes != int64(len(old)+len(packed)+len(last)) || s.StartOffset != 0 || s.EndOffset != 106 || s.Batches != 4 || s.Records != 1+3+100+2 ||
			s.Producers != 1 || s.NewestMs != testTime+5000 || s.CodecBytes["gzip"] == 0 || s.CodecBytes["none"] == 0 || s.MagicBatches[0] != 1 || s.MagicBatches[1] != 1 || s.MagicBatches[2] != 2 {
			t.Errorf("deep=%t: %+v", deep, s)
		}
		if !deep {
			continue
		}
		if s.Tombstones != 1 || s.OldestMs != testTime-5 || s.UncompressedBytes <= s.BatchBytes || s.BadBatches != 0 {
			t.Errorf("deep: %+v", s)
		}
	}
}

func TestPathsLeadToSegments(t *testing.T) {
	data := t.TempDir()
	for _, name := range []string{"b-0", "a-10", "a-2", "a-2.00-delete"} {
		partition(t, filepath.Join(data, name), map[int64][]byte{0: nil, 7: nil})
	}
	found, err := Find([]string{data, filepath.Join(data, "a-2", "00000000000000000000.log"), filepath.Join(data, "a-2", "00000000000000000007.log")})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range found.Partitions {
		names = append(names, p.Name)
	}
	wantLines(t, names, "a-2", "a-10", "b-0", "a-2")
	wantLines(t, found.DataDirs[0].Skipped, "a-2.00-delete")
	if files := found.Partitions[3].Segments; len(files) != 2 || files[0].Last || !files[1].Last || files[1].Base != 7 {
		t.Errorf("%+v", files)
	}
	for _, wrong := range []string{filepath.Join(data, "missing"), t.TempDir()} {
		if _, err := Find([]string{wrong}); err == nil {
			t.Errorf("%s was taken", wrong)
		}
	}
}
