package groupcoord

import (
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// What TestSameAsKafka asks. Kafka 4.4 does not serve OffsetCommit 0-1 and
// OffsetFetch 0; those start at the next version here.
var kafkaScenarios = []kafkaScenario{
	{"simple commits", func(s *session) {
		for v := int16(2); v <= 10; v++ {
			g := fmt.Sprint(s.group, "-", v)
			s.commit(v, g, "", -1, 1, 2, 3, 4, 5)
			s.commit(v, g, "m", -1, 6)
			s.commit(v, g, "m", 0, 7)
			s.commit(v, g+"-none", "m", 3, 7)
			s.commit(v, g+"-none", "m", -1, 7)
			req := commitRequest(v, 8, 9)
			long, short := strings.Repeat("ä", 4097), strings.Repeat("ä", 4096)
			req.Group, req.Topics[0].TopicID = g, s.topicID
			req.Topics[0].Partitions[0].Metadata, req.Topics[0].Partitions[1].Metadata = &long, &short
			req.Topics[0].Partitions[1].LeaderEpoch = 3
			s.ask(req)
		}
		for v := int16(1); v <= 10; v++ {
			for _, g := range []string{s.group + "-5", s.group + "-6", s.group + "-nothing"} {
				s.fetch(v, g, 0, 1, 9)
				if v >= 2 {
					s.fetch(v, g)
				}
			}
		}
		s.describe(s.group+"-5", s.group+"-nothing")
		s.list(nil, nil)
	}},
	{"wrong joins", func(s *session) {
		for v := range int16(10) {
			s.ask(s.join(v, "", "", nil, nil))
			s.ask(s.join(v, "", "m", nil, nil))
			s.ask(s.join(v, s.group, "m", nil, nil))
			s.ask(s.join(v, s.group, "", nil, func(r *kmsg.JoinGroupRequest) { r.SessionTimeoutMillis = 5_999 }))
			s.ask(s.join(v, s.group, "m", nil, func(r *kmsg.JoinGroupRequest) { r.SessionTimeoutMillis = 1_800_001 }))
			s.ask(s.join(v, fmt.Sprint(s.group, "-p", v), "", nil, func(r *kmsg.JoinGroupRequest) { r.Protocols = nil }))
			s.ask(s.join(v, fmt.Sprint(s.group, "-t", v), "", nil, func(r *kmsg.JoinGroupRequest) { r.ProtocolType = "" }))
		}
	}},
	{"one member", func(s *session) {
		for v := range int16(10) {
			g := fmt.Sprint(s.group, "-", v)
			member := s.joined(v, g, nil)
			id := member.MemberID
			s.describe(g)
			s.heartbeat(g, id, 1)
			s.ask(s.join(v, g, id, nil, nil))
			s.commit(7, g, id, 1, 3)
			s.commit(7, g, id, 0, 3)
			s.commit(7, g, "", -1, 3)
			s.sync(v%6, g, id, 2)
			s.sync(v%6, g, "nobody", 1)
			s.sync(v%6, g, id, 1, id)
			s.sync(v%6, g, id, 1)
			s.describe(g)
			for c := int16(2); c <= 10; c++ {
				s.commit(c, g, id, 1, 4, 5)
				s.commit(c, g, id, 2, 6)
				s.commit(c, g, id, -1, 6)
				s.commit(c, g, "", -1, 6)
				s.commit(c, g, "nobody", 1, 6)
			}
			for h := range int16(5) {
				for _, generation := range []int32{0, 1, 2} {
					req := heartbeatRequest(id, generation)
					req.Version, req.Group = h, g
					s.ask(req)
				}
			}
			s.ask(s.join(v, g, "", nil, func(r *kmsg.JoinGroupRequest) { r.ProtocolType = "connect" }))
			s.ask(s.join(v, g, "nobody", nil, func(r *kmsg.JoinGroupRequest) { r.Protocols[0].Name = "other" }))
			s.ask(s.join(v, g, "nobody", nil, nil))
			again := s.ask(s.join(v, g, id, nil, nil)).(*kmsg.JoinGroupResponse) // the leader: a new generation
			s.sync(v%6, g, id, again.Generation, id)
			leave := kmsg.NewPtrLeaveGroupRequest()
			leave.Version, leave.Group, leave.MemberID = v%6, g, id
			leave.Members = []kmsg.LeaveGroupRequestMember{{MemberID: "nobody"}, {MemberID: id}}
			s.ask(leave)
			s.ask(leave)
			leave.Group += "-none"
			s.ask(leave)
			leave.Group = ""
			s.ask(leave)
			s.heartbeat(g, id, 2)
			s.sync(v%6, g, id, 2)
			s.describe(g)
			s.commit(9, g, "", -1, 9)
			s.fetch(8, g, 0)
		}
		s.list(nil, nil)
		s.list([]string{"empty"}, []string{"CLASSIC"})
		s.list([]string{"Stable", "bogus"}, nil)
		s.list(nil, []string{"consumer"})
	}},
	{"nobody there", func(s *session) {
		for v := range int16(6) {
			s.sync(v, s.group, "m", 1)
			s.sync(v, "", "m", 1)
			req := syncRequest("m", 1)
			req.Version, req.Group = v, s.group
			s.ask(req)
		}
		for v := range int16(5) {
			req := heartbeatRequest("m", 1)
			req.Version, req.Group = v, s.group
			s.ask(req)
			req.Group = ""
			s.ask(req)
		}
		s.describe(s.group)
	}},
	{"static member", func(s *session) {
		instance := "i"
		for v := int16(5); v <= 9; v++ {
			g := fmt.Sprint(s.group, "-", v)
			first := s.joined(v, g, &instance).MemberID
			s.sync(3, g, first, 1, first)
			second := s.joined(v, g, &instance).MemberID
			s.describe(g)
			for _, id := range []string{first, second} {
				req := heartbeatRequest(id, 1)
				req.Group, req.InstanceID = g, &instance
				s.ask(req)
				sync := syncRequest(id, 1)
				sync.Group, sync.InstanceID = g, &instance
				s.ask(sync)
				commit := commitRequest(7, 1)
				commit.Group, commit.MemberID, commit.Generation, commit.InstanceID = g, id, 1, &instance
				s.ask(commit)
			}
			s.ask(s.join(v, g, first, &instance, nil))
			other := "other"
			s.ask(s.join(v, g, second, &other, nil))
			leave := kmsg.NewPtrLeaveGroupRequest()
			leave.Version, leave.Group = 3+v%3, g
			leave.Members = []kmsg.LeaveGroupRequestMember{
				{MemberID: first, InstanceID: &instance}, {InstanceID: &other}, {}, {InstanceID: &instance}, {InstanceID: &instance},
			}
			s.ask(leave)
			s.describe(g)
		}
	}},
	{"two members", func(s *session) {
		for _, v := range []int16{0, 3, 5, 9} {
			g := fmt.Sprint(s.group, "-", v)
			first := s.joined(v, g, nil).MemberID
			s.sync(3, g, first, 1, first)

			// The second waits on its own connection until the first comes again.
			p := s.dial2()
			req := s.join(v, g, "", nil, nil)
			if v >= 4 {
				req.MemberID = s.ask(req).(*kmsg.JoinGroupResponse).MemberID
			}
			joined := make(chan kmsg.Response, 1)
			go func() {
				resp, err := p(req)
				if err != nil {
					s.t.Error(err)
				}
				joined <- resp
			}()
			time.Sleep(300 * time.Millisecond)
			s.heartbeat(g, first, 1)
			s.sync(3, g, first, 1)
			s.commit(7, g, first, 1, 5)
			s.ask(&kmsg.ListGroupsRequest{Version: 5, StatesFilter: []string{"PreparingRebalance"}})
			leader := s.ask(s.join(v, g, first, nil, nil)).(*kmsg.JoinGroupResponse)
			follower := <-joined
			s.record(req, follower)
			second := follower.(*kmsg.JoinGroupResponse).MemberID
			s.heartbeat(g, second, leader.Generation)
			s.commit(7, g, second, leader.Generation, 6)
			s.sync(3, g, first, leader.Generation, first)
			s.sync(3, g, second, leader.Generation)
			// A follower with nothing new gets the generation it has.
			s.ask(s.join(v, g, second, nil, nil))
			s.heartbeat(g, first, leader.Generation)
			leave := kmsg.NewPtrLeaveGroupRequest()
			leave.Version, leave.Group, leave.MemberID = 2, g, first
			s.ask(leave)
			s.heartbeat(g, second, leader.Generation)
			s.ask(s.join(v, g, second, nil, nil))
		}
	}},
	{"deleting groups", func(s *session) {
		g, simple, none := s.group, s.group+"-simple", s.group+"-none"
		s.deleteGroups(none)
		s.commit(5, simple, "", -1, 1, 2)
		id := s.joined(3, g, nil).MemberID
		s.deleteGroups(g)
		s.sync(3, g, id, 1, id)
		s.commit(5, g, id, 1, 1, 2)
		s.deleteGroups(g, none)
		s.ask(&kmsg.DeleteGroupsRequest{Version: 2, Groups: []string{simple, none, g}})
		s.fetch(8, simple)
		s.describe(simple)
		leave := kmsg.NewPtrLeaveGroupRequest()
		leave.Version, leave.Group, leave.MemberID = 2, g, id
		s.ask(leave)
		s.deleteGroups(g)
		s.fetch(8, g)
		s.describe(g)
		s.list(nil, nil)
		s.heartbeat(g, id, 1)
		// A member id that was given out and not used.
		pending := s.ask(s.join(4, g, "", nil, nil)).(*kmsg.JoinGroupResponse).MemberID
		s.deleteGroups(g)
		s.ask(s.join(4, g, pending, nil, nil))
		s.describe(g)
	}},
	{"deleting offsets", func(s *session) {
		g, connect, simple := s.group, s.group+"-connect", s.group+"-simple"
		all := map[string][]int32{"t": {0, 1}, "unknown": {0}}
		s.offsetDelete("", all)
		s.offsetDelete(g, nil)
		s.offsetDelete(g, map[string][]int32{"t": {0, 1}})
		s.offsetDelete(g, map[string][]int32{"unknown": {0, 1}})
		s.commit(5, simple, "", -1, 1, 2)
		s.offsetDelete(simple, map[string][]int32{"t": {0, 3, 4}, "unknown": {0}})
		s.fetch(8, simple)
		s.offsetDelete(simple, nil)
		s.offsetDelete(simple, map[string][]int32{"": {0}})
		for _, metadata := range [][]byte{
			{0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0, 255, 255, 255, 255}, {0, 0, 0, 0, 0, 1, 0, 1, 't', 255, 255, 255, 255}, {1},
			{0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 7}, {0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2},
		} {
			g := fmt.Sprint(g, "-", len(metadata))
			join := func(r *kmsg.JoinGroupRequest) { r.Protocols[0].Metadata = metadata }
			id := s.ask(s.join(3, g, "", nil, join)).(*kmsg.JoinGroupResponse).MemberID
			s.offsetDelete(g, all) // completing
			s.sync(3, g, id, 1, id)
			s.commit(5, g, id, 1, 1, 2)
			s.offsetDelete(g, all)
			s.fetch(8, g)
			leave := kmsg.NewPtrLeaveGroupRequest()
			leave.Version, leave.Group, leave.MemberID = 2, g, id
			s.ask(leave)
			s.offsetDelete(g, all)
			s.fetch(8, g)
		}
		id := s.ask(s.join(3, connect, "", nil, func(r *kmsg.JoinGroupRequest) { r.ProtocolType = "connect" })).(*kmsg.JoinGroupResponse).MemberID
		s.offsetDelete(connect, all)
		s.sync(3, connect, id, 1, id)
		s.offsetDelete(connect, map[string][]int32{"t": {0}})
	}},
	{"topics without a name", func(s *session) {
		for v := int16(2); v <= 9; v++ {
			req := commitRequest(v, 1)
			req.Group, req.Topics[0].Topic = s.group, ""
			s.ask(req)
			req.Topics = append(req.Topics, commitRequest(v, 1, 2).Topics...)
			s.ask(req)
		}
	}},
	{"fencing", func(s *session) {
		i, j := "i", "j"
		for v := int16(5); v <= 9; v++ {
			g := fmt.Sprint(s.group, "-", v)
			first := s.joined(v, g, &i).MemberID
			second := s.joined(v, g, &i) // completing: a new generation
			for _, id := range []string{first, second.MemberID, "nobody"} {
				for _, instance := range []*string{nil, &i, &j} {
					for _, generation := range []int32{-1, 1, second.Generation} {
						sync := syncRequest(id, generation)
						sync.Group, sync.InstanceID = g, instance
						s.ask(sync)
						beat := heartbeatRequest(id, generation)
						beat.Group, beat.InstanceID = g, instance
						s.ask(beat)
						commit := commitRequest(8, 1)
						commit.Group, commit.MemberID, commit.Generation, commit.InstanceID = g, id, generation, instance
						s.ask(commit)
					}
				}
			}
			s.sync(3, g, second.MemberID, second.Generation, second.MemberID)
			s.describe(g)
			// In a stable group another protocol means a rebalance, the same none.
			third := s.ask(s.join(v, g, "", &i, func(r *kmsg.JoinGroupRequest) {
				r.Protocols = append(r.Protocols, kmsg.JoinGroupRequestProtocol{Name: "other", Metadata: []byte{0, 0, 0, 0, 0, 0}})
			})).(*kmsg.JoinGroupResponse)
			s.describe(g)
			fourth := s.ask(s.join(v, g, "", &i, func(r *kmsg.JoinGroupRequest) { r.Protocols[0].Name = "other" })).(*kmsg.JoinGroupResponse)
			s.heartbeat(g, third.MemberID, third.Generation)
			s.heartbeat(g, fourth.MemberID, fourth.Generation)
			s.describe(g)
		}
	}},
}
