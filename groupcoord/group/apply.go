package group

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Apply takes over one record: written by this machine, or read from the log.
// It is the only writer of hard state. It cannot fail: an error tells of a
// record that cannot be read and changed nothing. What is kept is copied.
//
// Records of kinds that are not known here (Kafka's newer group types) are
// passed over.
func (m *Machine) Apply(r Record) error {
	version, ok := keyVersion(r.Key)
	switch {
	case !ok:
		return fmt.Errorf("key of %d bytes", len(r.Key))
	case version == 0 || version == 1:
		return m.applyOffset(r)
	case version == 2:
		return m.applyGroup(r)
	}
	return nil
}

// applyOffset: a tombstone takes the offsets of open transactions too, as in
// Kafka; a commit makes those that stand before it worth nothing.
func (m *Machine) applyOffset(r Record) error {
	key, o, err := decodeOffsetRecord(r)
	if err != nil {
		return err
	}
	if r.Value == nil {
		if g := m.group(key.Group); g != nil {
			tp := topicPartition{key.Topic, key.Partition}
			delete(g.offsets, tp)
			delete(g.unstable, tp)
			m.dropIfGone(g)
		}
		return nil
	}
	g := m.createGroup(key.Group)
	tp := topicPartition{m.intern(key.Topic), key.Partition}
	g.supersede(tp, len(g.unstable[tp]))
	g.setOffset(tp, o)
	return nil
}

func (m *Machine) applyGroup(r Record) error {
	var key kmsg.GroupMetadataKey
	if err := key.ReadFrom(r.Key); err != nil {
		return fmt.Errorf("group key: %w", err)
	}
	if r.Value == nil {
		if g := m.group(key.Group); g != nil {
			g.meta = nil
			m.dropIfGone(g)
		}
		return nil
	}
	if _, err := decodeGroup(r.Value); err != nil {
		return err
	}
	m.createGroup(key.Group).meta = bytes.Clone(r.Value)
	return nil
}

// intern keeps one copy of each topic name.
func (m *Machine) intern(topic string) string {
	if kept, ok := m.topics[topic]; ok {
		return kept
	}
	kept := strings.Clone(topic)
	m.topics[kept] = kept
	return kept
}

// Loaded ends the replay: soft state is built from the hard state, and every
// member has its whole session from now to be heard of. A group is Stable or
// Empty; a rebalance that was under way is forgotten, and members that come
// with its generation are sent back to join.
func (m *Machine) Loaded(nowMs int64) {
	m.nowMs = max(m.nowMs, nowMs)
	if len(m.groups) > 0 {
		m.setTimer(&m.sweep.timer, saturatingAdd(m.nowMs, m.cfg.OffsetsRetentionCheckMs))
	}
	for _, id := range m.sortedGroups() {
		g := m.groups[id]
		if g.meta == nil {
			continue
		}
		m.restore(g)
		if len(g.members) > int(m.cfg.MaxSize) {
			m.prepareRebalance(g) // the limit was lowered: the last to rejoin stay out
		}
	}
}

func (m *Machine) restore(g *group) {
	v, err := decodeGroup(g.meta)
	if err != nil {
		return // Apply let it in, so it can be read
	}
	g.generation, g.protocolType, g.stateMs = v.Generation, v.ProtocolType, v.CurrentStateTimestamp
	if v.Version < 2 {
		g.stateMs = -1
	}
	if v.Protocol != nil {
		g.protocol, g.hasProtocol = *v.Protocol, true
	}
	for i := range v.Members {
		one := &v.Members[i]
		if g.byID[one.MemberID] != nil || one.InstanceID != nil && g.static[*one.InstanceID] != "" {
			continue // nobody writes a member twice
		}
		mb := &member{
			id:          one.MemberID,
			instanceID:  one.InstanceID,
			clientID:    one.ClientID,
			clientHost:  one.ClientHost,
			rebalanceMs: one.RebalanceTimeoutMillis,
			sessionMs:   one.SessionTimeoutMillis,
			protocols:   []protocol{{name: g.protocol, metadata: one.Subscription}},
			assignment:  one.Assignment,
		}
		if v.Version < 1 || mb.rebalanceMs < 0 {
			mb.rebalanceMs = mb.sessionMs
		}
		mb.session = timer{kind: sessionTimer, atMs: Never, group: g, member: mb}
		g.add(mb)
		m.touchSession(mb)
	}
	if len(g.members) > 0 {
		g.state, g.previous = stable, stable
		if v.Leader != nil && g.byID[*v.Leader] != nil {
			g.leader = *v.Leader
		}
	}
	g.setSubscribed()
}

func (m *Machine) sortedGroups() []string {
	ids := make([]string, 0, len(m.groups))
	for id := range m.groups {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
