package oracle

import (
	"fmt"
	"math"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Requests that name nothing, or one thing several times. Lists of such answers are short: a client that counts on an entry waits for ever.

func produceListsScript(s *session) {
	a, b := s.topic("a", 3), s.topic("b", 1)
	bare := func(topic string) kmsg.ProduceRequestTopic {
		t := kmsg.ProduceRequestTopic{Topic: topic}
		if s.version >= 13 {
			t.TopicID = s.idOrGhost(topic)
		}
		return t
	}
	r := s.produceRequest(1)
	r.Topics = append(r.Topics, bare(a))
	s.ask("a topic without partitions", r)
	r = s.produceRequest(1, produced{b, 0, s.good(1)})
	r.Topics = append(r.Topics, bare(a), bare(s.name("ghost")))
	s.ask("topics without partitions beside a good one", r)
	s.ask("a topic twice", s.produceRequest(1, produced{a, 0, s.good(1)}, produced{b, 0, s.good(1)}, produced{a, 1, s.good(1)}))
	s.ask("a partition twice", s.produceRequest(1, produced{a, 0, s.good(2)}, produced{a, 0, s.good(3)}))
	s.logEnd(a, 0)
	s.ask("a partition twice, in two lists", s.produceRequest(1, produced{a, 1, s.good(2)}, produced{b, 0, s.good(1)}, produced{a, 1, s.good(3)}))
	s.logEnd(a, 1)
	s.ask("a good and a bad set for one partition", s.produceRequest(1, produced{a, 2, s.good(1)}, produced{a, 2, flip(s.good(1), 18)}))
	s.ask("a bad and a good set for one partition", s.produceRequest(1, produced{a, 2, flip(s.good(1), 18)}, produced{a, 2, s.good(1)}))
	s.ask("largest partition", s.produceRequest(1, produced{a, math.MaxInt32, s.good(1)}))
	s.ask("smallest partition", s.produceRequest(1, produced{a, math.MinInt32, s.good(1)}))
	s.unanswered("acks 0 to nothing", s.produceRequest(0))
	s.ask("acks 2 to nothing", s.produceRequest(2))
	s.unanswered("acks 0, a bad set", s.produceRequest(0, produced{a, 0, flip(s.good(1), 18)}))
	r = s.produceRequest(1, produced{a, 0, s.good(1)})
	r.TimeoutMillis = -1
	s.ask("timeout -1", r)
	if s.version >= 3 {
		r = s.produceRequest(1, produced{a, 0, s.good(1)})
		id := s.name("x")
		r.TransactionID = &id
		s.ask("a transactional id without a transaction", r)
		transactional := batch(1, sequenced(7, 0, 0), func(b *kmsg.RecordBatch) { b.Attributes = 0x10 })
		s.ask("a transaction without an id", s.produceRequest(-1, produced{a, 0, transactional}, produced{b, 0, s.good(1)}))
	}
	if s.version >= 13 {
		r = s.produceRequest(1, produced{a, 0, s.good(1)}, produced{b, 0, s.good(1)})
		r.Topics[1].TopicID = [16]byte{}
		s.ask("no id beside a good one", r)
		s.ask("an unknown id beside a good one", s.produceRequest(1, produced{s.name("ghost"), 0, s.good(1)}, produced{b, 0, s.good(1)}))
	} else {
		s.ask("bad names beside a good one", s.produceRequest(1, produced{"a b", 0, s.good(1)}, produced{"", 0, s.good(1)}, produced{b, 0, s.good(1)}))
		s.ask("a bad name twice", s.produceRequest(1, produced{"a b", 0, s.good(1)}, produced{"a b", 0, s.good(1)}))
	}
}

func fetchListsScript(s *session) {
	a, b := s.filled("a"), s.filled("b")
	bare := func(topic string) kmsg.FetchRequestTopic {
		t := kmsg.FetchRequestTopic{Topic: topic}
		if s.version >= 13 {
			t.TopicID = s.idOrGhost(topic)
		}
		return t
	}
	r := s.fetchRequest()
	r.Topics = append(r.Topics, bare(a))
	s.ask("a topic without partitions", r)
	r = s.fetchRequest(fetched{topic: b, offset: 7})
	r.Topics = append(r.Topics, bare(a), bare(s.name("ghost")))
	s.ask("topics without partitions beside a good one", r)
	s.ask("a topic twice", s.fetchRequest(fetched{topic: a, offset: 7}, fetched{topic: b, offset: 7}, fetched{topic: a, partition: 1}))
	s.ask("a partition twice", s.fetchRequest(fetched{topic: a, offset: 7}, fetched{topic: a, offset: 8}, fetched{topic: b, offset: 8}))
	s.ask("a partition twice, in two lists", s.fetchRequest(fetched{topic: a, offset: 7}, fetched{topic: b, offset: 7}, fetched{topic: a, offset: 4}))
	s.ask("a good and a bad offset of one partition", s.fetchRequest(fetched{topic: a, offset: 7}, fetched{topic: a, offset: 99}))
	s.ask("an unknown partition twice", s.fetchRequest(fetched{topic: a, partition: 9}, fetched{topic: a, partition: 9}))
	s.ask("largest partition", s.fetchRequest(fetched{topic: a, partition: math.MaxInt32}))
	s.ask("largest offset", s.fetchRequest(fetched{topic: a, offset: math.MaxInt64}))
	s.ask("smallest offset", s.fetchRequest(fetched{topic: a, offset: math.MinInt64}))
	s.ask("log start offset of a stranger", s.fetchRequest(fetched{topic: a, offset: 7, edit: func(p *kmsg.FetchRequestTopicPartition) { p.LogStartOffset = 5 }}))
	if s.version >= 13 {
		r = s.fetchRequest(fetched{topic: s.name("ghost")}, fetched{topic: b, offset: 7}, fetched{topic: a, offset: 7})
		r.Topics[2].TopicID = [16]byte{}
		s.ask("unknown ids beside a good one", r)
		other := [16]byte{3: 3}
		s.word(other, "another unknown id")
		r = s.fetchRequest(fetched{topic: s.name("ghost"), partition: 1}, fetched{topic: s.name("other")}, fetched{topic: s.name("ghost")})
		r.Topics[1].TopicID = other
		s.ask("only unknown ids", r)
	} else {
		s.ask("bad names beside a good one", s.fetchRequest(fetched{topic: "a b"}, fetched{topic: ""}, fetched{topic: b, offset: 7}))
	}
	for _, offset := range []int64{7, 9, 10} {
		r = s.fetchRequest(fetched{topic: a, offset: offset}, fetched{topic: b, offset: offset})
		r.IsolationLevel = 1
		s.ask(fmt.Sprint("read committed at ", offset), r)
	}
}

func fetchBytesScript(s *session) {
	a := s.topic("a", 3)
	for p := range int32(2) {
		for i := range int64(3) {
			s.fill(a, p, batchAt(base+1000*i, 3+int(p)))
		}
	}
	size := int32(len(batch(3)))
	if s.version < 2 {
		size = 3 * int32(len(message(0, 0, "k0", "v0", 0))) // what the first batch is for such a client
	} else if s.version < 4 {
		size = 3 * int32(len(message(1, 0, "k0", "v0", 0)))
	}
	for _, limit := range []int32{0, 1, 11, 60, size - 1, size, size + 1, 2*size - 1, 2 * size, 1 << 20, math.MaxInt32} {
		label := limitName(limit, size)
		s.ask("partition limit "+label, s.fetchRequest(limited(a, 0, limit), limited(a, 1, limit), limited(a, 2, limit)))
		if s.version < 3 {
			continue
		}
		r := s.fetchRequest(fetched{topic: a}, fetched{topic: a, partition: 1}, fetched{topic: a, partition: 2})
		r.MaxBytes = limit
		s.ask("limit of all "+label, r)
	}
	s.ask("negative partition limit", s.fetchRequest(limited(a, 0, -1), limited(a, 2, -1)))
	if s.version >= 3 {
		r := s.fetchRequest(limited(a, 0, 1), fetched{topic: a, partition: 1})
		r.MaxBytes = size + 40
		s.ask("the first whole though its limit is small, and the rest to the second", r)
		r = s.fetchRequest(fetched{topic: a, partition: 2}, limited(a, 0, 0), fetched{topic: a, partition: 1})
		s.ask("limit 0 in the middle", r)
	}
}

func limitName(limit, size int32) string {
	switch d := limit - size; {
	case d >= -1 && d <= 1:
		return fmt.Sprintf("one batch %+d", d)
	case d == size-1 || d == size:
		return fmt.Sprintf("two batches %+d", d-size)
	}
	return fmt.Sprint(limit)
}

func limited(topic string, partition, limit int32) fetched {
	return fetched{topic: topic, partition: partition, edit: func(p *kmsg.FetchRequestTopicPartition) { p.PartitionMaxBytes = limit }}
}

func listOffsetsListsScript(s *session) {
	a, b := s.filled("a"), s.filled("b")
	r := listRequest(a, 0, -1)
	r.Topics[0].Partitions = nil
	s.ask("a topic without partitions", r)
	r = listRequest(b, 0, -1)
	r.Topics = append(r.Topics, kmsg.ListOffsetsRequestTopic{Topic: a}, kmsg.ListOffsetsRequestTopic{Topic: s.name("ghost")})
	s.ask("topics without partitions beside a good one", r)
	r = listRequest(a, 0, -1)
	r.Topics = append(r.Topics, listRequest(b, 0, -1).Topics[0], listRequest(a, 1, -1).Topics[0])
	s.ask("a topic twice", r)
	s.ask("empty name", listRequest("", 0, -1))
	s.ask("largest partition", listRequest(a, math.MaxInt32, -1))
	s.ask("largest time", listRequest(a, 0, math.MaxInt64))
	s.ask("smallest time", listRequest(a, 0, math.MinInt64))
	s.topicOf("__consumer_offsets")
	s.must(5, listRequest("__consumer_offsets", 0, -2)) // its leader is ready
	s.ask("earliest of an internal topic", listRequest("__consumer_offsets", 0, -2))
	s.deleteBefore(a, 0, 4)
	for _, special := range []int64{-1, -2, -3, -4, -5, -6} {
		s.ask(fmt.Sprint("after records were deleted, special ", special), listRequest(a, 0, special))
	}
	if s.version > 0 {
		for _, at := range []int64{0, base, base + 1010, base + 1011, base + 2020, base + 2021} {
			s.ask(fmt.Sprint("after records were deleted, by time ", at), listRequest(a, 0, at))
		}
	}
	s.deleteBefore(a, 0, -1)
	for _, special := range []int64{-1, -2, -3, -4} {
		s.ask(fmt.Sprint("after all records were deleted, special ", special), listRequest(a, 0, special))
	}
	if s.version > 0 {
		s.ask("after all records were deleted, by time", listRequest(a, 0, base))
	}
	if s.version >= 7 {
		ties := s.topic("ties", 1)
		s.fill(ties, 0, batchAt(base+100, 3))
		s.fill(ties, 0, batchAt(base+110, 2)) // its last record and the last one of the first batch are of one time
		s.ask("largest time, twice there", listRequest(ties, 0, -3))
		back := s.topic("back", 1)
		s.fill(back, 0, batchAt(base+1000, 3))
		s.fill(back, 0, batchAt(base, 3))
		s.ask("largest time, not at the end", listRequest(back, 0, -3))
		gzipped := s.topic("gzipped", 1)
		s.fill(gzipped, 0, batch(3, compressed(gzipCodec)))
		s.ask("largest time, gzip", listRequest(gzipped, 0, -3))
		stamped := s.topic("stamped", 1, "message.timestamp.type", "LogAppendTime")
		s.fill(stamped, 0, batch(3))
		s.ask("largest time, LogAppendTime", listRequest(stamped, 0, -3))
	}
}

// deleteBefore deletes records up to an offset; -1 is all.
func (s *session) deleteBefore(topic string, partition int32, offset int64) {
	s.t.Helper()
	s.must(1, deleteRecordsRequest(topic, partition, offset))
}

func deleteRecordsRequest(topic string, partition int32, offset int64) *kmsg.DeleteRecordsRequest {
	r := kmsg.NewPtrDeleteRecordsRequest()
	r.TimeoutMillis = 10_000
	r.Topics = []kmsg.DeleteRecordsRequestTopic{{Topic: topic, Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{Partition: partition, Offset: offset}}}}
	return r
}

func epochListsScript(s *session) {
	a := s.filled("a")
	request := func(topic string, partitions ...int32) *kmsg.OffsetForLeaderEpochRequest {
		r := kmsg.NewPtrOffsetForLeaderEpochRequest()
		r.ReplicaID = -1
		t := kmsg.OffsetForLeaderEpochRequestTopic{Topic: topic}
		for _, p := range partitions {
			want := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
			want.Partition, want.CurrentLeaderEpoch = p, -1
			t.Partitions = append(t.Partitions, want)
		}
		r.Topics = append(r.Topics, t)
		return r
	}
	s.ask("no partitions", request(a))
	s.ask("a partition twice", request(a, 0, 0))
	r := request(a, 0)
	r.Topics = append(r.Topics, request(a, 1).Topics[0])
	s.ask("a topic twice", r)
	s.ask("negative partition", request(a, -1))
	s.ask("empty name", request("", 0))
	s.ask("bad name", request("a b", 0))
	s.deleteBefore(a, 0, 4)
	s.ask("after records were deleted", request(a, 0))
	s.deleteBefore(a, 0, -1)
	s.ask("after all records were deleted", request(a, 0))
}

func deleteRecordsScript(s *session) {
	a, b := s.filled("a"), s.filled("b")
	compacted := s.filled("compacted", "cleanup.policy", "compact")
	both := s.filled("both", "cleanup.policy", "compact,delete")
	s.topicOf("__consumer_offsets")
	s.ask("nothing yet", deleteRecordsRequest(a, 0, 0))
	s.ask("in the middle of a batch", deleteRecordsRequest(a, 0, 4))
	s.note("earliest", s.render(s.must(5, listRequest(a, 0, -2)))...)
	s.ask("below the start", deleteRecordsRequest(a, 0, 2))
	s.ask("beyond the end", deleteRecordsRequest(a, 0, 10))
	s.ask("negative", deleteRecordsRequest(a, 0, -2))
	s.ask("all", deleteRecordsRequest(a, 0, -1))
	s.ask("all again", deleteRecordsRequest(a, 0, -1))
	s.ask("the end", deleteRecordsRequest(a, 0, 9))
	s.ask("an empty partition", deleteRecordsRequest(a, 1, -1))
	s.ask("unknown partition", deleteRecordsRequest(a, 9, 1))
	s.ask("negative partition", deleteRecordsRequest(a, -1, 1))
	s.ask("unknown topic", deleteRecordsRequest(s.name("ghost"), 0, 1))
	s.ask("bad name", deleteRecordsRequest("a b", 0, 1))
	s.ask("empty name", deleteRecordsRequest("", 0, 1))
	s.ask("internal topic", deleteRecordsRequest("__consumer_offsets", 0, 0))
	s.ask("compacted", deleteRecordsRequest(compacted, 0, 3))
	s.ask("compacted and deleted", deleteRecordsRequest(both, 0, 3))
	r := deleteRecordsRequest(b, 0, 3)
	r.Topics = append(r.Topics, deleteRecordsRequest(s.name("ghost"), 0, 1).Topics[0], deleteRecordsRequest(b, 1, -1).Topics[0])
	s.ask("several", r)
	r = deleteRecordsRequest(b, 0, 5)
	r.Topics[0].Partitions = append(r.Topics[0].Partitions, kmsg.DeleteRecordsRequestTopicPartition{Partition: 0, Offset: 6})
	s.ask("a partition twice", r)
	s.note("earliest", s.render(s.must(5, listRequest(b, 0, -2)))...)
	r = deleteRecordsRequest(b, 0, 8)
	r.TimeoutMillis = 0
	s.ask("timeout 0", r)
	r.Topics[0].Partitions = nil
	s.ask("no partitions", r)
	r.Topics = nil
	s.ask("nothing", r)
}

func describeProducersScript(s *session) {
	a := s.topic("a", 2)
	request := func(topic string, partitions ...int32) *kmsg.DescribeProducersRequest {
		r := kmsg.NewPtrDescribeProducersRequest()
		r.Topics = []kmsg.DescribeProducersRequestTopic{{Topic: topic, Partitions: partitions}}
		return r
	}
	s.ask("none", request(a, 0))
	id := s.must(3, initProducer()).(*kmsg.InitProducerIDResponse).ProducerID
	s.fill(a, 0, batch(3, sequenced(id, 0, 0)))
	s.fill(a, 0, batch(2, sequenced(id, 0, 3)))
	s.ask("one", request(a, 0, 1))
	s.fill(a, 1, batch(1, sequenced(id, 4, 0)))
	s.ask("another epoch", request(a, 1))
	s.ask("unknown partition", request(a, 9, -1))
	s.ask("unknown topic", request(s.name("ghost"), 0))
	s.ask("bad name", request("a b", 0))
	s.ask("empty name", request("", 0))
	s.ask("a partition twice", request(a, 0, 0))
	s.ask("no partitions", request(a))
	r := request(a, 0)
	r.Topics = nil
	s.ask("nothing", r)
}
