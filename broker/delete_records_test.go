package broker

import (
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestDeletedRecordsStayDeleted(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, dir)
	produce(t, s, "orders", 0, 10)
	admin := kadm.NewClient(s.client(t))
	before := func(offset int64) (kadm.DeleteRecordsResponse, error) {
		t.Helper()
		var offsets kadm.Offsets
		offsets.AddOffset("orders", 0, offset, -1)
		all, err := admin.DeleteRecords(testContext(t), offsets)
		if err != nil {
			t.Fatal(err)
		}
		one, _ := all.Lookup("orders", 0)
		return one, one.Err
	}

	if got, err := before(4); err != nil || got.LowWatermark != 4 {
		t.Errorf("up to 4: low watermark %d, %v", got.LowWatermark, err)
	}
	if got, err := before(2); err != nil || got.LowWatermark != 4 {
		t.Errorf("below what is deleted: low watermark %d, %v", got.LowWatermark, err)
	}
	if got, err := before(11); !errors.Is(err, kerr.OffsetOutOfRange) || got.LowWatermark != -1 {
		t.Errorf("above the end: low watermark %d, %v", got.LowWatermark, err)
	}
	if got, err := before(-2); !errors.Is(err, kerr.OffsetOutOfRange) {
		t.Errorf("a negative offset: %+v, %v", got, err)
	}
	s.stop()

	s = startServer(t, dir)
	admin = kadm.NewClient(s.client(t))
	records := consume(t, s, 6, kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if first := records[0].Offset; first != 4 {
		t.Errorf("after a restart the first offset is %d, want 4", first)
	}
	if got, err := before(-1); err != nil || got.LowWatermark != 10 {
		t.Errorf("everything: low watermark %d, %v", got.LowWatermark, err)
	}
	produce(t, s, "orders", 10, 1)
	if r := consume(t, s, 1, kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())); r[0].Offset != 10 {
		t.Errorf("the record after the deletion has offset %d, want 10", r[0].Offset)
	}
}

func TestRecordsOfCompactedAndInternalTopicsAreNotDeleted(t *testing.T) {
	s := startServer(t, t.TempDir())
	compact := "compact"
	admin := kadm.NewClient(s.client(t))
	if _, err := admin.CreateTopic(testContext(t), 1, 1, map[string]*string{"cleanup.policy": &compact}, "table"); err != nil {
		t.Fatal(err)
	}
	produce(t, s, "table", 0, 1)
	consume(t, s, 1, kgo.ConsumerGroup("g"), kgo.ConsumeTopics("table"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())) // makes __consumer_offsets
	for topic, want := range map[string]error{"table": kerr.PolicyViolation, "__consumer_offsets": kerr.InvalidTopicException} {
		var offsets kadm.Offsets
		offsets.AddOffset(topic, 0, -1, -1)
		all, err := admin.DeleteRecords(testContext(t), offsets)
		if err != nil {
			t.Fatal(err)
		}
		if one, _ := all.Lookup(topic, 0); !errors.Is(one.Err, want) {
			t.Errorf("%s: %v, want %v", topic, one.Err, want)
		}
	}
}

func TestAnIdempotentProducerIsDescribed(t *testing.T) {
	s := startServer(t, t.TempDir())
	produce(t, s, "orders", 0, 3)
	topics := kadm.TopicsSet{}
	topics.Add("orders", 0)
	all, err := kadm.NewClient(s.client(t)).DescribeProducers(testContext(t), topics)
	if err != nil {
		t.Fatal(err)
	}
	found := all["orders"].Partitions[0].ActiveProducers.Sorted()
	if len(found) != 1 || found[0].LastSequence != 2 || found[0].ProducerEpoch != 0 || found[0].CurrentTxnStartOffset != -1 || found[0].LastTimestamp <= 0 {
		t.Errorf("producers %+v, want one whose last sequence is 2, without a transaction", found)
	}
}
