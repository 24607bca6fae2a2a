package storage

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"sync/atomic"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/storage/index"
	"github.com/sordini/sordini/storage/producer"
)

// AbortedTxn is a transaction that was aborted, as read_committed consumers are told.
type AbortedTxn = index.Aborted

// abortedTxns are the aborted transactions of a log, in the order of their markers: the newest in memory, those of before the
// last checkpoint in the database. Compaction changes none of them: a transaction of which nothing is left disturbs nobody.
type abortedTxns struct {
	// tail is only ever appended to, or replaced: a slice that was loaded stays as it is. Written under mu of the log.
	tail atomic.Pointer[[]AbortedTxn]
	// stored is the end offset of those in the database, 0 when there are none.
	stored atomic.Int64
	// claimed is what the log's state in the database says about stored. Under upkeep, as rewrite.
	claimed int64
	// rewrite: what is in the database is not right, and tail has everything.
	rewrite bool
}

func (a *abortedTxns) list() []AbortedTxn {
	if p := a.tail.Load(); p != nil {
		return *p
	}
	return nil
}

func (a *abortedTxns) set(all []AbortedTxn) { a.tail.Store(&all) }

// only makes all the only ones there are. The database follows with the next checkpoint.
func (a *abortedTxns) only(all []AbortedTxn) {
	a.rewrite = true
	a.stored.Store(0)
	a.set(all)
}

// end is what the database has when it has these too.
func (a *abortedTxns) end(tail []AbortedTxn) int64 {
	if n := len(tail); n > 0 {
		return tail[n-1].Last + 1
	}
	if a.rewrite {
		return 0
	}
	return a.claimed
}

// inDatabase takes the first n of the tail out of memory. The caller holds upkeep and mu.
func (a *abortedTxns) inDatabase(end int64, n int) {
	a.rewrite, a.claimed = false, end
	a.stored.Store(end) // before they leave the tail
	if n > 0 {
		a.set(slices.Clone(a.list()[n:]))
	}
}

// AbortedIn appends to dst the aborted transactions that a reader has to know of a slice which was read from an offset on, in
// the order of their markers. There may be some among them that begin behind the slice.
func (l *Log) AbortedIn(dst []AbortedTxn, from int64, s *Slice) ([]AbortedTxn, error) {
	if s.len == 0 || len(l.aborted.list()) == 0 && l.aborted.stored.Load() <= from {
		return dst, nil
	}
	to, err := l.sliceEnd(from, s)
	if err != nil {
		return dst, err
	}
	found, err := l.abortedBetween(dst, from, to)
	if !index.IsCorrupt(err) {
		return found, err
	}
	l.dir.config.Logger.Error("the index of aborted transactions is damaged, it is made anew from the log", "dir", l.path, "error", err)
	if err := l.rebuildAborted(); err != nil {
		return dst, err
	}
	return l.abortedBetween(dst, from, to)
}

// abortedBetween finds those that have something in [from, to).
func (l *Log) abortedBetween(dst []AbortedTxn, from, to int64) ([]AbortedTxn, error) {
	tail := l.aborted.list() // before the database is asked: a checkpoint puts them there first
	if l.aborted.stored.Load() > from {
		old, err := l.dir.index.Aborted(l.key, from, to)
		if err != nil {
			return dst, fmt.Errorf("aborted transactions of %s: %w: %w", l.name, ErrOffline, err)
		}
		if len(tail) > 0 {
			old = slices.DeleteFunc(old, func(a AbortedTxn) bool { return a.Last >= tail[0].Last })
		}
		dst = append(dst, old...)
	}
	for _, a := range tail[sort.Search(len(tail), func(i int) bool { return tail[i].Last >= from }):] {
		if a.First < to {
			dst = append(dst, a)
		}
		if a.Stable >= to {
			break
		}
	}
	return dst, nil
}

// sliceEnd is an offset at or behind the end of a slice: as in Kafka the next one that the index has, or the segment's or the log's
// end.
func (l *Log) sliceEnd(from int64, s *Slice) (int64, error) {
	e, found, err := s.of.ceiling(l.dir.index, l.key, from, s.pos+int64(s.len))
	if err = l.indexDamage(s.of, err); err != nil {
		return 0, l.readFailed(err)
	}
	if found {
		return s.of.base + int64(e.Rel), nil
	}
	segs := *l.segments.Load()
	if i := findSegment(segs, s.of.base); i+1 < len(segs) {
		return segs[i+1].base, nil
	}
	return l.end.Load(), nil
}

// rebuildAborted makes the list from the headers of all batches.
func (l *Log) rebuildAborted() error {
	l.upkeep.Lock()
	defer l.upkeep.Unlock()
	if l.aborted.rewrite {
		return nil // somebody else has just done so
	}
	end := l.end.Load()
	all, err := l.scanAborted(end)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.aborted.list() {
		if a.Last >= end {
			all = append(all, a)
		}
	}
	l.aborted.only(all)
	l.changed.Store(true)
	return nil
}

// scanAborted walks over everything below an offset.
func (l *Log) scanAborted(end int64) ([]AbortedTxn, error) {
	var all []AbortedTxn
	table := producer.NewTable()
	for _, s := range *l.segments.Load() {
		if s.base >= end {
			break
		}
		err := l.walk(s, s.base, func(b batch.Batch, _ int64) error {
			if b.BaseOffset() >= end {
				return errStopWalk
			}
			if !b.HasProducerID() {
				return nil
			}
			pb := producerBatch(b, b.BaseOffset())
			if done, ended := table.Apply(&pb, 0); ended && done.Aborted {
				all = append(all, abortedTxn(done))
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("find aborted transactions in segment %d: %w", s.base, err)
		}
	}
	return all, nil
}

func abortedTxn(c producer.Completed) AbortedTxn {
	return AbortedTxn{ProducerID: c.ProducerID, First: c.FirstOffset, Last: c.LastOffset, Stable: c.LastStableOffset}
}

// noteEndedLocked takes the transactions that the batches just written have ended. They hold the last stable offset until
// their markers are durable.
func (l *Log) noteEndedLocked() {
	if len(l.mu.ended) == 0 {
		return
	}
	tail := l.aborted.list()
	aborted := false
	for _, c := range l.mu.ended {
		if c.Aborted {
			tail, aborted = append(tail, abortedTxn(c)), true
		}
	}
	if aborted {
		l.aborted.set(tail)
	}
	l.mu.ending = append(l.mu.ending, l.mu.ended...)
	l.mu.ended = l.mu.ended[:0]
	l.endings.Store(int32(len(l.mu.ending)))
}

// noteUnstableLocked computes below what everything is decided, and the decision durable.
func (l *Log) noteUnstableLocked() {
	first := int64(-1)
	if open, found := l.mu.producers.FirstUnstable(); found {
		first = open
	}
	for _, c := range l.mu.ending {
		if first < 0 || c.FirstOffset < first {
			first = c.FirstOffset
		}
	}
	l.unstable.Store(first)
}

// settleEnded lets go of transactions whose markers have become durable.
func (l *Log) settleEnded(durable int64) {
	if l.endings.Load() == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.ending = slices.DeleteFunc(l.mu.ending, func(c producer.Completed) bool { return c.LastOffset < durable })
	l.endings.Store(int32(len(l.mu.ending)))
	l.noteUnstableLocked()
}

// abortedBelow returns all that are known with a marker below an offset.
func (l *Log) abortedBelow(end int64) ([]AbortedTxn, error) {
	all, err := l.abortedBetween(nil, 0, math.MaxInt64)
	if index.IsCorrupt(err) {
		all, err = l.scanAborted(end)
	}
	return slices.DeleteFunc(all, func(a AbortedTxn) bool { return a.Last >= end }), err
}
