package groupcoord

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/groupcoord/runtime/memlog"
	"github.com/sordini/sordini/groupcoord/txn"
)

// markerLog is where the markers of a test go.
type markerLog struct {
	mu struct {
		sync.Mutex
		written []Marker
		results []MarkerResult // of the next markers, in order; then MarkerWritten
		gate    chan struct{}
		calls   int
		running bool
	}
}

func (l *markerLog) WriteMarkers(ctx context.Context, markers []Marker) []MarkerResult {
	l.mu.Lock()
	gate := l.mu.gate
	l.mu.calls++
	if l.mu.running {
		panic("two batches of one coordinator partition at a time")
	}
	l.mu.running = true
	l.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.running = false
	var results []MarkerResult
	for _, m := range markers {
		result := MarkerWritten
		if len(l.mu.results) > 0 {
			result, l.mu.results = l.mu.results[0], l.mu.results[1:]
		}
		if result == MarkerWritten {
			l.mu.written = append(l.mu.written, m)
		}
		results = append(results, result)
	}
	return results
}

func (l *markerLog) block() (release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	gate := make(chan struct{})
	l.mu.gate = gate
	return func() {
		l.mu.Lock()
		l.mu.gate = nil
		l.mu.Unlock()
		close(gate)
	}
}

func (l *markerLog) markers() []Marker {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Marker(nil), l.mu.written...)
}

// newTxnService has one partition of __transaction_state and one topic, t.
func newTxnService(t *testing.T, log *memlog.Log, markers *markerLog, change func(*TxnConfig)) *TxnService {
	t.Helper()
	var mu sync.Mutex
	next := int64(99)
	cfg := TxnConfig{
		Clock:            func() int64 { return time.Now().UnixMilli() },
		Logger:           slog.New(slog.DiscardHandler),
		Txn:              txn.DefaultConfig(),
		StatePartitions:  func() int32 { return 1 },
		OffsetsPartition: func(string) int32 { return 7 },
		PartitionExists:  func(topic string, partition int32) bool { return topic == "t" && partition < 4 },
		NextProducerID: func(context.Context) (int64, error) {
			mu.Lock()
			defer mu.Unlock()
			next++
			return next, nil
		},
		Markers:       markers,
		AddRetryPause: 20 * time.Millisecond,
		AddRetryFor:   100 * time.Millisecond,
	}
	if change != nil {
		change(&cfg)
	}
	s := NewTxn(cfg)
	s.Lead(0, 3, log)
	return s
}

func initRequest(version int16, id string) *kmsg.InitProducerIDRequest {
	req := kmsg.NewPtrInitProducerIDRequest()
	req.Version, req.TransactionalID, req.TransactionTimeoutMillis = version, &id, 60_000
	return req
}

func addRequest(version int16, id string, producerID int64, epoch int16, partitions ...int32) *kmsg.AddPartitionsToTxnRequest {
	req := kmsg.NewPtrAddPartitionsToTxnRequest()
	req.Version, req.TransactionalID, req.ProducerID, req.ProducerEpoch = version, id, producerID, epoch
	req.Topics = []kmsg.AddPartitionsToTxnRequestTopic{{Topic: "t", Partitions: partitions}}
	if version >= 4 {
		req = kmsg.NewPtrAddPartitionsToTxnRequest()
		req.Version = version
		req.Transactions = []kmsg.AddPartitionsToTxnRequestTransaction{{
			TransactionalID: id, ProducerID: producerID, ProducerEpoch: epoch,
			Topics: []kmsg.AddPartitionsToTxnRequestTransactionTopic{{Topic: "t", Partitions: partitions}},
		}}
	}
	return req
}

func endRequest(version int16, id string, producerID int64, epoch int16, commit bool) *kmsg.EndTxnRequest {
	req := kmsg.NewPtrEndTxnRequest()
	req.Version, req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Commit = version, id, producerID, epoch, commit
	return req
}

func TestTransactionFromInitToMarkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		markers := &markerLog{}
		s := newTxnService(t, &memlog.Log{}, markers, nil)
		defer s.Close()
		synctest.Wait()
		given := s.InitProducerID(t.Context(), initRequest(5, "a"))
		if given.ErrorCode != 0 || given.ProducerID != 100 || given.ProducerEpoch != 0 {
			t.Fatalf("init: %+v", given)
		}
		added := s.AddPartitionsToTxn(t.Context(), addRequest(3, "a", 100, 0, 0, 2))
		for _, p := range added.Topics[0].Partitions {
			wantCode(t, "add", p.ErrorCode, nil)
		}
		offsets := kmsg.NewPtrAddOffsetsToTxnRequest()
		offsets.Version, offsets.TransactionalID, offsets.ProducerID, offsets.Group = 4, "a", 100, "g"
		wantCode(t, "offsets", s.AddOffsetsToTxn(t.Context(), offsets).ErrorCode, nil)
		ended := s.EndTxn(t.Context(), endRequest(5, "a", 100, 0, true))
		if ended.ErrorCode != 0 || ended.ProducerID != 100 || ended.ProducerEpoch != 1 {
			t.Fatalf("end: %+v", ended)
		}
		synctest.Wait()
		want := Marker{Topic: "t", ProducerID: 100, ProducerEpoch: 1, Commit: true, CoordinatorEpoch: 3, TransactionVersion: 2}
		third := want
		third.Partition = 2
		group := want
		group.Topic, group.Partition = "__consumer_offsets", 7
		if got := markers.markers(); len(got) != 3 || got[0] != group || got[1] != want || got[2] != third {
			t.Errorf("markers: %+v", got)
		}
		d := s.DescribeTransactions(t.Context(), &kmsg.DescribeTransactionsRequest{TransactionalIDs: []string{"a", "", "none"}})
		if d.TransactionStates[0].State != "CompleteCommit" || d.TransactionStates[1].ErrorCode != 42 || d.TransactionStates[2].ErrorCode != 105 {
			t.Errorf("described: %+v", d.TransactionStates)
		}
	})
}

func TestNothingLeavesBeforeTheDecisionIsCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, markers := &memlog.Log{}, &markerLog{}
		s := newTxnService(t, log, markers, nil)
		defer s.Close()
		synctest.Wait()
		s.InitProducerID(t.Context(), initRequest(5, "a"))
		s.AddPartitionsToTxn(t.Context(), addRequest(3, "a", 100, 0, 0))

		log.Hold()
		ended := make(chan *kmsg.EndTxnResponse, 1)
		go func() { ended <- s.EndTxn(t.Context(), endRequest(5, "a", 100, 0, true)) }()
		synctest.Wait()
		if len(ended) > 0 || len(markers.markers()) > 0 {
			t.Error("the answer or a marker left before the commit")
		}
		log.Commit()
		wantCode(t, "end", (<-ended).ErrorCode, nil)
		synctest.Wait()
		if len(markers.markers()) != 1 {
			t.Errorf("markers: %+v", markers.markers())
		}
	})
}

func TestUncommittedDecisionIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, markers := &memlog.Log{}, &markerLog{}
		s := newTxnService(t, log, markers, nil)
		defer s.Close()
		synctest.Wait()
		s.InitProducerID(t.Context(), initRequest(5, "a"))
		s.AddPartitionsToTxn(t.Context(), addRequest(3, "a", 100, 0, 0))
		log.Hold()
		ended := make(chan *kmsg.EndTxnResponse, 1)
		go func() { ended <- s.EndTxn(t.Context(), endRequest(5, "a", 100, 0, true)) }()
		synctest.Wait()
		s.Resign(0)
		wantCode(t, "end", (<-ended).ErrorCode, kerr.NotCoordinator)
		log.Truncate()
		log.Commit()
		s.Lead(0, 4, log)
		synctest.Wait()
		wantCode(t, "the other end", s.EndTxn(t.Context(), endRequest(5, "a", 100, 0, false)).ErrorCode, nil)
		synctest.Wait()
		got := markers.markers()
		if len(got) != 1 || got[0].Commit || got[0].CoordinatorEpoch != 4 {
			t.Errorf("markers: %+v", got)
		}
	})
}

func TestMarkersAreCarriedOnByTheNextCoordinator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, markers := &memlog.Log{}, &markerLog{}
		s := newTxnService(t, log, markers, nil)
		defer s.Close()
		synctest.Wait()
		s.InitProducerID(t.Context(), initRequest(5, "a"))
		s.AddPartitionsToTxn(t.Context(), addRequest(3, "a", 100, 0, 0, 1))
		release := markers.block()
		wantCode(t, "end", s.EndTxn(t.Context(), endRequest(4, "a", 100, 0, true)).ErrorCode, nil)
		synctest.Wait()
		s.Resign(0)
		s.Lead(0, 4, log)
		synctest.Wait()
		time.Sleep(time.Second)
		wantCode(t, "init while it ends", s.InitProducerID(t.Context(), initRequest(5, "a")).ErrorCode, kerr.ConcurrentTransactions)
		release() // the writer of the coordinator before: its confirmation does not count
		synctest.Wait()
		got := markers.markers()
		if len(got) != 4 || got[1].CoordinatorEpoch != 3 || got[2].CoordinatorEpoch != 4 || got[3].CoordinatorEpoch != 4 {
			t.Errorf("markers: %+v", got)
		}
		wantCode(t, "init", s.InitProducerID(t.Context(), initRequest(5, "a")).ErrorCode, nil)
	})
}

func TestMarkersThatFailAreRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		markers := &markerLog{}
		s := newTxnService(t, &memlog.Log{}, markers, nil)
		defer s.Close()
		synctest.Wait()
		markers.mu.results = []MarkerResult{MarkerRetry, MarkerWritten, MarkerRetry}
		s.InitProducerID(t.Context(), initRequest(5, "a"))
		s.AddPartitionsToTxn(t.Context(), addRequest(3, "a", 100, 0, 0, 1))
		s.EndTxn(t.Context(), endRequest(4, "a", 100, 0, true))
		time.Sleep(time.Second)
		if got := markers.markers(); len(got) != 2 || got[0].Partition != 1 || got[1].Partition != 0 || markers.mu.calls != 3 {
			t.Errorf("%d calls, markers: %+v", markers.mu.calls, got)
		}
		wantCode(t, "a retry", s.EndTxn(t.Context(), endRequest(4, "a", 100, 0, true)).ErrorCode, nil)
	})
}

// TestRepeatedMarkerDoesNotMeetTheNextTransaction: a slow writer, the machine
// asks again, the transaction is closed by the first. Written now, the repetition
// would end the next transaction of the same epoch.
func TestRepeatedMarkerDoesNotMeetTheNextTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		markers := &markerLog{}
		s := newTxnService(t, &memlog.Log{}, markers, nil)
		defer s.Close()
		synctest.Wait()
		s.InitProducerID(t.Context(), initRequest(5, "a"))
		s.AddPartitionsToTxn(t.Context(), addRequest(3, "a", 100, 0, 0))
		release := markers.block()
		s.EndTxn(t.Context(), endRequest(4, "a", 100, 0, true))
		time.Sleep(150 * time.Second) // asked for twice more
		release()
		synctest.Wait()
		if got := markers.markers(); len(got) != 1 {
			t.Errorf("markers: %+v", got)
		}
	})
}

func TestTimeoutAborts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		markers := &markerLog{}
		s := newTxnService(t, &memlog.Log{}, markers, nil)
		defer s.Close()
		synctest.Wait()
		req := initRequest(5, "a")
		req.TransactionTimeoutMillis = 5_000
		s.InitProducerID(t.Context(), req)
		s.AddPartitionsToTxn(t.Context(), addRequest(3, "a", 100, 0, 0))
		time.Sleep(11 * time.Second)
		if got := markers.markers(); len(got) != 1 || got[0].Commit || got[0].ProducerEpoch != 1 {
			t.Errorf("markers: %+v", got)
		}
		wantCode(t, "commit, version 1", s.EndTxn(t.Context(), endRequest(1, "a", 100, 0, true)).ErrorCode, kerr.InvalidProducerEpoch)
		wantCode(t, "commit, version 2", s.EndTxn(t.Context(), endRequest(2, "a", 100, 0, true)).ErrorCode, kerr.ProducerFenced)
	})
}

func TestVerifyPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		markers := &markerLog{}
		s := newTxnService(t, &memlog.Log{}, markers, nil)
		defer s.Close()
		synctest.Wait()
		s.InitProducerID(t.Context(), initRequest(5, "a"))
		check := func(what string, epoch int16, partition int32, version int16, want *kerr.Error) {
			t.Helper()
			if got := s.VerifyPartition(t.Context(), "a", 100, epoch, "t", partition, version); got != want {
				t.Errorf("%s: got %v, want %v", what, got, want)
			}
		}
		check("not added", 0, 0, txn.V0, kerr.TransactionAbortable)
		check("no such partition", 0, 9, txn.V0, kerr.UnknownTopicOrPartition)
		check("implicitly", 0, 0, txn.V2, nil)
		check("is added", 0, 0, txn.V0, nil)
		check("old epoch", -1, 0, txn.V2, kerr.ProducerFenced)
		release := markers.block()
		s.EndTxn(t.Context(), endRequest(5, "a", 100, 0, true))
		start := time.Now()
		check("too early", 1, 0, txn.V2, kerr.ConcurrentTransactions)
		if took := time.Since(start); took != 100*time.Millisecond {
			t.Errorf("held for %v", took)
		}
		time.AfterFunc(50*time.Millisecond, release)
		check("held until the end is closed", 1, 0, txn.V2, nil)
	})
}

func TestNotCoordinatorAndLoading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memlog.Log{}
		s := newTxnService(t, log, &markerLog{}, nil)
		defer s.Close()
		synctest.Wait()
		s.InitProducerID(t.Context(), initRequest(5, "a"))
		s.Resign(0)
		release := log.Block()
		s.Lead(0, 4, log)
		wantCode(t, "loading", s.InitProducerID(t.Context(), initRequest(5, "a")).ErrorCode, kerr.CoordinatorLoadInProgress)
		wantCode(t, "list", s.ListTransactions(t.Context(), &kmsg.ListTransactionsRequest{}).ErrorCode, kerr.CoordinatorLoadInProgress)
		release()
		synctest.Wait()
		s.Resign(0)
		wantCode(t, "resigned", s.EndTxn(t.Context(), endRequest(5, "a", 1, 0, true)).ErrorCode, kerr.NotCoordinator)
		wantCode(t, "add", s.AddPartitionsToTxn(t.Context(), addRequest(3, "a", 1, 0, 0)).Topics[0].Partitions[0].ErrorCode, kerr.NotCoordinator)
		d := s.DescribeTransactions(t.Context(), &kmsg.DescribeTransactionsRequest{TransactionalIDs: []string{"a"}})
		wantCode(t, "describe", d.TransactionStates[0].ErrorCode, kerr.NotCoordinator)
		// What is wrong in itself is said without asking who the coordinator is.
		wantCode(t, "timeout", s.InitProducerID(t.Context(), func() *kmsg.InitProducerIDRequest {
			req := initRequest(5, "a")
			req.TransactionTimeoutMillis = 0
			return req
		}()).ErrorCode, kerr.InvalidTransactionTimeout)
		without := kmsg.NewPtrInitProducerIDRequest()
		if got := s.InitProducerID(t.Context(), without); got.ErrorCode != 0 || got.ProducerID < 100 {
			t.Errorf("without a transactional id: %+v", got)
		}
	})
}

func TestNoProducerIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTxnService(t, &memlog.Log{}, &markerLog{}, func(c *TxnConfig) {
			c.NextProducerID = func(context.Context) (int64, error) { return 0, errors.New("no controller") }
		})
		defer s.Close()
		synctest.Wait()
		wantCode(t, "init", s.InitProducerID(t.Context(), initRequest(5, "a")).ErrorCode, kerr.CoordinatorLoadInProgress)
	})
}
