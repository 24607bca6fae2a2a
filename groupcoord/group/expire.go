package group

// Expiry of offsets and of empty groups (KIP-211). Offsets of a group that has
// members and subscribes to the topic never expire. Otherwise an offset lives
// for offsets.retention.minutes, counted from when the group became empty, or
// from the commit if the group has no membership or left the topic. A commit to
// a group that has been empty for longer counts from the commit: in Kafka it is
// gone with the next clean-up. Where a transaction is open nothing expires.

// sweep is one pass over the groups, in small steps so that a shard with many
// groups stays able to answer.
type sweep struct {
	timer timer
	left  []string // groups still to look at in this pass
}

const (
	sweepGroups  = 500    // groups in one step,
	sweepOffsets = 10_000 // with about so many offsets,
	sweepRecords = 1_000  // of which about so many expire
	sweepPauseMs = 1      // between two steps
)

func (m *Machine) sweepExpired() {
	if m.sweep.left == nil {
		m.sweep.left = m.sortedGroups()
	}
	seen := 0
	for i := 0; i < sweepGroups && seen < sweepOffsets && len(m.d.Records) < sweepRecords && len(m.sweep.left) > 0; i++ {
		if g := m.group(m.sweep.left[0]); g != nil {
			seen += len(g.offsets)
			m.expire(g)
		}
		m.sweep.left = m.sweep.left[1:]
	}
	if len(m.sweep.left) > 0 {
		m.setTimer(&m.sweep.timer, m.nowMs+sweepPauseMs)
		return
	}
	m.sweep.left = nil
	if len(m.groups) > 0 {
		m.setTimer(&m.sweep.timer, saturatingAdd(m.nowMs, m.cfg.OffsetsRetentionCheckMs))
	}
}

func (m *Machine) expire(g *group) {
	var gone []topicPartition
	for tp, o := range g.offsets {
		if m.expired(g, tp.topic, &o) && len(g.unstable[tp]) == 0 {
			gone = append(gone, tp)
		}
	}
	for _, tp := range sortPartitions(gone) {
		m.write(offsetTombstone(g.id, tp))
	}
	if len(gone) < len(g.offsets) || len(g.unstable) > 0 || g.state != empty || len(g.pending) > 0 || g.meta == nil {
		return
	}
	if g.stateMs < 0 || m.retentionOver(g.stateMs) {
		m.write(groupTombstone(g.id))
	}
}

// retentionOver reports whether the retention that began at sinceMs is over.
func (m *Machine) retentionOver(sinceMs int64) bool {
	return saturatingAdd(sinceMs, m.cfg.OffsetsRetentionMs) <= m.nowMs
}

func (m *Machine) expired(g *group, topic string, o *offset) bool {
	since := o.commitMs
	switch {
	case g.protocolType == "": // no membership: committed by hand
	case g.state == empty:
		since = max(since, g.stateMs)
	case g.state == stable && g.protocolType == consumerProtocolType && g.subscribedKnown:
		if g.subscribes(topic) {
			return false
		}
	default:
		return false
	}
	if o.expireMs != noExpiry {
		return m.nowMs >= o.expireMs
	}
	return m.retentionOver(since)
}

func (m *Machine) topicsRetained(e *TopicsRetained) {
	var gone []string
	for topic := range m.topics {
		if !e.Exists(topic) {
			gone = append(gone, topic)
		}
	}
	if len(gone) > 0 {
		m.topicsDeleted(gone)
	}
}

// topicsDeleted writes in the order of groups and partitions, whatever that of topics.
func (m *Machine) topicsDeleted(topics []string) {
	deleted := make(map[string]bool, len(topics))
	for _, topic := range topics {
		deleted[topic] = true
		delete(m.topics, topic)
	}
	for _, id := range m.sortedGroups() {
		for _, tp := range m.groups[id].sortedAny(func(tp topicPartition) bool { return deleted[tp.topic] }) {
			m.write(offsetTombstone(id, tp))
		}
	}
}
