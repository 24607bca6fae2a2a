package oracle

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

type fetched struct {
	topic     string
	partition int32
	offset    int64
	maxBytes  int32
	edit      func(*kmsg.FetchRequestTopicPartition)
}

// fetchRequest is sessionless, asks by id where the version does, and does not wait.
func (s *session) fetchRequest(parts ...fetched) *kmsg.FetchRequest {
	r := kmsg.NewPtrFetchRequest()
	r.ReplicaID, r.MinBytes, r.MaxBytes, r.SessionEpoch = -1, 1, 1<<20, -1
	for _, p := range parts {
		n := len(r.Topics)
		if n == 0 || r.Topics[n-1].Topic != p.topic {
			t := kmsg.FetchRequestTopic{Topic: p.topic}
			if s.version >= 13 {
				t.TopicID = s.idOrGhost(p.topic)
			}
			r.Topics = append(r.Topics, t)
			n++
		}
		want := kmsg.NewFetchRequestTopicPartition()
		want.Partition, want.FetchOffset, want.PartitionMaxBytes, want.LogStartOffset = p.partition, p.offset, 1<<20, -1
		if p.maxBytes > 0 {
			want.PartitionMaxBytes = p.maxBytes
		}
		if p.edit != nil {
			p.edit(&want)
		}
		r.Topics[n-1].Partitions = append(r.Topics[n-1].Partitions, want)
	}
	return r
}

func (s *session) filled(short string, configs ...string) string {
	topic := s.topic(short, 2, configs...)
	for i := range int64(3) {
		s.fill(topic, 0, batchAt(base+1000*i, 3))
	}
	return topic
}

func fetchScript(s *session) {
	a, b := s.filled("a"), s.filled("b")
	s.ask("from the start", s.fetchRequest(fetched{topic: a}))
	s.ask("from the middle of a batch", s.fetchRequest(fetched{topic: a, offset: 4}))
	s.ask("at the end", s.fetchRequest(fetched{topic: a, offset: 9}))
	s.ask("behind the end", s.fetchRequest(fetched{topic: a, offset: 10}))
	s.ask("before the start", s.fetchRequest(fetched{topic: a, offset: -1}))
	s.ask("an empty partition", s.fetchRequest(fetched{topic: a, partition: 1}))
	s.ask("unknown partition", s.fetchRequest(fetched{topic: a, partition: 5}))
	s.ask("negative partition", s.fetchRequest(fetched{topic: a, partition: -1}))
	s.ask("unknown topic beside good ones", s.fetchRequest(fetched{topic: s.name("ghost")}, fetched{topic: a, offset: 7}, fetched{topic: a, partition: 1}, fetched{topic: b, offset: 7}))
	if s.version < 13 {
		s.ask("bad name", s.fetchRequest(fetched{topic: "a b"}))
	} else {
		r := s.fetchRequest(fetched{topic: a})
		r.Topics[0].TopicID = [16]byte{}
		s.ask("no id", r)
	}
	s.ask("no topics", s.fetchRequest())
	s.ask("a partition twice", s.fetchRequest(fetched{topic: a, offset: 7}, fetched{topic: a, offset: 8}))
	for _, epoch := range []int32{0, 1, 99, -2} {
		s.ask(fmt.Sprint("current leader epoch ", epoch), s.fetchRequest(fetched{topic: a, offset: 7, edit: func(p *kmsg.FetchRequestTopicPartition) { p.CurrentLeaderEpoch = epoch }}))
	}
	for _, epoch := range []int32{0, 5} {
		s.ask(fmt.Sprint("last fetched epoch ", epoch), s.fetchRequest(fetched{topic: a, offset: 7, edit: func(p *kmsg.FetchRequestTopicPartition) { p.LastFetchedEpoch = epoch }}))
	}
	for _, level := range []int8{1, 2, -1} {
		r := s.fetchRequest(fetched{topic: a, offset: 7}, fetched{topic: a, partition: 1})
		r.IsolationLevel = level
		s.ask(fmt.Sprint("isolation level ", level), r)
	}
	r := s.fetchRequest(fetched{topic: a, offset: 9})
	r.MaxWaitMillis, r.MinBytes = 50, 1000
	s.ask("nothing comes", r)
	r = s.fetchRequest(fetched{topic: a, offset: 8}, fetched{topic: a, partition: 9})
	r.MaxWaitMillis, r.MinBytes = 200, 1<<20 // Kafka waits when a partition is unknown
	s.ask("an error does not wait", r)
	if s.version < 15 {
		r = s.fetchRequest(fetched{topic: a, offset: 7})
		r.ReplicaID = 5
		s.ask("as a follower", r)
		r = s.fetchRequest(fetched{topic: a, offset: 7})
		r.ReplicaID = -2
		s.ask("as a debugger", r)
	}
	r = s.fetchRequest(fetched{topic: a, offset: 7})
	r.Rack = "nowhere"
	s.ask("rack", r)
}

func fetchLimitsScript(s *session) {
	a := s.filled("a")
	s.fill(a, 1, batch(3))
	s.ask("one byte of a partition", s.fetchRequest(fetched{topic: a, maxBytes: 1}))
	s.ask("one byte of each", s.fetchRequest(fetched{topic: a, maxBytes: 1}, fetched{topic: a, partition: 1, maxBytes: 1}))
	s.ask("half a batch more", s.fetchRequest(fetched{topic: a, maxBytes: 170}))
	r := s.fetchRequest(fetched{topic: a}, fetched{topic: a, partition: 1})
	r.MaxBytes = 1
	s.ask("one byte of all", r)
	r = s.fetchRequest(fetched{topic: a, offset: 9}, fetched{topic: a, partition: 1})
	r.MaxBytes = 1
	s.ask("one byte of all, nothing in the first", r)
	r = s.fetchRequest(fetched{topic: a, offset: 99}, fetched{topic: a, partition: 1})
	r.MaxBytes = 0
	s.ask("zero bytes", r)
	r = s.fetchRequest(fetched{topic: a}, fetched{topic: a, partition: 1})
	r.MaxBytes = -1
	s.ask("negative bytes", r)
	r = s.fetchRequest(fetched{topic: a, offset: 7})
	r.MinBytes = 0
	s.ask("min bytes 0", r)
	r = s.fetchRequest(fetched{topic: a, offset: 9})
	r.MinBytes, r.MaxWaitMillis = 0, 10_000
	s.ask("min bytes 0 at the end", r)
	r = s.fetchRequest(fetched{topic: a, offset: 9})
	r.MaxWaitMillis = -1
	s.ask("negative wait", r)
}

func fetchFormatsScript(s *session) {
	gzipped, zstd, stamped := s.topic("gzipped", 1), s.topic("zstd", 1), s.topic("stamped", 1, "message.timestamp.type", "LogAppendTime")
	s.fill(gzipped, 0, batch(3, compressed(gzipCodec)))
	s.fill(gzipped, 0, batch(3, compressed(gzipCodec)))
	s.fill(zstd, 0, batch(1))
	s.fill(zstd, 0, batch(3, compressed(zstdCodec)))
	s.fill(stamped, 0, batch(3))
	byCodec := s.topic("by-codec", 1, "compression.type", "zstd")
	s.ask("gzip", s.fetchRequest(fetched{topic: gzipped}))
	s.ask("gzip from the middle of a batch", s.fetchRequest(fetched{topic: gzipped, offset: 4}))
	s.ask("zstd behind a plain batch", s.fetchRequest(fetched{topic: zstd}))
	s.ask("zstd", s.fetchRequest(fetched{topic: zstd, offset: 1}))
	s.ask("topic with zstd", s.fetchRequest(fetched{topic: byCodec}))
	s.ask("LogAppendTime", s.fetchRequest(fetched{topic: stamped}))
}

func fetchSessionsScript(s *session) {
	a, b := s.filled("a"), s.filled("b")
	in := func(id, epoch int32, parts ...fetched) *kmsg.FetchRequest {
		r := s.fetchRequest(parts...)
		r.SessionID, r.SessionEpoch = id, epoch
		return r
	}
	resp := s.ask("open", in(0, 0, fetched{topic: a}, fetched{topic: a, partition: 1}, fetched{topic: b, partition: 1}))
	id := resp.(*kmsg.FetchResponse).SessionID
	s.word(id, "the session")
	s.ask("the same again", in(id, 1))
	s.ask("go on at the end", in(id, 2, fetched{topic: a, offset: 9}))
	s.ask("nothing new", in(id, 3))
	s.fill(a, 1, batch(2))
	s.ask("new records", in(id, 4))
	s.ask("go on, and add one", in(id, 5, fetched{topic: a, partition: 1, offset: 2}, fetched{topic: b, offset: 8}))
	forget := in(id, 6)
	forget.ForgottenTopics = []kmsg.FetchRequestForgottenTopic{{Topic: b, TopicID: s.ids[b], Partitions: []int32{0}}}
	s.ask("forget one", forget)
	s.ask("add an unknown partition", in(id, 7, fetched{topic: a, partition: 9}))
	s.ask("an error is told again", in(id, 8))
	s.ask("wrong epoch", in(id, 20))
	s.ask("right epoch after that", in(id, 9))
	s.ask("unknown session", in(12345, 4, fetched{topic: a, offset: 7}))
	s.ask("no session but an epoch", in(0, 5, fetched{topic: a, offset: 7}))
	s.ask("close it", in(id, -1, fetched{topic: a, offset: 7}))
	s.ask("closed", in(id, 10))
	resp = s.ask("open with an unknown topic", in(0, 0, fetched{topic: s.name("ghost")}, fetched{topic: a, offset: 9}))
	id2 := resp.(*kmsg.FetchResponse).SessionID
	s.word(id2, "second session")
	s.ask("unknown topic again", in(id2, 1))
	s.ask("replace it", in(id2, 0, fetched{topic: a, offset: 9}))
	s.ask("open for nothing", in(0, 0))
}
