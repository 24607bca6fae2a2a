package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/controller/image"
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
	topics, refused := h.namedTwice(topics)
	for i := range refused {
		resp.Topics = append(resp.Topics, deletedTopic(&refused[i]))
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

// namedTwice takes out the topics that are named by their name and by their id: which of the two the client means, it cannot say, so
// neither deletes.
func (h *Handlers) namedTwice(topics []machine.DeletableTopic) (rest []machine.DeletableTopic, refused []machine.DeleteTopicResult) {
	byID := map[image.TopicID]bool{}
	for i := range topics {
		if topics[i].Name == nil {
			byID[topics[i].ID] = true
		}
	}
	if len(byID) == 0 {
		return topics, nil
	}
	img, twice := h.Image(), map[image.TopicID]bool{}
	for i := range topics {
		if topics[i].Name == nil || topics[i].ID != (image.TopicID{}) {
			continue
		}
		if t := img.Topic(*topics[i].Name); t != nil && byID[t.ID] && !twice[t.ID] {
			twice[t.ID] = true
			refused = append(refused, machine.DeleteTopicResult{Name: &t.Name, ID: t.ID, Err: kerr.InvalidRequest, Message: "The provided topic name maps to an ID that was already supplied."})
		}
	}
	for _, t := range topics {
		id := t.ID
		if t.Name != nil {
			if named := img.Topic(*t.Name); named != nil {
				id = named.ID
			}
		}
		if !twice[id] {
			rest = append(rest, t)
		}
	}
	return rest, refused
}

func deletedTopic(r *machine.DeleteTopicResult) kmsg.DeleteTopicsResponseTopic {
	t := kmsg.NewDeleteTopicsResponseTopic()
	t.Topic, t.TopicID = r.Name, r.ID
	if r.Err != nil {
		t.ErrorCode, t.ErrorMessage = r.Err.Code, &r.Message
	}
	return t
}
