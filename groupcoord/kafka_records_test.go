package groupcoord

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/groupcoord/group"
	"github.com/sordini/sordini/protocol/batch"
)

// TestReadsKafkasRecords loads what a real Kafka wrote to __consumer_offsets,
// from the partitions where it should be.
func TestReadsKafkasRecords(t *testing.T) {
	if *kafka == "" {
		t.Skip("needs -kafka host:port")
	}
	kafkaTopic(t)
	p := dial(t)
	for _, id := range []string{"ümläut", "console-consumer-12345", "polygenelubricants"} {
		req := commitRequest(7, 77)
		req.Group = id
		if _, err := p(req); err != nil {
			t.Fatal(err)
		}
	}
	count := int32(len(kafkaMetadata(t, "__consumer_offsets").Partitions))
	s := New(Config{OffsetsPartitions: func() int32 { return count }})
	records := 0
	for partition := range count {
		m := group.New(group.DefaultConfig())
		for b := kafkaFetch(t, p, partition); len(b) > 0; {
			one, rest, err := batch.Next(b)
			if err != nil {
				break // the end of what fitted
			}
			for r, err := range batch.Records(one, 1<<20) {
				if err != nil {
					t.Fatal(err)
				}
				if err := m.Apply(group.Record{Key: r.Key, Value: r.Value}); err != nil {
					t.Errorf("offset %d: %v", r.Offset, err)
				}
				records++
			}
			b = rest
		}
		m.Loaded(time.Now().UnixMilli())
		for _, g := range m.Decide(0, &group.List{Caller: group.Caller{To: 1}}).Replies[0].Response.([]kmsg.ListGroupsResponseGroup) {
			if want := s.PartitionFor(g.Group); want != partition {
				t.Errorf("group %q is on partition %d, we say %d", g.Group, partition, want)
			}
		}
	}
	t.Logf("%d records read", records)
}

func kafkaFetch(t *testing.T, p peer, partition int32) []byte {
	req := kmsg.NewPtrFetchRequest()
	req.Version, req.MaxWaitMillis, req.MaxBytes = 11, 100, 100<<20
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic = "__consumer_offsets"
	one := kmsg.NewFetchRequestTopicPartition()
	one.Partition, one.PartitionMaxBytes = partition, 100<<20
	topic.Partitions = append(topic.Partitions, one)
	req.Topics = append(req.Topics, topic)
	resp, err := p(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp.(*kmsg.FetchResponse).Topics[0].Partitions[0].RecordBatches
}
