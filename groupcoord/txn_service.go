package groupcoord

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/groupcoord/runtime"
	"github.com/sordini/sordini/groupcoord/txn"
)

// TxnService is the transaction coordinator of one broker: it answers the
// transaction APIs for the transactional ids whose partition of
// __transaction_state this broker leads, as Service does for groups.
type TxnService struct {
	cfg          TxnConfig
	rt           *runtime.Runtime
	incarnations atomic.Uint64

	// background runs f on a goroutine that Close waits for; its context ends
	// with the service.
	background func(f func(context.Context))
	stop       func()

	mu struct {
		sync.Mutex
		markers map[int32]*markerQueue // by partition of __transaction_state; they stay
	}
}

// NewTxn returns a TxnService that leads nothing yet.
func NewTxn(cfg TxnConfig) *TxnService {
	s := &TxnService{cfg: cfg}
	s.mu.markers = map[int32]*markerQueue{}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	s.background = func(f func(context.Context)) { wg.Go(func() { f(ctx) }) }
	s.rt = runtime.New(runtime.Config{
		Clock:           cfg.Clock,
		Logger:          cfg.Logger,
		NewMachineFor:   s.newMachine,
		Effect:          s.effect,
		MaxBatchBytes:   cfg.Txn.MaxRecordBytes,
		LoadParallelism: cfg.LoadParallelism,
	})
	s.stop = func() {
		cancel()
		s.rt.Close() // from here on nothing new is started
		wg.Wait()
	}
	return s
}

// Lead starts the coordinator of a partition of __transaction_state. Loading
// runs in the background; until it is done its transactional ids get
// COORDINATOR_LOAD_IN_PROGRESS. The leader epoch is the coordinator epoch of markers.
func (s *TxnService) Lead(partition, leaderEpoch int32, log runtime.PartitionLog) {
	s.rt.Lead(partition, leaderEpoch, log)
}

// Resign stops the coordinator of a partition. When it returns, what waited
// there has been answered with NOT_COORDINATOR and the log is not used any more.
// Markers that are being written are left to their fencing.
func (s *TxnService) Resign(partition int32) {
	next := s.incarnations.Add(1) // a machine that is made from now on has a higher one
	s.rt.Resign(partition)
	s.queue(partition).renew(next)
}

// Run returns when ctx ends and every goroutine has stopped.
func (s *TxnService) Run(ctx context.Context) error {
	<-ctx.Done()
	return s.Close()
}

// Close stops every shard and waits for all goroutines.
func (s *TxnService) Close() error {
	s.stop()
	return nil
}

// PartitionFor is the partition of __transaction_state a transactional id lives
// on: the absolute value of Java's String.hashCode, modulo the partition count.
func (s *TxnService) PartitionFor(transactionalID string) int32 {
	hash := javaHash(transactionalID)
	if hash < 0 {
		hash = -hash
	}
	if hash < 0 { // the smallest int32 has no absolute value; Kafka takes 0
		hash = 0
	}
	return hash % max(s.cfg.StatePartitions(), 1)
}

// askTxn gives an event to the shard of the transactional id and waits. A
// machine that needs a fresh producer id says so, and is asked again with one.
func askTxn[T any](ctx context.Context, s *TxnService, transactionalID string, e txn.Event) (T, *kerr.Error) {
	var none T
	for {
		response, err := s.rt.Call(ctx, s.PartitionFor(transactionalID), e)
		if err != nil {
			return none, err
		}
		answer, ok := response.(T)
		if ok {
			return answer, nil
		}
		id, err := s.nextProducerID(ctx)
		if err != nil {
			return none, err
		}
		switch e := e.(type) { // response is NeedProducerID
		case *txn.InitProducerID:
			e.FreshID = id
		case *txn.EndTxn:
			e.FreshID = id
		}
	}
}

func (s *TxnService) nextProducerID(ctx context.Context) (int64, *kerr.Error) {
	id, err := s.cfg.NextProducerID(ctx)
	if err != nil {
		s.cfg.Logger.Warn("no producer id could be allocated", "error", err)
		return -1, kerr.CoordinatorLoadInProgress // retriable for every client
	}
	return id, nil
}

// fencedBefore is KIP-588: before a request's version since, a fenced producer
// is told INVALID_PRODUCER_EPOCH.
func fencedBefore(since, version int16, err *kerr.Error) int16 {
	switch {
	case err == nil:
		return 0
	case err == kerr.ProducerFenced && version < since:
		return kerr.InvalidProducerEpoch.Code
	}
	return err.Code
}

// newMachine is called when a shard loads.
func (s *TxnService) newMachine(partition, leaderEpoch int32) runtime.Machine {
	cfg := s.cfg.Txn
	cfg.CoordinatorEpoch, cfg.Incarnation = leaderEpoch, s.incarnations.Add(1)
	s.queue(partition).renew(cfg.Incarnation)
	return txnMachine{txn.New(cfg)}
}

// txnMachine lets the runtime drive a transaction machine.
type txnMachine struct{ m *txn.Machine }

func (m txnMachine) Decide(nowMs int64, token uint64, event any, out *runtime.Out) {
	e := event.(txn.Event)
	if asked, ok := e.(interface{ SetTo(txn.Token) }); ok {
		asked.SetTo(txn.Token(token))
	}
	m.collect(m.m.Decide(nowMs, e), out)
}

func (m txnMachine) Tick(nowMs int64, out *runtime.Out) {
	m.collect(m.m.Decide(nowMs, txn.Tick{}), out)
}

func (txnMachine) collect(d *txn.Decision, out *runtime.Out) {
	for _, r := range d.Records {
		out.Records = append(out.Records, runtime.Record(r))
	}
	for _, r := range d.Replies {
		out.Replies = append(out.Replies, runtime.Reply{Token: uint64(r.To), Response: r.Response, AfterCommit: r.AfterCommit})
	}
	for _, e := range d.Effects {
		out.Effects = append(out.Effects, e)
	}
}

func (m txnMachine) NextTimerMs() int64 { return m.m.NextTimerMs() }
func (m txnMachine) Apply(key, value []byte) error {
	return m.m.Apply(txn.Record{Key: key, Value: value})
}
func (m txnMachine) Loaded(nowMs int64) { m.m.Loaded(nowMs) }
