package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/controller/machine"
)

// CreatePartitions, versions 0-3 (KIP-195).
//
// v2 flexible · v3 as v2, for throttling that is not here. A partition that was added takes records when the answer leaves. Groups hear of it from
// their clients, who look at the metadata at metadata.max.age.ms and rejoin. Internal topics refuse: see machine.CreatePartitions.

// CreatePartitions adds partitions to topics.
func (h *Handlers) CreatePartitions(ctx context.Context, _ *Request, q *kmsg.CreatePartitionsRequest) *kmsg.CreatePartitionsResponse {
	topics := make([]machine.GrowingTopic, len(q.Topics))
	for i := range q.Topics {
		topics[i] = growing(&q.Topics[i])
	}
	ctx, cancel := withTimeout(ctx, q.TimeoutMillis)
	defer cancel()
	resp := kmsg.NewPtrCreatePartitionsResponse()
	for _, r := range h.Controller.CreatePartitions(ctx, topics, q.ValidateOnly) {
		t := kmsg.NewCreatePartitionsResponseTopic()
		t.Topic = r.Name
		if r.Err != nil {
			t.ErrorCode, t.ErrorMessage = r.Err.Code, &r.Message
		}
		resp.Topics = append(resp.Topics, t)
	}
	return resp
}

func growing(t *kmsg.CreatePartitionsRequestTopic) machine.GrowingTopic {
	topic := machine.GrowingTopic{Name: t.Topic, Count: t.Count}
	if t.Assignment == nil {
		return topic
	}
	topic.Assignments = make([][]int32, len(t.Assignment)) // an empty list is one too, and refused
	for i := range t.Assignment {
		topic.Assignments[i] = t.Assignment[i].Replicas
	}
	return topic
}
