package group

import (
	"cmp"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// fetch answers with the offsets of a group; one that was never committed, like
// a group that is not there, is -1 without an error. A member id and epoch
// (version 9) belong to the consumer protocol and do not matter to a classic
// group. Who requires stable offsets (version 7) is told to come again where a
// transaction is open; of all offsets, where one was committed before.
func (m *Machine) fetch(e *Fetch) {
	resp := kmsg.NewOffsetFetchResponseGroup()
	resp.Group = e.Req.Group
	g := m.group(e.Req.Group)
	if e.Req.Topics == nil {
		resp.Topics = allOffsets(g, e.RequireStable)
		m.answerAfterCommit(e.To, &resp)
		return
	}
	resp.Topics = make([]kmsg.OffsetFetchResponseGroupTopic, 0, len(e.Req.Topics))
	for i := range e.Req.Topics {
		asked := &e.Req.Topics[i]
		topic := kmsg.NewOffsetFetchResponseGroupTopic()
		topic.Topic, topic.TopicID = asked.Topic, asked.TopicID
		topic.Partitions = make([]kmsg.OffsetFetchResponseGroupTopicPartition, 0, len(asked.Partitions))
		for _, partition := range asked.Partitions {
			topic.Partitions = append(topic.Partitions, g.fetched(topicPartition{asked.Topic, partition}, e.RequireStable))
		}
		resp.Topics = append(resp.Topics, topic)
	}
	m.answerAfterCommit(e.To, &resp)
}

func (g *group) fetched(tp topicPartition, requireStable bool) kmsg.OffsetFetchResponseGroupTopicPartition {
	p := kmsg.NewOffsetFetchResponseGroupTopicPartition()
	o := offset{offset: -1, leaderEpoch: -1}
	if g != nil {
		if requireStable && len(g.unstable[tp]) > 0 {
			p.ErrorCode = kerr.UnstableOffsetCommit.Code
		} else if committed, ok := g.offsets[tp]; ok {
			o = committed
		}
	}
	p.Partition, p.Offset, p.LeaderEpoch, p.Metadata = tp.partition, o.offset, o.leaderEpoch, &o.metadata
	return p
}

func allOffsets(g *group, requireStable bool) []kmsg.OffsetFetchResponseGroupTopic {
	if g == nil {
		return nil
	}
	var topics []kmsg.OffsetFetchResponseGroupTopic
	for _, tp := range g.sortedOffsets() {
		if n := len(topics); n == 0 || topics[n-1].Topic != tp.topic {
			topic := kmsg.NewOffsetFetchResponseGroupTopic()
			topic.Topic = tp.topic
			topics = append(topics, topic)
		}
		last := &topics[len(topics)-1]
		last.Partitions = append(last.Partitions, g.fetched(tp, requireStable))
	}
	return topics
}

func (g *group) sortedOffsets() []topicPartition {
	return sortPartitions(slices.Collect(maps.Keys(g.offsets)))
}

// sortedAny are those partitions that have an offset, be it of an open
// transaction, and pass the filter.
func (g *group) sortedAny(filter func(topicPartition) bool) []topicPartition {
	var all []topicPartition
	for tp := range g.offsets {
		if filter(tp) {
			all = append(all, tp)
		}
	}
	for tp := range g.unstable {
		if _, committed := g.offsets[tp]; !committed && filter(tp) {
			all = append(all, tp)
		}
	}
	return sortPartitions(all)
}

func sortPartitions(all []topicPartition) []topicPartition {
	slices.SortFunc(all, func(a, b topicPartition) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
	})
	return all
}
