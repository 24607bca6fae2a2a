package group

import "slices"

// Offsets of open transactions (KIP-98). They are hard state: Apply learns of
// them by the batch a record is in, and of a transaction's end by its marker.
// As in Kafka, what counts for a partition in the end is what stands last in the
// log, not whose marker comes last: compaction keeps the last record of each
// key, and a compacted log must load as the same offsets.

// transaction is an open transaction of a producer in this partition of
// __consumer_offsets. It may have no offset left: a tombstone takes those of open
// transactions too.
type transaction struct {
	epoch   int16
	touched []groupPartition // where it has, or had, an offset; a place may be there twice
}

type groupPartition struct {
	group string
	topicPartition
}

// pendingOffset is an offset that its transaction will commit, or not.
type pendingOffset struct {
	producerID int64
	offset     offset

	// superseded: something later in the log is committed already. The offset
	// is worth nothing any more, but the partition stays unstable.
	superseded bool
}

// ApplyTxn takes over one record of a transactional batch, as Apply does for
// the others. Only offsets wait for the marker: nobody writes anything else in a
// transaction.
func (m *Machine) ApplyTxn(producerID int64, producerEpoch int16, r Record) error {
	if !isOffset(r) {
		return m.Apply(r)
	}
	key, o, err := decodeOffsetRecord(r)
	if err != nil {
		return err
	}
	t := m.txns[producerID]
	if t == nil {
		t = &transaction{}
		m.txns[producerID] = t
	}
	t.epoch = producerEpoch
	g := m.createGroup(key.Group)
	tp := topicPartition{m.intern(key.Topic), key.Partition}
	if _, again := g.takePending(tp, producerID); !again {
		t.touched = append(t.touched, groupPartition{g.id, tp})
	}
	if g.unstable == nil {
		g.unstable = map[topicPartition][]pendingOffset{}
	}
	g.unstable[tp] = append(g.unstable[tp], pendingOffset{producerID: producerID, offset: o})
	return nil
}

// ApplyMarker ends the producer's transaction, if one is open. Whoever is about to
// write in it without its being known here comes too late.
func (m *Machine) ApplyMarker(producerID int64, commit bool) {
	m.markerWritten(producerID)
	t := m.txns[producerID]
	if t == nil {
		return
	}
	delete(m.txns, producerID)
	for _, at := range t.touched {
		g := m.group(at.group)
		if g == nil {
			continue // a tombstone took the offset, and the group with it
		}
		before := g.pendingIndex(at.topicPartition, producerID)
		p, found := g.takePending(at.topicPartition, producerID)
		if found && commit && !p.superseded {
			g.supersede(at.topicPartition, before)
			g.setOffset(at.topicPartition, p.offset)
		}
		m.dropIfGone(g)
	}
}

func (g *group) setOffset(tp topicPartition, o offset) {
	if g.offsets == nil {
		g.offsets = map[topicPartition]offset{}
	}
	g.offsets[tp] = o
}

// supersede makes the first n pending offsets of a partition, in the order of
// the log, worth nothing.
func (g *group) supersede(tp topicPartition, n int) {
	pending := g.unstable[tp]
	for i := range pending[:n] {
		pending[i].superseded = true
		pending[i].offset = offset{}
	}
}

func (g *group) pendingIndex(tp topicPartition, producerID int64) int {
	return slices.IndexFunc(g.unstable[tp], func(p pendingOffset) bool { return p.producerID == producerID })
}

// takePending removes the pending offset of a producer.
func (g *group) takePending(tp topicPartition, producerID int64) (p pendingOffset, found bool) {
	i := g.pendingIndex(tp, producerID)
	if i < 0 {
		return pendingOffset{}, false
	}
	pending := g.unstable[tp]
	p = pending[i]
	if len(pending) == 1 {
		delete(g.unstable, tp)
		return p, true
	}
	g.unstable[tp] = slices.Delete(pending, i, i+1)
	return p, true
}
