package quorum

import (
	"fmt"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// The first byte of an entry's data says what it is. An entry without records is only the byte.
const (
	kindRecords = 0 // a list of metadata records, or nothing for an entry that a new leader makes
	kindChange  = 1 // a raftpb.ConfChangeV2; reserved for quorums of more than one
)

// store is the log as Raft reads it: the checkpoint stands for everything up to its index, and what has not been
// applied yet is also in memory, so that a turn never reads from the disk what it has just written.
type store struct {
	log  Log
	base checkpointHeader
	hard *hardState
	tail []*raftpb.Entry // consecutive; the last is the log's last
	err  error           // an error that Raft was told; it panics on most
}

func newStore(log Log, base *checkpointHeader, hard *hardState) *store {
	return &store{log: log, base: *base, hard: hard}
}

func (s *store) failed(err error) error {
	if s.err == nil {
		s.err = err
	}
	return err
}

// append writes entries; those that are there already with these indexes come from another leader and go.
func (s *store) append(entries []*raftpb.Entry) error {
	first := entries[0].GetIndex()
	if last := s.log.LastIndex(); first <= last {
		if err := s.log.Truncate(first); err != nil {
			return fmt.Errorf("truncate the metadata log at entry %d: %w", first, err)
		}
		for len(s.tail) > 0 && s.tail[len(s.tail)-1].GetIndex() >= first {
			s.tail = s.tail[:len(s.tail)-1]
		}
	}
	out := make([]Entry, len(entries))
	for i, e := range entries {
		kind := byte(kindRecords)
		if e.GetType() != raftpb.EntryNormal {
			kind = kindChange
		}
		data := append(make([]byte, 0, 1+len(e.GetData())), kind)
		out[i] = Entry{Index: e.GetIndex(), Term: e.GetTerm(), Data: append(data, e.GetData()...)}
	}
	if err := s.log.Append(out); err != nil {
		return fmt.Errorf("append %d entries to the metadata log: %w", len(entries), err)
	}
	s.tail = append(s.tail, entries...)
	return nil
}

// dropTail forgets what has been applied.
func (s *store) dropTail(applied uint64) {
	n := 0
	for n < len(s.tail) && s.tail[n].GetIndex() <= applied {
		n++
	}
	s.tail = s.tail[n:]
	if len(s.tail) == 0 {
		s.tail = nil
	}
}

// InitialState implements raft.Storage.
func (s *store) InitialState() (*raftpb.HardState, *raftpb.ConfState, error) {
	vote := uint64(0)
	if s.hard.vote >= 0 {
		vote = raftID(s.hard.vote)
	}
	term, commit := s.hard.term, s.hard.commit
	hs := &raftpb.HardState{Term: &term, Vote: &vote, Commit: &commit}
	cs := &raftpb.ConfState{}
	for _, v := range s.hard.voters {
		cs.Voters = append(cs.Voters, raftID(v))
	}
	return hs, cs, nil
}

// FirstIndex implements raft.Storage.
func (s *store) FirstIndex() (uint64, error) { return s.base.index + 1, nil }

// LastIndex implements raft.Storage.
func (s *store) LastIndex() (uint64, error) { return s.log.LastIndex(), nil }

// Term implements raft.Storage.
func (s *store) Term(index uint64) (uint64, error) {
	switch {
	case index < s.base.index:
		return 0, raft.ErrCompacted
	case index == s.base.index:
		return s.base.term, nil
	case index > s.log.LastIndex():
		return 0, raft.ErrUnavailable
	case s.inTail(index):
		return s.tail[index-s.tail[0].GetIndex()].GetTerm(), nil
	}
	term, err := s.log.Term(index)
	if err != nil {
		return 0, s.failed(fmt.Errorf("term of entry %d of the metadata log: %w", index, err))
	}
	return term, nil
}

func (s *store) inTail(index uint64) bool {
	return len(s.tail) > 0 && index >= s.tail[0].GetIndex()
}

// Entries implements raft.Storage.
func (s *store) Entries(lo, hi, maxSize uint64) ([]*raftpb.Entry, error) {
	switch {
	case lo <= s.base.index:
		return nil, raft.ErrCompacted
	case hi > s.log.LastIndex()+1:
		return nil, raft.ErrUnavailable
	case lo >= hi:
		return nil, nil
	}
	if s.inTail(lo) {
		at := lo - s.tail[0].GetIndex()
		return limit(s.tail[at:at+(hi-lo)], maxSize), nil
	}
	found, err := s.log.Entries(lo, hi, int(min(maxSize, maxApplyBytes)))
	if err != nil {
		return nil, s.failed(fmt.Errorf("read entry %d of the metadata log: %w", lo, err))
	}
	if len(found) == 0 || uint64(len(found)) > hi-lo {
		return nil, s.failed(fmt.Errorf("%w: %d entries read from %d on instead of %d", ErrCorrupt, len(found), lo, hi-lo))
	}
	entries := make([]*raftpb.Entry, len(found))
	for i := range found {
		if entries[i], err = raftEntry(&found[i], lo+uint64(i)); err != nil {
			return nil, s.failed(err)
		}
	}
	return limit(entries, maxSize), nil
}

// limit returns a copy of the first entries that fit, at least one.
func limit(entries []*raftpb.Entry, maxSize uint64) []*raftpb.Entry {
	n, size := 0, uint64(0)
	for n < len(entries) {
		size += uint64(len(entries[n].GetData()))
		if n > 0 && size > maxSize {
			break
		}
		n++
	}
	return append(make([]*raftpb.Entry, 0, n), entries[:n]...)
}

func raftEntry(e *Entry, want uint64) (*raftpb.Entry, error) {
	if e.Index != want || len(e.Data) == 0 {
		return nil, fmt.Errorf("%w: entry %d with %d bytes where %d should be", ErrCorrupt, e.Index, len(e.Data), want)
	}
	typ := raftpb.EntryNormal
	switch e.Data[0] {
	case kindRecords:
	case kindChange:
		typ = raftpb.EntryConfChangeV2
	default:
		return nil, fmt.Errorf("%w: entry %d is of kind %d", ErrCorrupt, e.Index, e.Data[0])
	}
	index, term := e.Index, e.Term
	return &raftpb.Entry{Type: &typ, Index: &index, Term: &term, Data: e.Data[1:]}, nil
}

// Snapshot implements raft.Storage. A quorum of one never sends one.
func (s *store) Snapshot() (*raftpb.Snapshot, error) {
	return nil, raft.ErrSnapshotTemporarilyUnavailable
}
