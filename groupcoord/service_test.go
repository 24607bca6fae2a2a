package groupcoord

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/groupcoord/group"
	"github.com/sordini/sordini/groupcoord/runtime/memlog"
)

var topicID = [16]byte{1}

// newService has one partition of __consumer_offsets and one topic, t.
func newService(t *testing.T, log *memlog.Log, change func(*Config)) *Service {
	t.Helper()
	var ids atomic.Int32
	cfg := Config{
		Clock:             func() int64 { return time.Now().UnixMilli() },
		Logger:            slog.New(slog.DiscardHandler),
		Group:             group.DefaultConfig(),
		OffsetsPartitions: func() int32 { return 1 },
		RandomID:          func() string { return fmt.Sprint(ids.Add(1)) },
		ResolveTopic: func(topic string, id [16]byte, partition int32) (string, *kerr.Error) {
			switch {
			case topic == "" && id != topicID:
				return "", kerr.UnknownTopicID
			case topic != "" && topic != "t" || partition > 3:
				return "", kerr.UnknownTopicOrPartition
			}
			return "t", nil
		},
		TopicID: func(topic string) ([16]byte, bool) { return topicID, topic == "t" },
	}
	cfg.Group.InitialRebalanceDelayMs = 0
	if change != nil {
		change(&cfg)
	}
	s := New(cfg)
	s.Lead(0, 0, log)
	synctest.Wait()
	return s
}

func joinRequest(version int16, memberID string) *kmsg.JoinGroupRequest {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Version, req.Group, req.MemberID = version, "g", memberID
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis, req.ProtocolType = 10_000, 60_000, "consumer"
	req.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range", Metadata: []byte{0, 0, 0, 0, 0, 0}}}
	return req
}

func syncRequest(member string, generation int32, assign ...string) *kmsg.SyncGroupRequest {
	req := kmsg.NewPtrSyncGroupRequest()
	req.Version, req.Group, req.MemberID, req.Generation = 3, "g", member, generation
	for _, id := range assign {
		one := kmsg.NewSyncGroupRequestGroupAssignment()
		one.MemberID, one.MemberAssignment = id, []byte(id)
		req.GroupAssignment = append(req.GroupAssignment, one)
	}
	return req
}

func heartbeatRequest(member string, generation int32) *kmsg.HeartbeatRequest {
	req := kmsg.NewPtrHeartbeatRequest()
	req.Version, req.Group, req.MemberID, req.Generation = 3, "g", member, generation
	return req
}

func commitRequest(version int16, offsets ...int64) *kmsg.OffsetCommitRequest {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Version, req.Group = version, "g"
	topic := kmsg.NewOffsetCommitRequestTopic()
	topic.Topic, topic.TopicID = "t", topicID
	for partition, offset := range offsets {
		p := kmsg.NewOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset = int32(partition), offset
		topic.Partitions = append(topic.Partitions, p)
	}
	req.Topics = append(req.Topics, topic)
	return req
}

func fetchRequest(version int16, partitions ...int32) *kmsg.OffsetFetchRequest {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Version = version
	if version < 8 {
		req.Group = "g"
		req.Topics = []kmsg.OffsetFetchRequestTopic{{Topic: "t", Partitions: partitions}}
		return req
	}
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group = "g"
	g.Topics = []kmsg.OffsetFetchRequestGroupTopic{{Topic: "t", TopicID: topicID, Partitions: partitions}}
	req.Groups = append(req.Groups, g)
	return req
}

func commitCode(resp *kmsg.OffsetCommitResponse) int16 { return resp.Topics[0].Partitions[0].ErrorCode }

func fetchOffset(t *testing.T, s *Service, partition int32) int64 {
	t.Helper()
	resp := s.OffsetFetch(t.Context(), fetchRequest(7, partition))
	if resp.ErrorCode != 0 {
		t.Fatalf("OffsetFetch: %v", kerr.ErrorForCode(resp.ErrorCode))
	}
	return resp.Topics[0].Partitions[0].Offset
}

func wantCode(t *testing.T, what string, got int16, want *kerr.Error) {
	t.Helper()
	var code int16
	if want != nil {
		code = want.Code
	}
	if got != code {
		t.Errorf("%s: got %v, want %v", what, kerr.ErrorForCode(got), want)
	}
}

func TestGroupFromJoinToSessionTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, &memlog.Log{}, func(c *Config) { c.Group.InitialRebalanceDelayMs = 3_000 })
		defer s.Close()

		// Two members join at the same time; the second one extends the delay once.
		start := time.Now()
		answers := make(chan *kmsg.JoinGroupResponse, 2)
		for _, client := range []string{"a", "b"} {
			go func() {
				answers <- s.JoinGroup(t.Context(), joinRequest(3, ""), ClientInfo{ID: client, Host: "10.0.0.1"})
			}()
			synctest.Wait()
		}
		first, second := <-answers, <-answers
		if took := time.Since(start); took < 6*time.Second || took > 6100*time.Millisecond {
			t.Errorf("the first generation took %v", took)
		}
		if first.LeaderID != first.MemberID {
			first, second = second, first
		}
		if len(first.Members) != 2 || len(second.Members) != 0 || second.LeaderID != first.MemberID || first.Generation != 1 {
			t.Fatalf("joined: %+v %+v", first, second)
		}

		// The follower waits for the leader's assignment.
		synced := make(chan *kmsg.SyncGroupResponse)
		go func() { synced <- s.SyncGroup(t.Context(), syncRequest(second.MemberID, 1)) }()
		synctest.Wait()
		leader := s.SyncGroup(t.Context(), syncRequest(first.MemberID, 1, first.MemberID, second.MemberID))
		if got := string((<-synced).MemberAssignment); got != second.MemberID || string(leader.MemberAssignment) != first.MemberID {
			t.Errorf("assignments: %q, %q", leader.MemberAssignment, got)
		}

		// The follower falls silent and is missed.
		for range 4 {
			time.Sleep(3 * time.Second)
			s.Heartbeat(t.Context(), heartbeatRequest(first.MemberID, 1))
		}
		wantCode(t, "leader's heartbeat", s.Heartbeat(t.Context(), heartbeatRequest(first.MemberID, 1)).ErrorCode, kerr.RebalanceInProgress)
		wantCode(t, "follower's heartbeat", s.Heartbeat(t.Context(), heartbeatRequest(second.MemberID, 1)).ErrorCode, kerr.UnknownMemberID)

		described := s.DescribeGroups(t.Context(), &kmsg.DescribeGroupsRequest{Version: 5, Groups: []string{"g"}, IncludeAuthorizedOperations: true})
		if g := described.Groups[0]; g.State != "PreparingRebalance" || g.Members[0].ClientHost != "/10.0.0.1" || g.AuthorizedOperations != 3400 {
			t.Errorf("described: %+v", g)
		}
	})
}

func TestAnswersWaitForTheHighWatermark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memlog.Log{}
		s := newService(t, log, nil)
		defer s.Close()
		member := s.JoinGroup(t.Context(), joinRequest(3, ""), ClientInfo{ID: "c"}).MemberID

		// Given a disk that does not finish
		log.Hold()
		var done atomic.Int32
		wait := func(do func()) { go func() { do(); done.Add(1) }() }
		wait(func() {
			wantCode(t, "SyncGroup", s.SyncGroup(t.Context(), syncRequest(member, 1, member)).ErrorCode, nil)
		})
		synctest.Wait()
		commit := commitRequest(2, 5)
		commit.MemberID, commit.Generation = member, 1
		wait(func() { wantCode(t, "OffsetCommit", commitCode(s.OffsetCommit(t.Context(), commit)), nil) })
		synctest.Wait()
		wait(func() {
			if got := fetchOffset(t, s, 0); got != 5 {
				t.Errorf("OffsetFetch: %d", got)
			}
		})
		synctest.Wait()
		if done.Load() != 0 {
			t.Errorf("%d answers left before they were committed", done.Load())
		}

		// Then a heartbeat is answered all the same,
		wantCode(t, "Heartbeat", s.Heartbeat(t.Context(), heartbeatRequest(member, 1)).ErrorCode, nil)

		// and the others when the high watermark rises.
		log.Commit()
		synctest.Wait()
		if done.Load() != 3 {
			t.Errorf("%d of 3 answers left after the commit", done.Load())
		}
	})
}

func TestTurnIsOneAppend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memlog.Log{}
		s := newService(t, log, nil)
		defer s.Close()
		// Given a shard whose append takes its time, and what comes meanwhile
		release := log.Block()
		go s.OffsetCommit(t.Context(), commitRequest(2, 0))
		synctest.Wait()
		for i := range 99 {
			go s.OffsetCommit(t.Context(), commitRequest(2, int64(i)))
		}
		synctest.Wait()

		release()
		synctest.Wait()
		if got := log.Appends(); got != 2 {
			t.Errorf("%d appends for 100 commits, want 2", got)
		}
	})
}

func TestFailedAppendReloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memlog.Log{}
		s := newService(t, log, nil)
		defer s.Close()
		wantCode(t, "commit", commitCode(s.OffsetCommit(t.Context(), commitRequest(2, 5))), nil)

		log.Fail(true)
		wantCode(t, "failing commit", commitCode(s.OffsetCommit(t.Context(), commitRequest(2, 6))), kerr.NotCoordinator)
		log.Truncate()
		log.Fail(false)
		wantCode(t, "while it loads", commitCode(s.OffsetCommit(t.Context(), commitRequest(2, 7))), kerr.CoordinatorLoadInProgress)

		time.Sleep(time.Second)
		if got := fetchOffset(t, s, 0); got != 5 {
			t.Errorf("offset %d after the reload, want 5", got)
		}
		wantCode(t, "commit", commitCode(s.OffsetCommit(t.Context(), commitRequest(2, 8))), nil)
		if got := fetchOffset(t, s, 0); got != 8 {
			t.Errorf("offset %d, want 8", got)
		}
	})
}

func TestLoadingAndResigning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memlog.Log{}
		s := newService(t, log, nil)
		defer s.Close()
		s.OffsetCommit(t.Context(), commitRequest(2, 5))

		// Resigning answers who waits.
		joined := make(chan *kmsg.JoinGroupResponse, 1)
		s.JoinGroup(t.Context(), joinRequest(3, ""), ClientInfo{ID: "a"})
		go func() { joined <- s.JoinGroup(t.Context(), joinRequest(3, ""), ClientInfo{ID: "b"}) }()
		synctest.Wait()
		s.Resign(0)
		wantCode(t, "JoinGroup", (<-joined).ErrorCode, kerr.NotCoordinator)
		wantCode(t, "OffsetCommit", commitCode(s.OffsetCommit(t.Context(), commitRequest(2, 6))), kerr.NotCoordinator)

		// Loading answers that it loads, and heartbeats that all is well.
		release := log.Block()
		s.Lead(0, 1, log)
		wantCode(t, "JoinGroup", s.JoinGroup(t.Context(), joinRequest(3, ""), ClientInfo{}).ErrorCode, kerr.CoordinatorLoadInProgress)
		wantCode(t, "OffsetFetch", s.OffsetFetch(t.Context(), fetchRequest(7, 0)).ErrorCode, kerr.CoordinatorLoadInProgress)
		wantCode(t, "Heartbeat", s.Heartbeat(t.Context(), heartbeatRequest("m", 1)).ErrorCode, nil)
		wantCode(t, "ListGroups", s.ListGroups(t.Context(), &kmsg.ListGroupsRequest{}).ErrorCode, kerr.CoordinatorLoadInProgress)
		s.TopicsDeleted([]string{"other"})
		release()
		synctest.Wait()
		if got := fetchOffset(t, s, 0); got != 5 {
			t.Errorf("offset %d after loading", got)
		}

		// A shard that never finishes loading can be given up, too.
		s.Resign(0)
		release = log.Block()
		s.Lead(0, 2, log)
		synctest.Wait()
		go release()
		s.Resign(0)
		if got := s.ListGroups(t.Context(), &kmsg.ListGroupsRequest{}); got.ErrorCode != 0 || len(got.Groups) != 0 {
			t.Errorf("ListGroups of nothing: %+v", got)
		}
	})
}

func TestTopicsDeletedWhileLoadingIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memlog.Log{}
		s := newService(t, log, nil)
		defer s.Close()
		s.OffsetCommit(t.Context(), commitRequest(2, 5))
		s.Resign(0)
		release := log.Block()
		s.Lead(0, 1, log)
		s.TopicsDeleted([]string{"t"})
		release()
		synctest.Wait()
		if got := fetchOffset(t, s, 0); got != -1 {
			t.Errorf("offset %d of a deleted topic", got)
		}
	})
}

// The tombstones of a deleted topic were decided in a turn whose append failed,
// and nobody wrote them again: a topic of the same name began at old offsets.
func TestTopicsDeletedInATurnThatFailsIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memlog.Log{}
		s := newService(t, log, nil)
		defer s.Close()
		s.OffsetCommit(t.Context(), commitRequest(2, 5))
		log.Fail(true)
		s.TopicsDeleted([]string{"t"})
		synctest.Wait()
		log.Truncate()
		log.Fail(false)
		time.Sleep(time.Second)
		if got := fetchOffset(t, s, 0); got != -1 {
			t.Errorf("offset %d of a deleted topic", got)
		}
	})
}

// A broker that died between the deletion of a topic and that of its offsets kept
// them for a topic of the same name.
func TestOffsetsOfTopicsThatDoNotExistGoAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, exists := range []bool{false, true} {
			log := &memlog.Log{}
			s := newService(t, log, nil)
			s.OffsetCommit(t.Context(), commitRequest(2, 5))
			s.Close()
			release := log.Block()
			s = newService(t, log, nil)
			s.RetainTopics(func(topic string) bool { return topic != "t" || exists })
			release()
			synctest.Wait()
			if got := fetchOffset(t, s, 0); (got == 5) != exists {
				t.Errorf("offset %d, the topic exists: %v", got, exists)
			}
			wantCode(t, "commit", commitCode(s.OffsetCommit(t.Context(), commitRequest(2, 6))), nil)
			synctest.Wait()
			if got := fetchOffset(t, s, 0); got != 6 {
				t.Errorf("offset %d of a commit after the start", got)
			}
			s.Close()
		}
	})
}

// The partition was never led again when compaction had removed the last batch.
func TestLoadOfALogWhoseTailCompactionRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memlog.Log{}
		s := newService(t, log, nil)
		defer s.Close()
		s.OffsetCommit(t.Context(), commitRequest(2, 5))
		s.OffsetCommit(t.Context(), commitRequest(2, 6))
		s.Resign(0)
		log.DropLast()
		s.Lead(0, 1, log)
		synctest.Wait()
		if got := fetchOffset(t, s, 0); got != 5 {
			t.Errorf("offset %d", got)
		}
		wantCode(t, "commit", commitCode(s.OffsetCommit(t.Context(), commitRequest(2, 7))), nil)
	})
}

func TestCallerThatLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, &memlog.Log{}, nil)
		defer s.Close()
		s.JoinGroup(t.Context(), joinRequest(3, ""), ClientInfo{ID: "a"})
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan *kmsg.JoinGroupResponse, 1)
		go func() { left <- s.JoinGroup(ctx, joinRequest(3, ""), ClientInfo{ID: "b"}) }()
		synctest.Wait()
		cancel()
		wantCode(t, "JoinGroup", (<-left).ErrorCode, kerr.NotCoordinator)
		// What it asked for goes on without it.
		d := s.DescribeGroups(t.Context(), &kmsg.DescribeGroupsRequest{Groups: []string{"g"}})
		if n := len(d.Groups[0].Members); n != 2 {
			t.Errorf("%d members", n)
		}
	})
}
