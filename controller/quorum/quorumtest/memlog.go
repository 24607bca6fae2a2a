// Package quorumtest has what tests of the quorum need: two logs, a file system that crashes, and a suite that every
// implementation of quorum.Log must pass. Only tests import it.
//
// What must always hold: FileLog keeps the promises of quorum.Log on a CrashFS, so that a crash test that fails
// has found a fault of the code under test.
package quorumtest

import (
	"fmt"
	"slices"

	"github.com/sordini/sordini/controller/quorum"
)

// MemLog is a Log in memory. It is never durable.
type MemLog struct {
	first   uint64 // index of entries[0]
	entries []quorum.Entry
	Appends int // how often Append was called
}

// NewMemLog returns an empty log.
func NewMemLog() *MemLog { return &MemLog{first: 1} }

// FirstIndex implements Log.
func (l *MemLog) FirstIndex() uint64 { return l.first }

// LastIndex implements Log.
func (l *MemLog) LastIndex() uint64 { return l.first + uint64(len(l.entries)) - 1 }

// Append implements Log.
func (l *MemLog) Append(entries []quorum.Entry) error {
	l.Appends++
	for _, e := range entries {
		if e.Index != l.LastIndex()+1 {
			return fmt.Errorf("entry %d after %d", e.Index, l.LastIndex())
		}
		e.Data = slices.Clone(e.Data)
		l.entries = append(l.entries, e)
	}
	return nil
}

// Entries implements Log.
func (l *MemLog) Entries(lo, hi uint64, maxBytes int) (out []quorum.Entry, err error) {
	if lo < l.first || hi > l.LastIndex()+1 || lo >= hi {
		return nil, fmt.Errorf("entries %d to %d of a log from %d to %d", lo, hi, l.first, l.LastIndex())
	}
	for _, e := range l.entries[lo-l.first : hi-l.first] {
		if maxBytes -= len(e.Data); maxBytes < 0 && len(out) > 0 {
			break
		}
		out = append(out, quorum.Entry{Index: e.Index, Term: e.Term, Data: slices.Clone(e.Data)})
	}
	return out, nil
}

// Term implements Log.
func (l *MemLog) Term(index uint64) (uint64, error) {
	if index < l.first || index > l.LastIndex() {
		return 0, fmt.Errorf("entry %d of a log from %d to %d", index, l.first, l.LastIndex())
	}
	return l.entries[index-l.first].Term, nil
}

// Truncate implements Log.
func (l *MemLog) Truncate(index uint64) error {
	if index >= l.first {
		l.entries = l.entries[:index-l.first]
	}
	return nil
}

// Compact implements Log.
func (l *MemLog) Compact(index uint64) error {
	if index > l.first {
		l.entries = slices.Clone(l.entries[index-l.first:])
		l.first = index
	}
	return nil
}
