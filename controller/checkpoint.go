package controller

import (
	"iter"

	"github.com/sordini/sordini/controller/image"
	"github.com/sordini/sordini/controller/record"
)

// checkpointBlockRecords is how many records a block of a checkpoint holds: some ten to hundred kilobytes, so
// that loading needs no large buffers.
const checkpointBlockRecords = 1000

// maybeCheckpoint files the committed image away when enough of the log lies behind the last checkpoint. The loop
// waits for it: some tens of milliseconds for ten thousand topics.
func (l *loop) maybeCheckpoint() error {
	cfg := &l.service.cfg
	if l.sinceEntries < cfg.CheckpointEntries && l.sinceBytes < cfg.CheckpointBytes {
		return nil
	}
	if err := l.node.Checkpoint(imageBlocks(l.committed)); err != nil {
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
		for r := range img.Records() {
			records = append(records, r)
			if len(records) < checkpointBlockRecords {
				continue
			}
			block = record.AppendList(block[:0], records)
			if !yield(block) {
				return
			}
			records = records[:0]
		}
		if len(records) > 0 {
			yield(record.AppendList(block[:0], records))
		}
	}
}
