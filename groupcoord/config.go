package groupcoord

import (
	"context"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/groupcoord/group"
)

// Config is what a Service needs from its broker. All functions are called
// from several goroutines; only the one with a context may block.
type Config struct {
	// Clock is the wall clock in milliseconds. Sessions and rebalances are
	// measured with it too, so it should be derived from a monotonic reading:
	// a step forwards expires members, a step back is ignored.
	Clock  func() int64
	Logger *slog.Logger

	Group group.Config

	// OffsetsPartitions is the partition count of __consumer_offsets.
	OffsetsPartitions func() int32

	// RandomID returns a fresh UUID as text; member ids end with it.
	RandomID func() string

	// ResolveTopic checks a topic named by a client, by name or (OffsetCommit
	// and OffsetFetch v10) by id, and returns its name. A partition of -1 asks
	// for the topic alone. The error is what the client is told: 3 or 100.
	ResolveTopic func(topic string, id [16]byte, partition int32) (name string, err *kerr.Error)

	// TopicID returns the id of a topic by name, false if there is no such
	// topic. OffsetFetch v10 names topics by it.
	TopicID func(topic string) (id [16]byte, ok bool)

	// VerifyTxn asks the transaction coordinator, which may be another broker's,
	// whether a partition of __consumer_offsets is part of the producer's open
	// transaction; for transaction version 2 it is made one. The error is
	// the coordinator's own. It may block; nil refuses every TxnOffsetCommit.
	VerifyTxn func(ctx context.Context, transactionalID string, producerID int64, producerEpoch int16, offsetsPartition int32,
		transactionVersion int16) *kerr.Error

	// LoadParallelism is how many partitions load at once. 0 means 4.
	LoadParallelism int
}

// ClientInfo is who sent a request: the header's client id and the remote
// address without port, as Kafka shows them in DescribeGroups.
type ClientInfo struct {
	ID   string
	Host string
}
