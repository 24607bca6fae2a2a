package controller

import (
	"errors"
	"iter"

	"github.com/sordini/sordini/controller/image"
	"github.com/sordini/sordini/controller/quorum"
	"github.com/sordini/sordini/controller/record"
)

// A block of a checkpoint holds this many records or a little more than this many bytes, whichever comes first: some
// hundred kilobytes, so that loading needs no large buffers.
const (
	checkpointBlockRecords = 1000
	checkpointBlockBytes   = 256 << 10
)

// maybeCheckpoint files the committed image away when enough of the log lies behind the last checkpoint. The loop
// waits for it: some tens of milliseconds for ten thousand topics.
func (l *loop) maybeCheckpoint() error {
	cfg := &l.service.cfg
	if l.sinceEntries < cfg.CheckpointEntries && l.sinceBytes < cfg.CheckpointBytes {
		return nil
	}
	if cfg.Full != nil && cfg.Full() {
		return nil // the room that there is is for the log
	}
	err := l.node.Checkpoint(imageBlocks(l.committed))
	if errors.Is(err, quorum.ErrDiskFull) {
		// The log still has everything. Tried again, but not with every turn.
		l.service.log.Warn("metadata checkpoint is put off", "error", err)
		l.sinceEntries, l.sinceBytes = cfg.CheckpointEntries/2, cfg.CheckpointBytes/2
		return nil
	}
	if err != nil {
		return err
	}
	l.service.log.Debug("metadata checkpoint written", "offset", l.committed.Offset, "entries", l.sinceEntries)
	l.sinceEntries, l.sinceBytes = 0, 0
	return nil
}

// imageBlocks yields an image as encoded lists of records. The bytes are valid until the next one.
func imageBlocks(img *image.Image) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		var block []byte
		records := make([]record.Record, 0, checkpointBlockRecords)
		size := 0
		for r := range img.Records() {
			records = append(records, r)
			size += record.Size(r)
			if len(records) < checkpointBlockRecords && size < checkpointBlockBytes {
				continue
			}
			block = record.AppendList(block[:0], records)
			if !yield(block) {
				return
			}
			records, size = records[:0], 0
		}
		if len(records) > 0 {
			yield(record.AppendList(block[:0], records))
		}
	}
}
