// Package producer remembers, for one partition, what idempotent and transactional producers have
// written: the last five batches of each (for duplicates and gaps), its epoch, and its open transaction.
//
// It is pure: no I/O, no clock, no locks. Package storage owns a Table per log, under the log's mutex,
// checks each batch against it before the write, applies it, and rolls back when the write fails. Recovery
// fills a Table from a snapshot and from the batches after it.
//
// What must always hold: a Table is a function of the batches applied in offset order, except for what
// Expire and the limit on the number of producers have forgotten; a forgotten producer is an unknown one,
// which may start at any sequence.
package producer

import (
	"math"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
)

const (
	// NoID, NoEpoch and NoSequence mark what a batch without an idempotent producer carries.
	NoID       int64 = -1
	NoEpoch    int16 = -1
	NoSequence int32 = -1

	// batchesKept is what Kafka's producers rely on: they have at most five requests in flight.
	batchesKept = 5

	// maxProducers bounds one partition's table. Beyond it the longest idle ones are forgotten.
	maxProducers = 100_000
)

// Origin says who appends, and so what is checked.
type Origin uint8

const (
	// Client batches are checked for epoch and sequence, and duplicates are found.
	Client Origin = iota
	// Coordinator batches (offset commits, markers) are checked for their epoch only.
	Coordinator
	// Replica batches were checked by the leader.
	Replica
)

// Batch is what a Table wants to know about one record batch.
type Batch struct {
	ProducerID                 int64
	Epoch                      int16
	BaseSequence, LastSequence int32
	BaseOffset, LastOffset     int64
	MaxTimestamp               int64
	Transactional              bool
	// Marker is set for a control batch that ends a transaction.
	Marker *Marker
	// Guard is asked of transactional batches of clients.
	Guard Guard
}

// Marker is the content of a control batch.
type Marker struct {
	Commit           bool
	CoordinatorEpoch int32
	// TransactionVersion 2: the epoch has to be above that of the transaction's batches. Known only of a marker that is to
	// be appended.
	TransactionVersion int16
}

// Kept is one remembered batch.
type Kept struct {
	BaseSequence, LastSequence int32
	BaseOffset, LastOffset     int64
	Timestamp                  int64
}

// State is one producer's. It is a value: a copy is a snapshot.
type State struct {
	ID               int64
	Epoch            int16
	CoordinatorEpoch int32 // -1 before the first marker
	LastTimestamp    int64 // largest timestamp of the last batch
	LastSeenMs       int64 // wall time of the last append, for expiry
	TxnFirstOffset   int64 // -1: no open transaction
	kept             [batchesKept]Kept
	n                int // kept[:n], oldest first
}

// LastSequence is NoSequence when no batch of the current epoch is remembered.
func (s *State) LastSequence() int32 {
	if s.n == 0 {
		return NoSequence
	}
	return s.kept[s.n-1].LastSequence
}

// Batches are the remembered batches, oldest first.
func (s *State) Batches() []Kept { return s.kept[:s.n] }

func (s *State) push(k Kept) {
	if s.n == batchesKept {
		copy(s.kept[:], s.kept[1:])
		s.n--
	}
	s.kept[s.n] = k
	s.n++
}

// Table holds the producers of one partition.
type Table struct {
	states map[int64]*State
	// open has the open transactions in the order of their first offsets.
	open []openTxn
	// undo has the states as they were before Begin, newest last.
	undo      []saved
	recording bool
	// verifying is by producer id.
	verifying map[int64]*verification
	guards    Guard // the last one given
	repeated  Kept  // what Check returns for a repeated marker
}

type openTxn struct {
	firstOffset int64
	id          int64
}

type saved struct {
	id    int64
	known bool
	was   State
}

// NewTable returns an empty table.
func NewTable() *Table { return &Table{} }

// Len is the number of remembered producers.
func (t *Table) Len() int { return len(t.states) }

// Get returns a copy of a producer's state.
func (t *Table) Get(id int64) (State, bool) {
	if s := t.states[id]; s != nil {
		return *s, true
	}
	return State{}, false
}

// All returns every producer's state in the order of ids.
func (t *Table) All() []State {
	all := make([]State, 0, len(t.states))
	for _, s := range t.states {
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b State) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return all
}

// Check says whether a batch may be appended. A duplicate is not an error: it comes back with the
// batch that is in the log already; that of a marker has no offset.
func (t *Table) Check(b *Batch, origin Origin) (duplicate *Kept, err *kerr.Error) {
	if b.ProducerID < 0 || origin == Replica {
		return nil, nil
	}
	s := t.states[b.ProducerID]
	if b.Marker != nil {
		return t.checkMarker(s, b)
	}
	if origin == Client && s != nil && b.BaseSequence >= 0 && b.Epoch == s.Epoch {
		for i := range s.kept[:s.n] {
			if s.kept[i].BaseSequence == b.BaseSequence && s.kept[i].LastSequence == b.LastSequence {
				return &s.kept[i], nil
			}
		}
	}
	if origin == Client && b.Transactional && !t.mayJoin(s, b) {
		return nil, kerr.InvalidTxnState
	}
	if s != nil && b.Epoch < s.Epoch {
		return nil, kerr.InvalidProducerEpoch
	}
	if origin == Client && b.BaseSequence >= 0 && !t.inSequence(s, b) {
		return nil, kerr.OutOfOrderSequenceNumber
	}
	if s != nil && s.TxnFirstOffset >= 0 && !b.Transactional {
		return nil, kerr.InvalidTxnState
	}
	return nil, nil
}

// inSequence says whether a batch is the next one of its producer. The first of an unknown producer may start anywhere.
func (t *Table) inSequence(s *State, b *Batch) bool {
	switch {
	case len(t.verifying) > 0 && !t.followsVerified(s, b):
		return false
	case s == nil:
		return true
	case b.Epoch != s.Epoch:
		return b.BaseSequence == 0 || s.Epoch == NoEpoch
	}
	return follows(s.LastSequence(), b.BaseSequence)
}

// checkMarker says whether a marker may be appended. By transaction version 2 its epoch is a new one, so that one that comes
// late cannot end the next transaction; the same epoch without an open transaction is a repetition (KAFKA-19999).
func (t *Table) checkMarker(s *State, b *Batch) (duplicate *Kept, err *kerr.Error) {
	switch {
	case s == nil:
		return nil, nil
	case b.Epoch < s.Epoch:
		return nil, kerr.InvalidProducerEpoch
	case b.Marker.TransactionVersion >= 2 && b.Epoch == s.Epoch && s.TxnFirstOffset >= 0:
		return nil, kerr.InvalidProducerEpoch
	case b.Marker.CoordinatorEpoch < s.CoordinatorEpoch:
		return nil, kerr.TransactionCoordinatorFenced
	case b.Marker.TransactionVersion >= 2 && b.Epoch == s.Epoch:
		t.repeated = Kept{BaseSequence: NoSequence, LastSequence: NoSequence, BaseOffset: -1, LastOffset: -1, Timestamp: s.LastTimestamp}
		return &t.repeated, nil
	}
	return nil, nil
}

// follows says whether next is the sequence after last: sequences wrap from 2^31-1 to 0.
func follows(last, next int32) bool {
	if last == math.MaxInt32 {
		return next == 0
	}
	return next == last+1
}

// Completed is a transaction that a marker has ended.
type Completed struct {
	ProducerID              int64
	FirstOffset, LastOffset int64 // LastOffset is the marker's
	// LastStableOffset is that of the log when nothing else changes: transactions that end later do not begin below it.
	LastStableOffset int64
	Aborted          bool
}

// Apply records a batch that is being appended. It reports a transaction that the batch ends.
func (t *Table) Apply(b *Batch, nowMs int64) (done Completed, ended bool) {
	if b.ProducerID < 0 {
		return Completed{}, false
	}
	s := t.states[b.ProducerID]
	if t.recording {
		t.save(b.ProducerID, s)
	}
	if s == nil {
		s = t.add(b)
	}
	if b.Epoch != s.Epoch {
		s.Epoch, s.n = b.Epoch, 0
	}
	s.LastSeenMs = max(s.LastSeenMs, nowMs)
	s.LastTimestamp = b.MaxTimestamp
	if b.Transactional {
		t.voidGuard(b)
	}
	if b.Marker != nil {
		return t.endTxn(s, b)
	}
	if b.BaseSequence >= 0 {
		s.push(Kept{
			BaseSequence: b.BaseSequence, LastSequence: b.LastSequence,
			BaseOffset: b.BaseOffset, LastOffset: b.LastOffset, Timestamp: b.MaxTimestamp,
		})
	}
	if b.Transactional && s.TxnFirstOffset < 0 {
		s.TxnFirstOffset = b.BaseOffset
		t.open = append(t.open, openTxn{b.BaseOffset, s.ID})
	}
	return Completed{}, false
}

func (t *Table) add(b *Batch) *State {
	if len(t.states) >= maxProducers {
		t.forgetOldest(maxProducers / 16)
	}
	if t.states == nil {
		t.states = make(map[int64]*State)
	}
	s := &State{ID: b.ProducerID, Epoch: b.Epoch, CoordinatorEpoch: -1, TxnFirstOffset: -1}
	t.states[b.ProducerID] = s
	return s
}

func (t *Table) endTxn(s *State, b *Batch) (Completed, bool) {
	s.CoordinatorEpoch = b.Marker.CoordinatorEpoch
	if s.TxnFirstOffset < 0 {
		return Completed{}, false
	}
	done := Completed{
		ProducerID: s.ID, FirstOffset: s.TxnFirstOffset, LastOffset: b.LastOffset, Aborted: !b.Marker.Commit,
	}
	s.TxnFirstOffset = -1
	t.open = slices.DeleteFunc(t.open, func(o openTxn) bool { return o.id == s.ID })
	if first, found := t.FirstUnstable(); found {
		done.LastStableOffset = first
	} else {
		done.LastStableOffset = b.LastOffset + 1
	}
	return done, true
}

// FirstUnstable is the first offset of the oldest open transaction.
func (t *Table) FirstUnstable() (offset int64, found bool) {
	if len(t.open) == 0 {
		return 0, false
	}
	return t.open[0].firstOffset, true
}
