package franzgo

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/compat-tests/harness"
)

// transactions is a kgo.Client with a transactional id. A client whose commit was refused has nothing more to say.
type transactions struct {
	client *client
	cl     *kgo.Client
	id     string
}

func (c *client) OpenTransactions(t testing.TB, id string) harness.Transactions {
	t.Helper()
	cl := c.connect(t, kgo.TransactionalID(id), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	// kgo fences its predecessor when it is first asked for its id.
	if _, _, err := cl.ProducerID(ctx); err != nil {
		t.Fatalf("%s: the id of %s: %v", c.name, id, err)
	}
	return &transactions{client: c, cl: cl, id: id}
}

func (x *transactions) Begin(testing.TB) error { return x.cl.BeginTransaction() }

func (x *transactions) Send(_ testing.TB, topic string, records []harness.Record) error {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	return x.cl.ProduceSync(ctx, x.client.records(topic, records)...).FirstErr()
}

// SendOffset makes the two requests by hand: kgo makes them in a session that also consumes, and only there.
func (x *transactions) SendOffset(_ testing.TB, group, topic string, partition int32, offset int64) error {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	id, epoch, err := x.cl.ProducerID(ctx)
	if err != nil {
		return err
	}
	add := kmsg.NewPtrAddOffsetsToTxnRequest()
	add.TransactionalID, add.ProducerID, add.ProducerEpoch, add.Group = x.id, id, epoch, group
	added, err := add.RequestWith(ctx, x.cl)
	if err != nil {
		return err
	}
	if err := kerr.ErrorForCode(added.ErrorCode); err != nil {
		return err
	}
	commit := kmsg.NewPtrTxnOffsetCommitRequest()
	commit.TransactionalID, commit.ProducerID, commit.ProducerEpoch, commit.Group = x.id, id, epoch, group
	p := kmsg.NewTxnOffsetCommitRequestTopicPartition()
	p.Partition, p.Offset = partition, offset
	topicID, err := x.topicID(ctx, topic)
	if err != nil {
		return err
	}
	commit.Topics = []kmsg.TxnOffsetCommitRequestTopic{{Topic: topic, TopicID: topicID, Partitions: []kmsg.TxnOffsetCommitRequestTopicPartition{p}}}
	committed, err := commit.RequestWith(ctx, x.cl)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(committed.Topics[0].Partitions[0].ErrorCode)
}

// topicID is what TxnOffsetCommit names topics by from version 6 on; the versions before have the name.
func (x *transactions) topicID(ctx context.Context, topic string) ([16]byte, error) {
	asked := kmsg.NewMetadataRequestTopic()
	asked.Topic = kmsg.StringPtr(topic)
	metadata := kmsg.NewPtrMetadataRequest()
	metadata.Topics = append(metadata.Topics, asked)
	resp, err := metadata.RequestWith(ctx, x.cl)
	if err != nil {
		return [16]byte{}, err
	}
	return resp.Topics[0].TopicID, kerr.ErrorForCode(resp.Topics[0].ErrorCode)
}

func (x *transactions) Commit(testing.TB) error { return x.end(kgo.TryCommit) }
func (x *transactions) Abort(testing.TB) error  { return x.end(kgo.TryAbort) }

func (x *transactions) end(how kgo.TransactionEndTry) error {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	return x.cl.EndTransaction(ctx, how)
}

func (x *transactions) Close(testing.TB) { x.cl.Close() }

func (c *client) FetchCommitted(t testing.TB, topic string, partition int32, offset int64, count int, patience time.Duration) []harness.Record {
	t.Helper()
	return c.fetch(t, topic, partition, offset, count, patience, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
}
