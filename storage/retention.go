package storage

import (
	"errors"
	"fmt"

	"github.com/sordini/sordini/storage/index"
)

// Retained is what one pass of retention did.
type Retained struct {
	Segments int
	Bytes    int64
	// Producers is how many idle producer ids were forgotten.
	Producers int
}

// RunRetention goes over all logs once: it deletes whole segments that are too old, too much, or below the
// log start, forgets idle producers, and then writes the checkpoints. Only what is durable is deleted. An error of
// one log does not keep the others from their turn.
func (d *Dir) RunRetention(nowMs int64) (Retained, error) {
	var sum Retained
	var errs []error
	if err := d.enter(); err != nil {
		return sum, err
	}
	defer d.leave()
	for _, l := range d.openLogs() {
		if err := d.failure(); err != nil {
			return sum, errors.Join(append(errs, err)...)
		}
		r, err := l.retain(nowMs)
		if err != nil && !errors.Is(err, ErrClosed) {
			errs = append(errs, fmt.Errorf("retention of %s: %w", l.name, err))
		}
		sum.Segments += r.Segments
		sum.Bytes += r.Bytes
		sum.Producers += r.Producers
	}
	d.checkRoom()
	return sum, errors.Join(append(errs, d.checkpoint())...)
}

func (l *Log) retain(nowMs int64) (Retained, error) {
	l.upkeep.Lock()
	defer l.upkeep.Unlock()
	if err := l.usable(); err != nil {
		return Retained{}, err
	}
	config := l.config.Load()
	start := l.retentionStart(config, nowMs)
	out, err := l.advanceStart(start, nowMs)
	l.mu.Lock()
	out.Producers = l.mu.producers.Expire(nowMs, config.ProducerIDExpirationMs)
	l.mu.Unlock()
	if out.Producers > 0 {
		l.changed.Store(true)
	}
	return out, err
}

// retentionStart is where the log should begin: at the first segment that no limit condemns. Segments go
// from the oldest on, and the first that stays protects all behind it.
func (l *Log) retentionStart(config *LogConfig, nowMs int64) int64 {
	start := l.start.Load()
	if !config.Delete {
		return start
	}
	durable := l.durable.offset.Load()
	segs := *l.segments.Load()
	total := int64(0)
	for _, s := range segs {
		total += s.size.Load()
	}
	for _, s := range segs {
		facts := s.info()
		size := s.size.Load()
		if size == 0 || facts.NextOffset > durable {
			break
		}
		old := config.RetentionMs >= 0 && olderThan(nowMs, facts.MaxTimestamp, facts.LastModifiedMs, config.RetentionMs)
		// Kafka keeps a segment if the log would fall below the limit without it.
		much := config.RetentionBytes >= 0 && total-config.RetentionBytes >= size
		if !old && !much {
			break
		}
		total -= size
		start = max(start, facts.NextOffset)
	}
	return start
}

// olderThan compares a segment's age with a limit. Its age counts from its newest record, or from its last
// write when records have no timestamps. Far times do not overflow.
func olderThan(nowMs, maxTimestamp, modifiedMs, limitMs int64) bool {
	newest := maxTimestamp
	if newest < 0 {
		newest = modifiedMs
	}
	return nowMs > newest && nowMs-newest > limitMs
}

// DeleteRecords raises the log start to an offset. It is durable when it returns. Segments that lie wholly
// below are deleted.
func (l *Log) DeleteRecords(before int64) error {
	if err := l.dir.enter(); err != nil {
		return err
	}
	defer l.dir.leave()
	l.upkeep.Lock()
	defer l.upkeep.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	if before > l.end.Load() {
		return ErrOffsetOutOfRange
	}
	if before <= l.start.Load() {
		return nil
	}
	_, err := l.advanceStart(before, l.dir.config.Clock())
	return err
}

// advanceStart raises the log start and removes the segments below it, from the index first. When nothing
// of the active segment is left, a new one takes its place. The caller holds upkeep.
func (l *Log) advanceStart(start, nowMs int64) (Retained, error) {
	if err := l.rollIfBelow(start, nowMs); err != nil {
		return Retained{}, err
	}
	segs := *l.segments.Load()
	n := 0
	for n+1 < len(segs) && segs[n+1].base <= start {
		n++
	}
	if n == 0 && start <= l.start.Load() {
		return Retained{}, nil
	}
	l.mu.Lock()
	epochs := truncateEpochsStart(*l.epochs.Load(), start)
	recovery := l.mu.recovery // a log start above it does not raise it: nobody has synced what lies between
	l.mu.Unlock()
	b := l.dir.index.NewBatch()
	b.PutState(l.key, &index.LogState{LogStart: start, RecoveryPoint: recovery, Epochs: epochs, AbortedEnd: l.aborted.claimed})
	for _, s := range segs[:n] {
		b.DeleteSegment(l.key, s.base)
	}
	if l.aborted.stored.Load() > 0 {
		if err := b.DeleteAbortedBelow(l.key, start); err != nil && !index.IsCorrupt(err) { // who meets the damage makes them anew
			b.Discard()
			return Retained{}, err
		}
	}
	if err := b.Commit(true); err != nil {
		return Retained{}, err
	}
	return l.dropHead(start), nil
}

func (l *Log) rollIfBelow(start, nowMs int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	end := l.end.Load()
	if start < end || l.active().size.Load() == 0 {
		return nil
	}
	_, err := l.rollLocked(nowMs, end)
	return err
}

// dropHead takes the segments below the log start out of the log and unlinks them in the background, after file.delete.delay.ms, or at
// once where the disk is full.
func (l *Log) dropHead(start int64) Retained {
	var out Retained
	delayMs := l.config.Load().FileDeleteDelayMs
	if l.dir.DiskFull() {
		delayMs = 0
	}
	l.mu.Lock()
	segs := *l.segments.Load()
	n := 0
	for n+1 < len(segs) && segs[n+1].base <= start {
		n++
	}
	rest := append([]*segment(nil), segs[n:]...)
	epochs := truncateEpochsStart(*l.epochs.Load(), start)
	l.start.Store(max(l.start.Load(), start))
	l.segments.Store(&rest)
	l.epochs.Store(&epochs)
	l.mu.Unlock()
	for _, s := range segs[:n] {
		out.Segments++
		out.Bytes += s.size.Load()
		s.removed.Store(true)
		s.close(&l.dir.files)
		l.dir.work.addAfter(delayMs, func() { l.unlink(s) })
	}
	l.changed.Store(true)
	return out
}

// unlink removes the file of a segment that is not the log's any more. With the log itself deleted its name may be another log's.
func (l *Log) unlink(s *segment) {
	l.upkeep.Lock()
	defer l.upkeep.Unlock()
	if l.deleted.Load() {
		return
	}
	if err := l.dir.fs.Remove(s.path); err != nil {
		l.dir.config.Logger.Warn("segment is not unlinked", "path", s.path, "error", err)
	}
}
