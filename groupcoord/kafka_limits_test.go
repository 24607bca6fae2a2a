package groupcoord

import (
	"flag"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/groupcoord/group"
)

var kafkaLimits = flag.String("kafka-limits", "", "address of a real Kafka with group.initial.rebalance.delay.ms=3000, "+
	"group.max.size=3, group.min.session.timeout.ms=7000, group.max.session.timeout.ms=20000, offset.metadata.max.bytes=10")

// TestLimitsSameAsKafka compares what the limits do, and when a first generation begins.
func TestLimitsSameAsKafka(t *testing.T) {
	if *kafkaLimits == "" {
		t.Skip("needs -kafka-limits host:port")
	}
	*kafka = *kafkaLimits
	compareWithKafka(t, limitScenarios, func(c *group.Config) {
		c.MaxSize, c.OffsetMetadataMaxBytes, c.MinSessionTimeoutMs, c.MaxSessionTimeoutMs = 3, 10, 7_000, 20_000
	})
}

var limitScenarios = []kafkaScenario{
	{"session timeouts", func(s *session) {
		for v := range int16(10) {
			for _, ms := range []int32{0, -1, 6_999, 20_001, math.MaxInt32} {
				s.ask(s.join(v, s.group, "", nil, func(r *kmsg.JoinGroupRequest) { r.SessionTimeoutMillis = ms }))
			}
		}
	}},
	{"metadata", func(s *session) {
		for _, text := range []string{"", "0123456789", "0123456789a", "\U0001f600\U0001f600\U0001f600\U0001f600\U0001f600", "\U0001f600\U0001f600\U0001f600\U0001f600\U0001f600\U0001f600"} {
			req := commitRequest(8, 1, 2)
			req.Group, req.Topics[0].Partitions[1].Metadata = s.group, &text
			s.ask(req)
			s.fetch(7, s.group)
		}
	}},
	{"one alone", func(s *session) { s.joinAt(3, 10_000, 60_000, 0) }},
	{"others come", func(s *session) { s.joinAt(3, 10_000, 60_000, 0, 1_000, 4_000) }},
	{"rebalance timeout ends the delay", func(s *session) { s.joinAt(3, 10_000, 5_000, 0, 1_000, 4_000) }},
	{"rebalance timeout below the delay", func(s *session) { s.joinAt(3, 10_000, 1_000, 0, 1_000) }},
	{"version 0", func(s *session) { s.joinAt(0, 8_000, 0, 0, 2_000, 5_000) }},
	{"too many wait", func(s *session) { s.joinAt(3, 10_000, 60_000, 0, 500, 1_000, 1_500, 2_000) }},
	{"too many want in", func(s *session) {
		members := s.joinAt(3, 10_000, 60_000, 0, 0, 0)
		for v := range int16(10) {
			s.ask(s.join(v, s.group, "", nil, nil))
			s.ask(s.join(v, s.group, "nobody", nil, nil))
		}
		leader := slices.IndexFunc(members, func(r *kmsg.JoinGroupResponse) bool { return r.LeaderID == r.MemberID })
		s.sync(3, s.group, members[leader].MemberID, 1, members[leader].MemberID)
		for v := range int16(10) {
			s.ask(s.join(v, s.group, "", nil, nil))
		}
		instance := "i"
		s.ask(s.join(5, s.group, "", &instance, nil))
	}},
}

// timeoutScenarios run without an initial delay: TestTimeoutsSameAsKafka needs -kafka.
var timeoutScenarios = []kafkaScenario{
	{"sync that never comes", func(s *session) {
		quick := func(r *kmsg.JoinGroupRequest) { r.SessionTimeoutMillis, r.RebalanceTimeoutMillis = 10_000, 2_000 }
		id := s.ask(s.join(3, s.group, "", nil, quick)).(*kmsg.JoinGroupResponse).MemberID
		time.Sleep(time.Second)
		s.heartbeat(s.group, id, 1)
		s.describe(s.group)
		time.Sleep(2 * time.Second)
		s.heartbeat(s.group, id, 1)
		s.describe(s.group)
	}},
	{"follower that never syncs", func(s *session) {
		quick := func(r *kmsg.JoinGroupRequest) { r.SessionTimeoutMillis, r.RebalanceTimeoutMillis = 10_000, 2_000 }
		first := s.ask(s.join(3, s.group, "", nil, quick)).(*kmsg.JoinGroupResponse).MemberID
		s.sync(3, s.group, first, 1, first)
		p, joined := s.dial2(), make(chan string, 1)
		go func() {
			resp, err := p(s.join(3, s.group, "", nil, quick))
			if err != nil {
				s.t.Error(err)
			}
			joined <- resp.(*kmsg.JoinGroupResponse).MemberID
		}()
		time.Sleep(300 * time.Millisecond)
		s.ask(s.join(3, s.group, first, nil, quick))
		second := <-joined
		s.sync(3, s.group, first, 2, first, second)
		s.heartbeat(s.group, second, 2)
		time.Sleep(3 * time.Second)
		s.heartbeat(s.group, first, 2)
		s.heartbeat(s.group, second, 2)
		s.sync(3, s.group, second, 2)
		s.ask(s.join(3, s.group, first, nil, quick))
	}},
	{"members that do not come back", func(s *session) {
		for _, instance := range []*string{nil, new(string)} {
			g := s.group
			if instance != nil {
				*instance, g = "i", g+"-static"
			}
			quick := func(r *kmsg.JoinGroupRequest) { r.SessionTimeoutMillis, r.RebalanceTimeoutMillis = 7_000, 2_000 }
			first := s.ask(s.join(5, g, "", instance, quick)).(*kmsg.JoinGroupResponse).MemberID
			if instance == nil {
				s.ask(s.join(5, g, first, nil, quick))
			}
			s.sync(3, g, first, 1, first)
			second := s.ask(s.join(3, g, "", nil, quick)).(*kmsg.JoinGroupResponse) // waits for the first, in vain
			s.describe(g)
			s.sync(3, g, second.MemberID, second.Generation, second.MemberID)
			for range 4 {
				time.Sleep(1500 * time.Millisecond)
				s.heartbeat(g, second.MemberID, second.Generation)
			}
			s.describe(g)
		}
	}},
	{"member id that is not used", func(s *session) {
		quick := func(r *kmsg.JoinGroupRequest) { r.SessionTimeoutMillis, r.RebalanceTimeoutMillis = 6_000, 60_000 }
		id := s.ask(s.join(4, s.group, "", nil, quick)).(*kmsg.JoinGroupResponse).MemberID
		s.describe(s.group)
		time.Sleep(7 * time.Second)
		s.ask(s.join(4, s.group, id, nil, quick))
		// One that holds up a rebalance, until it has had its time.
		first := s.joined(3, s.group, nil).MemberID
		s.sync(3, s.group, first, 1, first)
		s.ask(s.join(4, s.group, "", nil, quick))
		start := time.Now()
		s.ask(s.join(3, s.group, first, nil, nil))
		s.out = append(s.out, fmt.Sprintf("%.0f s", time.Since(start).Seconds()))
	}},
}

// TestTimeoutsSameAsKafka compares what happens when nothing comes.
func TestTimeoutsSameAsKafka(t *testing.T) {
	if *kafka == "" || *kafkaLimits != "" {
		t.Skip("needs -kafka host:port")
	}
	compareWithKafka(t, timeoutScenarios, func(c *group.Config) { c.InitialRebalanceDelayMs = 0 })
}

// joinAt joins members, each on its own connection at its time, and records when they are answered, in whole seconds.
func (s *session) joinAt(version int16, sessionMs, rebalanceMs int32, atMs ...int) []*kmsg.JoinGroupResponse {
	var wg sync.WaitGroup
	start := time.Now()
	answers, texts := make([]*kmsg.JoinGroupResponse, len(atMs)), make([]string, len(atMs))
	for i, at := range atMs {
		p := s.dial2()
		req := s.join(version, s.group, "", nil, func(r *kmsg.JoinGroupRequest) {
			r.SessionTimeoutMillis, r.RebalanceTimeoutMillis = sessionMs, rebalanceMs
		})
		wg.Go(func() {
			time.Sleep(time.Until(start.Add(time.Duration(at) * time.Millisecond)))
			resp, err := p(req)
			if err != nil {
				s.t.Error(err)
				return
			}
			answers[i] = resp.(*kmsg.JoinGroupResponse)
			texts[i] = fmt.Sprintf("member %d: code %d after %.0f s, generation %d", i, answers[i].ErrorCode,
				time.Since(start).Seconds(), answers[i].Generation)
		})
	}
	wg.Wait()
	s.out = append(s.out, strings.Join(texts, "\n"))
	return answers
}
