package storage

import (
	"errors"
	"fmt"

	"github.com/sordini/sordini/protocol/batch"
)

// Records of an aborted transaction are compacted away at once and supersede nothing; those of a committed one are like
// any other. Which one it was, the marker says, which may be far behind the records, above everything that
// is compacted now. A marker goes when nothing of its transaction is left and its delete horizon has passed, for until then a
// start that finds no index would take the transaction for an open one.

// aborted is a range of offsets in which everything that a producer wrote as part of a transaction was aborted.
type aborted struct{ first, marker int64 }

// txnCleaner is what one pass of compaction knows of transactions.
type txnCleaner struct {
	// unknown: everything of transactions stays as it is, because what became of them cannot be known.
	unknown bool
	scanned bool
	aborted map[int64][]aborted // by producer id, in order
	// kept has the producers of which a transactional batch was kept since their last marker.
	kept map[int64]bool
}

// isAborted says whether a transactional batch of data belongs to an aborted transaction. The first such batch
// makes it read the headers of everything from its segment up to what is durable.
func (c *compaction) isAborted(s *segment, b batch.Batch) (bool, error) {
	t := &c.txns
	if !t.scanned {
		if err := c.scanTransactions(s); err != nil {
			return false, err
		}
		t.scanned = true
	}
	for _, a := range t.aborted[b.ProducerID()] {
		if b.BaseOffset() >= a.first && b.BaseOffset() < a.marker {
			return true, nil
		}
	}
	return false, nil
}

func (c *compaction) scanTransactions(from *segment) error {
	l := c.l
	durable := l.durable.offset.Load()
	open := make(map[int64]int64)
	c.txns.aborted = make(map[int64][]aborted)
	for _, s := range *l.segments.Load() {
		if s.base < from.base || s.base >= durable {
			continue
		}
		err := l.walk(s, s.base, func(b batch.Batch, _ int64) error {
			if err := c.goesOn(); err != nil {
				return err
			}
			id := b.ProducerID()
			switch first, isOpen := open[id]; {
			case !b.IsTransactional() || b.BaseOffset() >= durable:
			case !b.IsControl():
				if !isOpen {
					open[id] = b.BaseOffset()
				}
			case isOpen:
				m := marker(b)
				if m == nil {
					return nil
				}
				if !m.Commit {
					c.txns.aborted[id] = append(c.txns.aborted[id], aborted{first, b.BaseOffset()})
				}
				delete(open, id)
			}
			return nil
		})
		if err != nil {
			if err = fmt.Errorf("transactions in segment %d: %w", s.base, err); errors.Is(err, ErrCorrupt) {
				return &unreadableError{s, err}
			}
			return err
		}
	}
	return nil
}

// keep notes that something of a transaction stays.
func (t *txnCleaner) keep(b batch.Batch) {
	if !b.IsTransactional() || b.IsControl() {
		return
	}
	if t.kept == nil {
		t.kept = make(map[int64]bool)
	}
	t.kept[b.ProducerID()] = true
}

// endsEmpty is asked of every control batch, in order. It says whether the batch is the marker of a transaction of which
// nothing is left.
func (t *txnCleaner) endsEmpty(b batch.Batch) bool {
	if marker(b) == nil {
		return false
	}
	kept := t.kept[b.ProducerID()]
	delete(t.kept, b.ProducerID())
	return !kept
}
