package storage

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/sordini/sordini/storage/index"
)

// checkpointLogs bounds how many logs share one checkpoint commit, and so its memory and how long they
// hold off truncation and retention.
const checkpointLogs = 128

// Checkpoint makes all logs durable up to now, moves their indexes into the database, and advances their
// recovery points. Logs that did not change cost nothing.
func (d *Dir) Checkpoint() error {
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave()
	return d.checkpoint()
}

func (d *Dir) checkpoint() error {
	d.checkpointing.Lock()
	defer d.checkpointing.Unlock()
	for group := range slices.Chunk(d.openLogs(), checkpointLogs) {
		changed := slices.DeleteFunc(group, func(l *Log) bool { return !l.changed.Load() })
		if len(changed) == 0 {
			continue
		}
		if err := d.checkpointGroup(changed); err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
	}
	if err := d.endRebuilding(); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

// openLogs returns the open logs in the order of their names.
func (d *Dir) openLogs() []*Log {
	d.mu.Lock()
	defer d.mu.Unlock()
	logs := make([]*Log, 0, len(d.mu.logs))
	for _, l := range d.mu.logs {
		logs = append(logs, l)
	}
	slices.SortFunc(logs, func(a, b *Log) int { return cmp.Compare(a.name, b.name) })
	return logs
}

// checkpointGroup is: look, sync the files, commit what was seen. What is appended in between is the next
// checkpoint's.
func (d *Dir) checkpointGroup(logs []*Log) error {
	// Always in the order of names, and nobody else holds more than one.
	for _, l := range logs {
		l.upkeep.Lock()
		defer l.upkeep.Unlock()
	}
	logs = slices.DeleteFunc(logs, func(l *Log) bool { return l.deleted.Load() })
	points := make([]logPoint, len(logs))
	for i, l := range logs {
		l.changed.Store(false)
		points[i] = l.point()
	}
	err := d.syncer.sync(logs)
	if err == nil {
		err = d.commitPoints(points)
	}
	if err != nil {
		for _, l := range logs {
			l.changed.Store(true)
		}
		return err
	}
	for i := range points {
		points[i].done()
	}
	return nil
}

func (d *Dir) commitPoints(points []logPoint) error {
	b := d.index.NewBatch()
	for i := range points {
		points[i].put(b)
	}
	return b.Commit(true)
}

// logPoint is a log as it was at one moment.
type logPoint struct {
	l         *Log
	state     index.LogState
	producers []byte
	aborted   []AbortedTxn
	segments  []segmentPoint
}

// segmentPoint is a segment's facts, and its entries that are not in the database or may have to be
// written there again.
type segmentPoint struct {
	s       *segment
	facts   index.Segment
	entries []index.Entry
	sealed  bool
}

// point copies what a checkpoint needs. It holds the log's lock for as long as it takes to encode the
// producers.
func (l *Log) point() logPoint {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := logPoint{
		l:         l,
		state:     index.LogState{LogStart: l.start.Load(), RecoveryPoint: l.end.Load(), Epochs: *l.epochs.Load()},
		producers: l.mu.producers.AppendSnapshot(nil),
		aborted:   l.aborted.list(),
	}
	p.state.AbortedEnd = l.aborted.end(p.aborted)
	segs := *l.segments.Load()
	for i, s := range segs {
		if sp, needed := s.point(i < len(segs)-1); needed {
			p.segments = append(p.segments, sp)
		}
	}
	return p
}

func (s *segment) point(sealed bool) (segmentPoint, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.indexed {
		return segmentPoint{}, false
	}
	// Entries are only ever appended, or cut off at the front into a new slice: the copy stays as it is.
	return segmentPoint{s: s, facts: s.mu.facts, entries: s.mu.entries[:len(s.mu.entries):len(s.mu.entries)], sealed: sealed}, true
}

func (p *logPoint) put(b *index.Batch) {
	l := p.l
	b.PutState(l.key, &p.state)
	// The snapshot before this one is kept too: a truncation below the recovery point starts from it.
	keepFrom := min(l.lastSnapshot, p.state.RecoveryPoint)
	b.PutSnapshot(l.key, index.Snapshot{Offset: p.state.RecoveryPoint, Bytes: p.producers}, keepFrom)
	if l.aborted.rewrite {
		b.DeleteAborted(l.key)
	}
	b.PutAborted(l.key, p.aborted)
	for i := range p.segments {
		p.segments[i].put(b, l.key)
	}
}

func (p *segmentPoint) put(b *index.Batch, key index.Key) {
	b.PutSegment(key, &p.facts)
	b.PutChunks(key, p.s.base, p.entries)
}

// done lets the memory go that the database now stands in for.
func (p *logPoint) done() {
	p.l.mu.Lock()
	p.l.mu.recovery = p.state.RecoveryPoint
	p.l.aborted.inDatabase(p.state.AbortedEnd, len(p.aborted))
	p.l.mu.Unlock()
	p.l.lastSnapshot = p.state.RecoveryPoint
	for i := range p.segments {
		p.segments[i].done()
	}
}

func (p *segmentPoint) done() {
	s := p.s
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.onDisk = s.mu.onDisk || len(p.entries) > 0
	s.mu.indexed = p.sealed
	if p.sealed {
		s.mu.entries, s.mu.ends = nil, nil
		return
	}
	// The last chunk is not full: it stays, and is written again under the same key when it has grown.
	full := len(p.entries) - len(p.entries)%index.ChunkEntries
	if full > 0 {
		s.mu.entries = slices.Clone(s.mu.entries[full:])
	}
}

// seal finishes a segment that takes no more appends: it gives back reserved blocks, syncs, and moves its
// index to the database. It runs in the background worker, one after the other, so that an older segment is durable
// before a younger one is vouched for.
func (d *Dir) seal(l *Log, s *segment) {
	if d.failure() != nil {
		return
	}
	l.upkeep.Lock()
	defer l.upkeep.Unlock()
	h, err := s.acquire(&d.files)
	if err != nil {
		return // removed meanwhile, or not readable: the next checkpoint comes by
	}
	defer h.release()
	if !l.trim(s, h) {
		return
	}
	if err := d.sealSync(l, s, h); err != nil {
		d.fail(fmt.Errorf("seal segment %d of %s: %w", s.base, l.name, err))
		return
	}
	s.pinned.Store(false)
	d.files.add(s)
	sp, needed := s.point(true)
	if !needed {
		return
	}
	b := d.index.NewBatch()
	sp.put(b, l.key)
	if err := b.Commit(false); err != nil {
		d.config.Logger.Warn("index of a closed segment is not stored", "log", l.name, "segment", segmentName(s.base), "error", err)
		return
	}
	sp.done()
}

// trim gives back what was reserved behind the end of a closed segment. It says whether the segment still is
// a closed one: a truncation may have removed it, or made it the active one again.
func (l *Log) trim(s *segment, h *handle) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.removed.Load() || l.active() == s {
		return false
	}
	_ = h.file.Truncate(s.size.Load()) // only space is lost when it fails
	return true
}

func (d *Dir) sealSync(l *Log, s *segment, h *handle) error {
	size := s.size.Load()
	if s.synced.Load() < size {
		if err := h.file.SyncData(); err != nil {
			return err
		}
		storeMax(&s.synced, size)
	}
	if l.newDir.Load() {
		if err := d.syncNewLog(l); err != nil {
			return err
		}
	} else if s.newFile.Load() {
		if err := d.syncDir(l.path); err != nil {
			return err
		}
	}
	s.newFile.Store(false)
	return nil
}
