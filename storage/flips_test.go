package storage

import (
	"errors"
	"fmt"
	"testing"

	"github.com/sordini/sordini/storage/vfs"
)

// TestEveryBitAboveTheRecoveryPoint flips each bit of the last three batches, which no checkpoint vouches for. A start cuts the log before
// the batch in question, or does not notice because the bit says nothing about records: it never has other records, nor others behind a gap.
func TestEveryBitAboveTheRecoveryPoint(t *testing.T) {
	fs, file, ends, records := tornLog(t)
	for bit := 8 * ends[4].pos; bit < 8*ends[7].pos; bit++ {
		at := bit / 8
		i := 5
		for ends[i].pos <= at {
			i++
		}
		inBatch := at - ends[i-1].pos
		if inBatch < 8 || inBatch >= 12 && inBatch < 16 {
			continue // base offset and leader epoch are in no checksum; TestEveryBitOfABatch has what can be said of the first
		}
		clone := damage(t, fs, file, func(f vfs.File) error {
			var b [1]byte
			if _, err := f.ReadAt(b[:], at); err != nil {
				return err
			}
			b[0] ^= 1 << (bit % 8)
			_, err := f.WriteVAt([][]byte{b[:]}, at)
			return err
		})
		want := ends[i-1].offset
		if err := checkCrashed(clone, testConfig(), worldState{records: records[:want]}, want); err != nil {
			t.Fatalf("bit %d of batch %d: %v", bit-8*ends[i-1].pos, i, err)
		}
	}
}

// TestEveryBitOfTheSmallFiles flips each bit of the files that say whose a directory and a partition are. The broker refuses them, or opens
// the log that it always was: it does not begin an empty one in its place.
func TestEveryBitOfTheSmallFiles(t *testing.T) {
	fs, _, _, records := tornLog(t)
	logPath := fmt.Sprintf("%s/%s", dataPath, testPartition.dirName())
	for _, path := range []string{dataPath + "/" + metaFile, dataPath + "/" + generationFile, logPath + "/" + partitionFile} {
		size := int64(len(fileBytes(t, fs, path)))
		refused, opened := 0, 0
		for bit := range 8 * size {
			clone := damage(t, fs, path, func(f vfs.File) error {
				var b [1]byte
				if _, err := f.ReadAt(b[:], bit/8); err != nil {
					return err
				}
				b[0] ^= 1 << (bit % 8)
				_, err := f.WriteVAt([][]byte{b[:]}, bit/8)
				return err
			})
			if _, err := ReadMeta(clone, dataPath); errors.Is(err, ErrNotFormatted) {
				t.Fatalf("bit %d of %s: the directory is taken for a new one", bit, path)
			}
			d, err := OpenDir(DirConfig{Path: dataPath, FS: clone})
			if err != nil {
				refused++
				continue
			}
			l, err := d.OpenLog(testPartition, testConfig())
			if err != nil {
				refused++
			} else {
				opened++
				if l.LogEndOffset() != int64(len(records)) {
					t.Fatalf("bit %d of %s: the log ends at %d, want %d", bit, path, l.LogEndOffset(), len(records))
				}
			}
			closeDir(t, d)
		}
		t.Logf("%s: %d refused, %d opened", path, refused, opened)
	}
}
