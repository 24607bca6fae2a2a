package txn

import "github.com/twmb/franz-go/pkg/kmsg"

// follows reports whether a record in this state may come after one in the
// state before, for the same id.
func (s State) follows(before State) bool {
	switch s {
	case Empty:
		return before == Empty || before.complete()
	case Ongoing, PrepareAbort: // a new client aborts when it does not know whether there is something to abort
		return !before.preparing()
	case PrepareCommit:
		return before == Ongoing
	case CompleteCommit:
		return before == PrepareCommit
	case CompleteAbort:
		return before == PrepareAbort
	default:
		return false
	}
}

// checkRecord looks at what a record makes of the id.
func (s *sim) checkRecord(r Record) {
	var key kmsg.TxnMetadataKey
	if err := key.ReadFrom(r.Key); err != nil || r.Value == nil {
		s.errorf("key %v, value %x", err, r.Value)
		return
	}
	after, err := decode(r.Value)
	if err != nil {
		s.errorf("decode: %v", err)
		return
	}
	before := s.last(key.TransactionalID, len(s.log))
	if before == nil {
		if after.state != Empty || after.epoch != 0 {
			s.errorf("an id begins with %s", &after)
		}
		return
	}
	switch {
	case !after.state.follows(before.state):
		s.errorf("%s after %s", &after, before)
	case after.producerID == before.producerID && after.epoch < before.epoch:
		s.errorf("the epoch goes back: %s after %s", &after, before)
	case after.producerID < before.producerID || after.producerID > before.producerID && after.epoch != 0:
		s.errorf("the producer id is not a fresh one: %s after %s", &after, before)
	case after.producerID != before.producerID && before.state != PrepareCommit && before.state != PrepareAbort && after.state != Empty:
		s.errorf("the producer id changes: %s after %s", &after, before)
	case before.state.preparing() && after.state.preparing():
		s.errorf("decided twice: %s after %s", &after, before)
	case after.state == Ongoing && !after.partitions.containsAll(before.partitions):
		s.errorf("partitions are forgotten: %s after %s", &after, before)
	case after.state.preparing() && before.state == Ongoing && len(after.partitions) != len(before.partitions):
		s.errorf("partitions change with the decision: %s after %s", &after, before)
	}
	if after.producerID != before.producerID {
		s.counts.Rotated++
	}
}

// checkMarkers: what leaves is what a committed record has decided.
func (s *sim) checkMarkers(e *WriteMarkers) {
	md := s.last(e.TransactionalID, s.committed)
	switch {
	case md == nil:
		s.errorf("markers of nothing: %s", printEffect(e))
	case md.state.preparing():
		if e.Commit != (md.state == PrepareCommit) || e.ProducerID != md.producerID || e.ProducerEpoch != md.epoch || !md.partitions.containsAll(e.Partitions) {
			s.errorf("%s, decided was %s", printEffect(e), md)
		}
	case md.state == CompleteCommit || md.state == CompleteAbort: // a repetition that was decided before the last confirmation
		if e.Commit != (md.state == CompleteCommit) {
			s.errorf("%s, but it is %s", printEffect(e), md)
		}
	}
}

// given is called when a producer is told its producer id and epoch.
func (s *sim) given(who string, id int64, epoch int16) {
	key := simEpoch{id, epoch}
	if epoch > lastEpoch {
		s.errorf("%s is given the epoch that fences", who)
	}
	if other, ok := s.holders[key]; ok && other != who {
		s.errorf("producer id %d epoch %d belongs to %s and to %s", id, epoch, other, who)
	}
	s.holders[key] = who
}

// check holds after every event.
func (s *sim) check(rebuild bool) {
	if rebuild {
		checkMachine(s.t, s.m, s.log)
	} else if err := s.m.check(); err != nil {
		s.errorf("%v", err)
	}
	for _, tag := range s.tags {
		tag.check(s)
	}
	for _, id := range s.m.sortedIDs() {
		if t := s.m.txns[id]; t.state == Ongoing && !s.faults && s.nowMs > t.deadlineMs()+2*simIntervalMs && s.nowMs > simFaultsMs+15_000 {
			s.errorf("%s is open, now is %d", &t.metadata, s.nowMs)
		}
	}
}

// checkWell holds after the faults have been over for long.
func (s *sim) checkWell() {
	for _, p := range s.partitions {
		for id, state := range p.producers {
			if state.open != nil && s.nowMs-state.openMs > simTimeoutMs+4*simIntervalMs {
				s.errorf("partition %d: a transaction of producer id %d is left open", p.number, id)
			}
		}
	}
	for _, p := range s.producers {
		if p.up && p.committedMs < simFaultsMs+simHealMs/2 && s.alone(p) {
			s.errorf("producer %s of %s has not committed since %d", p.name, p.id, p.committedMs)
		}
	}
	checkMachine(s.t, s.m, s.log)
}

// alone reports whether no other producer keeps on fencing this one.
func (s *sim) alone(p *simProducer) bool {
	for _, other := range s.producers {
		if other != p && other.id == p.id {
			return false
		}
	}
	return true
}
