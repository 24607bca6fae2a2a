package group

import (
	"cmp"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// fetch answers with the offsets of a group; one that was never committed, like
// a group that is not there, is -1 without an error. A member id and epoch
// (version 9) belong to the consumer protocol and do not matter to a classic
// group. Offsets of open transactions do not exist yet, so require_stable
// (version 7) holds by itself.
func (m *Machine) fetch(e *Fetch) {
	resp := kmsg.NewOffsetFetchResponseGroup()
	resp.Group = e.Req.Group
	g := m.group(e.Req.Group)
	if e.Req.Topics == nil {
		resp.Topics = allOffsets(g)
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
			o, ok := offset{}, false
			if g != nil {
				o, ok = g.offsets[topicPartition{asked.Topic, partition}]
			}
			if !ok {
				o = offset{offset: -1, leaderEpoch: -1}
			}
			topic.Partitions = append(topic.Partitions, fetched(partition, &o))
		}
		resp.Topics = append(resp.Topics, topic)
	}
	m.answerAfterCommit(e.To, &resp)
}

func fetched(partition int32, o *offset) kmsg.OffsetFetchResponseGroupTopicPartition {
	p := kmsg.NewOffsetFetchResponseGroupTopicPartition()
	metadata := o.metadata
	p.Partition, p.Offset, p.LeaderEpoch, p.Metadata = partition, o.offset, o.leaderEpoch, &metadata
	return p
}

func allOffsets(g *group) []kmsg.OffsetFetchResponseGroupTopic {
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
		o := g.offsets[tp]
		last := &topics[len(topics)-1]
		last.Partitions = append(last.Partitions, fetched(tp.partition, &o))
	}
	return topics
}

func (g *group) sortedOffsets() []topicPartition {
	all := make([]topicPartition, 0, len(g.offsets))
	for tp := range g.offsets {
		all = append(all, tp)
	}
	return sortPartitions(all)
}

func sortPartitions(all []topicPartition) []topicPartition {
	slices.SortFunc(all, func(a, b topicPartition) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
	})
	return all
}
