package group

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TxnCommit is a TxnOffsetCommit in the form of an OffsetCommit, in which every
// topic has its name and exists; before version 3 of the request there is no
// member in it. The answer is a *kmsg.OffsetCommitResponse with the topics
// in the same order, or a *NeedVerification.
type TxnCommit struct {
	Caller
	Req           *kmsg.OffsetCommitRequest
	ProducerID    int64
	ProducerEpoch int16
	Guard         *Guard // of the NeedVerification that came before
}

// NeedVerification is the answer that asks for the same event once more, with the
// guard, when the transaction coordinator has said that the transaction is open.
// Nothing has been decided. Whoever does not come again says Unguard.
type NeedVerification struct{ Guard *Guard }

// Guard stands for a verification that is under way. A marker of the producer
// makes it worthless: what was verified before the marker must not be written
// behind it, where nothing would end it any more (KIP-890). It is worth
// nothing to another machine either.
type Guard struct {
	producerID int64
	epoch      int16
}

// Unguard gives a guard back. The answer is Done.
type Unguard struct {
	Caller
	Guard *Guard
}

// Done is the answer where there is nothing to say.
type Done struct{}

// Marker is the end of a producer's transaction in this partition. The answer is
// Done: it is written, or was before. The log refuses a marker of an older
// producer epoch or coordinator.
type Marker struct {
	Caller
	ProducerID         int64
	ProducerEpoch      int16
	Commit             bool
	CoordinatorEpoch   int32
	TransactionVersion int16
}

func (*TxnCommit) event() {}
func (*Unguard) event()   {}
func (*Marker) event()    {}

// Txn says that the records of a decision are one batch of a producer's
// transaction. Nothing else is in that decision; if the log refuses the batch, its
// records are not applied and its replies are replaced with the refusal.
type Txn struct {
	ProducerID    int64
	ProducerEpoch int16

	// Marker, if not nil, is written instead of records.
	Marker *Marker
}

// TxnOffsetCommit 0-6. The offsets become the group's when the marker commits
// them. 2: leader epoch. 3: the member, as in OffsetCommit (KIP-447), but one
// that a rebalance is going on around may commit all the same; and who says
// nothing of a member is let in, as before.
func (m *Machine) txnCommit(e *TxnCommit) {
	if t := m.txns[e.ProducerID]; t == nil || t.epoch != e.ProducerEpoch {
		switch {
		case e.Guard == nil:
			m.answer(e.To, &NeedVerification{m.guard(e.ProducerID, e.ProducerEpoch)})
			return
		case !m.guards[e.ProducerID][e.Guard]:
			m.answer(e.To, commitError(e.Req, kerr.InvalidTxnState))
			return
		}
	}
	m.unguard(e.Guard)
	if err := validateTxnCommit(m.group(e.Req.Group), e.Req); err != nil {
		m.answer(e.To, commitError(e.Req, err))
		return
	}
	m.writeOffsets(e.To, e.Req)
	if len(m.d.Records) > 0 {
		m.d.Txn = &Txn{ProducerID: e.ProducerID, ProducerEpoch: e.ProducerEpoch}
	}
}

func (m *Machine) guard(producerID int64, epoch int16) *Guard {
	guard := &Guard{producerID, epoch}
	if m.guards[producerID] == nil {
		m.guards[producerID] = map[*Guard]bool{}
	}
	m.guards[producerID][guard] = true
	return guard
}

func (m *Machine) unguard(guard *Guard) {
	if guard == nil {
		return
	}
	delete(m.guards[guard.producerID], guard)
	if len(m.guards[guard.producerID]) == 0 {
		delete(m.guards, guard.producerID)
	}
}

// markerWritten voids the guards of the producer; but a marker of transaction
// version 2 that is said again, late, has nothing to do with a transaction of its
// own epoch. A machine that is being loaded has no guards.
func (m *Machine) markerWritten(producerID int64) {
	for guard := range m.guards[producerID] {
		if t := m.d.Txn; t != nil && t.Marker != nil && t.Marker.TransactionVersion >= 2 && guard.epoch >= t.ProducerEpoch {
			continue
		}
		m.unguard(guard)
	}
}

func validateTxnCommit(g *group, req *kmsg.OffsetCommitRequest) *kerr.Error {
	if g == nil {
		switch {
		case len(req.Group) > maxText:
			return kerr.InvalidGroupID
		case req.Generation >= 0:
			return kerr.IllegalGeneration
		}
		return nil
	}
	if req.Generation < 0 && (g.state == empty || req.MemberID == "" && req.InstanceID == nil) {
		return nil
	}
	return g.validateGeneration(req.MemberID, req.InstanceID, req.Generation)
}

// marker writes the end of a transaction. In transaction version 2 the marker's
// epoch is above that of what it ends: one that is not belongs to the
// transaction before, which has been ended with it.
func (m *Machine) marker(e *Marker) {
	m.answerAfterCommit(e.To, Done{})
	if t := m.txns[e.ProducerID]; t != nil && e.TransactionVersion >= 2 && t.epoch == e.ProducerEpoch {
		return
	}
	m.d.Txn = &Txn{ProducerID: e.ProducerID, ProducerEpoch: e.ProducerEpoch, Marker: e}
}
