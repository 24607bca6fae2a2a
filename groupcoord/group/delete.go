package group

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DeleteGroups is a DeleteGroups for groups of this partition (KIP-229). The
// answer is a []*kerr.Error with one element for each group, in their order; nil
// for a group that is deleted.
type DeleteGroups struct {
	Caller
	Groups []string
}

// OffsetDelete is an OffsetDelete in which every topic exists. The answer is a
// *kmsg.OffsetDeleteResponse.
type OffsetDelete struct {
	Caller
	Req *kmsg.OffsetDeleteRequest
}

func (*DeleteGroups) event() {}
func (*OffsetDelete) event() {}

// deleteGroups removes groups without members, and their offsets. Member ids
// that were given out to such a group and not used yet are worth nothing after it.
func (m *Machine) deleteGroups(e *DeleteGroups) {
	errs := make([]*kerr.Error, len(e.Groups))
	seen := make(map[string]bool, len(e.Groups))
	for i, id := range e.Groups {
		g := m.group(id)
		switch {
		case seen[id]: // named twice: done already
		case g == nil:
			errs[i] = kerr.GroupIDNotFound
		case g.state != empty:
			errs[i] = kerr.NonEmptyGroup
		default:
			seen[id] = true
			m.deleteGroup(g)
		}
	}
	m.answerAfterCommit(e.To, errs)
}

func (m *Machine) deleteGroup(g *group) {
	for _, t := range g.pending {
		m.cancelTimer(t)
	}
	g.pending = nil
	for _, tp := range g.sortedAny(func(topicPartition) bool { return true }) {
		m.write(offsetTombstone(g.id, tp))
	}
	if g.meta != nil {
		m.write(groupTombstone(g.id))
	}
	m.dropIfGone(g)
}

// offsetDelete removes offsets of topics that the group does not subscribe to
// (KIP-496). Of a group that is not one of consumers nobody knows what it
// subscribes to: it must be empty.
func (m *Machine) offsetDelete(e *OffsetDelete) {
	resp := kmsg.NewPtrOffsetDeleteResponse()
	resp.Version = e.Req.Version
	g := m.group(e.Req.Group)
	switch {
	case e.Req.Group == "":
		resp.ErrorCode = kerr.InvalidGroupID.Code
	case g == nil:
		resp.ErrorCode = kerr.GroupIDNotFound.Code
	case g.state != empty && g.protocolType != consumerProtocolType:
		resp.ErrorCode = kerr.NonEmptyGroup.Code
	}
	if resp.ErrorCode != 0 {
		m.answer(e.To, resp)
		return
	}
	for i := range e.Req.Topics {
		asked := &e.Req.Topics[i]
		topic := kmsg.NewOffsetDeleteResponseTopic()
		topic.Topic = asked.Topic
		for _, p := range asked.Partitions {
			one := kmsg.NewOffsetDeleteResponseTopicPartition()
			one.Partition = p.Partition
			tp := topicPartition{asked.Topic, p.Partition}
			if g.subscribes(asked.Topic) {
				one.ErrorCode = kerr.GroupSubscribedToTopic.Code
			} else if _, committed := g.offsets[tp]; committed || len(g.unstable[tp]) > 0 {
				m.write(offsetTombstone(g.id, tp))
			}
			topic.Partitions = append(topic.Partitions, one)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	m.answerAfterCommit(e.To, resp)
}

// subscribes reports whether members of the group may read the topic. A group of
// consumers whose subscriptions are not known counts as subscribed to everything.
func (g *group) subscribes(topic string) bool {
	if !g.subscribedKnown {
		return g.protocolType == consumerProtocolType
	}
	_, found := slices.BinarySearch(g.subscribed, topic)
	return found
}
