package groupcoord

import (
	"context"
	"log/slog"
	"time"

	"github.com/sordini/sordini/groupcoord/txn"
)

// TxnConfig is what a TxnService needs from its broker. All functions are called
// from several goroutines; only those with a context may block.
type TxnConfig struct {
	// Clock is the wall clock in milliseconds, derived from a monotonic reading:
	// a step forwards ends transactions, a step back is ignored.
	Clock  func() int64
	Logger *slog.Logger

	// Txn are the limits. CoordinatorEpoch and Incarnation are set by the service.
	Txn txn.Config

	// StatePartitions is the partition count of __transaction_state.
	StatePartitions func() int32

	// OffsetsPartition is the partition of __consumer_offsets a group lives on.
	OffsetsPartition func(group string) int32

	// PartitionExists reports whether a client may add the partition to a
	// transaction.
	PartitionExists func(topic string, partition int32) bool

	// NextProducerID returns a producer id that was never given to anybody.
	NextProducerID func(context.Context) (int64, error)

	Markers MarkerWriter

	// While the transaction before is being ended, partitions are added again and
	// again, with pauses of at most AddRetryPause, for AddRetryFor in all: Kafka's
	// add.partitions.to.txn.retry.backoff.ms and .max.ms.
	AddRetryPause, AddRetryFor time.Duration

	// LoadParallelism is how many partitions load at once. 0 means 4.
	LoadParallelism int
}

// MarkerWriter writes the control records that end transactions, to any
// partition of the cluster, __consumer_offsets included.
type MarkerWriter interface {
	// WriteMarkers returns an outcome for each marker, in their order, when
	// all of them are committed (as acks=all says) or it is known that they
	// will not be. It must not wait for a partition that has no leader: that
	// is MarkerRetry. A marker of transaction version 2 with an epoch the
	// partition has seen ended already is a repetition, and MarkerWritten
	// (KAFKA-19999). It is called from several goroutines, but never twice at a
	// time for one transactional id.
	WriteMarkers(ctx context.Context, markers []Marker) []MarkerResult
}

// Marker is a control record that ends a producer's transaction in a partition.
type Marker struct {
	Topic     string
	Partition int32

	ProducerID         int64
	ProducerEpoch      int16 // for transaction version 2 already the bumped one
	Commit             bool
	CoordinatorEpoch   int32
	TransactionVersion int16 // 2: the epoch must be above the one of the transaction's records; 0: it may be the same
}

// MarkerResult is the outcome of a marker.
type MarkerResult = txn.MarkerOutcome

// The outcomes; package txn says what they mean.
const (
	MarkerRetry   = txn.MarkerRetry
	MarkerWritten = txn.MarkerWritten
	MarkerGone    = txn.MarkerGone
	MarkerFenced  = txn.MarkerFenced
)
