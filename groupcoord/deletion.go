package groupcoord

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/groupcoord/group"
)

// DeleteGroups answers DeleteGroups 0-3 (KIP-229): groups without members go, with
// their offsets. Each group has its own error; the order is the request's.
func (s *Service) DeleteGroups(ctx context.Context, req *kmsg.DeleteGroupsRequest) *kmsg.DeleteGroupsResponse {
	resp := kmsg.NewPtrDeleteGroupsResponse()
	resp.Version = req.Version
	resp.Groups = make([]kmsg.DeleteGroupsResponseGroup, len(req.Groups))
	at := map[int32][]int{} // partition to places in the request
	var partitions []int32
	for i, id := range req.Groups {
		resp.Groups[i] = kmsg.NewDeleteGroupsResponseGroup()
		resp.Groups[i].Group = id
		partition := s.PartitionFor(id)
		if at[partition] == nil {
			partitions = append(partitions, partition)
		}
		at[partition] = append(at[partition], i)
	}
	// One event for each partition, so that its groups are one append.
	for _, partition := range partitions {
		e := &group.DeleteGroups{}
		for _, i := range at[partition] {
			e.Groups = append(e.Groups, req.Groups[i])
		}
		answer, err := s.rt.Call(ctx, partition, e)
		for n, i := range at[partition] {
			one := err
			if err == nil {
				one = answer.([]*kerr.Error)[n]
			}
			if one != nil {
				resp.Groups[i].ErrorCode = one.Code
			}
		}
	}
	return resp
}

// OffsetDelete answers OffsetDelete 0 (KIP-496). Topics and partitions that do not
// exist get their own error, and those that the group subscribes to. An error of
// the group stands alone.
func (s *Service) OffsetDelete(ctx context.Context, req *kmsg.OffsetDeleteRequest) *kmsg.OffsetDeleteResponse {
	known := *req
	known.Topics = nil
	resp := kmsg.NewPtrOffsetDeleteResponse()
	resp.Version = req.Version
	for i := range req.Topics {
		asked := &req.Topics[i]
		refused := kmsg.NewOffsetDeleteResponseTopic()
		kept := kmsg.NewOffsetDeleteRequestTopic()
		refused.Topic, kept.Topic = asked.Topic, asked.Topic
		for _, p := range asked.Partitions {
			if _, err := s.resolve(asked.Topic, p.Partition); err != nil {
				one := kmsg.NewOffsetDeleteResponseTopicPartition()
				one.Partition, one.ErrorCode = p.Partition, err.Code
				refused.Partitions = append(refused.Partitions, one)
				continue
			}
			kept.Partitions = append(kept.Partitions, p)
		}
		if len(refused.Partitions) > 0 {
			resp.Topics = append(resp.Topics, refused)
		}
		if len(kept.Partitions) > 0 {
			known.Topics = append(known.Topics, kept)
		}
	}
	deleted, err := ask[*kmsg.OffsetDeleteResponse](ctx, s, req.Group, &group.OffsetDelete{Req: &known})
	if err == nil && deleted.ErrorCode == 0 {
		return mergeDeleted(resp, deleted)
	}
	failed := kmsg.NewPtrOffsetDeleteResponse()
	failed.Version = req.Version
	if err != nil {
		failed.ErrorCode = err.Code
		return failed
	}
	failed.ErrorCode = deleted.ErrorCode
	return failed
}

// mergeDeleted adds what was deleted to what was refused: a topic once.
func mergeDeleted(resp, deleted *kmsg.OffsetDeleteResponse) *kmsg.OffsetDeleteResponse {
	at := make(map[string]int, len(resp.Topics))
	for i := range resp.Topics {
		at[resp.Topics[i].Topic] = i
	}
	for _, topic := range deleted.Topics {
		i, ok := at[topic.Topic]
		if !ok {
			resp.Topics = append(resp.Topics, topic)
			continue
		}
		resp.Topics[i].Partitions = append(resp.Topics[i].Partitions, topic.Partitions...)
	}
	return resp
}
