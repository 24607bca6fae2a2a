package group

import "github.com/twmb/franz-go/pkg/kerr"

// What the simulation knows of the log by itself: which records it fences, and which offset of each partition counts.

// simLogged knows which of commits the record is.
type simLogged struct {
	logged
	commit int
}

type simCommit struct {
	partition int32
	offset    int64
}

// fenced is what the log says to a transactional batch.
func (s *sim) fenced(txn *Txn) *kerr.Error {
	if txn == nil {
		return nil
	}
	if known, ok := s.fences[txn.ProducerID]; ok && txn.ProducerEpoch < known {
		return kerr.InvalidProducerEpoch
	}
	s.fences[txn.ProducerID] = txn.ProducerEpoch
	return nil
}

func (s *sim) wrote(l logged) {
	at := len(s.commits)
	s.log = append(s.log, simLogged{l, at})
	if l.Key == nil {
		s.learn(s.log[len(s.log)-1])
		return
	}
	version, _ := keyVersion(l.Key)
	if version == groupKeyVersion {
		if l.Value == nil {
			if !s.removing {
				s.errorf("the group was removed")
			}
			// Generations begin again, and so do their owners.
			s.owners, s.latest = map[owner]string{}, 0
			s.lives++
		}
		return
	}
	key, o, err := decodeOffsetRecord(l.Record)
	if err != nil {
		s.errorf("%v", err)
	}
	if l.Value == nil {
		o.offset = removed
		if !s.removing {
			s.errorf("an offset was removed: %v", key)
		}
	}
	s.commits = append(s.commits, simCommit{key.Partition, o.offset})
	s.learn(s.log[len(s.log)-1])
}

// learn is the model of what the log says of offsets: of all that is committed
// the last one in the log.
func (s *sim) learn(l simLogged) {
	if l.Key == nil {
		for partition, at := range s.pending[l.txn.ProducerID] {
			if !l.txn.Marker.Commit {
				s.aborted[s.commits[at].offset] = true
				continue
			}
			if before, ok := s.current[partition]; !ok || at > before {
				s.current[partition] = at
			}
		}
		delete(s.pending, l.txn.ProducerID)
		return
	}
	if version, _ := keyVersion(l.Key); version == groupKeyVersion {
		return
	}
	partition := s.commits[l.commit].partition
	if l.txn != nil {
		if s.pending[l.txn.ProducerID] == nil {
			s.pending[l.txn.ProducerID] = map[int32]int{}
		}
		if before, again := s.pending[l.txn.ProducerID][partition]; again && s.commits[before].offset != s.commits[l.commit].offset {
			s.aborted[s.commits[before].offset] = true // replaced within the transaction
		}
		s.pending[l.txn.ProducerID][partition] = l.commit
		return
	}
	s.current[partition] = l.commit
	if l.Value == nil {
		for _, offsets := range s.pending {
			delete(offsets, partition)
		}
	}
}

func (s *sim) plainLog() []logged {
	log := make([]logged, len(s.log))
	for i := range s.log {
		log[i] = s.log[i].logged
	}
	return log
}
