package group

import "slices"

// Expiry of offsets and of empty groups (KIP-211). Offsets of a group that has
// members and subscribes to the topic never expire. Otherwise an offset lives
// for offsets.retention.minutes, counted from when the group became empty, or
// from the commit if the group has no membership or left the topic.

// sweep is one pass over the groups, in small steps so that a shard with many
// groups stays able to answer.
type sweep struct {
	timer timer
	left  []string // groups still to look at in this pass
}

const (
	sweepGroups  = 500 // groups in one step
	sweepRecords = 1_000
)

func (m *Machine) sweepExpired() {
	if m.sweep.left == nil {
		m.sweep.left = m.sortedGroups()
	}
	for i := 0; i < sweepGroups && len(m.d.Records) < sweepRecords && len(m.sweep.left) > 0; i++ {
		if g := m.group(m.sweep.left[0]); g != nil {
			m.expire(g)
		}
		m.sweep.left = m.sweep.left[1:]
	}
	if len(m.sweep.left) > 0 {
		m.setTimer(&m.sweep.timer, m.nowMs)
		return
	}
	m.sweep.left = nil
	if len(m.groups) > 0 {
		m.setTimer(&m.sweep.timer, saturatingAdd(m.nowMs, m.cfg.OffsetsRetentionCheckMs))
	}
}

func (m *Machine) expire(g *group) {
	kept := 0
	for _, tp := range g.sortedOffsets() {
		o := g.offsets[tp]
		if !m.expired(g, tp.topic, &o) {
			kept++
			continue
		}
		m.write(offsetTombstone(g.id, tp))
	}
	if kept > 0 || g.state != empty || len(g.pending) > 0 || g.meta == nil {
		return
	}
	if g.stateMs < 0 || m.nowMs-g.stateMs >= m.cfg.OffsetsRetentionMs {
		m.write(groupTombstone(g.id))
	}
}

func (m *Machine) expired(g *group, topic string, o *offset) bool {
	since := o.commitMs
	switch {
	case g.protocolType == "": // no membership: committed by hand
	case g.state == empty:
		if g.stateMs >= 0 {
			since = g.stateMs
		}
	case g.state == stable && g.protocolType == consumerProtocolType && g.subscribedKnown:
		if _, found := slices.BinarySearch(g.subscribed, topic); found {
			return false
		}
	default:
		return false
	}
	if o.expireMs != noExpiry {
		return m.nowMs >= o.expireMs
	}
	return m.nowMs-since >= m.cfg.OffsetsRetentionMs
}

func (m *Machine) topicsDeleted(e *TopicsDeleted) {
	gone := make(map[string]bool, len(e.Topics))
	for _, topic := range e.Topics {
		gone[topic] = true
		delete(m.topics, topic)
	}
	for _, id := range m.sortedGroups() {
		g := m.groups[id]
		for _, tp := range g.sortedOffsets() {
			if gone[tp.topic] {
				m.write(offsetTombstone(id, tp))
			}
		}
	}
}
