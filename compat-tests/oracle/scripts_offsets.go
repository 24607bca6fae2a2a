package oracle

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func listRequest(topic string, partition int32, timestamp int64) *kmsg.ListOffsetsRequest {
	r := kmsg.NewPtrListOffsetsRequest()
	r.ReplicaID, r.TimeoutMillis = -1, 10_000
	p := kmsg.NewListOffsetsRequestTopicPartition()
	p.Partition, p.Timestamp, p.MaxNumOffsets = partition, timestamp, 10
	r.Topics = []kmsg.ListOffsetsRequestTopic{{Topic: topic, Partitions: []kmsg.ListOffsetsRequestTopicPartition{p}}}
	return r
}

func listOffsetsScript(s *session) {
	a := s.filled("a") // times base, +10, +20, +1000, +1010, +1020, +2000 ...
	s.fill(a, 0, batchAt(base+500, 2))
	gzipped := s.topic("gzipped", 1)
	s.fill(gzipped, 0, batch(5, compressed(gzipCodec)))
	ask := func(label string, topic string, partition int32, timestamp int64) {
		s.ask(label, listRequest(topic, partition, timestamp))
	}
	ask("latest", a, 0, -1)
	ask("earliest", a, 0, -2)
	ask("latest, empty", a, 1, -1)
	ask("earliest, empty", a, 1, -2)
	for _, special := range []int64{-3, -4, -5, -6, -7, -100} {
		ask(fmt.Sprint("special ", special), a, 0, special)
		ask(fmt.Sprint("empty, special ", special), a, 1, special)
	}
	if s.version > 0 { // version 0 looks at the times of files
		for _, at := range []int64{0, 1, base, base + 5, base + 10, base + 21, base + 1010, base + 2020, base + 2021} {
			ask(fmt.Sprint("by time ", at), a, 0, at)
		}
		ask("by time, empty", a, 1, base)
		ask("by time, gzip", gzipped, 0, base+15)
	} else {
		ask("by time 0", a, 0, 0)
		for _, n := range []int32{0, 1, 2} {
			r := listRequest(a, 0, -1)
			r.Topics[0].Partitions[0].MaxNumOffsets = n
			s.ask(fmt.Sprint("offsets at most ", n), r)
		}
	}
	r := listRequest(a, 0, -1)
	r.IsolationLevel = 1
	s.ask("read committed", r)
	r = listRequest(a, 0, base+5)
	r.IsolationLevel = 1
	if s.version > 0 {
		s.ask("read committed by time", r)
	}
}

func listOffsetsErrorsScript(s *session) {
	a := s.filled("a")
	s.ask("unknown topic", listRequest(s.name("ghost"), 0, -1))
	s.ask("unknown partition", listRequest(a, 9, -1))
	s.ask("negative partition", listRequest(a, -1, -1))
	s.ask("bad name", listRequest("a b", 0, -1))
	for _, epoch := range []int32{0, 1, 99, -2} {
		r := listRequest(a, 0, -1)
		r.Topics[0].Partitions[0].CurrentLeaderEpoch = epoch
		s.ask(fmt.Sprint("current leader epoch ", epoch), r)
	}
	for _, epoch := range []int32{0, 1} {
		r := listRequest(a, 0, base+5)
		r.Topics[0].Partitions[0].CurrentLeaderEpoch = epoch
		if s.version > 0 {
			s.ask(fmt.Sprint("by time, current leader epoch ", epoch), r)
		}
	}
	r := listRequest(a, 0, -1)
	r.IsolationLevel = 2
	s.ask("isolation level 2", r)
	r = listRequest(a, 0, -1)
	r.Topics[0].Partitions = append(r.Topics[0].Partitions, listRequest(a, 1, -1).Topics[0].Partitions[0], listRequest(a, 0, -2).Topics[0].Partitions[0])
	s.ask("a partition twice", r)
	r = listRequest(a, 0, -1)
	r.Topics = append(r.Topics, listRequest(s.name("ghost"), 0, -1).Topics[0])
	s.ask("a good one and an unknown one", r)
	for _, replica := range []int32{-2, 5, 1} {
		r = listRequest(a, 0, -1)
		r.ReplicaID = replica
		s.ask(fmt.Sprint("replica ", replica), r)
	}
	r = listRequest(a, 0, -1)
	r.Topics = nil
	s.ask("nothing", r)
	if s.version == 0 {
		r = listRequest(a, 0, -1)
		r.Topics[0].Partitions[0].MaxNumOffsets = -1
		s.ask("negative number of offsets", r)
	}
}

func offsetForLeaderEpochScript(s *session) {
	a := s.filled("a")
	request := func(topic string, partition, current, epoch int32) *kmsg.OffsetForLeaderEpochRequest {
		r := kmsg.NewPtrOffsetForLeaderEpochRequest()
		r.ReplicaID = -1
		p := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
		p.Partition, p.CurrentLeaderEpoch, p.LeaderEpoch = partition, current, epoch
		r.Topics = []kmsg.OffsetForLeaderEpochRequestTopic{{Topic: topic, Partitions: []kmsg.OffsetForLeaderEpochRequestTopicPartition{p}}}
		return r
	}
	s.ask("current epoch", request(a, 0, -1, 0))
	s.ask("current epoch, empty", request(a, 1, -1, 0))
	s.ask("future epoch", request(a, 0, -1, 5))
	s.ask("no epoch", request(a, 0, -1, -1))
	s.ask("negative epoch", request(a, 0, -1, -2))
	s.ask("with the current epoch", request(a, 0, 0, 0))
	s.ask("with a future current epoch", request(a, 0, 3, 0))
	s.ask("with a negative current epoch", request(a, 0, -2, 0))
	s.ask("unknown partition", request(a, 9, -1, 0))
	s.ask("unknown topic", request(s.name("ghost"), 0, -1, 0))
	r := request(a, 0, -1, 0)
	r.Topics[0].Partitions = append(r.Topics[0].Partitions, request(a, 1, -1, 0).Topics[0].Partitions[0])
	r.Topics = append(r.Topics, request(s.name("ghost"), 0, -1, 0).Topics[0])
	s.ask("several", r)
	r = request(a, 0, -1, 0)
	r.ReplicaID = -2
	s.ask("as a debugger", r)
	r = request(a, 0, -1, 0)
	r.ReplicaID = 5
	s.ask("as a follower", r)
	r.Topics = nil
	s.ask("nothing", r)
}
