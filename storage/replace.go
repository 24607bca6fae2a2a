package storage

import (
	"fmt"
	"slices"
)

// replace puts the new form of closed segments, which is written and synced, in their place: in the index first, which forgets
// the old ones, then in the directory, then in memory. Readers that are in an old file stay there.
//
// The new file takes the name of the first old one, in one step. A crash after it leaves the other old ones behind
// the file that has everything of theirs: recovery knows them by that, and that the log goes on where the new
// one ends. They are unlinked here, not later, for a truncation must not find them.
func (l *Log) replace(old []*segment, s *segment, path string, generation uint64) error {
	l.upkeep.Lock()
	defer l.upkeep.Unlock()
	abandon := func(err error) error {
		s.close(&l.dir.files)
		_ = l.dir.fs.Remove(path) // and if not now, then when the log is opened
		return err
	}
	if err := l.replaceable(old, generation); err != nil {
		return abandon(err)
	}
	b := l.dir.index.NewBatch()
	for _, o := range old {
		b.DeleteSegment(l.key, o.base)
	}
	if err := b.Commit(true); err != nil {
		return abandon(err)
	}
	for _, o := range old {
		o.mu.Lock()
		o.mu.onDisk, o.mu.indexed = false, false // until it is replaced, it is scanned from its beginning
		o.mu.Unlock()
	}
	l.changed.Store(true)
	if err := l.keepOpen(old); err != nil {
		return abandon(err)
	}
	if err := l.dir.fs.Rename(path, old[0].path); err != nil {
		l.keepOpenNoMore(old)
		return abandon(fmt.Errorf("replace segment %d: %w", old[0].base, err))
	}
	if err := l.unlinkMerged(old[1:]); err != nil {
		l.dir.fail(fmt.Errorf("replace segment %d of %s: %w", old[0].base, l.name, err))
		return l.dir.failure()
	}
	l.swap(old, s)
	sp, _ := s.point(true)
	b = l.dir.index.NewBatch()
	sp.put(b, l.key)
	if err := b.Commit(false); err != nil {
		return err
	}
	sp.done()
	return nil
}

// keepOpen opens the files of segments and keeps them open until the segments are closed. From the moment the new file has the name of an
// old one until readers are sent to it, whoever opened the old one by its name would be in the wrong file.
func (l *Log) keepOpen(segs []*segment) error {
	for _, s := range segs {
		s.pinned.Store(true)
		l.dir.files.forget(s)
		h, err := s.acquire(&l.dir.files)
		if err != nil {
			l.keepOpenNoMore(segs)
			return err
		}
		h.release() // the segment's own reference stays
	}
	return nil
}

func (l *Log) keepOpenNoMore(segs []*segment) {
	for _, s := range segs {
		s.pinned.Store(false)
		if s.handle.Load() != nil {
			l.dir.files.add(s)
		}
	}
}

// unlinkMerged makes the new name durable, and then removes the files of which the new one has everything.
func (l *Log) unlinkMerged(merged []*segment) error {
	if err := l.dir.syncDir(l.path); err != nil {
		return err
	}
	for _, o := range merged {
		if err := l.dir.fs.Remove(o.path); err != nil {
			return err
		}
	}
	if len(merged) == 0 {
		return nil
	}
	return l.dir.syncDir(l.path)
}

// replaceable says whether segments still are the closed ones that they were.
func (l *Log) replaceable(old []*segment, generation uint64) error {
	if err := l.usable(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range old {
		if s.removed.Load() || l.active() == s || l.durableGeneration() != generation {
			return errRemoved
		}
	}
	return nil
}

func (l *Log) swap(old []*segment, s *segment) {
	l.mu.Lock()
	segs := slices.Clone(*l.segments.Load())
	i := slices.Index(segs, old[0])
	segs = slices.Replace(segs, i, i+len(old), s)
	l.segments.Store(&segs)
	l.generation.Add(1)
	l.mu.Unlock()
	for _, o := range old {
		o.removed.Store(true)
		o.close(&l.dir.files)
	}
	l.dir.files.add(s)
	l.changed.Store(true)
}
