package oracle

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/compat-tests/harness"
)

// Group members that say odd things.

func joinGroupOddScript(s *session) {
	s.coordinator()
	join := func(label string, r *kmsg.JoinGroupRequest) *kmsg.JoinGroupResponse {
		resp, answered := s.ask(label, r).(*kmsg.JoinGroupResponse)
		if !answered {
			return &kmsg.JoinGroupResponse{}
		}
		if resp.ErrorCode != 79 {
			return resp
		}
		r.MemberID = resp.MemberID
		return s.ask(label+", with the id", r).(*kmsg.JoinGroupResponse)
	}
	join("empty protocol", joinRequest(s.name("unnamed"), "", ""))
	r := joinRequest(s.name("connect"), "", "default")
	r.ProtocolType, r.Protocols[0].Metadata = "connect", []byte("any")
	join("connect", r)
	r = joinRequest(s.name("connect"), "", "default")
	r.ProtocolType, r.Protocols[0].Metadata = "connect", []byte{}
	r.Group = s.name("bare")
	join("no metadata", r)
	join("a member of an unknown group", joinRequest(s.name("h"), "nobody", "range"))
	join("odd name", joinRequest(s.name("a b/ä"), "", "range"))
	for _, timeout := range []int32{5999, 6000, 1_800_000, 1_800_001, 0, math.MinInt32} {
		r = joinRequest(s.name(fmt.Sprint("session", timeout)), "", "range")
		r.SessionTimeoutMillis = timeout
		join(fmt.Sprint("session timeout ", timeout), r)
	}
	if s.version >= 1 {
		for _, timeout := range []int32{0, -1, math.MaxInt32} {
			r = joinRequest(s.name(fmt.Sprint("rebalance", timeout)), "", "range")
			r.RebalanceTimeoutMillis = timeout
			join(fmt.Sprint("rebalance timeout ", timeout), r)
		}
	}
	g := s.name("g")
	first := join("first", joinRequest(g, "", "range", "sticky"))
	join("again, other protocols", joinRequest(g, first.MemberID, "sticky"))
	r = joinRequest(g, first.MemberID, "sticky")
	r.ProtocolType = "connect"
	join("again, another type", r)
	r = joinRequest(g, "nobody", "sticky")
	r.ProtocolType = "connect"
	join("a stranger of another type", r)
	if s.version >= 8 {
		reason := strings.Repeat("x", 300)
		r = joinRequest(s.name("reason"), "", "range")
		r.Reason = &reason
		join("long reason", r)
	}
	if s.version >= 5 {
		s.staticJoins()
	}
}

func (s *session) staticJoins() {
	join := func(label, group, member, instance string) *kmsg.JoinGroupResponse {
		r := joinRequest(group, member, "range")
		r.InstanceID = &instance
		return s.ask(label, r).(*kmsg.JoinGroupResponse)
	}
	g := s.name("static")
	first := join("static", g, "", "one")
	join("static, with its id", g, first.MemberID, "one")
	join("static, with another id", g, "nobody", "one")
	join("static, with an id of nobody", g, "nobody", "two")
	second := join("static, again without id", g, "", "one")
	join("static, with the old id", g, first.MemberID, "one")
	heart := kmsg.NewPtrHeartbeatRequest()
	heart.Group, heart.MemberID, heart.Generation = g, second.MemberID, second.Generation
	s.note("the new one's heart", s.render(s.must2(3, heart))...)
	heart.MemberID = first.MemberID
	s.note("the old one's heart", s.render(s.must2(3, heart))...)
	one := "one"
	heart.InstanceID = &one
	s.note("the old one's heart, with the instance", s.render(s.must2(3, heart))...)
	join("empty instance", s.name("e"), "", "")
	join("odd instance", s.name("o"), "", "a b/ä")
	join("long instance", s.name("l"), "", string(make250()))
}

// must2 asks in a version that every broker serves, and takes any answer.
func (s *session) must2(version int16, r kmsg.Request) kmsg.Response {
	s.t.Helper()
	r.SetVersion(version)
	resp, err := s.conn.Ask(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp
}

// static makes a group with one static member, "one", in generation 1, that has an assignment.
func (s *session) static(group string) string {
	s.t.Helper()
	s.coordinator()
	join := joinRequest(group, "", "range")
	one := "one"
	join.InstanceID = &one
	r := s.joined(5, join)
	sync := kmsg.NewPtrSyncGroupRequest()
	sync.Group, sync.Generation, sync.MemberID, sync.InstanceID = group, r.Generation, r.MemberID, &one
	sync.GroupAssignment = []kmsg.SyncGroupRequestGroupAssignment{{MemberID: r.MemberID, MemberAssignment: []byte("work")}}
	s.must(3, sync)
	return r.MemberID
}

func syncGroupOddScript(s *session) {
	request := func(group string, m *kmsg.JoinGroupResponse, to ...string) *kmsg.SyncGroupRequest {
		r := kmsg.NewPtrSyncGroupRequest()
		kind, protocol := "consumer", "range"
		r.Group, r.MemberID, r.Generation, r.ProtocolType, r.Protocol = group, m.MemberID, m.Generation, &kind, &protocol
		for i, member := range to {
			r.GroupAssignment = append(r.GroupAssignment, kmsg.SyncGroupRequestGroupAssignment{MemberID: member, MemberAssignment: fmt.Append(nil, "work ", i)})
		}
		return r
	}
	g := s.name("g")
	m := s.formed(g)
	s.ask("assignments for strangers", request(g, m, "nobody", m.MemberID))
	s.ask("another assignment when stable", request(g, m, m.MemberID))
	g = s.name("h")
	m = s.formed(g)
	s.ask("an assignment twice", request(g, m, m.MemberID, m.MemberID))
	g = s.name("i")
	m = s.formed(g)
	r := request(g, m, m.MemberID)
	r.GroupAssignment[0].MemberAssignment = []byte{}
	s.ask("empty assignment", r)
	g = s.name("j")
	m = s.formed(g)
	r = request(g, m, m.MemberID)
	r.MemberID = ""
	s.ask("no member", r)
	r = request(g, m, m.MemberID)
	r.Generation = -1
	s.ask("generation -1", r)
	if s.version >= 5 {
		wrong := "connect"
		r = request(g, m, m.MemberID)
		r.ProtocolType = &wrong
		s.ask("another type", r)
	}
	if s.version >= 3 {
		g = s.name("static")
		id := s.static(g)
		one, two := "one", "two"
		m = &kmsg.JoinGroupResponse{MemberID: id, Generation: 1}
		r = request(g, m)
		r.InstanceID = &one
		s.ask("static", r)
		r.InstanceID = &two
		s.ask("static, of another name", r)
		r = request(g, &kmsg.JoinGroupResponse{MemberID: "nobody", Generation: 1})
		r.InstanceID = &one
		s.ask("static, another id", r)
	}
}

func heartbeatOddScript(s *session) {
	g := s.name("g")
	m := s.member(g, 4)
	request := func(group, member string, generation int32, instance ...string) *kmsg.HeartbeatRequest {
		r := kmsg.NewPtrHeartbeatRequest()
		r.Group, r.MemberID, r.Generation = group, member, generation
		if len(instance) > 0 {
			r.InstanceID = &instance[0]
		}
		return r
	}
	s.ask("generation -1", request(g, m, -1))
	s.ask("generation 0", request(g, m, 0))
	s.ask("no member", request(g, "", 1))
	s.ask("no member, no generation", request(g, "", -1))
	if s.version >= 3 {
		h := s.name("static")
		id := s.static(h)
		s.ask("static", request(h, id, 1, "one"))
		s.ask("static, without its name", request(h, id, 1))
		s.ask("static, another id", request(h, "nobody", 1, "one"))
		s.ask("static, another name", request(h, id, 1, "two"))
		s.ask("static, another generation", request(h, id, 2, "one"))
		s.ask("static, no id", request(h, "", 1, "one"))
	}
	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.Group, leave.MemberID = g, m
	s.must(2, leave)
	s.ask("after it left", request(g, m, 1))
	a := s.topic("a", 1)
	s.must(6, s.commitRequest(s.name("offsets"), "", -1, commit{a, 0, 5, nil}))
	s.ask("a group of offsets only", request(s.name("offsets"), "nobody", 1))
	s.ask("a group of offsets only, no member", request(s.name("offsets"), "", -1))
}

func leaveGroupOddScript(s *session) {
	request := func(group string, members ...kmsg.LeaveGroupRequestMember) *kmsg.LeaveGroupRequest {
		r := kmsg.NewPtrLeaveGroupRequest()
		r.Group, r.Members = group, members
		return r
	}
	member := func(id string, instance ...string) kmsg.LeaveGroupRequestMember {
		m := kmsg.LeaveGroupRequestMember{MemberID: id}
		if len(instance) > 0 {
			m.InstanceID = &instance[0]
		}
		return m
	}
	g := s.name("g")
	m := s.member(g, 4)
	s.ask("a member and a stranger", request(g, member("nobody"), member(m)))
	s.ask("nobody is left", request(g, member(m)))
	g = s.name("twice")
	m = s.member(g, 4)
	s.ask("a member twice", request(g, member(m), member(m)))
	g = s.name("static")
	id := s.static(g)
	s.ask("another name", request(g, member(id, "two")))
	s.ask("another id", request(g, member("nobody", "one")))
	s.ask("the id alone", request(g, member(id)))
	s.static(s.name("static2"))
	s.ask("the name alone", request(s.name("static2"), member("", "one")))
	s.ask("the name alone, again", request(s.name("static2"), member("", "one")))
	id = s.static(s.name("static3"))
	s.ask("both, then the name", request(s.name("static3"), member(id, "one"), member("", "one")))
	s.ask("an unknown group, several", request(s.name("h"), member("a"), member("", "b")))
	s.ask("an unknown group, nobody", request(s.name("h")))
	s.ask("empty group, nobody", request(""))
}

func offsetCommitOddScript(s *session) {
	a, b := s.topic("a", 2), s.topic("b", 1)
	s.topicOf("__consumer_offsets")
	g, empty := s.name("g"), ""
	full := strings.Repeat("m", 4096)
	more := full + "m"
	s.ask("metadata as long as may be", s.commitRequest(g, "", -1, commit{a, 0, 5, &full}))
	s.ask("metadata one too long", s.commitRequest(g, "", -1, commit{a, 0, 6, &more}))
	s.ask("empty metadata", s.commitRequest(g, "", -1, commit{a, 1, 7, &empty}))
	s.committed(g)
	s.ask("offset -5", s.commitRequest(g, "", -1, commit{a, 0, -5, nil}))
	s.ask("largest offset", s.commitRequest(g, "", -1, commit{a, 0, math.MaxInt64, nil}))
	s.ask("negative partition", s.commitRequest(g, "", -1, commit{a, -1, 5, nil}))
	s.ask("a topic twice", s.commitRequest(g, "", -1, commit{a, 0, 1, nil}, commit{b, 0, 2, nil}, commit{a, 1, 3, nil}))
	s.committed(g)
	s.ask("a partition twice", s.commitRequest(g, "", -1, commit{a, 0, 1, nil}, commit{a, 0, 2, nil}))
	s.committed(g)
	r := s.commitRequest(g, "", -1, commit{a, 0, 5, nil})
	r.Topics[0].Partitions = nil
	s.ask("no partitions", r)
	r = s.commitRequest(g, "", -1, commit{b, 0, 5, nil}, commit{a, 0, 5, nil})
	r.Topics[1].Partitions = nil
	s.ask("no partitions beside a good one", r)
	if s.version < 10 {
		s.ask("bad names beside a good one", s.commitRequest(g, "", -1, commit{"a b", 0, 5, nil}, commit{"", 0, 5, nil}, commit{b, 0, 6, nil}))
	}
	s.ask("internal topic", s.commitRequest(g, "", -1, commit{"__consumer_offsets", 0, 5, nil}))
	s.ask("odd group", s.commitRequest(s.name("a b/ä"), "", -1, commit{a, 0, 5, nil}))
	s.ask("no generation but a member", s.commitRequest(s.name("n"), "nobody", -1, commit{a, 0, 5, nil}))
	s.ask("generation -2", s.commitRequest(s.name("n"), "", -2, commit{a, 0, 5, nil}))
	s.ask("generation 0 of nobody", s.commitRequest(s.name("n"), "", 0, commit{a, 0, 5, nil}))
	m := s.formed(s.name("f"))
	s.ask("before the assignment", s.commitRequest(s.name("f"), m.MemberID, 1, commit{a, 0, 5, nil}))
	if s.version >= 7 {
		h, one, two := s.name("static"), "one", "two"
		id := s.static(h)
		for _, c := range []struct {
			label, id string
			instance  *string
		}{{"static", id, &one}, {"static, another id", "nobody", &one}, {"static, another name", id, &two}, {"static, no name", id, nil}} {
			r = s.commitRequest(h, c.id, 1, commit{a, 0, 5, nil})
			r.InstanceID = c.instance
			s.ask(c.label, r)
		}
	}
}

func offsetFetchOddScript(s *session) {
	a, b := s.topic("a", 2), s.topic("b", 1)
	g := s.name("g")
	s.coordinator()
	own := s.version
	s.version = 6
	s.must(6, s.commitRequest(g, "", -1, commit{a, 0, 11, nil}, commit{b, 0, 13, nil}))
	s.version = own
	request := s.offsetFetch
	s.ask("a partition twice", request(g, asked{a, []int32{0, 0}}))
	s.ask("a topic twice", request(g, asked{a, []int32{0}}, asked{b, []int32{0}}, asked{a, []int32{1}}))
	s.ask("no partitions beside some", request(g, asked{a, nil}, asked{b, []int32{0}}))
	if s.version < 10 {
		s.ask("bad names", request(g, asked{"a b", []int32{0}}, asked{"", []int32{0}}, asked{b, []int32{0}}))
	} else {
		r := request(g, asked{a, []int32{0}}, asked{b, []int32{0}})
		r.Groups[0].Topics[0].TopicID = [16]byte{}
		s.ask("no id beside a good one", r)
		s.ask("an unknown id beside a good one", request(g, asked{s.name("ghost"), []int32{0}}, asked{b, []int32{0}}))
	}
	if s.version >= 8 {
		r := request(g, asked{a, []int32{0}})
		r.Groups = append(r.Groups, request(g, asked{b, []int32{0}}).Groups[0])
		s.ask("a group twice", r)
		r = request(g, asked{a, []int32{0}})
		r.Groups = append(r.Groups, request("", asked{b, []int32{0}}).Groups[0], request(s.name("h")).Groups[0])
		r.Groups[1].Group = s.name("i")
		s.ask("some and all", r)
	}
	if s.version >= 9 {
		classic := s.name("classic")
		m := s.member(classic, 5)
		for _, c := range []struct {
			label  string
			member string
			epoch  int32
		}{{"of a classic member", m, 1}, {"of a classic member, old epoch", m, 0}, {"of a stranger", "nobody", 1}, {"epoch without member", "", 5}} {
			r := request(classic, asked{a, []int32{0}})
			if c.member != "" {
				r.Groups[0].MemberID = &c.member
			}
			r.Groups[0].MemberEpoch = c.epoch
			s.ask(c.label, r)
		}
	}
	s.delete(b)
	gone := kmsg.NewPtrOffsetFetchRequest() // a moment later, so are its offsets
	gone.Group, gone.Topics = g, []kmsg.OffsetFetchRequestTopic{{Topic: b, Partitions: []int32{0}}}
	for deadline := time.Now().Add(harness.Patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if s.must(5, gone).(*kmsg.OffsetFetchResponse).Topics[0].Partitions[0].Offset == -1 {
			break
		}
	}
	if s.version >= 2 {
		s.ask("all, after a topic was deleted", request(g))
	}
	if s.version < 10 {
		s.ask("of the deleted topic", request(g, asked{b, []int32{0}}))
	}
}
