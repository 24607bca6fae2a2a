package txn

import "github.com/twmb/franz-go/pkg/kerr"

// CheckInit is what Kafka checks of an InitProducerId with a transactional id
// before it asks who the coordinator is.
func (cfg *Config) CheckInit(transactionalID string, timeoutMs int32) *kerr.Error {
	switch {
	case transactionalID == "":
		return kerr.InvalidRequest
	case timeoutMs <= 0 || timeoutMs > cfg.MaxTimeoutMs:
		return kerr.InvalidTransactionTimeout
	}
	return nil
}

// initProducerID is Kafka's handleInitProducerId. Whoever calls it last owns the
// id: others are fenced by a higher epoch, or by another producer id when there
// is none.
func (m *Machine) initProducerID(e *InitProducerID) {
	if err := m.cfg.CheckInit(e.TransactionalID, e.TimeoutMs); err != nil {
		m.initFailed(e, err)
		return
	}
	if !storable(e.TransactionalID) {
		m.initFailed(e, kerr.InvalidRequest)
		return
	}
	t := m.txns[e.TransactionalID]
	switch {
	case t == nil && e.FreshID < 0:
		m.answer(e.To, NeedProducerID{})
	case t == nil:
		created := metadata{producerID: e.FreshID, nextProducerID: noProducerID, epoch: noProducerEpoch, previousEpoch: noProducerEpoch}
		m.initialized(e, created.withEpoch(0, noProducerEpoch, e.TimeoutMs, m.nowMs))
	case t.state.preparing():
		m.answer(e.To, &InitResult{Err: kerr.ConcurrentTransactions, ProducerID: noProducerID, ProducerEpoch: noProducerEpoch})
	case !t.knows(e):
		m.initFailed(e, kerr.ProducerFenced)
	case t.state == Ongoing:
		m.fenceOngoing(e, t)
	default:
		m.bumpEpoch(e, t)
	}
}

// continues reports whether the producer goes on after an error.
func (e *InitProducerID) continues() bool { return e.ProducerID != noProducerID }

// knows reports whether a producer that goes on has the current producer id, or
// had the one before and used up its epochs: then it repeats a request whose
// answer was lost.
func (t *transaction) knows(e *InitProducerID) bool {
	return !e.continues() || e.ProducerID == t.producerID ||
		e.ProducerID == t.previousProducerID && exhausted(e.ProducerEpoch)
}

// fenceOngoing ends the transaction of the producer before. The new one
// is told to come again: then its epoch is bumped once more.
func (m *Machine) fenceOngoing(e *InitProducerID, t *transaction) {
	if !m.fence(t, e.FreshID) {
		m.answer(e.To, NeedProducerID{})
		return
	}
	m.initFailed(e, kerr.ConcurrentTransactions)
}

func (m *Machine) bumpEpoch(e *InitProducerID, t *transaction) {
	previous := int16(noProducerEpoch)
	if e.continues() {
		previous = t.epoch
	}
	switch {
	case t.exhausted() && (!e.continues() || e.ProducerEpoch == t.epoch):
		if e.FreshID < 0 {
			m.answer(e.To, NeedProducerID{})
			return
		}
		m.initialized(e, t.withProducerID(e.FreshID, previous, e.TimeoutMs, m.nowMs))
	case e.continues() && e.ProducerEpoch != t.epoch && e.ProducerEpoch == t.previousEpoch:
		// The answer to the same request was lost: it is given again, as often
		// as needed.
		md := t.withEpoch(t.epoch, t.previousEpoch, e.TimeoutMs, m.nowMs)
		md.previousProducerID = t.previousProducerID
		m.initialized(e, md)
	case e.continues() && e.ProducerEpoch != t.epoch:
		m.initFailed(e, kerr.ProducerFenced)
	default:
		m.initialized(e, t.withEpoch(bump(t.epoch), previous, e.TimeoutMs, m.nowMs))
	}
}

func (m *Machine) initialized(e *InitProducerID, md metadata) {
	m.write(e.TransactionalID, &md)
	m.answerAfterCommit(e.To, &InitResult{ProducerID: md.producerID, ProducerEpoch: md.epoch})
}

func (m *Machine) initFailed(e *InitProducerID, err *kerr.Error) {
	m.answerAfterCommit(e.To, &InitResult{Err: err, ProducerID: noProducerID, ProducerEpoch: noProducerEpoch})
}
