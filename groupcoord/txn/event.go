package txn

import (
	"regexp"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Event is one of the structs of this file. They are read during Decide only:
// what is kept is copied.
type Event interface{ event() }

// Token names a request that waits for its answer; 0 is none.
type Token uint64

// Caller is who asks.
type Caller struct{ To Token }

// SetTo names the caller.
func (c *Caller) SetTo(to Token) { c.To = to }

// InitProducerID gives the producer id and epoch of a transactional id. The
// answer is an *InitResult or NeedProducerID.
type InitProducerID struct {
	Caller
	TransactionalID string
	TimeoutMs       int32
	ProducerID      int64 // what the producer had before, -1 if it starts (KIP-360)
	ProducerEpoch   int16
	FreshID         int64 // a producer id nobody has, -1 if none was taken
}

// InitResult answers InitProducerID.
type InitResult struct {
	Err           *kerr.Error
	ProducerID    int64
	ProducerEpoch int16
}

// NeedProducerID is the answer that asks for the same event once more, with
// FreshID. Nothing has been decided.
type NeedProducerID struct{}

// AddPartitions adds partitions to the transaction, which it begins if need be.
// The answer is a Result.
type AddPartitions struct {
	Caller
	TransactionalID    string
	ProducerID         int64
	ProducerEpoch      int16
	Partitions         []TopicPartition
	TransactionVersion int16
}

// Result is an error to the client, or nil.
type Result struct{ Err *kerr.Error }

// Verify asks whether partitions are in the transaction. The answer is a
// *VerifyResult.
type Verify struct {
	Caller
	TransactionalID string
	ProducerID      int64
	ProducerEpoch   int16
	Partitions      []TopicPartition
}

// VerifyResult answers Verify, a partition each.
type VerifyResult struct{ Errs []*kerr.Error }

// EndTxn ends the transaction. The answer is an *EndResult or NeedProducerID.
type EndTxn struct {
	Caller
	TransactionalID    string
	ProducerID         int64
	ProducerEpoch      int16
	Commit             bool
	TransactionVersion int16
	FreshID            int64 // a producer id nobody has, -1 if none was taken
}

// EndResult answers EndTxn. Producer id and epoch are those of the next
// transaction, in transaction version 2; otherwise -1.
type EndResult struct {
	Err           *kerr.Error
	ProducerID    int64
	ProducerEpoch int16
}

// AbortTimedOut is the answer to the effect NeedFreshID. It is answered with
// an empty Result when it has been taken note of.
type AbortTimedOut struct {
	Caller
	TransactionalID string
	ProducerID      int64
	ProducerEpoch   int16
	FreshID         int64
}

// MarkersWritten says what became of the markers of some WriteMarkers. It is
// answered with an empty Result when it has been taken note of.
type MarkersWritten struct {
	Caller
	Done []MarkerDone
}

// MarkerDone is one WriteMarkers and the outcome of each of its partitions.
type MarkerDone struct {
	Effect   *WriteMarkers
	Outcomes []MarkerOutcome // as Effect.Partitions
}

// Describe tells about one transactional id; the answer is a
// *kmsg.DescribeTransactionsResponseTransactionState.
type Describe struct {
	Caller
	TransactionalID string
}

// List tells about all transactional ids that pass the filters; the answer is a
// []kmsg.ListTransactionsResponseTransactionState in the order of the ids.
type List struct {
	Caller
	States      []State // nil: all
	ProducerIDs []int64 // empty: all
	DurationMs  int64   // only transactions that run longer; negative: all
	Pattern     *regexp.Regexp
}

// Tick fires one timer that is due. The caller repeats it while NextTimerMs is
// not later than now.
type Tick struct{}

func (*InitProducerID) event() {}
func (*AddPartitions) event()  {}
func (*Verify) event()         {}
func (*EndTxn) event()         {}
func (*AbortTimedOut) event()  {}
func (*MarkersWritten) event() {}
func (*Describe) event()       {}
func (*List) event()           {}
func (Tick) event()            {}
