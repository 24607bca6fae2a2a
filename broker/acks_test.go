package broker

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Kafka's single node answers acks=all at once; ours waits for its disk. A timeout of 0 is not about that.
func TestAcksAllWithoutTimeIsNotTimedOutByTheDisk(t *testing.T) {
	s := startServer(t, t.TempDir(), "sordini.durability", "group")
	produce(t, s, "orders", 0, 1)
	client := dialRaw(t, s.address)

	r := kmsg.NewPtrProduceRequest()
	r.Version, r.Acks, r.TimeoutMillis = 7, -1, 0
	topic := kmsg.NewProduceRequestTopic()
	topic.Topic = "orders"
	part := kmsg.NewProduceRequestTopicPartition()
	part.Records = testBatch(t, 1, 100)
	topic.Partitions = append(topic.Partitions, part)
	r.Topics = append(r.Topics, topic)
	resp := r.ResponseKind().(*kmsg.ProduceResponse)
	if err := resp.ReadFrom(client.ask(encodeFrame(r))); err != nil {
		t.Fatal(err)
	}
	if code := resp.Topics[0].Partitions[0].ErrorCode; code != 0 {
		t.Errorf("code %d", code)
	}
}
