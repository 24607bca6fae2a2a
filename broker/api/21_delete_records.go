package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DeleteRecords, versions 0-2 (KIP-107).
//
// v2 flexible. An offset of -1 means everything up to the high watermark. Topics that are only compacted refuse (POLICY_VIOLATION), internal
// ones too (INVALID_TOPIC_EXCEPTION). An offset below the log start changes nothing and is no error.

const upToHighWatermark = -1

// DeleteRecords raises log start offsets. It answers when that is durable.
func (h *Handlers) DeleteRecords(_ context.Context, _ *Request, q *kmsg.DeleteRecordsRequest) *kmsg.DeleteRecordsResponse {
	resp := kmsg.NewPtrDeleteRecordsResponse()
	for i := range q.Topics {
		t := kmsg.NewDeleteRecordsResponseTopic()
		t.Topic = q.Topics[i].Topic
		for _, want := range q.Topics[i].Partitions {
			p := kmsg.NewDeleteRecordsResponseTopicPartition()
			p.Partition, p.LowWatermark = want.Partition, -1
			low, err := h.deleteRecords(t.Topic, want.Partition, want.Offset)
			if p.ErrorCode = codeOf(err); p.ErrorCode == 0 {
				p.LowWatermark = low
			}
			t.Partitions = append(t.Partitions, p)
		}
		resp.Topics = append(resp.Topics, t)
	}
	return resp
}

func (h *Handlers) deleteRecords(topic string, partition int32, before int64) (lowWatermark int64, err error) {
	p, unavailable := h.onlinePartition(topic, partition)
	if unavailable != nil {
		return 0, unavailable
	}
	if p.Topic().Internal {
		return 0, kerr.InvalidTopicException
	}
	if cfg := p.Topic().Config(); cfg.CleanupCompact && !cfg.CleanupDelete {
		return 0, kerr.PolicyViolation
	}
	committed := p.HighWatermark()
	if before == upToHighWatermark {
		before = committed
	}
	if before < 0 || before > committed {
		return 0, kerr.OffsetOutOfRange
	}
	if err := p.Log().DeleteRecords(before); err != nil {
		return 0, err
	}
	return p.Log().LogStartOffset(), nil
}
