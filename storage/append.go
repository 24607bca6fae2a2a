package storage

import (
	"errors"
	"fmt"
	"math"

	"github.com/sordini/sordini/protocol/batch"
)

// Append appends validated batches in order, with one write for all that go into one segment. Each Append
// gets its own Result: refused sequences and duplicates do not disturb the others. The error is not nil only
// when nothing was written because of I/O; then every Result that would have been written carries it too.
//
// The bytes belong to the caller again when Append returns. Under Batch durability, and when
// flush.messages is reached, they are synced before.
func (l *Log) Append(nowMs int64, leaderEpoch int32, appends []*Append) error {
	config := l.config.Load()
	if config.LogAppendTime {
		stamp(nowMs, appends)
	}
	l.mu.Lock()
	before := l.end.Load()
	err := l.appendLocked(config, nowMs, leaderEpoch, appends)
	end := l.end.Load()
	generation := l.durableGeneration() // under the lock: a truncation changes both
	l.mu.Unlock()
	if end == before {
		return err
	}
	l.changed.Store(true)
	switch {
	case config.Durability == DurabilityBatch || end-l.durable.flushed.Load() >= config.FlushMessages:
		if err := l.dir.syncer.sync([]*Log{l}); err != nil {
			return refuseAll(appends, err) // what was written may be there or not after a restart
		}
	case config.Durability == DurabilityGroup:
		l.dir.syncer.wake(l)
	case l.unsyncedTooMuch(config):
		l.raiseDurable(end, generation)
		l.dir.syncer.wake(l)
	default:
		if wait := l.flushWithinMs(config); wait < math.MaxInt64 {
			l.dir.syncer.wakeWithin(l, wait)
		}
		l.raiseDurable(end, generation)
	}
	return nil
}

// stamp gives batches the broker's time. Validation has done so for clients' batches, and it has to happen
// outside of the lock, for it computes a checksum.
func stamp(nowMs int64, appends []*Append) {
	for _, a := range appends {
		if a.Origin != Replica && !a.Batch.IsLogAppendTime() && !a.Batch.IsControl() {
			a.Batch.StampLogAppendTime(nowMs)
		}
	}
}

// unsyncedTooMuch looks at the active segment alone: the ones before are synced when they are closed.
func (l *Log) unsyncedTooMuch(config *LogConfig) bool {
	limit := l.dir.config.SyncIntervalBytes
	if config.Durability != DurabilityInterval || limit <= 0 {
		return false
	}
	active := l.active()
	return active.size.Load()-active.synced.Load() >= limit
}

func (l *Log) flushWithinMs(config *LogConfig) int64 {
	if config.Durability == DurabilityInterval {
		return min(config.FlushMs, l.dir.config.SyncIntervalMs)
	}
	return config.FlushMs
}

// appendLocked goes through the batches and writes whenever a segment is full, and at the end.
func (l *Log) appendLocked(config *LogConfig, nowMs int64, leaderEpoch int32, appends []*Append) error {
	if err := l.usable(); err != nil {
		return refuseAll(appends, err)
	}
	if err := l.dir.mayGrow(config); err != nil {
		return refuseAll(appends, err)
	}
	if l.mu.tailDirty {
		if err := l.cleanTailLocked(); err != nil {
			return refuseAll(appends, err)
		}
	}
	l.mu.producers.Begin()
	l.mu.bufs, l.mu.pending = l.mu.bufs[:0], l.mu.pending[:0]
	active := l.active()
	next, queued, wrote := l.end.Load(), int64(0), false
	for i, a := range appends {
		if !l.admitLocked(a, next) {
			continue
		}
		if active.shouldRoll(config, nowMs, queued, a.Batch, next) {
			if err := l.writeLocked(config, nowMs, active); err != nil {
				return l.partly(wrote, appends[i:], err)
			}
			wrote = wrote || queued > 0
			var err error
			if active, err = l.rollLocked(nowMs, next); err != nil {
				return l.partly(wrote, appends[i:], err)
			}
			queued = 0
		}
		l.placeLocked(a, nowMs, leaderEpoch, next)
		next, queued = a.Batch.NextOffset(), queued+int64(len(a.Batch))
	}
	if err := l.writeLocked(config, nowMs, active); err != nil {
		return l.partly(wrote, nil, err)
	}
	l.mu.producers.Commit()
	return nil
}

// admitLocked says whether a batch is to be appended; when not, its Result is complete.
func (l *Log) admitLocked(a *Append, next int64) bool {
	a.Result = Result{BaseOffset: -1, LogAppendTimeMs: -1, LogStartOffset: l.start.Load()}
	// A gap that compaction has left can be as wide as a segment's offsets.
	if base := a.Batch.BaseOffset(); a.Origin == Replica && (base < next || base-next > math.MaxInt32-int64(a.Batch.LastOffsetDelta())) {
		a.Result.Err = fmt.Errorf("append batch at offset %d to a log that ends at %d: %w", a.Batch.BaseOffset(), next,
			ErrOffsetOutOfRange)
		return false
	}
	if a.Batch.LastOffsetDelta() < 0 || next > math.MaxInt64-math.MaxInt32-1 {
		a.Result.Err = fmt.Errorf("append batch with last offset delta %d at %d: %w", a.Batch.LastOffsetDelta(), next,
			batch.ErrCorrupt)
		return false
	}
	if !a.Batch.HasProducerID() {
		return true
	}
	b := a.producerBatch(a.Batch.BaseOffset())
	duplicate, refused := l.mu.producers.Check(&b, a.Origin)
	if refused != nil {
		a.Result.Err = refused
		return false
	}
	if duplicate != nil {
		if duplicate.BaseOffset >= l.end.Load() {
			l.mu.pending = append(l.mu.pending, a) // of a batch of this turn: if that is not written, this is not stored
		}
		a.Result.BaseOffset, a.Result.Duplicate = duplicate.BaseOffset, true
		if a.Batch.IsLogAppendTime() {
			a.Result.LogAppendTimeMs = duplicate.Timestamp
		}
		return false
	}
	return true
}

// placeLocked gives a batch its offset and queues it for the write.
func (l *Log) placeLocked(a *Append, nowMs int64, leaderEpoch int32, next int64) {
	if a.Origin != Replica {
		a.Batch.SetBaseOffset(next)
		a.Batch.SetPartitionLeaderEpoch(leaderEpoch)
	}
	a.Result.BaseOffset = a.Batch.BaseOffset()
	if a.Batch.IsLogAppendTime() {
		a.Result.LogAppendTimeMs = a.Batch.MaxTimestamp()
	}
	if a.Batch.HasProducerID() {
		b := a.producerBatch(a.Result.BaseOffset)
		if done, ended := l.mu.producers.Apply(&b, nowMs); ended {
			l.mu.ended = append(l.mu.ended, done)
		}
	}
	l.mu.bufs = append(l.mu.bufs, a.Batch)
	l.mu.pending = append(l.mu.pending, a)
}

// writeLocked writes what is queued to the active segment, and makes it visible. On failure it takes back
// everything since the last write.
func (l *Log) writeLocked(config *LogConfig, nowMs int64, active *segment) error {
	if len(l.mu.bufs) == 0 {
		return nil
	}
	at, n := active.size.Load(), int64(0)
	for _, b := range l.mu.bufs {
		n += int64(len(b))
	}
	err := l.writeAtLocked(config, active, at, n)
	if isTooLarge(err) && at > 0 {
		// The process may not have larger files (ulimit -f): the segment is what fits, and the next one takes what is queued.
		l.mu.tailDirty = true
		l.dir.saySmallFiles(at+n, config.SegmentBytes)
		if active, err = l.rollLocked(nowMs, l.end.Load()); err == nil {
			at = 0
			err = l.writeAtLocked(config, active, at, n)
		}
	}
	if err != nil {
		return l.undoLocked(err, n)
	}
	active.publish(l.mu.bufs, at, int64(config.IndexIntervalBytes), nowMs)
	l.noteEpochsLocked()
	l.noteEndedLocked()
	l.noteUnstableLocked()
	l.end.Store(batch.Batch(l.mu.bufs[len(l.mu.bufs)-1]).NextOffset())
	clear(l.mu.bufs) // the bytes are the caller's again
	clear(l.mu.pending)
	l.mu.bufs, l.mu.pending = l.mu.bufs[:0], l.mu.pending[:0]
	l.mu.producers.Begin()
	return nil
}

// writeAtLocked writes the n bytes that are queued. A vital log that finds no room tries again with that of the reserve.
func (l *Log) writeAtLocked(config *LogConfig, active *segment, at, n int64) error {
	h := active.handle.Load()
	l.preallocateLocked(h, at, n)
	_, err := h.file.WriteVAt(l.mu.bufs, at)
	if isDiskFull(err) && config.Vital && l.dir.releaseReserve(err) {
		_, err = h.file.WriteVAt(l.mu.bufs, at)
	}
	return err
}

// undoLocked takes back a failed write: the producers' states and the bytes that may have been written. A disk that only has no room, or a
// process that may not have more or larger files, is no reason to give the directory up.
func (l *Log) undoLocked(cause error, n int64) error {
	l.mu.producers.Rollback()
	l.mu.ended = l.mu.ended[:0]
	l.mu.tailDirty = true
	err := fmt.Errorf("append to segment %d: %w", l.active().base, cause)
	if isDiskFull(cause) {
		err = fmt.Errorf("append to segment %d: %w: %w", l.active().base, ErrDiskFull, cause)
	}
	for _, a := range l.mu.pending {
		a.Result = Result{BaseOffset: -1, LogAppendTimeMs: -1, LogStartOffset: l.start.Load(), Err: err}
	}
	clear(l.mu.bufs)
	clear(l.mu.pending)
	l.mu.bufs, l.mu.pending = l.mu.bufs[:0], l.mu.pending[:0]
	switch {
	case isDiskFull(cause):
		l.dir.diskFull(err, n)
	case isTooLarge(cause), isOutOfFiles(cause):
	default:
		l.dir.fail(err)
		return err
	}
	return errors.Join(err, l.cleanTailLocked())
}

// cleanTailLocked removes what a failed write left behind the last whole batch. Until that has worked
// nothing may be written there: a shorter batch over a longer one would leave bytes that recovery could take for a
// batch.
func (l *Log) cleanTailLocked() error {
	active := l.active()
	if err := active.handle.Load().file.Truncate(active.size.Load()); err != nil {
		return fmt.Errorf("cut segment %d after a failed write: %w", active.base, err)
	}
	l.mu.tailDirty, l.mu.allocated = false, 0
	return nil
}

// partly ends an Append that failed. Batches before the failure are in the log, and so it was no failure of
// everything.
func (l *Log) partly(wrote bool, rest []*Append, err error) error {
	_ = refuseAll(rest, err)
	if wrote {
		return nil
	}
	return err
}

func refuseAll(appends []*Append, err error) error {
	for _, a := range appends {
		a.Result = Result{BaseOffset: -1, LogAppendTimeMs: -1, LogStartOffset: -1, Err: err}
	}
	return err
}

// noteEpochsLocked extends the leader-epoch history by what was just written.
func (l *Log) noteEpochsLocked() {
	for _, b := range l.mu.bufs {
		b := batch.Batch(b)
		if epochs := *l.epochs.Load(); b.PartitionLeaderEpoch() >= 0 && (len(epochs) == 0 || b.PartitionLeaderEpoch() > epochs[len(epochs)-1].Epoch) {
			longer := assignEpoch(epochs, b.PartitionLeaderEpoch(), b.BaseOffset())
			l.epochs.Store(&longer)
		}
	}
}
