package oracle

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func findCoordinatorScript(s *session) {
	request := func(kind int8, keys ...string) *kmsg.FindCoordinatorRequest {
		r := kmsg.NewPtrFindCoordinatorRequest()
		r.CoordinatorType, r.CoordinatorKeys = kind, keys
		if len(keys) > 0 {
			r.CoordinatorKey = keys[0]
		}
		return r
	}
	s.topicOf("__consumer_offsets")
	s.ask("group", request(0, s.name("g")))
	s.ask("empty group", request(0, ""))
	s.ask("type 5", request(5, s.name("g")))
	s.ask("type -1", request(-1, s.name("g")))
	if s.version < 6 {
		s.ask("share", request(2, s.name("g")))
	}
	s.ask("transaction", request(1, s.name("x")))
	if s.version >= 4 {
		s.ask("two groups", request(0, s.name("g"), s.name("h")))
		s.ask("a group twice", request(0, s.name("g"), s.name("g")))
		s.ask("no groups", request(0))
	}
}

type commit struct {
	topic     string
	partition int32
	offset    int64
	metadata  *string
}

func (s *session) commitRequest(group, member string, generation int32, commits ...commit) *kmsg.OffsetCommitRequest {
	r := kmsg.NewPtrOffsetCommitRequest()
	r.Group, r.MemberID, r.Generation, r.RetentionTimeMillis = group, member, generation, -1
	for _, c := range commits {
		n := len(r.Topics)
		if n == 0 || r.Topics[n-1].Topic != c.topic {
			t := kmsg.NewOffsetCommitRequestTopic()
			t.Topic = c.topic
			if s.version >= 10 {
				t.TopicID = s.idOrGhost(c.topic)
			}
			r.Topics = append(r.Topics, t)
			n++
		}
		p := kmsg.NewOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset, p.Metadata, p.LeaderEpoch, p.Timestamp = c.partition, c.offset, c.metadata, 0, -1
		r.Topics[n-1].Partitions = append(r.Topics[n-1].Partitions, p)
	}
	return r
}

// committed notes what a group has.
func (s *session) committed(group string) {
	s.t.Helper()
	r := kmsg.NewPtrOffsetFetchRequest()
	r.Group = group
	s.note("committed", s.render(s.must(5, r))...)
}

func offsetCommitScript(s *session) {
	a := s.topic("a", 2)
	s.topicOf("__consumer_offsets")
	g, note := s.name("g"), "a note"
	long := string(make250())
	for len(long) <= 4096 {
		long += long
	}
	s.ask("simple", s.commitRequest(g, "", -1, commit{a, 0, 5, &note}, commit{a, 1, 6, nil}))
	s.committed(g)
	s.ask("unknown topic beside a good one", s.commitRequest(g, "", -1, commit{s.name("ghost"), 0, 5, nil}, commit{a, 0, 7, nil}))
	s.ask("unknown partition", s.commitRequest(g, "", -1, commit{a, 9, 5, nil}))
	s.ask("metadata too long", s.commitRequest(g, "", -1, commit{a, 0, 8, &long}, commit{a, 1, 9, nil}))
	s.ask("negative offset", s.commitRequest(g, "", -1, commit{a, 0, -1, nil}))
	s.committed(g)
	s.ask("empty group", s.commitRequest("", "", -1, commit{a, 0, 5, nil}))
	s.ask("no topics", s.commitRequest(g, "", -1))
	s.ask("a member of nothing", s.commitRequest(g, "nobody", 3, commit{a, 0, 5, nil}))
	s.ask("a generation of an unknown group", s.commitRequest(s.name("h"), "nobody", 3, commit{a, 0, 5, nil}))
	s.ask("a generation without member", s.commitRequest(s.name("h"), "", 3, commit{a, 0, 5, nil}))
	member := s.member(s.name("m"), 5)
	s.ask("of a member", s.commitRequest(s.name("m"), member, 1, commit{a, 0, 5, nil}))
	s.ask("of another generation", s.commitRequest(s.name("m"), member, 2, commit{a, 0, 6, nil}))
	s.ask("of another member", s.commitRequest(s.name("m"), "nobody", 1, commit{a, 0, 7, nil}))
	s.ask("of no member", s.commitRequest(s.name("m"), "", -1, commit{a, 0, 8, nil}))
	s.committed(s.name("m"))
	r := s.commitRequest(s.name("r"), "", -1, commit{a, 0, 5, nil})
	r.RetentionTimeMillis = 1000
	r.Topics[0].Partitions[0].LeaderEpoch = 7
	s.ask("retention and epoch", r)
	if s.version >= 10 {
		r = s.commitRequest(g, "", -1, commit{a, 0, 5, nil})
		r.Topics[0].TopicID = [16]byte{}
		s.ask("no id", r)
	}
}

// member makes a group with one member, in generation 1, that has an assignment.
func (s *session) member(group string, version int16) string {
	s.t.Helper()
	s.coordinator()
	join := joinRequest(group, "", "range")
	r := s.joined(4, join)
	sync := kmsg.NewPtrSyncGroupRequest()
	sync.Group, sync.Generation, sync.MemberID = group, r.Generation, r.MemberID
	sync.GroupAssignment = []kmsg.SyncGroupRequestGroupAssignment{{MemberID: r.MemberID, MemberAssignment: []byte("work")}}
	s.must(3, sync)
	return r.MemberID
}

// joined joins as clients do: where the coordinator gives an id first, with that id.
func (s *session) joined(version int16, join *kmsg.JoinGroupRequest) *kmsg.JoinGroupResponse {
	s.t.Helper()
	join.Version = version
	resp, err := s.conn.Ask(join)
	if err != nil {
		s.t.Fatal(err)
	}
	r := resp.(*kmsg.JoinGroupResponse)
	if r.ErrorCode == 79 {
		join.MemberID = r.MemberID
		r = s.must(version, join).(*kmsg.JoinGroupResponse)
	}
	if r.ErrorCode != 0 {
		s.t.Fatalf("prepare: join %s: error %d", join.Group, r.ErrorCode)
	}
	return r
}

// coordinator makes sure that there is one.
func (s *session) coordinator() { s.topicOf("__consumer_offsets") }

func joinRequest(group, member string, protocols ...string) *kmsg.JoinGroupRequest {
	r := kmsg.NewPtrJoinGroupRequest()
	r.Group, r.MemberID, r.ProtocolType, r.SessionTimeoutMillis, r.RebalanceTimeoutMillis = group, member, "consumer", 30_000, 30_000
	for _, p := range protocols {
		r.Protocols = append(r.Protocols, kmsg.JoinGroupRequestProtocol{Name: p, Metadata: subscription()})
	}
	return r
}

// subscription is what a consumer says of itself. Kafka 3.9.1 reads it, and a request handler of it dies of what cannot be read.
func subscription() []byte {
	m := kmsg.NewConsumerMemberMetadata()
	m.Topics = []string{"a"}
	return m.AppendTo(nil)
}

// asked is what an OffsetFetch wants of a topic.
type asked struct {
	topic      string
	partitions []int32
}

// offsetFetch is a request of one group, in the form of every version at once.
func (s *session) offsetFetch(group string, topics ...asked) *kmsg.OffsetFetchRequest {
	r := kmsg.NewPtrOffsetFetchRequest()
	r.Group = group
	fg := kmsg.NewOffsetFetchRequestGroup()
	fg.Group = group
	for _, t := range topics {
		r.Topics = append(r.Topics, kmsg.OffsetFetchRequestTopic{Topic: t.topic, Partitions: t.partitions})
		gt := kmsg.OffsetFetchRequestGroupTopic{Topic: t.topic, Partitions: t.partitions}
		if s.version >= 10 {
			gt.TopicID = s.idOrGhost(t.topic)
		}
		fg.Topics = append(fg.Topics, gt)
	}
	r.Groups = append(r.Groups, fg)
	return r
}

func offsetFetchScript(s *session) {
	a, b := s.topic("a", 3), s.topic("b", 1)
	s.topicOf("__consumer_offsets")
	g := s.name("g")
	note := "a note"
	commitTo := func(group, topic string, partition int32, offset int64, metadata *string) {
		r := kmsg.NewPtrOffsetCommitRequest()
		r.Group, r.Generation = group, -1
		r.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: topic, Partitions: []kmsg.OffsetCommitRequestTopicPartition{{Partition: partition, Offset: offset, LeaderEpoch: 3, Metadata: metadata}}}}
		s.must(6, r)
	}
	commitTo(g, a, 0, 11, &note)
	commitTo(g, a, 1, 12, nil)
	commitTo(g, b, 0, 13, nil)
	request := s.offsetFetch
	s.ask("some", request(g, asked{a, []int32{0, 1, 2}}, asked{b, []int32{0}}))
	s.ask("unknown partition", request(g, asked{a, []int32{9, -1}}))
	s.ask("unknown topic", request(g, asked{s.name("ghost"), []int32{0}}))
	s.ask("unknown group", request(s.name("h"), asked{a, []int32{0}}))
	s.ask("no partitions", request(g, asked{a, nil}))
	if s.version >= 2 {
		s.ask("all", request(g))
		s.ask("all of an unknown group", request(s.name("h")))
	}
	r := request(g)
	r.Topics, r.Groups[0].Topics = []kmsg.OffsetFetchRequestTopic{}, []kmsg.OffsetFetchRequestGroupTopic{}
	s.ask("no topics", r)
	s.ask("empty group", request("", asked{a, []int32{0}}))
	r = request(g, asked{a, []int32{0}})
	r.RequireStable = true
	s.ask("require stable", r)
	if s.version >= 8 {
		r = request(g, asked{a, []int32{0}})
		r.Groups = append(r.Groups, request(s.name("h"), asked{a, []int32{1}}).Groups[0])
		s.ask("two groups", r)
		if s.target.release != "3.9.1" { // it does not answer
			r.Groups = nil
			s.ask("no groups", r)
		}
	}
	if s.version >= 9 {
		nobody := "nobody"
		r = request(g, asked{a, []int32{0}})
		r.Groups[0].MemberID, r.Groups[0].MemberEpoch = &nobody, 4
		s.ask("with a member and an epoch", r)
	}
}

func joinGroupScript(s *session) {
	s.coordinator()
	g := s.name("g")
	first := s.ask("first", joinRequest(g, "", "range", "roundrobin")).(*kmsg.JoinGroupResponse)
	if first.ErrorCode == 79 {
		first = s.ask("with the id", joinRequest(g, first.MemberID, "range", "roundrobin")).(*kmsg.JoinGroupResponse)
	}
	s.ask("again", joinRequest(g, first.MemberID, "range", "roundrobin"))
	s.ask("unknown member", joinRequest(g, "nobody", "range"))
	s.ask("another protocol", joinRequest(g, "", "sticky"))
	r := joinRequest(g, "", "range")
	r.ProtocolType = "connect"
	s.ask("another type", r)
	s.ask("no protocols", joinRequest(s.name("h"), ""))
	r = joinRequest(s.name("h"), "", "range")
	r.ProtocolType = ""
	s.ask("no type", r)
	s.ask("empty group", joinRequest("", "", "range"))
	for _, timeout := range []int32{1, 10_000_000, -1} {
		r = joinRequest(s.name("h"), "", "range")
		r.SessionTimeoutMillis = timeout
		s.ask(fmt.Sprint("session timeout ", timeout), r)
	}
	if s.version < 5 {
		return
	}
	instance := "one"
	r = joinRequest(s.name("static"), "", "range")
	r.InstanceID = &instance
	s.ask("static", r)
	s.ask("static again", r)
}

// formed makes a group of one and returns its member, before it has an assignment.
func (s *session) formed(group string) *kmsg.JoinGroupResponse {
	s.t.Helper()
	s.coordinator()
	return s.joined(4, joinRequest(group, "", "range"))
}

func syncGroupScript(s *session) {
	g := s.name("g")
	m := s.formed(g)
	kind, protocol, wrong := "consumer", "range", "sticky"
	request := func(group, member string, generation int32) *kmsg.SyncGroupRequest {
		r := kmsg.NewPtrSyncGroupRequest()
		r.Group, r.MemberID, r.Generation, r.ProtocolType, r.Protocol = group, member, generation, &kind, &protocol
		r.GroupAssignment = []kmsg.SyncGroupRequestGroupAssignment{{MemberID: member, MemberAssignment: []byte("work")}}
		return r
	}
	s.ask("wrong generation", request(g, m.MemberID, 9))
	s.ask("unknown member", request(g, "nobody", 1))
	s.ask("unknown group", request(s.name("h"), m.MemberID, 1))
	s.ask("empty group", request("", m.MemberID, 1))
	r := request(g, m.MemberID, 1)
	r.Protocol = &wrong
	if s.version >= 5 {
		s.ask("wrong protocol", r)
		r = request(g, m.MemberID, 1)
		r.ProtocolType, r.Protocol = nil, nil
		s.ask("no protocol", r)
	}
	s.ask("good", request(g, m.MemberID, 1))
	r = request(g, m.MemberID, 1)
	r.GroupAssignment = nil
	s.ask("again", r)
	other := s.name("other")
	m = s.formed(other)
	r = request(other, m.MemberID, 1)
	r.GroupAssignment = nil
	s.ask("a leader without assignment", r)
}

func heartbeatScript(s *session) {
	g := s.name("g")
	m := s.member(g, 4)
	request := func(group, member string, generation int32) *kmsg.HeartbeatRequest {
		r := kmsg.NewPtrHeartbeatRequest()
		r.Group, r.MemberID, r.Generation = group, member, generation
		return r
	}
	s.ask("good", request(g, m, 1))
	s.ask("wrong generation", request(g, m, 9))
	s.ask("unknown member", request(g, "nobody", 1))
	s.ask("unknown group", request(s.name("h"), m, 1))
	s.ask("empty group", request("", m, 1))
	instance := "one"
	r := request(g, m, 1)
	r.InstanceID = &instance
	s.ask("unknown instance", r)
	f := s.formed(s.name("f"))
	s.ask("before the assignment", request(s.name("f"), f.MemberID, 1))
}

func leaveGroupScript(s *session) {
	g := s.name("g")
	m := s.member(g, 4)
	request := func(group string, members ...string) *kmsg.LeaveGroupRequest {
		r := kmsg.NewPtrLeaveGroupRequest()
		r.Group = group
		for _, id := range members {
			r.MemberID = id
			r.Members = append(r.Members, kmsg.LeaveGroupRequestMember{MemberID: id})
		}
		return r
	}
	s.ask("unknown member", request(g, "nobody"))
	s.ask("unknown group", request(s.name("h"), m))
	s.ask("empty group", request("", m))
	s.ask("empty member", request(g, ""))
	if s.version >= 3 {
		s.ask("several", request(g, "nobody", "somebody"))
		s.ask("nobody", request(g))
		instance := "one"
		r := request(g, "")
		r.Members[0].InstanceID = &instance
		s.ask("unknown instance", r)
	}
	s.ask("good", request(g, m))
	s.ask("again", request(g, m))
}

func describeGroupsScript(s *session) {
	a := s.topic("a", 1)
	g, e := s.name("g"), s.name("empty")
	s.member(g, 4)
	c := kmsg.NewPtrOffsetCommitRequest()
	c.Group, c.Generation = e, -1
	c.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: a, Partitions: []kmsg.OffsetCommitRequestTopicPartition{{Offset: 1}}}}
	s.must(6, c)
	request := func(groups ...string) *kmsg.DescribeGroupsRequest {
		r := kmsg.NewPtrDescribeGroupsRequest()
		r.Groups = groups
		return r
	}
	s.ask("stable", request(g))
	s.ask("of offsets only", request(e))
	s.ask("unknown", request(s.name("h")))
	s.ask("several", request(e, s.name("h")))
	s.ask("empty name", request(""))
	s.ask("none", request())
	s.ask("twice", request(e, e))
	r := request(g)
	r.IncludeAuthorizedOperations = true
	s.ask("authorized operations", r)
	s.formed(s.name("f"))
	s.ask("before the assignment", request(s.name("f")))
}

func listGroupsScript(s *session) {
	s.member(s.name("g"), 4)
	s.formed(s.name("f"))
	request := func(states, types []string) *kmsg.ListGroupsRequest {
		r := kmsg.NewPtrListGroupsRequest()
		r.StatesFilter, r.TypesFilter = states, types
		return r
	}
	s.ask("all", request(nil, nil))
	if s.version >= 4 {
		s.ask("stable ones", request([]string{"Stable"}, nil))
		s.ask("in lower case", request([]string{"stable"}, nil))
		s.ask("two states", request([]string{"Stable", "CompletingRebalance"}, nil))
		s.ask("unknown state", request([]string{"Sleeping"}, nil))
	}
	if s.version >= 5 {
		s.ask("classic ones", request(nil, []string{"classic"}))
		s.ask("Classic ones", request(nil, []string{"Classic"}))
		s.ask("consumer ones", request(nil, []string{"consumer"}))
		s.ask("unknown type", request(nil, []string{"odd"}))
	}
}
