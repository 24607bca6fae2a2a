package api

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/broker/replica"
)

// ListOffsets, versions 0-11.
//
// v0 answers with a list of segment boundaries, newest first · v1 one offset and its timestamp · v2 isolation level · v4 leader epochs
// (KIP-320) · v6 flexible · v7 timestamp -3: the largest timestamp (KIP-734) · v8 -4: earliest local (KIP-405) · v9 -5: latest tiered
// (KIP-1005) · v10 timeout (KIP-1075) · v11 -6: earliest pending upload (KIP-1023).

const (
	latestTimestamp          = -1
	earliestTimestamp        = -2
	maxTimestamp             = -3
	earliestLocalTimestamp   = -4
	latestTieredTimestamp    = -5
	earliestPendingTimestamp = -6

	debuggingReplica = -2 // kafka-replica-verification and old tools: sees up to the log's end
)

// ListOffsets finds offsets by time.
//
// Where the high watermark is behind the log end, only our own disk is (ADR 1): the answer waits for the sync that is under way, so that who
// has written with acks=1 and asks for the end finds what he wrote, as on a single Kafka.
func (h *Handlers) ListOffsets(_ context.Context, req *Request, q *kmsg.ListOffsetsRequest) *kmsg.ListOffsetsResponse {
	resp := kmsg.NewPtrListOffsetsResponse()
	h.awaitEnds(req.Conn, q)
	twice := duplicatePartitions(q)
	for i := range q.Topics {
		t := kmsg.NewListOffsetsResponseTopic()
		t.Topic = q.Topics[i].Topic
		for j := range q.Topics[i].Partitions {
			want := &q.Topics[i].Partitions[j]
			p := kmsg.NewListOffsetsResponseTopicPartition()
			p.Partition = want.Partition
			if twice[listed{t.Topic, want.Partition}] > 1 && q.Version > 0 {
				p.ErrorCode = kerr.InvalidRequest.Code
			} else {
				h.listPartition(q, t.Topic, want, &p)
			}
			t.Partitions = append(t.Partitions, p)
		}
		resp.Topics = append(resp.Topics, t)
	}
	return resp
}

// maxEndWait is how long an answer waits for the disk at the most; then it is about what is safe.
const maxEndWait = time.Second

// awaitEnds waits until what the logs hold now is committed.
func (h *Handlers) awaitEnds(c *Conn, q *kmsg.ListOffsetsRequest) {
	var deadline <-chan time.Time
	for i := range q.Topics {
		for j := range q.Topics[i].Partitions {
			p := h.Replicas.Get(q.Topics[i].Topic, q.Topics[i].Partitions[j].Partition)
			if p == nil || p.HighWatermark() >= p.Log().LogEndOffset() {
				continue
			}
			if deadline == nil {
				deadline = c.deadline(maxEndWait)
				defer c.disarm()
			}
			err := p.AwaitCommitted(c.Waiter, p.Log().LogEndOffset(), c.Gone, deadline)
			if errors.Is(err, kerr.RequestTimedOut) || errors.Is(err, replica.ErrStopped) {
				return
			} // a partition that fails answers for itself
		}
	}
}

type listed struct {
	topic     string
	partition int32
}

func duplicatePartitions(q *kmsg.ListOffsetsRequest) map[listed]int {
	seen := map[listed]int{}
	for i := range q.Topics {
		for j := range q.Topics[i].Partitions {
			seen[listed{q.Topics[i].Topic, q.Topics[i].Partitions[j].Partition}]++
		}
	}
	return seen
}

func (h *Handlers) listPartition(q *kmsg.ListOffsetsRequest, topic string, want *kmsg.ListOffsetsRequestTopicPartition, into *kmsg.ListOffsetsResponseTopicPartition) {
	p, unavailable := h.onlinePartition(topic, want.Partition)
	if unavailable != nil {
		into.ErrorCode = unavailable.Code
		return
	}
	if code := checkLeaderEpoch(p, want.CurrentLeaderEpoch); q.Version >= 4 && code != 0 {
		into.ErrorCode = code
		return
	}
	upTo := p.HighWatermark()
	switch {
	case q.Version >= 2 && (q.IsolationLevel < 0 || q.IsolationLevel > readCommitted):
		into.ErrorCode = kerr.UnknownServerError.Code // what Kafka answers, here and in Fetch
		return
	case q.Version >= 2 && q.IsolationLevel == readCommitted:
		upTo = p.LastStableOffset()
	case q.ReplicaID == debuggingReplica:
		upTo = p.Log().LogEndOffset()
	}
	if q.Version == 0 && want.Timestamp < earliestTimestamp {
		into.ErrorCode = kerr.UnsupportedVersion.Code
		return
	}
	if q.Version == 0 {
		into.OldStyleOffsets = p.Log().LegacyOffsetsBefore(want.Timestamp, int(max(want.MaxNumOffsets, 0)), upTo)
		return
	}
	listOne(p, q.Version, want.Timestamp, upTo, into)
}

func listOne(p *replica.Partition, version int16, timestamp, upTo int64, into *kmsg.ListOffsetsResponseTopicPartition) {
	log := p.Log()
	var offset, at int64
	var epoch int32
	var found bool
	var err error
	switch {
	case timestamp >= 0:
		offset, at, epoch, found, err = log.OffsetForTimestamp(timestamp, upTo)
	case timestamp == latestTimestamp:
		offset, at, epoch, found = upTo, -1, p.LeaderEpoch(), true
	case timestamp == earliestTimestamp, timestamp == earliestLocalTimestamp && version >= 8:
		offset, at, found = log.LogStartOffset(), -1, true // there is no tier: everything is local
		if epoch = log.EpochAt(offset); epoch < 0 {
			epoch = p.LeaderEpoch() // nothing is there yet; what comes will have this epoch
		}
	case timestamp == maxTimestamp && version >= 7:
		offset, at, epoch, found, err = log.MaxTimestamp()
		found = found && offset < upTo
	case timestamp == latestTieredTimestamp && version >= 9, timestamp == earliestPendingTimestamp && version >= 11:
		// Nothing is tiered and nothing will be: -1 without an error.
	default:
		into.ErrorCode = kerr.UnsupportedVersion.Code
		return
	}
	if err != nil {
		into.ErrorCode = codeOf(err)
		return
	}
	if found {
		into.Offset, into.Timestamp, into.LeaderEpoch = offset, at, epoch
	}
}

// checkLeaderEpoch compares the epoch that a client believes in with the partition's; -1 believes in none.
func checkLeaderEpoch(p *replica.Partition, epoch int32) int16 {
	switch current := p.LeaderEpoch(); {
	case epoch == -1 || epoch == current:
		return 0
	case epoch < current:
		return kerr.FencedLeaderEpoch.Code
	}
	return kerr.UnknownLeaderEpoch.Code
}
