package txn

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
)

// simTag is one transaction as its producer sees it: all records of it share one
// fate.
type simTag struct {
	name     string
	records  map[int32]bool // partition: false while open, true when decided
	fates    map[bool]bool  // committed or aborted, as far as markers have said
	acked    map[int32]bool // Produce was answered
	ended    bool           // EndTxn was answered,
	commit   bool           // with this outcome
	reported bool
}

// check is all-or-nothing.
func (tag *simTag) check(s *sim) {
	if tag.reported {
		return
	}
	switch {
	case len(tag.fates) > 1:
		s.errorf("transaction %s is torn: %v", tag.name, tag.records)
	case tag.ended && tag.fates[!tag.commit]:
		s.errorf("transaction %s was answered commit=%v, a partition says otherwise", tag.name, tag.commit)
	case tag.ended && tag.commit && len(tag.records) < len(tag.acked):
		s.errorf("transaction %s is committed without all of its records", tag.name)
	default:
		return
	}
	tag.reported = true
}

// simPartition is a partition as storage keeps it, as far as transactions go.
type simPartition struct {
	sim       *sim
	number    int32
	producers map[int64]*simProducerState
}

type simProducerState struct {
	epoch            int16
	coordinatorEpoch int32
	open             map[*simTag]bool // nil: no open transaction
	openMs           int64
	guard            int // a verification is valid until the next marker
}

func (p *simPartition) state(id int64) *simProducerState {
	if p.producers[id] == nil {
		p.producers[id] = &simProducerState{epoch: -1, coordinatorEpoch: -1}
	}
	return p.producers[id]
}

// produce appends one record of the transaction, after the coordinator has been
// asked if this is the first one here.
func (p *simPartition) produce(id int64, epoch int16, transactionalID string, tag *simTag, version int16, answered func(*kerr.Error)) {
	state := p.state(id)
	if epoch < state.epoch {
		answered(kerr.InvalidProducerEpoch)
		return
	}
	if state.open != nil && state.epoch == epoch {
		p.append(state, epoch, tag)
		answered(nil)
		return
	}
	s, guard := p.sim, state.guard
	asked := func(err *kerr.Error) {
		s.after(s.ms(10), func() {
			switch {
			case err != nil:
				answered(err)
			case state.guard != guard:
				answered(kerr.InvalidTxnState)
			case epoch < state.epoch:
				answered(kerr.InvalidProducerEpoch)
			default:
				p.append(state, epoch, tag)
				answered(nil)
			}
		})
	}
	where := []TopicPartition{{"t", p.number}}
	if version >= V2 {
		s.ask(&AddPartitions{TransactionalID: transactionalID, ProducerID: id, ProducerEpoch: epoch, Partitions: where, TransactionVersion: V2}, func(r any) {
			if r == nil {
				asked(kerr.NotCoordinator)
				return
			}
			asked(r.(Result).Err)
		})
		return
	}
	s.ask(&Verify{TransactionalID: transactionalID, ProducerID: id, ProducerEpoch: epoch, Partitions: where}, func(r any) {
		if r == nil {
			asked(kerr.NotCoordinator)
			return
		}
		asked(r.(*VerifyResult).Errs[0])
	})
}

func (p *simPartition) append(state *simProducerState, epoch int16, tag *simTag) {
	s := p.sim
	if decided, ok := tag.records[p.number]; ok && decided {
		s.errorf("a record of transaction %s after its end", tag.name)
	}
	if state.open == nil {
		state.open, state.openMs = map[*simTag]bool{}, s.nowMs
	}
	state.epoch = epoch
	state.open[tag] = true
	tag.records[p.number] = false
	s.logf("  partition %d: record of %s", p.number, tag.name)
}

// marker is a control record.
func (p *simPartition) marker(e *WriteMarkers) MarkerOutcome {
	state := p.state(e.ProducerID)
	switch {
	case e.CoordinatorEpoch < state.coordinatorEpoch:
		return MarkerFenced
	case e.ProducerEpoch < state.epoch:
		return MarkerGone
	case e.TransactionVersion >= V2 && e.ProducerEpoch == state.epoch && state.open == nil:
		return MarkerWritten // a repetition (KAFKA-19999)
	case e.TransactionVersion >= V2 && e.ProducerEpoch == state.epoch:
		p.sim.counts.LateMarkers++ // of the transaction before: what is open now is another one
		return MarkerGone
	}
	p.sim.logf("  partition %d: %s", p.number, printEffect(e))
	state.epoch, state.coordinatorEpoch = e.ProducerEpoch, e.CoordinatorEpoch
	state.guard++
	for tag := range state.open {
		tag.records[p.number] = true
		tag.fates[e.Commit] = true
	}
	if e.Commit {
		p.sim.counts.Committed += len(state.open)
	} else {
		p.sim.counts.Aborted += len(state.open)
	}
	state.open = nil
	return MarkerWritten
}

// do carries out an effect. It may be lost, late, and done twice.
func (s *sim) do(e Effect) {
	switch e := e.(type) {
	case *NeedFreshID:
		s.counts.TimedOut++
		if s.chance(30) {
			return
		}
		s.freshID++
		fresh := s.freshID
		s.after(s.ms(100), func() {
			s.ask(&AbortTimedOut{TransactionalID: e.TransactionalID, ProducerID: e.ProducerID, ProducerEpoch: e.ProducerEpoch, FreshID: fresh}, func(any) {})
		})
	case *WriteMarkers:
		s.checkMarkers(e)
		if s.chance(10) {
			s.logf("  markers are lost: %s", printEffect(e))
			return
		}
		s.after(s.ms(50), func() { s.writeMarkers(e) })
		if s.chance(10) {
			s.after(s.ms(4_000), func() { s.writeMarkers(e) })
		}
	}
}

// writeMarkers keeps the contract of WriteMarkers: none of an ending that the
// machine knows to be confirmed. A machine that is gone is fenced by its epoch,
// where the next one was before.
func (s *sim) writeMarkers(e *WriteMarkers) {
	if s.closed[e.Attempt] && e.TransactionVersion < V2 {
		s.counts.LateMarkers++
		return
	}
	if e.Attempt.Incarnation != s.cfg.Incarnation && e.TransactionVersion < V2 && s.superseded(e) {
		s.counts.LateMarkers++
		return
	}
	done := MarkerDone{Effect: e}
	all := true
	for _, tp := range e.Partitions {
		outcome := MarkerRetry
		if !s.chance(20) {
			outcome = s.partitions[tp.Partition].marker(e)
		}
		if outcome == MarkerWritten && s.chance(5) {
			outcome = MarkerRetry // written, but the answer is lost
		}
		all = all && !outcome.Again()
		done.Outcomes = append(done.Outcomes, outcome)
	}
	if all {
		s.closed[e.Attempt] = true
	}
	tell := func() {
		s.ask(&MarkersWritten{Done: []MarkerDone{done}}, func(any) {})
	}
	if s.chance(5) {
		delete(s.closed, e.Attempt)
		s.logf("  confirmation is lost: %s", printEffect(e))
		return
	}
	s.after(s.ms(50), tell)
	if s.chance(10) {
		s.after(s.ms(5_000), tell)
	}
}

// superseded: this broker writes the markers of one coordinator partition one
// after the other, so those of a machine that is gone come before those of the next.
func (s *sim) superseded(e *WriteMarkers) bool {
	md := s.last(e.TransactionalID, len(s.log))
	return md == nil || !md.state.preparing() || md.producerID != e.ProducerID || md.epoch != e.ProducerEpoch
}

func (e simEpoch) String() string { return fmt.Sprintf("%d/%d", e.id, e.epoch) }
