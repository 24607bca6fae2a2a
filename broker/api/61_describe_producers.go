package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DescribeProducers, version 0 (KIP-664).

// DescribeProducers shows the idempotent and transactional producers that a partition remembers.
func (h *Handlers) DescribeProducers(_ context.Context, _ *Request, q *kmsg.DescribeProducersRequest) *kmsg.DescribeProducersResponse {
	resp := kmsg.NewPtrDescribeProducersResponse()
	for i := range q.Topics {
		t := kmsg.NewDescribeProducersResponseTopic()
		t.Topic = q.Topics[i].Topic
		for _, index := range q.Topics[i].Partitions {
			t.Partitions = append(t.Partitions, h.producersOf(t.Topic, index))
		}
		resp.Topics = append(resp.Topics, t)
	}
	return resp
}

func (h *Handlers) producersOf(topic string, index int32) kmsg.DescribeProducersResponseTopicPartition {
	answer := kmsg.NewDescribeProducersResponseTopicPartition()
	answer.Partition = index
	refuse := func(err *kerr.Error, message string) kmsg.DescribeProducersResponseTopicPartition {
		answer.ErrorCode, answer.ErrorMessage = err.Code, &message
		return answer
	}
	if problem := topicNameProblem(topic); problem != "" {
		return refuse(kerr.InvalidTopicException, problem)
	}
	p, unavailable := h.onlinePartition(topic, index)
	if unavailable != nil {
		return refuse(unavailable, unavailable.Description)
	}
	for _, s := range p.Log().ActiveProducers() {
		active := kmsg.NewDescribeProducersResponseTopicPartitionActiveProducer()
		active.ProducerID, active.ProducerEpoch = s.ID, int32(s.Epoch)
		active.LastSequence, active.LastTimestamp = s.LastSequence(), s.LastTimestamp
		active.CoordinatorEpoch, active.CurrentTxnStartOffset = s.CoordinatorEpoch, s.TxnFirstOffset
		answer.ActiveProducers = append(answer.ActiveProducers, active)
	}
	return answer
}
