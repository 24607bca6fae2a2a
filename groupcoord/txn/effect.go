package txn

// Effect is something the world has to do: *WriteMarkers or *NeedFreshID.
type Effect interface{ effect() }

// Attempt names one ending of one transaction. Every WriteMarkers of it has the
// same, also when it is repeated; no other ending has it, in the life of
// a process.
type Attempt struct {
	Incarnation uint64
	Ending      uint64
}

// WriteMarkers asks for a control record in each partition: the transaction of
// the producer is committed or aborted. It is at least once, and answered with
// MarkersWritten when all partitions have said something.
//
// Whoever writes markers keeps this: markers of one coordinator partition are
// written one WriteMarkers after the other, and none of an Attempt is begun
// after MarkersWritten has confirmed all its partitions. For a producer of
// transaction version 0 uses the same epoch in its next transaction, and a
// marker that comes too late would end that one.
type WriteMarkers struct {
	Attempt            Attempt
	TransactionalID    string
	ProducerID         int64
	ProducerEpoch      int16
	Commit             bool
	CoordinatorEpoch   int32
	TransactionVersion int16
	Partitions         []TopicPartition
}

// MarkerOutcome is what became of a marker.
type MarkerOutcome uint8

const (
	// MarkerRetry: not written, or not known. It is asked for again soon.
	MarkerRetry MarkerOutcome = iota
	// MarkerWritten: in the partition's log, and committed there.
	MarkerWritten
	// MarkerGone: nothing of this transaction is open in the partition and
	// nothing will be: the topic was deleted, or the partition knows a newer
	// epoch of the producer.
	MarkerGone
	// MarkerFenced: the partition has heard of a newer coordinator. The
	// transaction is the newer one's to end; this one waits to be unloaded.
	MarkerFenced
)

// NeedFreshID asks for AbortTimedOut with a producer id that nobody has: the
// transaction has run out of time and its producer id of epochs.
type NeedFreshID struct {
	TransactionalID string
	ProducerID      int64
	ProducerEpoch   int16
}

func (*WriteMarkers) effect() {}
func (*NeedFreshID) effect()  {}

// Again reports whether the marker has to be asked for again.
func (o MarkerOutcome) Again() bool { return o == MarkerRetry || o == MarkerFenced }
