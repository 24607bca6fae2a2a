package api

import (
	"context"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/controller/image"
	"github.com/sordini/sordini/controller/machine"
)

// Metadata, versions 0-13.
//
// v0: no topics named means all · v1: null means all, empty means none; controller, racks · v2 cluster id · v4 allow_auto_topic_creation ·
// v5 offline replicas · v7 leader epochs · v8 authorized operations (KIP-430) · v9 flexible · v10 topic ids (KIP-516) · v12 ask by id ·
// v13 top-level error (KIP-1102).
//
// A topic is created when a client names one that is not there and neither side forbids it. The answer waits for that: a topic that is shown
// with a leader takes records at once, so clients without retries (Java before 2.1) do not fail on their first record.

// All rights, as a broker without an authorizer grants them (the bits are Kafka's AclOperation codes).
const (
	topicOperations   = 1<<3 | 1<<4 | 1<<5 | 1<<6 | 1<<7 | 1<<8 | 1<<10 | 1<<11
	clusterOperations = 1<<5 | 1<<7 | 1<<8 | 1<<9 | 1<<10 | 1<<11 | 1<<12
)

// Metadata tells which brokers and topics there are.
func (h *Handlers) Metadata(ctx context.Context, req *Request, q *kmsg.MetadataRequest) *kmsg.MetadataResponse {
	resp := kmsg.NewPtrMetadataResponse()
	all := q.Topics == nil || q.Version == 0 && len(q.Topics) == 0
	if !all {
		h.autoCreate(ctx, q)
	}
	img := h.Image()
	host, port := h.Advertised(req.Conn)
	for b := range img.Brokers() {
		broker := kmsg.NewMetadataResponseBroker()
		broker.NodeID, broker.Host, broker.Port = b.ID, host, port
		if b.Rack != "" {
			broker.Rack = &b.Rack
		}
		resp.Brokers = append(resp.Brokers, broker)
	}
	resp.ClusterID, resp.ControllerID = &img.ClusterID, h.NodeID
	if q.IncludeClusterAuthorizedOperations && q.Version >= 8 && q.Version <= 10 {
		resp.AuthorizedOperations = clusterOperations
	}
	if all {
		for t := range img.Topics() {
			resp.Topics = append(resp.Topics, metadataTopic(t, q))
		}
		return resp
	}
	asked := map[askedTopic]bool{}
	for i := range q.Topics {
		want := &q.Topics[i]
		if key := (askedTopic{text(want.Topic), want.Topic == nil, want.TopicID}); !asked[key] {
			asked[key] = true
			resp.Topics = append(resp.Topics, namedTopic(img, q, want))
		}
	}
	return resp
}

// askedTopic is a topic as a client names it. One that is named twice is answered once, so that a small request cannot ask for a huge answer.
type askedTopic struct {
	name string
	null bool
	id   [16]byte
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func namedTopic(img *image.Image, q *kmsg.MetadataRequest, want *kmsg.MetadataRequestTopic) kmsg.MetadataResponseTopic {
	refuse := func(err *kerr.Error) kmsg.MetadataResponseTopic {
		t := kmsg.NewMetadataResponseTopic()
		t.ErrorCode, t.Topic, t.TopicID = err.Code, want.Topic, want.TopicID
		if t.Topic == nil && q.Version < 12 {
			t.Topic = new(string)
		}
		return t
	}
	byID := want.TopicID != [16]byte{}
	switch {
	case q.Version < 12 && (byID || want.Topic == nil):
		return refuse(kerr.InvalidRequest)
	case byID:
		if t := img.TopicByID(want.TopicID); t != nil {
			return metadataTopic(t, q)
		}
		return refuse(kerr.UnknownTopicID)
	case want.Topic == nil:
		return refuse(kerr.InvalidRequest)
	}
	if t := img.Topic(*want.Topic); t != nil {
		return metadataTopic(t, q)
	}
	if !validTopicName(*want.Topic) {
		return refuse(kerr.InvalidTopicException)
	}
	return refuse(kerr.UnknownTopicOrPartition)
}

func validTopicName(name string) bool {
	return utf8.ValidString(name) && machine.ValidateTopicName(name) == ""
}

func metadataTopic(t *image.Topic, q *kmsg.MetadataRequest) kmsg.MetadataResponseTopic {
	topic := kmsg.NewMetadataResponseTopic()
	topic.Topic, topic.TopicID, topic.IsInternal = &t.Name, t.ID, t.Internal()
	if q.IncludeTopicAuthorizedOperations && q.Version >= 8 {
		topic.AuthorizedOperations = topicOperations
	}
	topic.Partitions = make([]kmsg.MetadataResponseTopicPartition, len(t.Partitions))
	for i := range t.Partitions {
		from, to := &t.Partitions[i], &topic.Partitions[i]
		*to = kmsg.NewMetadataResponseTopicPartition()
		to.Partition, to.Leader, to.LeaderEpoch = from.Index, from.Leader, from.LeaderEpoch
		to.Replicas, to.ISR = from.Replicas, from.ISR
		if from.Leader < 0 {
			to.ErrorCode = kerr.LeaderNotAvailable.Code
		}
	}
	return topic
}

// autoCreate makes the topics that the client names and that are not there. What cannot be created stays unknown to the client.
func (h *Handlers) autoCreate(ctx context.Context, q *kmsg.MetadataRequest) {
	if q.Version >= 4 && !q.AllowAutoTopicCreation || !h.Config.Broker.Topics.AutoCreate {
		return
	}
	img := h.Image()
	var missing []string
	for i := range q.Topics {
		if name := q.Topics[i].Topic; name != nil && *name != "" && img.Topic(*name) == nil && validTopicName(*name) {
			missing = append(missing, *name)
		}
	}
	if len(missing) > 0 {
		h.createByDefault(ctx, missing)
	}
}
