package storage

import (
	"errors"
	"math"
	"slices"

	"github.com/sordini/sordini/protocol/batch"
)

// Special timestamps of ListOffsets v0.
const (
	latestTimestamp   = -1
	earliestTimestamp = -2
)

// stamped is a record found by its timestamp.
type stamped struct {
	offset, timestamp int64
	epoch             int32
}

// OffsetForTimestamp finds the first record whose timestamp is at least ts, among those from the log start up
// to upTo.
func (l *Log) OffsetForTimestamp(ts, upTo int64) (offset, timestamp int64, leaderEpoch int32, found bool, err error) {
	for range readRetries {
		r, found, err := l.offsetForTimestamp(ts, upTo)
		if !errors.Is(err, errRemoved) {
			return r.offset, r.timestamp, r.epoch, found, err
		}
	}
	return 0, 0, 0, false, ErrOffsetOutOfRange
}

func (l *Log) offsetForTimestamp(ts, upTo int64) (out stamped, found bool, err error) {
	if err := l.usable(); err != nil {
		return out, false, err
	}
	upTo = min(upTo, l.end.Load())
	start := l.start.Load()
	for _, s := range *l.segments.Load() {
		facts := s.info()
		if facts.MaxTimestamp < ts || facts.NextOffset <= start {
			continue
		}
		if s.base >= upTo {
			break
		}
		out, found, err = l.searchTimestamp(s, ts, start)
		if err != nil || found {
			return out, found && out.offset < upTo, err
		}
	}
	return stamped{}, false, nil
}

// searchTimestamp looks through a segment for the first record at or after offset start that is not older
// than ts.
func (l *Log) searchTimestamp(s *segment, ts, start int64) (out stamped, found bool, err error) {
	e, err := s.floorTimestamp(l.dir.index, l.key, ts)
	if err = l.indexDamage(s, err); err != nil {
		return out, false, l.readFailed(err)
	}
	h, err := s.acquire(&l.dir.files)
	if err != nil {
		return out, false, l.readFailed(err)
	}
	defer h.release()
	w := l.walker(s, h)
	defer w.done()
	size := s.size.Load()
	for pos := l.skipDamage(s, int64(e.Pos)); pos < size && !found; pos = l.skipDamage(s, pos) {
		b, n, err := w.at(pos, size)
		if err != nil {
			return out, false, err
		}
		if b.MaxTimestamp() >= ts && b.LastOffset() >= start {
			if out, found, err = l.searchBatch(h, s, pos, n, ts, start); err != nil {
				return out, false, err
			}
		}
		pos += n
	}
	return out, found, nil
}

// searchBatch decodes one batch and finds its first record that is not older than ts.
func (l *Log) searchBatch(h *handle, s *segment, pos, n, ts, start int64) (out stamped, found bool, err error) {
	b, err := l.readBatch(h, s, pos, n)
	if err != nil {
		return out, false, err
	}
	out.epoch = b.PartitionLeaderEpoch()
	r := batch.Scanner{SkipHeaders: true, TimesOnly: true, From: start}
	defer r.Close()
	r.Reset(b, l.config.Load().MaxDecompressedBytes)
	var rec batch.Record
	for r.Next(&rec) {
		if rec.Timestamp >= ts {
			out.offset, out.timestamp = rec.Offset, rec.Timestamp
			return out, true, nil
		}
	}
	if err := r.Err(); err != nil {
		return out, false, l.corrupt(s, pos, "records: %v", err)
	}
	return out, false, nil
}

// MaxTimestamp finds the first record that has the log's largest timestamp (KIP-734). A log without
// timestamps has none.
func (l *Log) MaxTimestamp() (offset, timestamp int64, epoch int32, found bool, err error) {
	for range readRetries {
		r, found, err := l.maxTimestamp()
		if !errors.Is(err, errRemoved) {
			return r.offset, r.timestamp, r.epoch, found, err
		}
	}
	return 0, 0, 0, false, ErrOffsetOutOfRange
}

func (l *Log) maxTimestamp() (out stamped, found bool, err error) {
	if err := l.usable(); err != nil {
		return out, false, err
	}
	var newest *segment
	best := int64(-1)
	for _, s := range *l.segments.Load() {
		if facts := s.info(); facts.MaxTimestamp > best {
			newest, best = s, facts.MaxTimestamp
		}
	}
	if newest == nil {
		return out, false, nil
	}
	h, err := newest.acquire(&l.dir.files)
	if err != nil {
		return out, false, l.readFailed(err)
	}
	defer h.release()
	pos := newest.info().MaxTimestampPos
	w := l.walker(newest, h)
	defer w.done()
	b, n, err := w.at(pos, newest.size.Load())
	if err != nil {
		return out, false, err
	}
	return l.searchBatch(h, newest, pos, n, b.MaxTimestamp(), math.MinInt64)
}

// LegacyOffsetsBefore answers ListOffsets v0: at most max offsets at which segments begin, and the log end,
// of those that were written at or before ts; the newest first. -1 and -2 are the latest and the earliest. Offsets
// above upTo are replaced by upTo, as Kafka does it for consumers.
func (l *Log) LegacyOffsetsBefore(ts int64, max int, upTo int64) []int64 {
	type at struct{ offset, ms int64 }
	var all []at
	start := l.start.Load()
	segs := *l.segments.Load()
	for _, s := range segs {
		offset := s.base
		if offset < start {
			offset = start
		}
		all = append(all, at{offset, s.info().LastModifiedMs})
	}
	if segs[len(segs)-1].size.Load() > 0 {
		all = append(all, at{l.end.Load(), l.dir.config.Clock()})
	}
	last := len(all) - 1
	switch ts {
	case latestTimestamp:
	case earliestTimestamp:
		last = 0
	default:
		for last >= 0 && all[last].ms > ts {
			last--
		}
	}
	var out []int64
	for i := last; i >= 0 && len(out) < max; i-- {
		out = append(out, all[i].offset)
	}
	if i := slices.IndexFunc(out, func(o int64) bool { return o <= upTo }); i > 0 {
		return append([]int64{upTo}, out[i:]...)
	} else if i < 0 && len(out) > 0 {
		return []int64{upTo}
	}
	return out
}
