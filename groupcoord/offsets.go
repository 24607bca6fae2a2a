package groupcoord

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/groupcoord/group"
)

// OffsetCommit answers OffsetCommit 0-10. Topics and partitions that do not
// exist get their own error; the others are committed.
func (s *Service) OffsetCommit(ctx context.Context, req *kmsg.OffsetCommitRequest) *kmsg.OffsetCommitResponse {
	known, resp, refused := s.resolveCommit(req)
	if refused && len(known.Topics) == 0 {
		return resp
	}
	committed, err := ask[*kmsg.OffsetCommitResponse](ctx, s, req.Group, &group.Commit{Req: known})
	if err == nil && !refused {
		return committed
	}
	fillCommit(resp, committed, err)
	return resp
}

// fillCommit puts into resp, in order, what was not refused before.
func fillCommit(resp, committed *kmsg.OffsetCommitResponse, err *kerr.Error) {
	topic, partition := 0, 0
	for i := range resp.Topics {
		took := false
		for j := range resp.Topics[i].Partitions {
			p := &resp.Topics[i].Partitions[j]
			if p.ErrorCode != 0 {
				continue
			}
			if err != nil {
				p.ErrorCode = err.Code
				continue
			}
			p.ErrorCode = committed.Topics[topic].Partitions[partition].ErrorCode
			took, partition = true, partition+1
		}
		if took {
			topic, partition = topic+1, 0
		}
	}
}

// resolveCommit returns the request with the topics by name and without what
// does not exist, and the response with the errors for that.
func (s *Service) resolveCommit(req *kmsg.OffsetCommitRequest) (known *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, refused bool) {
	resp = kmsg.NewPtrOffsetCommitResponse()
	resp.Version = req.Version
	resp.Topics = make([]kmsg.OffsetCommitResponseTopic, 0, len(req.Topics))
	copied := *req
	copied.Topics = make([]kmsg.OffsetCommitRequestTopic, 0, len(req.Topics))
	for i := range req.Topics {
		asked := &req.Topics[i]
		answer := kmsg.NewOffsetCommitResponseTopic()
		answer.Topic, answer.TopicID = asked.Topic, asked.TopicID
		answer.Partitions = make([]kmsg.OffsetCommitResponseTopicPartition, len(asked.Partitions))
		kept := kmsg.OffsetCommitRequestTopic{Topic: asked.Topic, TopicID: asked.TopicID}
		kept.Partitions = make([]kmsg.OffsetCommitRequestTopicPartition, 0, len(asked.Partitions))
		for j := range asked.Partitions {
			p := &answer.Partitions[j]
			p.Partition = asked.Partitions[j].Partition
			var name string
			var err *kerr.Error
			if p.Partition < 0 { // which the resolver takes for a question about the topic alone
				p.ErrorCode, refused = kerr.UnknownTopicOrPartition.Code, true
				continue
			}
			if req.Version >= 10 {
				name, err = s.cfg.ResolveTopic("", asked.TopicID, p.Partition)
			} else {
				name, err = s.resolve(asked.Topic, p.Partition)
			}
			if err != nil {
				p.ErrorCode, refused = err.Code, true
				continue
			}
			kept.Topic = name
			kept.Partitions = append(kept.Partitions, asked.Partitions[j])
		}
		resp.Topics = append(resp.Topics, answer)
		if len(kept.Partitions) > 0 {
			copied.Topics = append(copied.Topics, kept)
		}
	}
	return &copied, resp, refused
}

// resolve checks a topic that is named by its name: the empty one is none.
func (s *Service) resolve(topic string, partition int32) (string, *kerr.Error) {
	if topic == "" {
		return "", kerr.UnknownTopicOrPartition
	}
	return s.cfg.ResolveTopic(topic, [16]byte{}, partition)
}

// OffsetFetch answers OffsetFetch 0-10. Up to version 7 it is about one group,
// from 8 on about several; the machine knows the second form only. Errors of the
// group: 0-1 on each partition, 2-7 on the top, 8 on the group.
func (s *Service) OffsetFetch(ctx context.Context, req *kmsg.OffsetFetchRequest) *kmsg.OffsetFetchResponse {
	resp := kmsg.NewPtrOffsetFetchResponse()
	resp.Version = req.Version
	if req.Version >= 8 {
		resp.Groups = make([]kmsg.OffsetFetchResponseGroup, 0, len(req.Groups))
		for i := range req.Groups {
			resp.Groups = append(resp.Groups, s.fetchGroup(ctx, &req.Groups[i], req.Version, req.RequireStable))
		}
		return resp
	}

	asked := kmsg.NewOffsetFetchRequestGroup()
	asked.Group = req.Group
	if req.Topics != nil || req.Version < 2 {
		asked.Topics = make([]kmsg.OffsetFetchRequestGroupTopic, 0, len(req.Topics))
	}
	for i := range req.Topics {
		topic := kmsg.NewOffsetFetchRequestGroupTopic()
		topic.Topic, topic.Partitions = req.Topics[i].Topic, req.Topics[i].Partitions
		asked.Topics = append(asked.Topics, topic)
	}
	fetched := s.fetchGroup(ctx, &asked, req.Version, req.RequireStable && req.Version >= 7)
	if fetched.ErrorCode != 0 {
		failFetch(resp, req, fetched.ErrorCode)
		return resp
	}
	resp.Topics = make([]kmsg.OffsetFetchResponseTopic, 0, len(fetched.Topics))
	for i := range fetched.Topics {
		topic := kmsg.NewOffsetFetchResponseTopic()
		topic.Topic = fetched.Topics[i].Topic
		topic.Partitions = make([]kmsg.OffsetFetchResponseTopicPartition, 0, len(fetched.Topics[i].Partitions))
		for _, p := range fetched.Topics[i].Partitions {
			topic.Partitions = append(topic.Partitions, kmsg.OffsetFetchResponseTopicPartition(p))
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp
}

func failFetch(resp *kmsg.OffsetFetchResponse, req *kmsg.OffsetFetchRequest, code int16) {
	resp.ErrorCode = code
	if req.Version >= 2 {
		return
	}
	none := ""
	for i := range req.Topics {
		topic := kmsg.NewOffsetFetchResponseTopic()
		topic.Topic = req.Topics[i].Topic
		for _, partition := range req.Topics[i].Partitions {
			p := kmsg.NewOffsetFetchResponseTopicPartition()
			p.Partition, p.Offset, p.Metadata, p.ErrorCode = partition, -1, &none, code
			topic.Partitions = append(topic.Partitions, p)
		}
		resp.Topics = append(resp.Topics, topic)
	}
}

// fetchGroup answers for one group, from version 10 on with topic ids.
func (s *Service) fetchGroup(ctx context.Context, req *kmsg.OffsetFetchRequestGroup, version int16, requireStable bool) kmsg.OffsetFetchResponseGroup {
	asked, unknown := *req, map[int]bool{}
	if version >= 10 && req.Topics != nil {
		asked.Topics = make([]kmsg.OffsetFetchRequestGroupTopic, len(req.Topics))
		for i, topic := range req.Topics {
			name, err := s.cfg.ResolveTopic("", topic.TopicID, -1)
			if unknown[i] = err != nil; err != nil {
				name = "" // no topic has this name: asked for all the same, to keep the order
			}
			topic.Topic = name
			asked.Topics[i] = topic
		}
	}
	fetched, err := ask[*kmsg.OffsetFetchResponseGroup](ctx, s, req.Group, &group.Fetch{Req: &asked, RequireStable: requireStable})
	if err != nil {
		resp := kmsg.NewOffsetFetchResponseGroup()
		resp.Group, resp.ErrorCode = req.Group, err.Code
		return resp
	}
	if version < 10 {
		return *fetched
	}
	if req.Topics == nil {
		s.fillTopicIDs(fetched)
		return *fetched
	}
	for i := range fetched.Topics {
		for j := range fetched.Topics[i].Partitions {
			if unknown[i] {
				fetched.Topics[i].Partitions[j].ErrorCode = kerr.UnknownTopicID.Code
			}
		}
	}
	return *fetched
}

// fillTopicIDs drops topics that have no id: they cannot be named.
func (s *Service) fillTopicIDs(fetched *kmsg.OffsetFetchResponseGroup) {
	kept := fetched.Topics[:0]
	for _, topic := range fetched.Topics {
		if id, ok := s.cfg.TopicID(topic.Topic); ok {
			topic.TopicID = id
			kept = append(kept, topic)
		}
	}
	fetched.Topics = kept
}
