package groupcoord

import (
	"testing"
	"testing/synctest"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/groupcoord/runtime/memlog"
)

// encodes reports whether the answer has the request's version and survives the
// wire.
func encodes(t *testing.T, version int16, resp kmsg.Response) {
	t.Helper()
	if resp.GetVersion() != version {
		t.Errorf("key %d: version %d answered as %d", resp.Key(), version, resp.GetVersion())
	}
	again := resp.RequestKind().ResponseKind()
	again.SetVersion(version)
	if err := again.ReadFrom(resp.AppendTo(nil)); err != nil {
		t.Errorf("key %d version %d: %v", resp.Key(), version, err)
	}
}

func TestEveryVersionAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memlog.Log{}
		s := newService(t, log, nil)
		defer s.Close()
		resp := s.JoinGroup(t.Context(), joinRequest(3, ""), ClientInfo{ID: "c"})
		member := resp.MemberID
		s.SyncGroup(t.Context(), syncRequest(member, 1, member))
		run := func() {
			for v := range int16(10) {
				req := joinRequest(v, "nobody")
				encodes(t, v, s.JoinGroup(t.Context(), req, ClientInfo{ID: "c"}))
			}
			for v := range int16(6) {
				req := syncRequest(member, 1)
				protocolType, protocol := "consumer", "range"
				req.Version, req.ProtocolType, req.Protocol = v, &protocolType, &protocol
				encodes(t, v, s.SyncGroup(t.Context(), req))
				leave := kmsg.NewPtrLeaveGroupRequest()
				leave.Version, leave.Group, leave.MemberID = v, "g", "nobody"
				leave.Members = []kmsg.LeaveGroupRequestMember{{MemberID: "nobody"}}
				encodes(t, v, s.LeaveGroup(t.Context(), leave))
				encodes(t, v, s.ListGroups(t.Context(), &kmsg.ListGroupsRequest{Version: v}))
			}
			for v := range int16(5) {
				req := heartbeatRequest(member, 1)
				req.Version = v
				encodes(t, v, s.Heartbeat(t.Context(), req))
			}
			for v := range int16(7) {
				encodes(t, v, s.DescribeGroups(t.Context(), &kmsg.DescribeGroupsRequest{Version: v, Groups: []string{"g", "none", ""}}))
			}
			for v := range int16(11) {
				req := commitRequest(v, int64(v))
				req.MemberID, req.Generation = member, 1
				encodes(t, v, s.OffsetCommit(t.Context(), req))
				encodes(t, v, s.OffsetFetch(t.Context(), fetchRequest(v, 0, 9)))
			}
		}
		run()
		s.Resign(0)
		run()
	})
}

func TestOffsetCommitRefusesUnknownTopics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, &memlog.Log{}, nil)
		defer s.Close()
		req := commitRequest(2, 10, 11, 12, 13, 14)
		other := kmsg.NewOffsetCommitRequestTopic()
		other.Topic = "other"
		other.Partitions = req.Topics[0].Partitions[:1]
		req.Topics = []kmsg.OffsetCommitRequestTopic{other, req.Topics[0]}

		resp := s.OffsetCommit(t.Context(), req)
		wantCode(t, "other/0", resp.Topics[0].Partitions[0].ErrorCode, kerr.UnknownTopicOrPartition)
		for i, p := range resp.Topics[1].Partitions {
			want := (*kerr.Error)(nil)
			if i == 4 {
				want = kerr.UnknownTopicOrPartition
			}
			wantCode(t, "t", p.ErrorCode, want)
		}
		if got := fetchOffset(t, s, 3); got != 13 {
			t.Errorf("offset %d", got)
		}

		// By id, and with a group error for the rest.
		req = commitRequest(10, 20)
		req.Topics = append(req.Topics, kmsg.OffsetCommitRequestTopic{TopicID: [16]byte{9}, Partitions: req.Topics[0].Partitions})
		req.Topics[0].Topic = ""
		req.Topics[1].Topic = ""
		req.Generation, req.MemberID = 7, "m"
		resp = s.OffsetCommit(t.Context(), req)
		wantCode(t, "known id", resp.Topics[0].Partitions[0].ErrorCode, kerr.UnknownMemberID)
		wantCode(t, "unknown id", resp.Topics[1].Partitions[0].ErrorCode, kerr.UnknownTopicID)
		if resp.Topics[1].TopicID != [16]byte{9} {
			t.Errorf("topic id %x", resp.Topics[1].TopicID)
		}
	})
}

// Errors of a group are on the partitions in OffsetFetch 0-1, on top in 2-7, on
// the group from 8 on.
func TestOffsetFetchErrorPlacement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, &memlog.Log{}, nil)
		s.OffsetCommit(t.Context(), commitRequest(2, 5))

		all := fetchRequest(2)
		all.Topics = nil
		if resp := s.OffsetFetch(t.Context(), all); len(resp.Topics) != 1 || resp.Topics[0].Partitions[0].Offset != 5 {
			t.Errorf("all topics: %+v", resp)
		}
		if all.Version = 1; len(s.OffsetFetch(t.Context(), all).Topics) != 0 {
			t.Error("version 1 cannot ask for all topics")
		}
		ids := fetchRequest(10, 0, 1)
		ids.Groups[0].Topics[0].Topic = ""
		unknown := kmsg.OffsetFetchRequestGroupTopic{TopicID: [16]byte{9}, Partitions: []int32{0}}
		ids.Groups[0].Topics = append(ids.Groups[0].Topics, unknown)
		topics := s.OffsetFetch(t.Context(), ids).Groups[0].Topics
		if topics[0].Partitions[0].Offset != 5 || topics[0].Partitions[1].Offset != -1 || topics[0].TopicID != topicID {
			t.Errorf("by id: %+v", topics)
		}
		wantCode(t, "unknown id", topics[1].Partitions[0].ErrorCode, kerr.UnknownTopicID)
		ids.Groups[0].Topics = nil
		if topics := s.OffsetFetch(t.Context(), ids).Groups[0].Topics; len(topics) != 1 || topics[0].TopicID != topicID {
			t.Errorf("all by id: %+v", topics)
		}

		s.Close()
		resp := s.OffsetFetch(t.Context(), fetchRequest(1, 0))
		wantCode(t, "version 1", resp.Topics[0].Partitions[0].ErrorCode, kerr.NotCoordinator)
		resp = s.OffsetFetch(t.Context(), fetchRequest(7, 0))
		wantCode(t, "version 7", resp.ErrorCode, kerr.NotCoordinator)
		if len(resp.Topics) != 0 {
			t.Errorf("topics beside an error on top: %+v", resp.Topics)
		}
		resp = s.OffsetFetch(t.Context(), fetchRequest(8, 0))
		wantCode(t, "version 8", resp.Groups[0].ErrorCode, kerr.NotCoordinator)
		if resp := s.OffsetFetch(t.Context(), &kmsg.OffsetFetchRequest{Version: 8}); len(resp.Groups) != 0 {
			t.Errorf("no groups: %+v", resp)
		}
	})
}

// The partition is Java's hash, by UTF-16 units.
func TestPartitionFor(t *testing.T) {
	s := New(Config{OffsetsPartitions: func() int32 { return 50 }})
	for id, hash := range map[string]int32{
		"":                       0,
		"g":                      103,
		"console-consumer-12345": 158455506,
		"polygenelubricants":     -2147483648,
		"ümläut":                 -1271284472,
		"\U0001F600":             1772899,
	} {
		if got := javaHash(id); got != hash {
			t.Errorf("hash of %q: %d, want %d", id, got, hash)
		}
	}
	if got := s.PartitionFor("polygenelubricants"); got != 0 {
		t.Errorf("partition %d of the hash without absolute value", got)
	}
	if got := s.PartitionFor("ümläut"); got != 1271284472%50 {
		t.Errorf("partition %d of a negative hash", got)
	}
}
