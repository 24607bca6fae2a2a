package storage

import (
	"fmt"
	"sync/atomic"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/storage/index"
	"github.com/sordini/sordini/storage/producer"
)

// TopicID is a topic's id. A topic that is created again under its old name has another one.
type TopicID = [16]byte

// Partition is the identity of a log.
type Partition struct {
	Topic string
	ID    TopicID
	Index int32
}

func (p Partition) key() index.Key { return index.Key{ID: p.ID, Partition: p.Index} }

// Origin says who appends.
type Origin = producer.Origin

const (
	// Client batches come from producers: sequences are checked and offsets assigned.
	Client = producer.Client
	// Coordinator batches come from this broker's coordinators and the controller: offsets are assigned.
	Coordinator = producer.Coordinator
	// Replica batches come from the leader and keep their offsets and leader epochs.
	Replica = producer.Replica
)

// Guard is what a transactional batch of a client has to show: see Log.VerifyTransaction.
type Guard = producer.Guard

// Unguarded is the Guard of whoever is no client, and of those that are not verified.
const Unguarded = producer.Unguarded

// Append is one validated batch that is to be appended. The log patches base offset, leader epoch and,
// when the topic wants it, the timestamp, in place; it keeps no reference to the bytes after Log.Append returned.
type Append struct {
	Batch  batch.Batch
	Info   batch.Info
	Origin Origin
	Guard  Guard
	// TransactionVersion is that of a marker's transaction.
	TransactionVersion int16
	Result             Result
}

// Result is what became of one Append.
type Result struct {
	BaseOffset int64 // -1 when the batch was not appended and is no duplicate
	// LogAppendTimeMs is -1 unless the topic stamps records with the broker's time.
	LogAppendTimeMs int64
	LogStartOffset  int64
	// Duplicate: the batch is in the log already, at BaseOffset, and was not appended again. Of a marker only that is known.
	Duplicate bool
	// Err is a *kerr.Error for a refused sequence or epoch, and a wrapped I/O error otherwise.
	Err error
}

// ref counts the users of an open file. The file is closed when the last one lets go.
type ref struct{ n atomic.Int32 }

// retain takes a reference unless the last one is gone.
func (r *ref) retain() bool {
	for {
		n := r.n.Load()
		if n == 0 {
			return false
		}
		if r.n.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// drop says whether this was the last reference.
func (r *ref) drop() bool {
	n := r.n.Add(-1)
	if n < 0 {
		panic(fmt.Sprintf("storage: reference count %d, at least 0 was due", n))
	}
	return n == 0
}
