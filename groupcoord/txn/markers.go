package txn

import "slices"

// end takes the decision: md is PrepareCommit or PrepareAbort. From its commit
// on the outcome is fixed, and markers may be written.
func (m *Machine) end(t *transaction, md metadata) {
	m.write(t.id, &md)
	if len(md.partitions) == 0 {
		done := md.completed(m.nowMs)
		m.write(t.id, &done)
		return
	}
	m.await(t, md.partitions)
	m.effect(m.markers(t, &md))
}

// await begins an ending: every partition has to confirm.
func (m *Machine) await(t *transaction, all partitions) {
	m.ending++
	t.attempt = Attempt{m.cfg.Incarnation, m.ending}
	t.awaiting, t.failures = all, 0
}

func (m *Machine) markers(t *transaction, md *metadata) *WriteMarkers {
	return &WriteMarkers{
		Attempt:            t.attempt,
		TransactionalID:    t.id,
		ProducerID:         md.producerID,
		ProducerEpoch:      md.epoch,
		Commit:             md.state == PrepareCommit,
		CoordinatorEpoch:   m.cfg.CoordinatorEpoch,
		TransactionVersion: md.clientVersion,
		Partitions:         t.awaiting,
	}
}

// writeMarkers is the timer of a preparing transaction: the machine was loaded,
// a partition could not take its marker, or nothing was heard for long.
func (m *Machine) writeMarkers(t *transaction) {
	if len(t.awaiting) == 0 {
		m.complete(t)
		return
	}
	m.setTimer(t, add(m.nowMs, m.cfg.MarkerTimeoutMs))
	m.effect(m.markers(t, &t.metadata))
}

// markersWritten takes note of outcomes. The answer leaves after every effect that
// was decided before: whoever writes markers then knows of all repetitions.
func (m *Machine) markersWritten(e *MarkersWritten) {
	for i := range e.Done {
		m.markerDone(&e.Done[i])
	}
	m.answerAfterCommit(e.To, Result{})
}

func (m *Machine) markerDone(done *MarkerDone) {
	t := m.txns[done.Effect.TransactionalID]
	if t == nil || !t.state.preparing() || t.attempt != done.Effect.Attempt {
		return // of an ending that is over
	}
	left := make(partitions, 0, len(t.awaiting))
	fenced := false
	for _, tp := range t.awaiting {
		outcome := done.outcome(tp)
		if outcome.Again() {
			left = append(left, tp)
		}
		fenced = fenced || outcome == MarkerFenced
	}
	t.awaiting = left
	switch {
	case len(left) == 0:
		m.complete(t)
	case fenced:
		m.setTimer(t, add(m.nowMs, m.cfg.MarkerTimeoutMs))
	default:
		m.setTimer(t, add(m.nowMs, m.cfg.MarkerRetryMs<<t.failures))
		t.failures = min(t.failures+1, maxFailures)
	}
}

// maxFailures bounds the wait between attempts: 64 times MarkerRetryMs.
const maxFailures = 6

// outcome is that of one partition, retry if it was not among those asked for.
func (done *MarkerDone) outcome(tp TopicPartition) MarkerOutcome {
	i, found := slices.BinarySearchFunc(done.Effect.Partitions, tp, compare)
	if !found || i >= len(done.Outcomes) {
		return MarkerRetry
	}
	return done.Outcomes[i]
}

// complete closes the transaction.
func (m *Machine) complete(t *transaction) {
	t.attempt = Attempt{}
	md := t.completed(m.nowMs)
	m.write(t.id, &md)
}
