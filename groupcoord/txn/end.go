package txn

import (
	"math"

	"github.com/twmb/franz-go/pkg/kerr"
)

func (m *Machine) endTxn(e *EndTxn) {
	t := m.txns[e.TransactionalID]
	switch {
	case e.TransactionalID == "":
		m.endFailed(e, kerr.InvalidRequest)
	case t == nil:
		m.endFailed(e, kerr.InvalidProducerIDMapping)
	case e.TransactionVersion >= V2:
		m.endV2(e, t)
	default:
		m.endV0(e, t)
	}
}

// endV0 ends the transaction of a classic client. Its epoch stays the same, so a
// retry cannot be told from the end of the next transaction: whatever agrees
// with the state is fine.
func (m *Machine) endV0(e *EndTxn, t *transaction) {
	switch {
	case t.producerID != e.ProducerID:
		m.endFailed(e, kerr.InvalidProducerIDMapping)
	case t.epoch != e.ProducerEpoch:
		m.endFailed(e, kerr.ProducerFenced)
	case t.state.preparing():
		m.endLater(e)
	case t.state == Ongoing:
		m.end(t, t.endedV0(e.outcome(), m.nowMs))
		m.answerAfterCommit(e.To, &EndResult{ProducerID: noProducerID, ProducerEpoch: noProducerEpoch})
	case t.state == CompleteCommit && e.Commit, t.state == CompleteAbort && !e.Commit:
		m.answerAfterCommit(e.To, &EndResult{ProducerID: noProducerID, ProducerEpoch: noProducerEpoch})
	default:
		m.endFailed(e, kerr.InvalidTxnState)
	}
}

// endV2 ends the transaction of a client that gets a new epoch with every end
// (KIP-890 part 2), and so tells a retry from the next end. The rules, for an
// epoch that is one behind (a retry) and for the current one:
//
//	                abort              commit
//	                retry   current    retry   current
//	Empty           fenced  new epoch  fenced  invalid
//	CompleteAbort   same    new epoch  invalid invalid
//	CompleteCommit  invalid new epoch  same    invalid
//
// "same" gives the answer that was lost once more. "new epoch" aborts although
// nothing is known to be open: the client may have sent batches that did not get
// to a partition, and their epoch must not be used again.
func (m *Machine) endV2(e *EndTxn, t *transaction) {
	switch retry := t.isRetry(e); {
	case t.state.preparing():
		m.endLater(e) // first, see addPartitions
	case retry && (!t.state.complete() || t.clientVersion < V2):
		// Kafka takes an epoch that is one behind for a retry also if the last end
		// was a classic client's, which bumped nothing. While old and new clients
		// share an id, a new one that was fenced would so get the epoch of the old
		// one that fenced it.
		m.endFailed(e, kerr.ProducerFenced)
	case retry && e.Commit != (t.state == CompleteCommit):
		m.endFailed(e, kerr.InvalidTxnState)
	case retry:
		m.answerAfterCommit(e.To, &EndResult{ProducerID: t.producerID, ProducerEpoch: t.epoch})
	case t.producerID != e.ProducerID:
		m.endFailed(e, kerr.InvalidProducerIDMapping)
	case t.epoch != e.ProducerEpoch:
		m.endFailed(e, kerr.ProducerFenced)
	case t.state != Ongoing && e.Commit:
		m.endFailed(e, kerr.InvalidTxnState)
	default:
		m.endWithNewEpoch(e, t)
	}
}

// isRetry reports whether the request is the one that ended the last
// transaction. If it used up the epochs, the producer has another id since.
func (t *transaction) isRetry(e *EndTxn) bool {
	if t.producerID == e.ProducerID {
		return e.ProducerEpoch < math.MaxInt16 && t.epoch == e.ProducerEpoch+1
	}
	return t.previousProducerID == e.ProducerID && e.ProducerEpoch == lastEpoch && t.epoch == 0
}

func (m *Machine) endWithNewEpoch(e *EndTxn, t *transaction) {
	next := int64(noProducerID)
	if t.exhausted() {
		if e.FreshID < 0 {
			m.answer(e.To, NeedProducerID{})
			return
		}
		next = e.FreshID
	}
	md := t.endedV2(e.outcome(), next, m.nowMs)
	m.end(t, md)
	after := md.completed(m.nowMs)
	m.answerAfterCommit(e.To, &EndResult{ProducerID: after.producerID, ProducerEpoch: after.epoch})
}

func (e *EndTxn) outcome() State {
	if e.Commit {
		return PrepareCommit
	}
	return PrepareAbort
}

func (m *Machine) endFailed(e *EndTxn, err *kerr.Error) {
	m.answerAfterCommit(e.To, &EndResult{Err: err, ProducerID: noProducerID, ProducerEpoch: noProducerEpoch})
}

// endLater: the last transaction is not closed yet.
func (m *Machine) endLater(e *EndTxn) {
	m.answer(e.To, &EndResult{Err: kerr.ConcurrentTransactions, ProducerID: noProducerID, ProducerEpoch: noProducerEpoch})
}
