package groupcoord

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/groupcoord/runtime/memlog"
)

func TestDeletingGroupsOfSeveralPartitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := &memlog.Log{}
		s := newService(t, first, func(c *Config) { c.OffsetsPartitions = func() int32 { return 3 } })
		defer s.Close()
		s.Lead(1, 0, &memlog.Log{})
		synctest.Wait()

		// Given groups on the two partitions that are led here, and on the one that is not,
		var groups []string
		for i := range 30 {
			req := commitRequest(2, 1)
			req.Group = fmt.Sprint("group-", i)
			s.OffsetCommit(t.Context(), req)
			groups = append(groups, req.Group)
		}
		appends := first.Appends()

		// when all are deleted,
		resp := s.DeleteGroups(t.Context(), &kmsg.DeleteGroupsRequest{Version: 2, Groups: groups})

		// then each has its own answer in the order of the request, and a partition one append.
		for i, g := range resp.Groups {
			want := map[int32]*kerr.Error{2: kerr.NotCoordinator}[s.PartitionFor(g.Group)]
			wantCode(t, g.Group, g.ErrorCode, want)
			if g.Group != groups[i] {
				t.Errorf("group %q is answered in the place of %q", g.Group, groups[i])
			}
		}
		if n := first.Appends() - appends; n != 1 {
			t.Errorf("%d appends", n)
		}
		if left := s.ListGroups(t.Context(), &kmsg.ListGroupsRequest{}).Groups; len(left) != 0 {
			t.Errorf("left: %+v", left)
		}
	})
}

func TestDeletionsWaitForTheCommitAndForTheLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memlog.Log{}
		s := newService(t, log, nil)
		defer s.Close()
		s.OffsetCommit(t.Context(), commitRequest(2, 1, 2))
		remove := kmsg.NewPtrOffsetDeleteRequest()
		remove.Group = "g"
		remove.Topics = []kmsg.OffsetDeleteRequestTopic{{Topic: "t", Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{Partition: 0}, {Partition: 9}}}}
		all := &kmsg.DeleteGroupsRequest{Version: 1, Groups: []string{"g"}}

		log.Hold()
		deleted, gone := make(chan *kmsg.OffsetDeleteResponse, 1), make(chan *kmsg.DeleteGroupsResponse, 1)
		go func() { deleted <- s.OffsetDelete(t.Context(), remove) }()
		synctest.Wait()
		go func() { gone <- s.DeleteGroups(t.Context(), all) }()
		synctest.Wait()
		if len(deleted)+len(gone) != 0 {
			t.Error("an answer left before the tombstones were committed")
		}
		log.Commit()
		resp := <-deleted
		wantCode(t, "OffsetDelete", resp.ErrorCode, nil)
		for _, p := range resp.Topics[0].Partitions {
			want := map[int32]*kerr.Error{9: kerr.UnknownTopicOrPartition}[p.Partition]
			wantCode(t, fmt.Sprint("partition ", p.Partition), p.ErrorCode, want)
		}
		wantCode(t, "DeleteGroups", (<-gone).Groups[0].ErrorCode, nil)

		s.Resign(0)
		release := log.Block()
		s.Lead(0, 1, log)
		wantCode(t, "OffsetDelete", s.OffsetDelete(t.Context(), remove).ErrorCode, kerr.CoordinatorLoadInProgress)
		wantCode(t, "DeleteGroups", s.DeleteGroups(t.Context(), all).Groups[0].ErrorCode, kerr.CoordinatorLoadInProgress)
		release()
		synctest.Wait()
		wantCode(t, "DeleteGroups", s.DeleteGroups(t.Context(), all).Groups[0].ErrorCode, kerr.GroupIDNotFound)
	})
}

// The topic without a name was taken for one that is named by its id.
func TestCommitForATopicWithoutAName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, &memlog.Log{}, nil)
		defer s.Close()
		for v := range int16(10) {
			req := commitRequest(v, 1)
			req.Topics[0].Topic, req.Topics[0].TopicID = "", [16]byte{}
			wantCode(t, fmt.Sprint("version ", v), commitCode(s.OffsetCommit(t.Context(), req)), kerr.UnknownTopicOrPartition)
		}
	})
}
