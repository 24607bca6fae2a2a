package producer

import (
	"cmp"
	"slices"
)

// A transactional batch of a client belongs to a transaction that its coordinator knows to have this partition (KIP-890): either one
// is open here, or the coordinator was asked. Between the answer and the append a marker may come, which ends the
// transaction that was asked about; the batch would then open one that nobody ends. So each question has a guard, and a
// marker makes it void.

// Guard is what an Append has to show for a transactional batch of a client.
type Guard int64

const (
	// Unguarded: nothing is asked. For everybody but producers.
	Unguarded Guard = 0
	// InTransaction: the producer's transaction has to be open.
	InTransaction Guard = -1
	// Guards above 0 come from Verify. With one the batch may be the first of its transaction, if no marker has come since.
)

// verification is a question to a coordinator that is under way, or answered and not used yet.
type verification struct {
	guard Guard
	epoch int16
	// lowest is the lowest sequence that was asked for: a batch with a higher one is not the first of the
	// transaction, and the answer to the first may have been an error that the producer tries again after.
	lowest    int32
	epochBump bool // transaction version 2: every transaction has an epoch of its own, and begins at sequence 0
	sinceMs   int64
}

// Verify says whether the coordinator has to be asked before a transactional batch is appended, and under which guard. All
// batches of one transaction that ask before the first was appended share it.
func (t *Table) Verify(id int64, epoch int16, sequence int32, epochBump bool, nowMs int64) (guard Guard, needed bool) {
	if t.isOpen(t.states[id], epoch) {
		return InTransaction, false
	}
	v := t.verifying[id]
	if v == nil {
		if len(t.verifying) >= maxProducers {
			t.forgetVerifications(maxProducers / 16)
		}
		if t.verifying == nil {
			t.verifying = make(map[int64]*verification)
		}
		t.guards++
		v = &verification{guard: t.guards, epoch: epoch, lowest: sequence, epochBump: epochBump}
		t.verifying[id] = v
	}
	v.sinceMs = max(v.sinceMs, nowMs)
	switch {
	case epoch > v.epoch:
		v.epoch, v.lowest, v.epochBump = epoch, sequence, epochBump
	case epoch == v.epoch:
		v.lowest = min(v.lowest, sequence)
	}
	return v.guard, true
}

// isOpen says whether a producer has a transaction of this epoch in the partition.
func (t *Table) isOpen(s *State, epoch int16) bool {
	return s != nil && s.TxnFirstOffset >= 0 && s.Epoch == epoch
}

// mayJoin says whether a transactional batch of a client may be appended, as far as coordinators go.
func (t *Table) mayJoin(s *State, b *Batch) bool {
	if b.Guard == Unguarded || t.isOpen(s, b.Epoch) {
		return true
	}
	v := t.verifying[b.ProducerID]
	return v != nil && v.guard == b.Guard
}

// followsVerified says whether a batch can be the first one, or the next, as far as is known from questions to the coordinator. Where the
// transaction is open it is not the first one, and the question is about another: that of a producer which was fenced.
func (t *Table) followsVerified(s *State, b *Batch) bool {
	v := t.verifying[b.ProducerID]
	if v == nil || t.isOpen(s, b.Epoch) {
		return true
	}
	return b.BaseSequence <= v.lowest && (s != nil || !v.epochBump || b.BaseSequence == 0)
}

// voidGuard is called when a transaction has begun or ended here. A marker of transaction version 2 ends one of a lower epoch
// than its own, so the next one, of its epoch, may have been asked about already.
func (t *Table) voidGuard(b *Batch) {
	v := t.verifying[b.ProducerID]
	if v != nil && (b.Marker == nil || b.Marker.TransactionVersion < 2 || v.epoch < b.Epoch) {
		delete(t.verifying, b.ProducerID)
	}
}

func (t *Table) expireVerifications(nowMs, maxIdleMs int64) {
	for id, v := range t.verifying {
		if idle(nowMs, v.sinceMs) >= maxIdleMs {
			delete(t.verifying, id)
		}
	}
}

// forgetVerifications makes the n oldest guards void.
func (t *Table) forgetVerifications(n int) {
	ids := make([]int64, 0, len(t.verifying))
	for id := range t.verifying {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b int64) int { return cmp.Compare(t.verifying[a].guard, t.verifying[b].guard) })
	for _, id := range ids[:min(n, len(ids))] {
		delete(t.verifying, id)
	}
}
