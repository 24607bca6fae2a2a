package storage

import (
	"fmt"
	"slices"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/storage/index"
	"github.com/sordini/sordini/storage/producer"
)

// Truncate removes everything at and above offset. A batch that contains the offset goes as a whole. The
// log stands still meanwhile. When Truncate returns, the removed records do not come back.
func (l *Log) Truncate(offset int64) error {
	if err := l.dir.enter(); err != nil {
		return err
	}
	defer l.dir.leave()
	l.upkeep.Lock()
	defer l.upkeep.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	if offset >= l.end.Load() {
		return nil
	}
	if offset < l.start.Load() {
		return fmt.Errorf("truncate log %s to %d, it begins at %d: %w", l.name, offset, l.start.Load(), ErrOffsetOutOfRange)
	}
	segs := *l.segments.Load()
	i := findSegment(segs, offset)
	end, pos, err := l.cutPoint(segs[i], offset)
	if err != nil {
		return err
	}
	end = max(end, l.start.Load()) // the log start can lie inside of a batch
	epochs := truncateEpochsEnd(*l.epochs.Load(), end)
	aborted, err := l.abortedBelow(end)
	if err != nil {
		return err
	}
	_, err = segs[i].activate(&l.dir.files) // before anything has changed, for there may be no descriptor
	if err == nil {
		err = l.forgetFrom(segs[i].base, end, epochs, aborted)
	}
	if err != nil {
		if segs[i] != l.active() {
			segs[i].pinned.Store(false)
			l.dir.files.add(segs[i])
		}
		return fmt.Errorf("truncate log %s to %d: %w", l.name, offset, err)
	}
	l.shrinkLocked(segs, i, end, pos, epochs)
	if err := l.cutFilesLocked(segs, i, pos); err != nil {
		err = fmt.Errorf("truncate log %s to %d: %w", l.name, offset, err)
		l.dir.fail(err)
		return err
	}
	if err := l.rebuildLocked(segs[i], end); err != nil {
		// The files are right, and what is in memory is not. A start reads it anew.
		err = fmt.Errorf("%w: truncate log %s to %d: %w", ErrOffline, l.name, offset, err)
		l.damage.Store(&err)
		return err
	}
	return nil
}

// cutPoint finds where the batch that contains offset, or the first one after it, begins, and what the log
// end is then.
func (l *Log) cutPoint(s *segment, offset int64) (end, pos int64, err error) {
	end, pos = offset, s.size.Load()
	found := false
	err = l.walk(s, offset, func(b batch.Batch, at int64) error {
		if !found {
			found, pos, end = true, at, min(offset, b.BaseOffset())
		}
		return errStopWalk
	})
	return end, pos, err
}

// forgetFrom takes out of the index what is about to leave the files.
func (l *Log) forgetFrom(base, end int64, epochs []index.Epoch, aborted []AbortedTxn) error {
	b := l.dir.index.NewBatch()
	b.DeleteSegmentsFrom(l.key, base)
	b.DeleteSnapshotsAbove(l.key, end)
	abortedEnd := int64(0)
	if n := len(aborted); n > 0 {
		abortedEnd = aborted[n-1].Last + 1
	}
	b.PutState(l.key, &index.LogState{
		LogStart: l.start.Load(), RecoveryPoint: min(l.mu.recovery, end), Epochs: epochs, AbortedEnd: abortedEnd,
	})
	if l.aborted.claimed > 0 || len(aborted) > 0 {
		b.DeleteAborted(l.key)
		b.PutAborted(l.key, aborted)
	}
	if err := b.Commit(true); err != nil {
		return err
	}
	l.aborted.inDatabase(abortedEnd, len(l.aborted.list()))
	l.mu.recovery = min(l.mu.recovery, end)
	l.lastSnapshot = min(l.lastSnapshot, end)
	return nil
}

// shrinkLocked changes what readers and the syncer see, before the files change.
func (l *Log) shrinkLocked(segs []*segment, i int, end, pos int64, epochs []index.Epoch) {
	l.durable.Lock()
	l.durable.generation++
	l.durable.offset.Store(min(l.durable.offset.Load(), end))
	l.durable.flushed.Store(min(l.durable.flushed.Load(), end))
	l.durable.Unlock()
	l.end.Store(end)
	l.cleanedTo.Store(min(l.cleanedTo.Load(), end))
	kept := slices.Clip(segs[:i+1])
	l.segments.Store(&kept)
	l.epochs.Store(&epochs)
	l.generation.Add(1)
	s := segs[i]
	l.changeDamaged(func(all []damagedRange) []damagedRange {
		return slices.DeleteFunc(all, func(r damagedRange) bool { return r.s == s && r.endPos > pos })
	})
	s.left.Store(false)
	s.size.Store(pos)
	s.synced.Store(min(s.synced.Load(), pos))
	l.changed.Store(true)
}

// cutFilesLocked unlinks the segments above, the last first, and cuts the one that becomes active.
func (l *Log) cutFilesLocked(segs []*segment, i int, pos int64) error {
	for _, s := range slices.Backward(segs[i+1:]) {
		s.removed.Store(true)
		s.close(&l.dir.files)
		if err := l.dir.fs.Remove(s.path); err != nil {
			return err
		}
	}
	s := segs[i]
	h, err := s.activate(&l.dir.files)
	if err != nil {
		return err
	}
	if err := h.file.Truncate(pos); err != nil {
		return err
	}
	l.mu.allocated, l.mu.noAlloc, l.mu.tailDirty = 0, false, false
	if err := h.file.SyncData(); err != nil {
		return err
	}
	return l.dir.syncDir(l.path)
}

// rebuildLocked recomputes from the remaining batches' headers what the log keeps in memory.
func (l *Log) rebuildLocked(s *segment, end int64) error {
	interval := int64(l.config.Load().IndexIntervalBytes)
	s.mu.Lock()
	modified := s.mu.facts.LastModifiedMs
	s.mu.facts = emptyFacts(s.base)
	s.mu.entries, s.mu.ends, s.mu.endsNext, s.mu.lastEntry = nil, nil, 0, 0
	s.mu.onDisk, s.mu.indexed, s.mu.indexSize = false, false, 0
	s.mu.Unlock()
	err := l.walk(s, s.base, func(b batch.Batch, pos int64) error {
		s.mu.Lock()
		s.noteLocked(b, pos, interval)
		s.mu.Unlock()
		return nil
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.mu.facts.LastModifiedMs, s.mu.facts.NextOffset, s.mu.facts.Size = modified, end, s.size.Load()
	s.mu.Unlock()
	return l.replayProducersLocked(end)
}

// replayProducersLocked rebuilds the producer table from the newest snapshot and the batches after it.
func (l *Log) replayProducersLocked(end int64) error {
	known, err := l.dir.index.Load(l.key)
	if err != nil && !index.IsCorrupt(err) {
		return fmt.Errorf("load producers of %s: %w", l.name, err)
	}
	table, from := producer.NewTable(), int64(0)
	for _, snapshot := range slices.Backward(known.Snapshots) {
		if snapshot.Offset > end {
			continue
		}
		if t, err := producer.ReadSnapshot(snapshot.Bytes); err == nil {
			table, from = t, snapshot.Offset
			break
		}
	}
	for _, s := range *l.segments.Load() {
		if s.info().NextOffset <= from {
			continue
		}
		err := l.walk(s, max(from, s.base), func(b batch.Batch, _ int64) error {
			if b.HasProducerID() && b.BaseOffset() >= from {
				pb := producerBatch(b, b.BaseOffset())
				table.Apply(&pb, l.dir.config.Clock())
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	l.mu.producers = table
	l.mu.ending = slices.DeleteFunc(l.mu.ending, func(c producer.Completed) bool { return c.LastOffset >= end })
	l.endings.Store(int32(len(l.mu.ending)))
	l.noteUnstableLocked()
	return nil
}
