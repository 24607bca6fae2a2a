package oracle

import "github.com/twmb/franz-go/pkg/kmsg"

// Groups and offsets that are deleted.

// simpleCommit commits offsets of a group that has no members.
func (s *session) simpleCommit(group, topic string, partitions ...int32) {
	s.t.Helper()
	r := kmsg.NewPtrOffsetCommitRequest()
	r.Group, r.Generation = group, -1
	t := kmsg.NewOffsetCommitRequestTopic()
	t.Topic = topic
	for _, p := range partitions {
		one := kmsg.NewOffsetCommitRequestTopicPartition()
		one.Partition, one.Offset, one.LeaderEpoch = p, int64(10+p), -1
		t.Partitions = append(t.Partitions, one)
	}
	r.Topics = append(r.Topics, t)
	s.must(6, r)
}

func deleteGroupsScript(s *session) {
	a := s.topic("a", 2)
	s.coordinator()
	request := func(groups ...string) *kmsg.DeleteGroupsRequest {
		r := kmsg.NewPtrDeleteGroupsRequest()
		r.Groups = groups
		return r
	}
	g, h, m := s.name("g"), s.name("h"), s.name("m")
	s.simpleCommit(g, a, 0, 1)
	s.simpleCommit(h, a, 0)
	s.member(m, 4)
	s.ask("unknown", request(s.name("ghost")))
	s.ask("with a member", request(m))
	s.ask("one of three", request(m, g, s.name("ghost")))
	s.committed(g)
	s.ask("again", request(g))
	s.ask("twice in one request", request(h, h))
	s.ask("none", request())
	static := s.name("s")
	s.static(static)
	s.ask("with a static member", request(static))
}

func offsetDeleteScript(s *session) {
	a, b := s.topic("a", 3), s.topic("b", 1)
	s.coordinator()
	request := func(group string, topics ...kmsg.OffsetDeleteRequestTopic) *kmsg.OffsetDeleteRequest {
		r := kmsg.NewPtrOffsetDeleteRequest()
		r.Group, r.Topics = group, topics
		return r
	}
	of := func(topic string, partitions ...int32) kmsg.OffsetDeleteRequestTopic {
		t := kmsg.NewOffsetDeleteRequestTopic()
		t.Topic = topic
		for _, p := range partitions {
			t.Partitions = append(t.Partitions, kmsg.OffsetDeleteRequestTopicPartition{Partition: p})
		}
		return t
	}
	g := s.name("g")
	s.simpleCommit(g, a, 0, 1, 2)
	s.simpleCommit(g, b, 0)
	s.ask("one", request(g, of(a, 0)))
	s.committed(g)
	s.ask("again", request(g, of(a, 0)))
	s.ask("unknown partition beside a good one", request(g, of(a, 1, 9)))
	s.ask("unknown topic beside a good one", request(g, of(s.name("ghost"), 0), of(b, 0)))
	s.committed(g)
	s.ask("unknown group", request(s.name("h"), of(a, 0)))
	s.ask("empty group", request("", of(a, 0)))
	s.ask("no topics", request(g))
	s.ask("no partitions", request(g, of(a)))
	s.ask("a partition twice", request(g, of(a, 2, 2)))
	m := s.name("m")
	s.member(m, 4)
	s.ask("of a group with members", request(m, of(a, 0)))
}
