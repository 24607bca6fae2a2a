package producer

import (
	"cmp"
	"slices"
)

// Begin starts to remember what Apply overwrites, so that a failed write can be taken back. Until the
// next Begin, Rollback returns the table to this moment.
func (t *Table) Begin() {
	t.undo = t.undo[:0]
	t.recording = true
}

// Commit ends what Begin began.
func (t *Table) Commit() { t.recording = false }

// Rollback undoes every Apply since Begin.
func (t *Table) Rollback() {
	for _, u := range slices.Backward(t.undo) {
		if u.known {
			*t.states[u.id] = u.was
			continue
		}
		delete(t.states, u.id)
	}
	t.undo = t.undo[:0]
	t.recording = false
	t.reopen()
}

func (t *Table) save(id int64, s *State) {
	if s == nil {
		t.undo = append(t.undo, saved{id: id})
		return
	}
	t.undo = append(t.undo, saved{id: id, known: true, was: *s})
}

// reopen rebuilds the list of open transactions from the states.
func (t *Table) reopen() {
	t.open = t.open[:0]
	for _, s := range t.states {
		if s.TxnFirstOffset >= 0 {
			t.open = append(t.open, openTxn{s.TxnFirstOffset, s.ID})
		}
	}
	slices.SortFunc(t.open, func(a, b openTxn) int { return cmp.Compare(a.firstOffset, b.firstOffset) })
}

// Expire forgets producers that have appended nothing for maxIdleMs, unless a transaction of theirs is
// open. It returns how many.
func (t *Table) Expire(nowMs, maxIdleMs int64) int {
	t.expireVerifications(nowMs, maxIdleMs)
	n := 0
	for id, s := range t.states {
		if s.TxnFirstOffset < 0 && idle(nowMs, s.LastSeenMs) >= maxIdleMs {
			delete(t.states, id)
			n++
		}
	}
	return n
}

// idle is now-since without overflow; a clock that went back counts as no time.
func idle(nowMs, sinceMs int64) int64 {
	if nowMs <= sinceMs {
		return 0
	}
	if d := nowMs - sinceMs; d >= 0 {
		return d
	}
	return int64(^uint64(0) >> 1)
}

// forgetOldest removes n producers without an open transaction, the longest idle first. What an
// uncommitted Begin still has to take back stays.
func (t *Table) forgetOldest(n int) {
	all := make([]*State, 0, len(t.states))
	for _, s := range t.states {
		if s.TxnFirstOffset < 0 && !t.isSaved(s.ID) {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b *State) int {
		return cmp.Or(cmp.Compare(a.LastSeenMs, b.LastSeenMs), cmp.Compare(a.ID, b.ID))
	})
	for _, s := range all[:min(n, len(all))] {
		delete(t.states, s.ID)
	}
}

func (t *Table) isSaved(id int64) bool {
	if !t.recording {
		return false
	}
	return slices.ContainsFunc(t.undo, func(u saved) bool { return u.id == id })
}
