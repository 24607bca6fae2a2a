package oracle

import (
	"bytes"
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kmsg"
)

type produced struct {
	topic     string
	partition int32
	records   []byte
}

// produceRequest asks by id where the version does.
func (s *session) produceRequest(acks int16, parts ...produced) *kmsg.ProduceRequest {
	r := kmsg.NewPtrProduceRequest()
	r.Acks, r.TimeoutMillis = acks, 10_000
	for _, p := range parts {
		n := len(r.Topics)
		if n == 0 || r.Topics[n-1].Topic != p.topic {
			t := kmsg.ProduceRequestTopic{Topic: p.topic}
			if s.version >= 13 {
				t.TopicID = s.idOrGhost(p.topic)
			}
			r.Topics = append(r.Topics, t)
			n++
		}
		t := &r.Topics[n-1]
		t.Partitions = append(t.Partitions, kmsg.ProduceRequestTopicPartition{Partition: p.partition, Records: p.records})
	}
	return r
}

func (s *session) idOrGhost(topic string) [16]byte {
	if id, ok := s.ids[topic]; ok {
		return id
	}
	s.word(ghost, "an unknown id")
	return ghost
}

// good is a record set that every version takes: of the format that its clients send.
func (s *session) good(n int) []byte {
	if s.version >= 3 {
		return batch(n)
	}
	var set []byte
	for i := range n {
		set = append(set, message(int8(s.version/2), base+int64(10*i), "k", "v", int64(i))...)
	}
	return set
}

func produceScript(s *session) {
	a := s.topic("a", 2)
	stamped := s.topic("stamped", 1, "message.timestamp.type", "LogAppendTime")
	small := s.topic("small", 1, "max.message.bytes", "100")
	s.topicOf("__consumer_offsets")
	s.ask("acks all", s.produceRequest(-1, produced{a, 0, s.good(3)}))
	s.ask("acks 1", s.produceRequest(1, produced{a, 0, s.good(2)}))
	s.unanswered("acks 0", s.produceRequest(0, produced{a, 0, s.good(1)}))
	s.ask("behind acks 0", s.produceRequest(1, produced{a, 0, s.good(1)}))
	s.unanswered("acks 0 to an unknown topic", s.produceRequest(0, produced{s.name("ghost"), 0, s.good(1)}))
	s.ask("acks 2", s.produceRequest(2, produced{a, 0, s.good(1)}, produced{a, 1, s.good(1)}))
	s.ask("acks -2", s.produceRequest(-2, produced{a, 0, s.good(1)}))
	s.ask("no topics", s.produceRequest(1))
	s.ask("two partitions and an unknown one", s.produceRequest(-1, produced{a, 0, s.good(1)}, produced{a, 1, s.good(1)}, produced{a, 7, s.good(1)}))
	s.ask("unknown topic beside a good one", s.produceRequest(1, produced{s.name("ghost"), 0, s.good(1)}, produced{a, 0, s.good(1)}))
	s.ask("negative partition", s.produceRequest(1, produced{a, -1, s.good(1)}))
	if s.version < 13 {
		s.ask("bad name", s.produceRequest(1, produced{"a b", 0, s.good(1)}))
		s.ask("empty name", s.produceRequest(1, produced{"", 0, s.good(1)}))
	}
	s.ask("internal topic", s.produceRequest(1, produced{"__consumer_offsets", 0, s.good(1)}))
	s.ask("LogAppendTime", s.produceRequest(1, produced{stamped, 0, s.good(2)}))
	s.ask("too large", s.produceRequest(1, produced{small, 0, s.good(30)}))
	s.ask("too large beside a good one", s.produceRequest(1, produced{small, 0, s.good(30)}, produced{a, 0, s.good(1)}))
	r := s.produceRequest(1, produced{a, 0, s.good(1)}) // with acks -1 it is a matter of luck
	r.TimeoutMillis = 0
	s.ask("timeout 0", r)
	s.logEnd(a, 0)
	s.logEnd(stamped, 0)
}

func produceOldScript(s *session) {
	a := s.topic("a", 1)
	compacted := s.topic("compacted", 1, "cleanup.policy", "compact")
	two := append(message(1, base, "a", "1", 0), message(1, base+5, "b", "2", 1)...)
	zero := message(0, 0, "a", "1", 0)
	s.ask("format 0", s.produceRequest(1, produced{a, 0, zero}))
	s.ask("format 1", s.produceRequest(1, produced{a, 0, two}))
	s.ask("format 2", s.produceRequest(1, produced{a, 0, batch(2)}))
	s.ask("empty set", s.produceRequest(1, produced{a, 0, []byte{}}))
	s.ask("torn", s.produceRequest(1, produced{a, 0, zero[:20]}))
	s.ask("a whole one and a torn one", s.produceRequest(1, produced{a, 0, append(bytes.Clone(zero), zero[:20]...)}))
	s.ask("mixed formats", s.produceRequest(1, produced{a, 0, append(bytes.Clone(zero), two...)}))
	s.ask("wrong offsets", s.produceRequest(1, produced{a, 0, append(message(1, base, "a", "1", 7), message(1, base, "a", "1", 3)...)}))
	bad := bytes.Clone(zero)
	bad[12] ^= 1
	s.ask("wrong checksum", s.produceRequest(1, produced{a, 0, bad}))
	s.ask("compacted", s.produceRequest(1, produced{compacted, 0, two}))
	s.logEnd(a, 0)
}

func produceBatchesScript(s *session) {
	a := s.topic("a", 1)
	compacted := s.topic("compacted", 1, "cleanup.policy", "compact")
	strict := s.topic("strict", 1, "message.timestamp.before.max.ms", "1000")
	gzipped := s.topic("gzipped", 1, "compression.type", "gzip")
	one := func(label string, b []byte) { s.ask(label, s.produceRequest(1, produced{a, 0, b})) }
	one("gzip", batch(5, compressed(gzipCodec)))
	one("zstd", batch(5, compressed(zstdCodec)))
	one("empty records", []byte{})
	one("two batches", append(batch(1), batch(1)...))
	one("torn", batch(2)[:70])
	one("a batch and a torn one", append(batch(1), batch(1)[:30]...))
	one("wrong checksum", flip(batch(1), 18))
	one("format 1", message(1, base, "k", "v", 0))
	one("format 3", flip(batch(1), 16))
	one("base offset 5", batch(1, func(b *kmsg.RecordBatch) { b.FirstOffset = 5 }))
	one("count too large", batch(2, func(b *kmsg.RecordBatch) { b.NumRecords = 3 }))
	one("last offset delta too large", batch(2, func(b *kmsg.RecordBatch) { b.LastOffsetDelta = 5 }))
	one("control batch", batch(1, func(b *kmsg.RecordBatch) { b.Attributes = 0x20 }))
	one("producer id without sequence", batch(1, sequenced(7, 0, -1)))
	one("leader epoch of a stranger", batch(1, func(b *kmsg.RecordBatch) { b.PartitionLeaderEpoch = 99 }))
	one("no timestamps", batchAt(-1, 1))
	s.ask("no keys on a compacted topic", s.produceRequest(1, produced{compacted, 0, keyless()}))
	s.ask("too old", s.produceRequest(1, produced{strict, 0, batch(2)}))
	s.ask("topic of another codec", s.produceRequest(1, produced{gzipped, 0, batch(2)}))
	s.logEnd(a, 0)
}

func produceSequencesScript(s *session) {
	a := s.topic("a", 1)
	id := s.must(3, initProducer()).(*kmsg.InitProducerIDResponse).ProducerID
	one := func(label string, epoch int16, sequence int32, n int) {
		s.ask(label, s.produceRequest(-1, produced{a, 0, batch(n, sequenced(id, epoch, sequence))}))
	}
	one("first", 0, 0, 2)
	one("second", 0, 2, 3)
	one("second again", 0, 2, 3)
	one("first again", 0, 0, 2)
	one("gap", 0, 9, 1)
	one("part of the second", 0, 3, 2)
	for i := range int32(5) {
		one("more", 0, 5+i, 1)
	}
	one("fifth oldest", 0, 5, 1)
	one("sixth oldest", 0, 2, 3)
	one("new epoch at 3", 1, 3, 1)
	one("new epoch at 0", 1, 0, 1)
	one("old epoch", 0, 10, 1)
	s.ask("unknown producer at 5", s.produceRequest(-1, produced{a, 0, batch(1, sequenced(id+1_000_000, 0, 5))}))
	s.logEnd(a, 0)
}

func flip(b []byte, at int) []byte {
	b[at] ^= 1
	return b
}

func keyless() []byte {
	return batch(2, func(b *kmsg.RecordBatch) {
		b.Records = nil
		for i := range 2 {
			r := kmsg.Record{OffsetDelta: int32(i), Value: []byte("v")}
			body := r.AppendTo(nil)[1:]
			b.Records = append(binary.AppendVarint(b.Records, int64(len(body))), body...)
		}
		b.MaxTimestamp = base
	})
}

func initProducer() *kmsg.InitProducerIDRequest {
	r := kmsg.NewPtrInitProducerIDRequest()
	r.TransactionTimeoutMillis = 60_000
	return r
}

// logEnd notes where a partition ends now, in the eyes of a debugger: consumers see what acks=1 wrote a moment later.
func (s *session) logEnd(topic string, partition int32) {
	s.t.Helper()
	list := kmsg.NewPtrListOffsetsRequest()
	list.ReplicaID = -2
	list.Topics = []kmsg.ListOffsetsRequestTopic{{Topic: topic, Partitions: []kmsg.ListOffsetsRequestTopicPartition{{Partition: partition, CurrentLeaderEpoch: -1, Timestamp: -1}}}}
	s.note("end of "+s.text(topic), s.render(s.must(5, list))...)
}
