package broker

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// transactionalClient is a kgo producer with a transactional id.
func transactionalClient(t *testing.T, s *testServer, id string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	return s.client(t, append([]kgo.Opt{kgo.TransactionalID(id), kgo.RecordPartitioner(kgo.ManualPartitioner())}, opts...)...)
}

// transact writes one transaction: n records in each of the partitions.
func transact(t *testing.T, c *kgo.Client, topic, what string, n int, end kgo.TransactionEndTry, partitions ...int32) {
	t.Helper()
	if err := c.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	for _, p := range partitions {
		for i := range n {
			c.Produce(testContext(t), &kgo.Record{Topic: topic, Partition: p, Value: fmt.Appendf(nil, "%s %d-%d", what, p, i)}, func(_ *kgo.Record, err error) {
				if err != nil {
					t.Errorf("produce %s: %v", what, err)
				}
			})
		}
	}
	if err := c.Flush(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if err := c.EndTransaction(testContext(t), end); err != nil {
		t.Fatalf("end %s: %v", what, err)
	}
}

// committedValues are what a read_committed consumer gets of a topic, up to n records.
func committedValues(t *testing.T, s *testServer, topic string, n int) []string {
	t.Helper()
	var values []string
	for _, r := range consume(t, s, n, kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(100*time.Millisecond)) {
		values = append(values, string(r.Value))
	}
	return values
}

func TestOneTransactionIsCommitted(t *testing.T) {
	s := startServer(t, t.TempDir(), "num.partitions", "2")
	produce(t, s, "t", 0, 1)
	c := transactionalClient(t, s, "a")
	transact(t, c, "t", "kept", 3, kgo.TryCommit, 0, 1)
	transact(t, c, "t", "gone", 3, kgo.TryAbort, 0, 1)
	transact(t, c, "t", "kept too", 1, kgo.TryCommit, 1)
	got := committedValues(t, s, "t", 8)
	t.Log(got)
	_ = context.Background
}
