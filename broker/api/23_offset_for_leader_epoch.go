package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/broker/replica"
)

// OffsetForLeaderEpoch, versions 0-4.
//
// v1 leader epoch in the answer · v2 current leader epoch (KIP-320) · v3 replica id: consumers may ask · v4 flexible.

// OffsetForLeaderEpoch tells where an epoch ended, so that a client can see whether the log it read was cut since.
func (h *Handlers) OffsetForLeaderEpoch(_ context.Context, _ *Request, q *kmsg.OffsetForLeaderEpochRequest) *kmsg.OffsetForLeaderEpochResponse {
	resp := kmsg.NewPtrOffsetForLeaderEpochResponse()
	for i := range q.Topics {
		t := kmsg.NewOffsetForLeaderEpochResponseTopic()
		t.Topic = q.Topics[i].Topic
		for _, want := range q.Topics[i].Partitions {
			answer := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
			answer.Partition, answer.LeaderEpoch, answer.EndOffset = want.Partition, -1, -1
			h.epochEnd(t.Topic, q.Version, &want, &answer)
			t.Partitions = append(t.Partitions, answer)
		}
		resp.Topics = append(resp.Topics, t)
	}
	return resp
}

func (h *Handlers) epochEnd(topic string, version int16, want *kmsg.OffsetForLeaderEpochRequestTopicPartition, into *kmsg.OffsetForLeaderEpochResponseTopicPartition) {
	p, unavailable := h.onlinePartition(topic, want.Partition)
	if unavailable != nil {
		into.ErrorCode = unavailable.Code
		return
	}
	if code := checkLeaderEpoch(p, want.CurrentLeaderEpoch); version >= 2 && code != 0 {
		into.ErrorCode = code
		return
	}
	if want.LeaderEpoch == p.LeaderEpoch() {
		into.LeaderEpoch, into.EndOffset = want.LeaderEpoch, p.HighWatermark() // the epoch has not ended: consumers see its committed part
		return
	}
	into.LeaderEpoch, into.EndOffset = epochEndOffset(p, want.LeaderEpoch)
}

// epochEndOffset is the largest epoch of the log that is not above the asked one, and where it ended. The present leader's epoch begins where
// the log ended when it took over, also while it has not written anything: so an epoch below it is never unknown, as little as in Kafka, which
// notes an epoch when it begins. A consumer that is told -1 resets its position, although nothing was lost.
func epochEndOffset(p *replica.Partition, epoch int32) (found int32, endOffset int64) {
	log := p.Log()
	end := log.LogEndOffset() // read first: what is written from here on is of the leader's epoch
	found, endOffset = log.EpochEndOffset(epoch)
	if found >= 0 || epoch < 0 || epoch >= p.LeaderEpoch() {
		return found, endOffset
	}
	switch latest := log.LatestEpoch(); {
	case latest > epoch:
		return log.EpochEndOffset(epoch) // the leader has begun to write meanwhile
	case latest >= 0:
		return latest, end
	}
	return epoch, end
}
