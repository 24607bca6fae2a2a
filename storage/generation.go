package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/sordini/sordini/storage/index"
	"github.com/sordini/sordini/storage/vfs"
)

// generationFile has the number of the directory's last opening, as the index has it. A number that the index does
// not know says that the index is a copy of another time, put there by a restore: segments may have been cut or
// compacted since, and its positions lie.
const generationFile = ".generation"

// checkGeneration compares the index with the directory, and forgets what an index of another time says. It
// returns the generation that this opening is to store.
func (d *Dir) checkGeneration(hasLogs bool) (index.Generation, error) {
	stored, err := d.index.Generation()
	if err != nil {
		return stored, err
	}
	file, err := d.readGeneration()
	if err != nil {
		return stored, err
	}
	d.lostIndex = d.lostIndex || stored.Rebuilding
	if hasLogs && file != stored.Current && file != stored.Before {
		d.config.Logger.Error("the index is of another time than the directory and will be rebuilt",
			"generation", file, "index_generation", stored.Current)
		d.lostIndex = true
		if err := d.index.ForgetAll(); err != nil {
			return stored, err
		}
	}
	return index.Generation{Current: max(file, stored.Current) + 1, Before: file, Rebuilding: d.lostIndex && hasLogs}, nil
}

// readGeneration returns 0 where there is no file, and -1, which no index knows, for one that makes no sense.
func (d *Dir) readGeneration() (int64, error) {
	b, err := vfs.ReadFile(d.fs, d.fs.PathJoin(d.path, generationFile), 64)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read generation: %w", err)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimLeft(string(b), "0")), 10, 64)
	if err != nil || n <= 0 {
		return -1, nil
	}
	return n, nil
}

// writeGeneration follows the commit of the same number. It overwrites in place, one sector, so that it needs no room.
func (d *Dir) writeGeneration(n int64) error {
	path := d.fs.PathJoin(d.path, generationFile)
	f, err := d.fs.OpenLogFile(path, true)
	if err != nil {
		return fmt.Errorf("write generation: %w", err)
	}
	size, err := f.Size()
	if err == nil {
		_, err = f.WriteVAt([][]byte{fmt.Appendf(nil, "%020d\n", n)}, 0)
	}
	if err == nil {
		err = f.SyncData()
	}
	err = errors.Join(err, f.Close())
	if err == nil && size == 0 {
		err = d.syncDir(d.path)
	}
	if err != nil {
		return fmt.Errorf("write generation: %w", err)
	}
	return nil
}

// endRebuilding takes the mark of a lost index away once every log that is on disk has been recovered and
// checkpointed.
func (d *Dir) endRebuilding() error {
	if !d.generation.Rebuilding {
		return nil
	}
	found, err := d.Logs()
	if err != nil {
		return err
	}
	for _, f := range found {
		if !f.Open {
			return nil
		}
	}
	done := d.generation
	done.Rebuilding = false
	b := d.index.NewBatch()
	b.SetGeneration(done)
	if err := b.Commit(true); err != nil {
		return err
	}
	d.generation = done
	return nil
}
