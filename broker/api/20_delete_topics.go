package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/controller/machine"
)

// DeleteTopics, versions 0-6.
//
// v3 TOPIC_DELETION_DISABLED · v4 flexible · v5 error message · v6 by topic id (KIP-516).

// DeleteTopics deletes topics by name or id.
func (h *Handlers) DeleteTopics(ctx context.Context, _ *Request, q *kmsg.DeleteTopicsRequest) *kmsg.DeleteTopicsResponse {
	resp := kmsg.NewPtrDeleteTopicsResponse()
	topics := deletable(q)
	if !h.Config.Broker.Topics.DeleteEnable {
		disabled := kerr.TopicDeletionDisabled
		if q.Version < 3 {
			disabled = kerr.InvalidRequest
		}
		for _, t := range topics {
			resp.Topics = append(resp.Topics, deletedTopic(&machine.DeleteTopicResult{Name: t.Name, ID: t.ID, Err: disabled, Message: disabled.Description}))
		}
		return resp
	}
	ctx, cancel := withTimeout(ctx, q.TimeoutMillis)
	defer cancel()
	results := h.Controller.DeleteTopics(ctx, topics)
	for i := range results {
		resp.Topics = append(resp.Topics, deletedTopic(&results[i]))
	}
	return resp
}

func deletable(q *kmsg.DeleteTopicsRequest) []machine.DeletableTopic {
	if q.Version < 6 {
		topics := make([]machine.DeletableTopic, len(q.TopicNames))
		for i := range q.TopicNames {
			topics[i].Name = &q.TopicNames[i]
		}
		return topics
	}
	topics := make([]machine.DeletableTopic, len(q.Topics))
	for i, t := range q.Topics {
		topics[i] = machine.DeletableTopic{Name: t.Topic, ID: t.TopicID}
	}
	return topics
}

func deletedTopic(r *machine.DeleteTopicResult) kmsg.DeleteTopicsResponseTopic {
	t := kmsg.NewDeleteTopicsResponseTopic()
	t.Topic, t.TopicID = r.Name, r.ID
	if r.Err != nil {
		t.ErrorCode, t.ErrorMessage = r.Err.Code, &r.Message
	}
	return t
}
