package runtime

import "github.com/sordini/sordini/protocol/batch"

// Machine is a pure state machine that lives on one partition. A shard calls it
// from one goroutine at a time.
type Machine interface {
	// Decide handles an event and adds what follows to out. The token names the
	// caller, who waits for a reply to it; 0 if nobody waits.
	Decide(nowMs int64, token uint64, event any, out *Out)

	// Tick fires one timer that is due.
	Tick(nowMs int64, out *Out)

	// NextTimerMs is when the next timer is due; math.MaxInt64 is never.
	NextTimerMs() int64

	// Apply takes over a record, from Decide or from the log. An error reports
	// a record that cannot be read and was passed over. It keeps nothing of
	// the arguments.
	Apply(key, value []byte) error

	// Loaded ends the replay of the log.
	Loaded(nowMs int64)
}

// TxnMachine is a Machine whose records may be parts of transactions. For
// another one, transactional and control batches of the log are passed over.
type TxnMachine interface {
	Machine

	// ApplyTxn is Apply for a record of a transactional batch.
	ApplyTxn(producerID int64, producerEpoch int16, key, value []byte) error

	// ApplyMarker takes over the end of a producer's transaction.
	ApplyMarker(producerID int64, m batch.Marker)
}

// Txn makes one batch of a producer's transaction of an event's records.
type Txn struct {
	ProducerID    int64
	ProducerEpoch int16
	Marker        *batch.Marker // if not nil, this is written and there are no records
}

// Out is what follows from one event.
type Out struct {
	Records []Record
	Replies []Reply

	// Txn is not nil if the records belong to a transaction. They are appended
	// first and applied then: the log may refuse the batch of a producer that is
	// fenced, and the replies with it.
	Txn *Txn

	// Effects are handed to Config.Effect, in order, when every record applied
	// so far is committed. What is not yet handed over is lost with the
	// machine: the next one has to find out for itself and say it again.
	Effects []any
}

// Record is one record to append.
type Record struct {
	Key, Value []byte
}

// Reply answers the caller with the token; if AfterCommit, only when every
// record applied so far is committed.
type Reply struct {
	Token       uint64
	Response    any
	AfterCommit bool
}

func (o *Out) reset() {
	clear(o.Records)
	clear(o.Replies)
	clear(o.Effects)
	o.Records, o.Replies, o.Effects, o.Txn = o.Records[:0], o.Replies[:0], o.Effects[:0], nil
}
