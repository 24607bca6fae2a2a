package group

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Names in flexible requests have no int16 length, names in records do. Longer
// ones must not be written: the key would say something else.
func TestNamesLongerThanARecordHolds(t *testing.T) {
	long := strings.Repeat("x", 1<<15)
	instance := long[:maxText-10]
	for name, test := range map[string]struct {
		change func(*Join)
		want   *kerr.Error
	}{
		"group":         {func(e *Join) { e.Req.Group = long }, kerr.InvalidGroupID},
		"protocol type": {func(e *Join) { e.Req.ProtocolType = long }, kerr.InvalidRequest},
		"protocol":      {func(e *Join) { e.Req.Protocols[0].Name = long }, kerr.InvalidRequest},
		"instance":      {func(e *Join) { e.Req.InstanceID = &instance }, kerr.InvalidRequest},
		"client":        {func(e *Join) { e.ClientID = long }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			req := kmsg.NewPtrJoinGroupRequest()
			req.Version, req.Group, req.ProtocolType = 3, "g", "consumer"
			req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 10_000, 10_000
			req.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range", Metadata: subscribeTo("t")}}
			e := &Join{Caller: Caller{To: 1}, Req: req, ClientID: "c", ID: "00000000-0000-0000-0000-000000000000"}
			test.change(e)

			s := &script{t: t, waiting: map[Token]string{1: name}, m: New(DefaultConfig())}
			s.decide(e)
			s.advance(3_000)

			if test.want != nil {
				if got := s.out.String(); !strings.Contains(got, test.want.Message) {
					t.Fatalf("got %.200s", got)
				}
				return
			}
			id := s.m.groups["g"].members[0].id
			sync := kmsg.NewPtrSyncGroupRequest()
			sync.Group, sync.Generation, sync.MemberID = "g", 1, id
			s.waiting[2] = "sync"
			s.decide(&Sync{Caller: Caller{To: 2}, Req: sync})
			checkMachine(t, s.m, s.log)
			if s.m.groups["g"].state != stable {
				t.Errorf("state %v", s.m.groups["g"].state)
			}
		})
	}

	m := New(Config{OffsetMetadataMaxBytes: 1 << 30, MaxRecordBytes: 1 << 30})
	commit := kmsg.NewPtrOffsetCommitRequest()
	commit.Group = "g"
	commit.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: "t", Partitions: []kmsg.OffsetCommitRequestTopicPartition{{Metadata: &long}}}}
	if d := m.Decide(0, &Commit{Caller: Caller{To: 1}, Req: commit}); len(d.Records) != 0 {
		t.Error("metadata longer than a record holds was written")
	}
	commit.Topics[0].Partitions[0].Metadata, commit.Group = nil, long
	if d := m.Decide(0, &Commit{Caller: Caller{To: 2}, Req: commit}); len(d.Records) != 0 {
		t.Error("a group name longer than a record holds was written")
	}
}

// A member that had left stayed in memory until its session or its first wait,
// of five minutes, would have ended.
func TestMembersThatLeftLeaveNoTimer(t *testing.T) {
	s := &script{t: t, waiting: map[Token]string{}, m: New(DefaultConfig())}
	for i := range 1_000 {
		req := kmsg.NewPtrJoinGroupRequest()
		req.Version, req.Group, req.ProtocolType = 3, "g", "consumer"
		req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 1_800_000, 10_000
		req.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range"}}
		s.waiting[1] = "join"
		s.decide(&Join{Caller: Caller{To: 1}, Req: req, ClientID: "c", ID: strconv.Itoa(i)})
		leave := kmsg.NewPtrLeaveGroupRequest()
		leave.Group, leave.MemberID = "g", "c-"+strconv.Itoa(i)
		s.waiting[2] = "leave"
		s.decide(&Leave{Caller: Caller{To: 2}, Req: leave})
	}
	if n := s.m.timers.Len(); n > 2 {
		t.Errorf("%d timers are left", n)
	}
	checkMachine(t, s.m, s.log)
}

// The commit time of OffsetCommit 1 is the client's: its age overflowed.
func TestCommitTimeOfTheDistantPastExpires(t *testing.T) {
	s := &script{t: t, waiting: map[Token]string{}, m: New(DefaultConfig())}
	commit := kmsg.NewPtrOffsetCommitRequest()
	commit.Version, commit.Group, commit.Generation = 1, "g", -1
	commit.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: "t", Partitions: []kmsg.OffsetCommitRequestTopicPartition{{Timestamp: math.MinInt64}}}}
	s.waiting[1] = "commit"
	s.nowMs = 1
	s.decide(&Commit{Caller: Caller{To: 1}, Req: commit})
	s.advance(s.nowMs + s.m.cfg.OffsetsRetentionCheckMs)
	if s.m.groups["g"] != nil {
		t.Error("the offset is still there")
	}
}

// Members could fill the memory with metadata that no record would ever hold.
func TestWhatMembersOfferIsBounded(t *testing.T) {
	cfg := DefaultConfig()
	cfg.MaxRecordBytes = 1_000
	s := &script{t: t, waiting: map[Token]string{}, m: New(cfg)}
	join := func(to Token, id string, size int) string {
		req := kmsg.NewPtrJoinGroupRequest()
		req.Version, req.Group, req.ProtocolType, req.MemberID = 3, "g", "consumer", id
		req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 10_000, 10_000
		req.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range", Metadata: make([]byte, size)}}
		s.waiting[to], s.out = "join", strings.Builder{}
		s.decide(&Join{Caller: Caller{To: to}, Req: req, ClientID: "c", ID: strconv.Itoa(int(to))})
		return s.out.String()
	}
	full := kerr.GroupMaxSizeReached.Message
	if got := join(1, "", 20_000); !strings.Contains(got, full) || len(s.m.groups) != 0 {
		t.Errorf("one member with too much: %s", got)
	}
	join(2, "", 8_000)
	join(3, "", 7_000)
	if got := join(4, "", 2_000); !strings.Contains(got, full) {
		t.Errorf("a third one: %s", got)
	}
	// One that is there may come again with as much, and not with more.
	if got := join(5, "c-3", 7_000); strings.Contains(got, full) {
		t.Errorf("again: %s", got)
	}
	if got := join(6, "c-3", 9_000); !strings.Contains(got, full) {
		t.Errorf("again, with more: %s", got)
	}
	checkMachine(t, s.m, s.log)
}
