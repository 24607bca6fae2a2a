package main

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Timestamps with a meaning of their own in ListOffsets.
const (
	latestOffset   = -1
	earliestOffset = -2
)

var errTimesTooOld = errors.New("the broker cannot look up times exactly; that came with Kafka 0.10.1")

// listOffsets asks for one offset of every partition: the earliest, the latest, or the first of a time (then -1 says that there is none). kadm has
// the same, but overlooks the answers of brokers before 0.10.1, which have another shape.
func (c *client) listOffsets(ctx context.Context, timestamp int64, readCommitted bool, topics kadm.TopicDetails) (kadm.ListedOffsets, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	if readCommitted {
		req.IsolationLevel = 1
	}
	for _, t := range topics.Sorted() {
		topic := kmsg.NewListOffsetsRequestTopic()
		topic.Topic = t.Topic
		for _, p := range t.Partitions.Sorted() {
			partition := kmsg.NewListOffsetsRequestTopicPartition()
			partition.Partition, partition.Timestamp, partition.MaxNumOffsets = p.Partition, timestamp, 1
			topic.Partitions = append(topic.Partitions, partition)
		}
		req.Topics = append(req.Topics, topic)
	}
	listed := kadm.ListedOffsets{}
	var failed error
	for _, shard := range c.RequestSharded(ctx, req) {
		if shard.Err != nil {
			failed = shard.Err
			continue
		}
		for _, t := range shard.Resp.(*kmsg.ListOffsetsResponse).Topics {
			if listed[t.Topic] == nil {
				listed[t.Topic] = map[int32]kadm.ListedOffset{}
			}
			for _, p := range t.Partitions {
				listed[t.Topic][p.Partition] = listedOffset(t.Topic, timestamp, p, shard.Resp.GetVersion())
			}
		}
	}
	if failed == nil {
		return listed, nil
	}
	// Partitions whose leader did not answer have that error.
	failed = c.explain(failed)
	if len(listed) == 0 {
		return nil, failed
	}
	for _, t := range topics {
		if listed[t.Topic] == nil {
			listed[t.Topic] = map[int32]kadm.ListedOffset{}
		}
		for _, p := range t.Partitions {
			if _, ok := listed[t.Topic][p.Partition]; !ok {
				listed[t.Topic][p.Partition] = kadm.ListedOffset{Topic: t.Topic, Partition: p.Partition, Offset: -1, Err: failed}
			}
		}
	}
	return listed, nil
}

func listedOffset(topic string, timestamp int64, p kmsg.ListOffsetsResponseTopicPartition, version int16) kadm.ListedOffset {
	o := kadm.ListedOffset{Topic: topic, Partition: p.Partition, Timestamp: p.Timestamp, Offset: p.Offset, LeaderEpoch: p.LeaderEpoch, Err: kerr.ErrorForCode(p.ErrorCode)}
	if version > 0 || o.Err != nil {
		return o
	}
	o.Timestamp, o.Offset, o.LeaderEpoch = -1, -1, -1
	switch {
	case timestamp >= 0:
		o.Err = errTimesTooOld // it would be the start of a segment
	case len(p.OldStyleOffsets) > 0:
		o.Offset = p.OldStyleOffsets[0]
	}
	return o
}
