package txn

import "github.com/twmb/franz-go/pkg/kerr"

// addPartitions is Kafka's handleAddPartitionsToTransaction, for AddPartitionsToTxn,
// AddOffsetsToTxn, and the first Produce of a client of transaction version 2
// to a partition.
func (m *Machine) addPartitions(e *AddPartitions) {
	t := m.txns[e.TransactionalID]
	switch {
	case e.TransactionalID == "":
		m.answerAfterCommit(e.To, Result{kerr.InvalidRequest})
	case t == nil:
		m.answerAfterCommit(e.To, Result{kerr.InvalidProducerIDMapping})
	case t.state.preparing():
		// Before anything else: a producer whose id was changed with the end of
		// its transaction comes with the new one, and is no stranger (KAFKA-18660).
		m.answer(e.To, Result{kerr.ConcurrentTransactions})
	case t.producerID != e.ProducerID:
		m.answerAfterCommit(e.To, Result{kerr.InvalidProducerIDMapping})
	case t.epoch != e.ProducerEpoch:
		m.answerAfterCommit(e.To, Result{kerr.ProducerFenced})
	case t.state == Ongoing && t.partitions.containsAll(e.Partitions):
		m.answerAfterCommit(e.To, Result{})
	default:
		md := t.withPartitions(e.Partitions, e.TransactionVersion, m.nowMs)
		r := m.record(t.id, &md)
		if r.tooLarge(&m.cfg) {
			// Kafka answers -1, on which some clients go on and others stop.
			m.answerAfterCommit(e.To, Result{kerr.InvalidTxnState})
			return
		}
		m.d.Records = append(m.d.Records, r)
		m.answerAfterCommit(e.To, Result{})
	}
}

// verify is Kafka's handleVerifyPartitionsInTransaction (KIP-890 part 1): a
// partition takes records of a transaction only if the coordinator knows that
// it is part of it, so that a late batch cannot open a transaction nobody ends.
func (m *Machine) verify(e *Verify) {
	result := &VerifyResult{Errs: make([]*kerr.Error, len(e.Partitions))}
	all := func(err *kerr.Error) {
		for i := range result.Errs {
			result.Errs[i] = err
		}
	}
	t := m.txns[e.TransactionalID]
	switch {
	case e.TransactionalID == "":
		all(kerr.InvalidRequest)
	case t == nil || t.producerID != e.ProducerID:
		all(kerr.InvalidProducerIDMapping)
	case t.epoch != e.ProducerEpoch:
		all(kerr.ProducerFenced)
	case t.state.preparing():
		all(kerr.ConcurrentTransactions)
	default:
		for i, tp := range e.Partitions {
			if !t.partitions.contains(tp) {
				result.Errs[i] = kerr.TransactionAbortable
			}
		}
	}
	m.answerAfterCommit(e.To, result)
}
