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
