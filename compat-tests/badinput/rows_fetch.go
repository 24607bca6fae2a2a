package badinput

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func fetchRows() []row {
	fetch := func(version int16, edit func(r *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition)) func(e *env) kmsg.Request {
		return func(e *env) kmsg.Request {
			r := fetchRequest(version, e.plain, 0, 0)
			if version >= 13 {
				r.Topics[0].Topic, r.Topics[0].TopicID = "", e.plainID
			}
			edit(r, &r.Topics[0].Partitions[0])
			return r
		}
	}
	partition := func(version int16, edit func(p *kmsg.FetchRequestTopicPartition)) func(e *env) kmsg.Request {
		return fetch(version, func(_ *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition) { edit(p) })
	}
	offset := func(version int16, offset int64) func(e *env) kmsg.Request {
		return partition(version, func(p *kmsg.FetchRequestTopicPartition) { p.FetchOffset = offset })
	}
	return []row{
		request("unknown topic", partitionCode(3), func(*env) kmsg.Request { return fetchRequest(12, "nowhere", 0, 0) }),
		request("unknown topic in v4", partitionCode(3), func(*env) kmsg.Request { return fetchRequest(4, "nowhere", 0, 0) }),
		request("unknown topic in v0", partitionCode(3), func(*env) kmsg.Request { return fetchRequest(0, "nowhere", 0, 0) }).kafka("", closed),
		request("unknown partition", partitionCode(3), partition(12, func(p *kmsg.FetchRequestTopicPartition) { p.Partition = 99 })),
		request("negative partition", partitionCode(3), partition(12, func(p *kmsg.FetchRequestTopicPartition) { p.Partition = -1 })),
		request("unknown topic id", partitionCode(100), fetch(13, func(r *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition) { r.Topics[0].TopicID = [16]byte{9, 9} })),
		request("topic id of zeros", partitionCode(100), fetch(13, func(r *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition) { r.Topics[0].TopicID = [16]byte{} })),
		request("offset -1", partitionCode(1), offset(12, -1)),
		request("offset beyond the end", partitionCode(1), offset(12, 1_000_000)),
		request("offset 2^63-1", partitionCode(1), offset(12, 1<<63-1)),
		request("offset beyond the end in v4", partitionCode(1), offset(4, 1_000_000)),
		request("leader epoch of the future", partitionCode(75), partition(12, func(p *kmsg.FetchRequestTopicPartition) { p.CurrentLeaderEpoch = 99 })),
		request("leader epoch -2", ok, partition(12, func(p *kmsg.FetchRequestTopicPartition) { p.CurrentLeaderEpoch = -2 })),
		request("a follower that is none", partitionCode(6), fetch(12, func(r *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition) { r.ReplicaID = 99 })),
		// Kafka throws what it did not expect; -1 is its answer, and what a client should make of it nobody says.
		request("isolation level 2", "top -1, Partitions -1 | Partitions -1 | Partitions 42 | top 42", fetch(12, func(r *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition) { r.IsolationLevel = 2 })),
		request("negative limits", ok, fetch(12, func(r *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition) {
			r.MaxWaitMillis, r.MinBytes, r.MaxBytes, p.PartitionMaxBytes = -1, -1, -1, -1
		})).kafka(kafkaSlip, kafkaSlip),
		request("limits of zero", ok, fetch(12, func(r *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition) {
			r.MinBytes, r.MaxBytes, p.PartitionMaxBytes = 0, 0, 0
		})).check(someRecords),
		request("no topics", ok, fetch(12, func(r *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition) { r.Topics = nil })),
		{name: "zstd below v10, put there by a producer", want: ok, send: func(e *env, _ *conn) []byte {
			return frameOf(fetchRequest(9, zstdTopic(e), 0, 0), rowID)
		}},
		row{name: "zstd in v2", want: unsupported, send: func(e *env, _ *conn) []byte {
			return frameOf(fetchRequest(2, zstdTopic(e), 0, 0), rowID)
		}}.kafka("", closed),
	}
}

func zstdTopic(e *env) string {
	topic := e.fresh()
	e.mustProduce(topic, compressedBatch(3, zstdCodec, compress(zstdCodec, encodedRecords(3))))
	return topic
}

// someRecords: from version 3 on a first batch comes whole, however small the limits are.
func someRecords(_ *env, resp kmsg.Response) string {
	if n := len(resp.(*kmsg.FetchResponse).Topics[0].Partitions[0].RecordBatches); n < headerSize {
		return fmt.Sprintf("%d bytes of records, want a whole batch", n)
	}
	return ""
}

// sessionRows are about incremental fetches.
func sessionRows() []row {
	open := func(e *env, c *conn, version int16) int32 {
		r := fetchRequest(version, e.plain, 0, 0)
		if version >= 13 {
			r.Topics[0].Topic, r.Topics[0].TopicID = "", e.plainID
		}
		r.SessionEpoch = 0
		resp, err := c.ask(r)
		if err != nil {
			e.t.Errorf("open a fetch session: %v", err)
			return 0
		}
		id := resp.(*kmsg.FetchResponse).SessionID
		if id == 0 {
			e.t.Errorf("no fetch session was opened")
		}
		return id
	}
	with := func(name, want string, opened int16, next func(e *env, id int32) *kmsg.FetchRequest) row {
		return row{name: name, want: want, send: func(e *env, c *conn) []byte {
			id := int32(0)
			if opened > 0 {
				id = open(e, c, opened)
			}
			return frameOf(next(e, id), rowID)
		}}
	}
	bare := func(version int16, id, epoch int32) *kmsg.FetchRequest {
		r := fetchRequest(version, "", 0, 0)
		r.Topics, r.SessionID, r.SessionEpoch = nil, id, epoch
		return r
	}
	return []row{
		with("unknown session", "top 70", 0, func(_ *env, _ int32) *kmsg.FetchRequest { return bare(12, 123_456_789, 1) }),
		with("session 0 with an epoch", "top 70", 0, func(_ *env, _ int32) *kmsg.FetchRequest { return bare(12, 0, 1) }),
		with("wrong epoch", "top 71", 12, func(_ *env, id int32) *kmsg.FetchRequest { return bare(12, id, 5) }),
		with("right epoch", ok, 12, func(_ *env, id int32) *kmsg.FetchRequest { return bare(12, id, 1) }),
		with("opened with names, used with ids", "top 106", 12, func(e *env, id int32) *kmsg.FetchRequest {
			r := fetchRequest(13, "", 0, 0)
			r.Topics[0].TopicID, r.SessionID, r.SessionEpoch = e.plainID, id, 1
			return r
		}),
		with("opened with ids, used with names", "top 106", 13, func(e *env, id int32) *kmsg.FetchRequest {
			r := fetchRequest(12, e.plain, 0, 0)
			r.SessionID, r.SessionEpoch = id, 1
			return r
		}),
		with("closing a session", ok, 12, func(e *env, id int32) *kmsg.FetchRequest { return bare(12, id, -1) }),
		with("forgotten partition that is not in it", ok, 12, func(e *env, id int32) *kmsg.FetchRequest {
			r := bare(12, id, 1)
			f := kmsg.NewFetchRequestForgottenTopic()
			f.Topic, f.Partitions = "nowhere", []int32{1, 2}
			r.ForgottenTopics = append(r.ForgottenTopics, f)
			return r
		}),
	}
}

func offsetRows() []row {
	list := func(version int16, topic func(*env) string, partition int32, timestamp int64) func(e *env) kmsg.Request {
		return func(e *env) kmsg.Request { return listRequest(version, topic(e), partition, timestamp) }
	}
	epoch := func(epoch int32) func(e *env) kmsg.Request {
		return func(e *env) kmsg.Request {
			r := listRequest(5, e.plain, 0, -1)
			r.Topics[0].Partitions[0].CurrentLeaderEpoch = epoch
			return r
		}
	}
	nowhere := func(*env) string { return "nowhere" }
	forEpoch := func(partition, current, epoch int32) func(e *env) kmsg.Request {
		return func(e *env) kmsg.Request {
			p := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
			p.Partition, p.CurrentLeaderEpoch, p.LeaderEpoch = partition, current, epoch
			t := kmsg.NewOffsetForLeaderEpochRequestTopic()
			t.Topic, t.Partitions = e.plain, append(t.Partitions, p)
			r := kmsg.NewPtrOffsetForLeaderEpochRequest()
			r.Version, r.ReplicaID = 4, -2
			r.Topics = append(r.Topics, t)
			return r
		}
	}
	return []row{
		request("unknown topic", partitionCode(3), list(5, nowhere, 0, -1)),
		request("unknown partition", partitionCode(3), list(5, plain, 99, -1)),
		request("unknown topic in v0", partitionCode(3), list(0, nowhere, 0, -1)).kafka("", closed),
		request("special timestamp -99", partitionCode(35), list(7, plain, 0, -99)).kafka("", ""),
		request("leader epoch of the future", partitionCode(75), epoch(99)),
		request("leader epoch -2", partitionCode(74), epoch(-2)),
		request("a partition twice", partitionCode(42), func(e *env) kmsg.Request {
			r := listRequest(5, e.plain, 0, -1)
			r.Topics[0].Partitions = append(r.Topics[0].Partitions, r.Topics[0].Partitions[0])
			return r
		}),
		request("timestamp of the far future", ok, list(5, plain, 0, 1<<62)),
		request("max offsets -1 in v0", ok, func(e *env) kmsg.Request {
			r := listRequest(0, e.plain, 0, -1)
			r.Topics[0].Partitions[0].MaxNumOffsets = -1
			return r
		}).kafka(partitionCode(-1)+" | "+ok, closed),
		request("epoch end: unknown partition", partitionCode(3), forEpoch(99, -1, 0)),
		request("epoch end: leader epoch of the future", partitionCode(75), forEpoch(0, 99, 0)),
		request("epoch end: epoch nobody had", ok, forEpoch(0, -1, 1000)),
	}
}
