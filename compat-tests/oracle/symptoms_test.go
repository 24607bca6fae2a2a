package oracle

import (
	"encoding/binary"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// The worst of what the comparison found, each on its own, so that a failure says what a client would see.
func TestSymptoms(t *testing.T) {
	tg := start(t)
	if tg.release != "" {
		t.Skip("Sordini's own past")
	}
	for name, run := range map[string]func(*testing.T, *target){
		"a consumer of old at the end of a log is told that the leader is elsewhere": oldConsumerAtTheEnd,
		"a partition's records begin with a torn batch, and Java gives up":           tornFirstBatch,
		"a topic that is named by name and by id is deleted and refused":             deletedAndRefused,
		"a follower whose epoch is ahead is served as if nothing were":               epochAhead,
		"a topic that wants two replicas refuses every producer that waits for all":  moreReplicasWantedThanThere,
		"a topic with zstd in its configs is refused to clients of old":              zstdBelowVersion10,
	} {
		t.Run(name, func(t *testing.T) { run(t, tg) })
	}
}

func oldConsumerAtTheEnd(t *testing.T, tg *target) {
	for version := range int16(4) {
		s := tg.session(t, version)
		a := s.filled("a")
		got := s.must(version, s.fetchRequest(fetched{topic: a, offset: 9})).(*kmsg.FetchResponse).Topics[0].Partitions[0]
		if got.HighWatermark != 9 || len(got.RecordBatches) != 0 {
			t.Errorf("v%d: high watermark %d, %d bytes", version, got.HighWatermark, len(got.RecordBatches))
		}
		s.end()
	}
}

// The first partition uses the request's limit up, and the second gets what is left of it: less than its first batch.
func tornFirstBatch(t *testing.T, tg *target) {
	s := tg.session(t, 12)
	defer s.end()
	a := s.filled("a")
	s.fill(a, 1, batch(3))
	for limit := int32(1); limit < 1000; limit += 7 {
		r := s.fetchRequest(fetched{topic: a}, fetched{topic: a, partition: 1})
		r.MaxBytes = limit
		for _, p := range s.must(12, r).(*kmsg.FetchResponse).Topics[0].Partitions {
			n := len(p.RecordBatches)
			if n > 0 && (n < batchOverhead || n < batchOverhead+int(binary.BigEndian.Uint32(p.RecordBatches[8:]))) {
				t.Fatalf("limit %d, partition %d: %d bytes, not one whole batch", limit, p.Partition, n)
			}
		}
	}
}

func deletedAndRefused(t *testing.T, tg *target) {
	s := tg.session(t, 6)
	defer s.end()
	a := s.topic("a", 1)
	r := kmsg.NewPtrDeleteTopicsRequest()
	r.TimeoutMillis = 10_000
	r.Topics = []kmsg.DeleteTopicsRequestTopic{{Topic: &a}, {TopicID: s.ids[a]}}
	resp := s.ask("twice", r).(*kmsg.DeleteTopicsResponse)
	if len(resp.Topics) != 1 || resp.Topics[0].ErrorCode != 42 {
		t.Errorf("answer: %+v", resp.Topics)
	}
	s.must(12, metadataRequest(a))
}

func epochAhead(t *testing.T, tg *target) {
	s := tg.session(t, 12)
	defer s.end()
	a := s.filled("a")
	r := s.fetchRequest(fetched{topic: a, edit: func(p *kmsg.FetchRequestTopicPartition) { p.LastFetchedEpoch = 5 }})
	if got := s.ask("ahead", r).(*kmsg.FetchResponse).Topics[0].Partitions[0].ErrorCode; got != 1 {
		t.Errorf("error %d, want OFFSET_OUT_OF_RANGE", got)
	}
}

// A topic that came with min.insync.replicas=2, as clusters have it, refused every producer with acks=all: NOT_ENOUGH_REPLICAS. Kafka asks for
// no more replicas than there are.
func moreReplicasWantedThanThere(t *testing.T, tg *target) {
	s := tg.session(t, 9)
	defer s.end()
	a := s.topic("a", 1, "min.insync.replicas", "2")
	if got := s.ask("acks all", s.produceRequest(-1, produced{a, 0, batch(1)})).(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode; got != 0 {
		t.Errorf("error %d", got)
	}
}

// A topic with compression.type=zstd was refused to clients below Fetch 10, though what is in it may be of any codec, and several of them read zstd.
func zstdBelowVersion10(t *testing.T, tg *target) {
	s := tg.session(t, 4)
	defer s.end()
	a := s.topic("a", 1, "compression.type", "zstd")
	s.fill(a, 0, batch(1, compressed(gzipCodec)))
	if got := s.must(4, s.fetchRequest(fetched{topic: a})).(*kmsg.FetchResponse).Topics[0].Partitions[0]; len(got.RecordBatches) == 0 {
		t.Errorf("error %d, no records", got.ErrorCode)
	}
}
