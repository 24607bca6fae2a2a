package txn

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Apply takes over one record: written by this machine, or read from the log.
// It is the only writer of hard state. It cannot fail: an error tells of a
// record that cannot be read and changed nothing. What is kept is copied.
//
// Records with a key of a version that is not known here are passed over.
func (m *Machine) Apply(r Record) error {
	if len(r.Key) < 2 {
		return fmt.Errorf("key of %d bytes", len(r.Key))
	}
	if version := int16(binary.BigEndian.Uint16(r.Key)); version != keyVersion {
		return nil
	}
	var key kmsg.TxnMetadataKey
	if err := key.UnsafeReadFrom(r.Key); err != nil {
		return fmt.Errorf("key: %w", err)
	}
	if r.Value == nil {
		m.forget(key.TransactionalID)
		return nil
	}
	md, err := decode(r.Value)
	if err != nil {
		return err
	}
	for i := range md.partitions {
		md.partitions[i].Topic = m.intern(md.partitions[i].Topic)
	}
	t := m.txns[key.TransactionalID]
	if t == nil {
		t = &transaction{id: strings.Clone(key.TransactionalID)}
		m.txns[t.id] = t
	}
	t.metadata = md
	if !md.state.preparing() {
		t.attempt, t.awaiting = Attempt{}, nil
	}
	if m.live {
		m.schedule(t)
	}
	return nil
}

func (m *Machine) forget(id string) {
	if t := m.txns[id]; t != nil {
		m.setTimer(t, Never)
		delete(m.txns, t.id)
	}
}

// Loaded ends the replay. Transactions whose end is decided ask for their
// markers at the first Tick, since nobody knows which were written.
func (m *Machine) Loaded(nowMs int64) {
	m.nowMs = max(m.nowMs, nowMs)
	m.baseMs, m.live = m.nowMs, true
	for _, id := range m.sortedIDs() {
		t := m.txns[id]
		if !t.state.preparing() {
			m.schedule(t)
			continue
		}
		m.await(t, t.partitions)
		m.setTimer(t, m.nowMs)
	}
}
