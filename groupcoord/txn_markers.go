package groupcoord

import (
	"context"
	"slices"
	"sync"

	"github.com/sordini/sordini/groupcoord/txn"
)

// maxMarkers is how many partitions one WriteMarkers has, or those of one
// transaction.
const maxMarkers = 4_096

// markerQueue holds what the coordinator of one partition wants written. Its
// worker runs while there is something; it writes one batch after the other,
// so that a repeated marker never comes after the transaction is closed.
type markerQueue struct {
	mu struct {
		sync.Mutex
		queue       []*txn.WriteMarkers
		incarnation uint64 // of the machine that counts
		running     bool
		closing     map[txn.Attempt]bool // written everywhere; the machine is being told
	}
}

func (s *TxnService) queue(partition int32) *markerQueue {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.mu.markers[partition]
	if q == nil {
		q = &markerQueue{}
		s.mu.markers[partition] = q
	}
	return q
}

// effect is called by a shard when a decision is committed.
func (s *TxnService) effect(partition int32, effect any) {
	switch e := effect.(type) {
	case *txn.WriteMarkers:
		if q := s.queue(partition); q.add(e) {
			s.background(func(ctx context.Context) { s.writeMarkers(ctx, partition, q) })
		}
	case *txn.NeedFreshID:
		s.background(func(ctx context.Context) {
			id, err := s.nextProducerID(ctx)
			if err != nil {
				return // the machine asks again
			}
			s.rt.Call(ctx, partition, &txn.AbortTimedOut{
				TransactionalID: e.TransactionalID, ProducerID: e.ProducerID, ProducerEpoch: e.ProducerEpoch, FreshID: id,
			})
		})
	}
}

// writeMarkers is the worker of a queue.
func (s *TxnService) writeMarkers(ctx context.Context, partition int32, q *markerQueue) {
	for {
		batch := q.take()
		if len(batch) == 0 {
			return
		}
		markers := make([]Marker, 0, len(batch))
		for _, e := range batch {
			for _, tp := range e.Partitions {
				markers = append(markers, Marker{
					Topic: tp.Topic, Partition: tp.Partition,
					ProducerID: e.ProducerID, ProducerEpoch: e.ProducerEpoch, Commit: e.Commit,
					CoordinatorEpoch: e.CoordinatorEpoch, TransactionVersion: e.TransactionVersion,
				})
			}
		}
		results := s.cfg.Markers.WriteMarkers(ctx, markers)
		done := make([]txn.MarkerDone, 0, len(batch))
		for _, e := range batch {
			n := min(len(e.Partitions), len(results))
			done = append(done, txn.MarkerDone{Effect: e, Outcomes: results[:n]})
			results = results[n:]
		}
		closing := q.closing(done)
		s.background(func(ctx context.Context) {
			// If the machine is gone, the next one asks for the markers itself.
			_, err := s.rt.Call(ctx, partition, &txn.MarkersWritten{Done: done})
			q.closed(closing, err == nil)
		})
	}
}

// add returns true if the caller has to start the worker.
func (q *markerQueue) add(e *txn.WriteMarkers) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e.Attempt.Incarnation != q.mu.incarnation {
		return false
	}
	q.mu.queue = append(q.mu.queue, e)
	if q.mu.running {
		return false
	}
	q.mu.running = true
	return true
}

// take returns nothing when the worker may end.
func (q *markerQueue) take() []*txn.WriteMarkers {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dropClosingLocked()
	n, partitions := 0, 0
	for n < len(q.mu.queue) && (n == 0 || partitions+len(q.mu.queue[n].Partitions) <= maxMarkers) {
		partitions += len(q.mu.queue[n].Partitions)
		n++
	}
	batch := q.mu.queue[:n:n]
	if q.mu.queue = q.mu.queue[n:]; n == 0 {
		q.mu.queue, q.mu.running = nil, false
	}
	return batch
}

// closing returns the endings of which every marker is written. From now on
// repetitions of them are dropped: the producer may go on as soon as the machine
// knows, and its next transaction must not meet a marker of this one.
func (q *markerQueue) closing(done []txn.MarkerDone) []txn.Attempt {
	q.mu.Lock()
	defer q.mu.Unlock()
	var endings []txn.Attempt
	for i := range done {
		if slices.ContainsFunc(done[i].Outcomes, txn.MarkerOutcome.Again) || len(done[i].Outcomes) < len(done[i].Effect.Partitions) {
			continue
		}
		if q.mu.closing == nil {
			q.mu.closing = map[txn.Attempt]bool{}
		}
		q.mu.closing[done[i].Effect.Attempt] = true
		endings = append(endings, done[i].Effect.Attempt)
	}
	return endings
}

// closed is called when the machine knows, and all repetitions it had asked for
// before have come; or when it could not be told, and will ask again.
func (q *markerQueue) closed(endings []txn.Attempt, known bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if known {
		q.dropClosingLocked()
	}
	for _, each := range endings {
		delete(q.mu.closing, each)
	}
}

func (q *markerQueue) dropClosingLocked() {
	if len(q.mu.closing) > 0 {
		q.mu.queue = slices.DeleteFunc(q.mu.queue, func(e *txn.WriteMarkers) bool { return q.mu.closing[e.Attempt] })
	}
}

// renew forgets what earlier machines wanted.
func (q *markerQueue) renew(incarnation uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if incarnation > q.mu.incarnation {
		q.mu.incarnation, q.mu.queue = incarnation, nil
	}
}
