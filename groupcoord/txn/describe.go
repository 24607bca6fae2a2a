package txn

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// describe shows a transaction; while it ends, the partitions whose marker is
// not confirmed.
func (m *Machine) describe(e *Describe) {
	d := kmsg.NewDescribeTransactionsResponseTransactionState()
	d.TransactionalID = e.TransactionalID
	t := m.txns[e.TransactionalID]
	switch {
	case e.TransactionalID == "":
		d.ErrorCode = kerr.InvalidRequest.Code
	case t == nil:
		d.ErrorCode = kerr.TransactionalIDNotFound.Code
	default:
		d.TransactionalID, d.State, d.TimeoutMillis, d.StartTimestamp = t.id, t.state.String(), t.timeoutMs, t.startMs
		d.ProducerID, d.ProducerEpoch = t.producerID, t.epoch
		shown := t.partitions
		if t.state.preparing() {
			shown = t.awaiting
		}
		for topic, numbers := range shown.byTopic {
			one := kmsg.NewDescribeTransactionsResponseTransactionStateTopic()
			one.Topic, one.Partitions = topic, numbers
			d.Topics = append(d.Topics, one)
		}
	}
	m.answerAfterCommit(e.To, &d)
}

func (m *Machine) list(e *List) {
	listed := []kmsg.ListTransactionsResponseTransactionState{}
	for _, id := range m.sortedIDs() {
		t := m.txns[id]
		if !e.passes(t, m.nowMs) {
			continue
		}
		one := kmsg.NewListTransactionsResponseTransactionState()
		one.TransactionalID, one.ProducerID, one.TransactionState = t.id, t.producerID, t.state.String()
		listed = append(listed, one)
	}
	m.answerAfterCommit(e.To, listed)
}

func (e *List) passes(t *transaction, nowMs int64) bool {
	switch {
	case len(e.ProducerIDs) > 0 && !slices.Contains(e.ProducerIDs, t.producerID):
		return false
	case e.States != nil && !slices.Contains(e.States, t.state):
		return false
	case e.DurationMs >= 0 && nowMs-t.startMs <= e.DurationMs:
		return false
	}
	return e.Pattern == nil || e.Pattern.MatchString(t.id)
}
