package txn

import "math"

// deadlineMs is when the transaction has run out of time.
func (md *metadata) deadlineMs() int64 {
	if md.timeoutMs == math.MaxInt32 {
		return Never // a participant of a two-phase commit (KIP-939)
	}
	return add(md.startMs, int64(md.timeoutMs)+1)
}

// timedOut aborts a transaction that has run out of time.
func (m *Machine) timedOut(t *transaction) {
	if t.deadlineMs() > m.nowMs {
		m.schedule(t)
		return
	}
	if !m.fence(t, noProducerID) {
		m.setTimer(t, add(m.nowMs, freshIDRetryMs))
		m.effect(&NeedFreshID{TransactionalID: t.id, ProducerID: t.producerID, ProducerEpoch: t.epoch})
	}
}

// freshIDRetryMs is how long an answer to NeedFreshID is waited for.
const freshIDRetryMs = 1_000

func (m *Machine) abortTimedOut(e *AbortTimedOut) {
	t := m.txns[e.TransactionalID]
	if t != nil && t.state == Ongoing && t.producerID == e.ProducerID && t.epoch == e.ProducerEpoch && t.deadlineMs() <= m.nowMs {
		m.fence(t, e.FreshID)
	}
	m.answerAfterCommit(e.To, Result{})
}

// fence aborts the open transaction on behalf of the coordinator, with an
// epoch that its producer does not have. It returns false, and has done
// nothing, if it needs a fresh producer id.
func (m *Machine) fence(t *transaction, freshID int64) bool {
	switch {
	case m.cfg.TransactionVersion < V2:
		m.end(t, t.fencedV0(m.nowMs))
	case !t.exhausted():
		m.end(t, t.endedV2(PrepareAbort, noProducerID, m.nowMs))
	case freshID < 0:
		return false
	default:
		// The epoch above the last one fences, and must not become anybody's: a
		// retried EndTxn would get it (KAFKA-20090).
		m.end(t, t.endedV2(PrepareAbort, freshID, m.nowMs))
	}
	return true
}

// expired forgets a transactional id that nobody has used for long.
func (m *Machine) expired(t *transaction) {
	if add(t.updateMs, m.cfg.IDExpirationMs) > m.nowMs {
		m.schedule(t)
		return
	}
	m.d.Records = append(m.d.Records, Record{Key: recordKey(t.id)})
}
