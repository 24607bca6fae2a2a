package api

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/broker/config"
	"github.com/sordini/sordini/controller/machine"
	"github.com/sordini/sordini/groupcoord"
)

// CreateTopics, versions 0-7.
//
// v1 validate only, error message · v4 partitions and replication factor -1: the broker's defaults (KIP-464) · v5 flexible, answers with the
// configs (KIP-525) · v7 topic id.

// CreateTopics creates topics. A topic that was created takes records when the answer leaves.
func (h *Handlers) CreateTopics(ctx context.Context, _ *Request, q *kmsg.CreateTopicsRequest) *kmsg.CreateTopicsResponse {
	topics := make([]machine.CreatableTopic, len(q.Topics))
	for i := range q.Topics {
		topics[i] = creatable(&q.Topics[i])
	}
	ctx, cancel := withTimeout(ctx, q.TimeoutMillis)
	defer cancel()
	results := h.Controller.CreateTopics(ctx, topics, q.ValidateOnly && q.Version >= 1)
	values := h.dynamicValues(h.Image())
	resp := kmsg.NewPtrCreateTopicsResponse()
	for i := range results {
		resp.Topics = append(resp.Topics, h.createdTopic(values, &results[i]))
	}
	return resp
}

func creatable(t *kmsg.CreateTopicsRequestTopic) machine.CreatableTopic {
	topic := machine.CreatableTopic{Name: t.Topic, NumPartitions: t.NumPartitions, ReplicationFactor: t.ReplicationFactor}
	for _, a := range t.ReplicaAssignment {
		topic.Assignments = append(topic.Assignments, machine.Assignment{Partition: a.Partition, Brokers: a.Replicas})
	}
	for _, c := range t.Configs {
		topic.Configs = append(topic.Configs, machine.TopicConfig{Name: c.Name, Value: c.Value})
	}
	return topic
}

func (h *Handlers) createdTopic(values *config.Values, r *machine.CreateTopicResult) kmsg.CreateTopicsResponseTopic {
	t := kmsg.NewCreateTopicsResponseTopic()
	t.Topic, t.TopicID, t.NumPartitions, t.ReplicationFactor = r.Name, r.ID, -1, -1
	if r.Err != nil {
		t.ErrorCode, t.ErrorMessage = r.Err.Code, &r.Message
		return t
	}
	t.NumPartitions, t.ReplicationFactor = r.NumPartitions, r.ReplicationFactor
	for _, e := range config.DescribeTopic(values, r.Configs, config.Describe{}) {
		c := kmsg.NewCreateTopicsResponseTopicConfig()
		c.Name, c.Value, c.ReadOnly, c.Source, c.IsSensitive = e.Name, e.Value, e.ReadOnly, int8(e.Source), e.Sensitive
		t.Configs = append(t.Configs, c)
	}
	return t
}

// withTimeout bounds a wait by a request's timeout. The work itself goes on when the time is up, as in Kafka.
func withTimeout(ctx context.Context, timeoutMs int32) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, time.Duration(max(timeoutMs, 0))*time.Millisecond)
}

// createTimeout is how long a topic that is created by the way may take.
const createTimeout = 10 * time.Second

// createByDefault creates topics that a client named in Metadata, with the broker's defaults; internal topics as they must be.
func (h *Handlers) createByDefault(ctx context.Context, names []string) {
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	topics := make([]machine.CreatableTopic, len(names))
	for i, name := range names {
		topics[i] = machine.CreatableTopic{Name: name, NumPartitions: -1, ReplicationFactor: -1}
		switch name {
		case groupcoord.OffsetsTopic:
			topics[i] = h.offsetsTopicSpec()
		case groupcoord.StateTopic:
			topics[i] = h.transactionsTopicSpec()
		}
	}
	for _, r := range h.Controller.CreateTopics(ctx, topics, false) {
		switch r.Err {
		case nil, kerr.TopicAlreadyExists:
		case kerr.InvalidTopicException:
			h.Logger.Debug("topic was not created", "topic", r.Name, "error", r.Message) // a client's mistake
		default:
			h.Logger.Warn("topic was not created", "topic", r.Name, "error", r.Message)
		}
	}
}

// ensureInternalTopic makes an internal topic when it is not there yet.
func (h *Handlers) ensureInternalTopic(ctx context.Context, name string) error {
	if h.Image().Topic(name) != nil {
		return nil
	}
	h.createByDefault(ctx, []string{name})
	if h.Image().Topic(name) == nil {
		return fmt.Errorf("%s could not be created", name)
	}
	return nil
}

// clampedFactor is the replication factor of an internal topic. With Kafka's default of 3, groups and transactions on one broker would
// hang without a word.
func (h *Handlers) clampedFactor(factor int16) int16 {
	return int16(max(min(int(factor), h.Image().BrokerCount()), 1))
}

func topicConfig(name, value string) machine.TopicConfig {
	return machine.TopicConfig{Name: name, Value: &value}
}

// offsetsTopicSpec is __consumer_offsets.
func (h *Handlers) offsetsTopicSpec() machine.CreatableTopic {
	groups := &h.Config.Broker.Groups
	return machine.CreatableTopic{
		Name: groupcoord.OffsetsTopic, NumPartitions: groups.OffsetsPartitions, ReplicationFactor: h.clampedFactor(groups.OffsetsReplicationFactor),
		Configs: []machine.TopicConfig{
			topicConfig("cleanup.policy", "compact"), topicConfig("compression.type", "producer"),
			topicConfig("segment.bytes", strconv.Itoa(int(groups.OffsetsTopicSegmentBytes))),
		},
	}
}

// transactionsTopicSpec is __transaction_state.
func (h *Handlers) transactionsTopicSpec() machine.CreatableTopic {
	txns := &h.Config.Broker.Transactions
	factor := h.clampedFactor(txns.StateReplicationFactor)
	return machine.CreatableTopic{
		Name: groupcoord.StateTopic, NumPartitions: txns.StatePartitions, ReplicationFactor: factor,
		Configs: []machine.TopicConfig{
			topicConfig("cleanup.policy", "compact"), topicConfig("compression.type", "uncompressed"),
			topicConfig("min.insync.replicas", strconv.Itoa(int(min(txns.StateMinISR, int32(factor))))),
			topicConfig("segment.bytes", strconv.Itoa(int(txns.StateSegmentBytes))),
			topicConfig("unclean.leader.election.enable", "false"),
		},
	}
}

// topicNameProblem says what is wrong with a topic's name, or "".
func topicNameProblem(name string) string { return machine.ValidateTopicName(name) }
