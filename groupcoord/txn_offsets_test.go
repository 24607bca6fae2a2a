package groupcoord

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/groupcoord/runtime/memlog"
	"github.com/sordini/sordini/groupcoord/txn"
)

// producer is a transactional producer as its coordinator knows it.
type testProducer struct {
	id    int64
	epoch int16
}

func (p testProducer) commit(version int16, offsets ...int64) *kmsg.TxnOffsetCommitRequest {
	req := kmsg.NewPtrTxnOffsetCommitRequest()
	req.Version, req.TransactionalID, req.Group, req.ProducerID, req.ProducerEpoch = version, "x", "g", p.id, p.epoch
	topic := kmsg.NewTxnOffsetCommitRequestTopic()
	topic.Topic, topic.TopicID = "t", topicID
	for partition, offset := range offsets {
		one := kmsg.NewTxnOffsetCommitRequestTopicPartition()
		one.Partition, one.Offset = int32(partition), offset
		topic.Partitions = append(topic.Partitions, one)
	}
	req.Topics = append(req.Topics, topic)
	return req
}

func (p testProducer) marker(commit bool, version int16) Marker {
	m := Marker{Topic: OffsetsTopic, ProducerID: p.id, ProducerEpoch: p.epoch, Commit: commit, TransactionVersion: version}
	if version >= txn.V2 {
		m.ProducerEpoch++
	}
	return m
}

func txnCode(resp *kmsg.TxnOffsetCommitResponse) int16 { return resp.Topics[0].Partitions[0].ErrorCode }

// end writes a marker and says what became of it.
func end(t *testing.T, s *Service, m Marker) MarkerResult {
	t.Helper()
	return s.WriteTxnMarkers(t.Context(), []Marker{m})[0]
}

// stable is OffsetFetch with require_stable: the offset, or the error.
func stable(t *testing.T, s *Service, partition int32) (int64, error) {
	t.Helper()
	req := fetchRequest(8, partition)
	req.RequireStable = true
	p := s.OffsetFetch(t.Context(), req).Groups[0].Topics[0].Partitions[0]
	return p.Offset, kerr.ErrorForCode(p.ErrorCode)
}

func letIn(c *Config) {
	c.VerifyTxn = func(context.Context, string, int64, int16, int32, int16) *kerr.Error { return nil }
}

func TestTxnOffsetsWaitForTheMarker(t *testing.T) {
	for version := int16(0); version <= 6; version++ {
		synctest.Test(t, func(t *testing.T) {
			log := &memlog.Log{}
			s := newService(t, log, letIn)
			defer s.Close()
			wantCode(t, "OffsetCommit", commitCode(s.OffsetCommit(t.Context(), commitRequest(2, 5))), nil)
			a, b := testProducer{id: 1}, testProducer{id: 2}
			wantCode(t, "a's offset", txnCode(s.TxnOffsetCommit(t.Context(), a.commit(version, 10))), nil)
			wantCode(t, "b's offsets", txnCode(s.TxnOffsetCommit(t.Context(), b.commit(version, 20, 20))), nil)
			for range 2 { // the second time on a coordinator that has read the log
				if got := fetchOffset(t, s, 0); got != 5 {
					t.Errorf("before the markers: %d", got)
				}
				if _, err := stable(t, s, 1); err != kerr.UnstableOffsetCommit {
					t.Errorf("before the markers, stable: %v", err)
				}
				s.Resign(0)
				s.Lead(0, 1, log)
				synctest.Wait()
			}
			markerVersion := txn.V0
			if version >= 5 {
				markerVersion = txn.V2
			}
			if got := end(t, s, b.marker(false, markerVersion)); got != MarkerWritten {
				t.Errorf("abort of b: %v", got)
			}
			if got := end(t, s, a.marker(true, markerVersion)); got != MarkerWritten {
				t.Errorf("commit of a: %v", got)
			}
			for epoch := range int32(2) {
				if got, err := stable(t, s, 0); got != 10 || err != nil {
					t.Errorf("after the markers: %d, %v", got, err)
				}
				if got, err := stable(t, s, 1); got != -1 || err != nil {
					t.Errorf("after the abort: %d, %v", got, err)
				}
				s.Resign(0)
				s.Lead(0, 2+epoch, log)
				synctest.Wait()
			}
		})
	}
}

// Story: verified, then the coordinator aborts (its timeout), then the append. What
// is appended now would be pending for ever.
func TestMarkerBetweenVerificationAndAppend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *Service
		log, p := &memlog.Log{}, testProducer{id: 7, epoch: 3}
		verified := 0
		s = newService(t, log, func(c *Config) {
			c.VerifyTxn = func(context.Context, string, int64, int16, int32, int16) *kerr.Error {
				if verified++; verified == 1 {
					end(t, s, p.marker(false, txn.V0))
				}
				return nil
			}
		})
		defer s.Close()
		appends := log.Appends()
		wantCode(t, "the late commit", txnCode(s.TxnOffsetCommit(t.Context(), p.commit(4, 10))), kerr.InvalidTxnState)
		if got := log.Appends() - appends; got != 1 {
			t.Errorf("%d appends, want the marker only", got)
		}
		if got, err := stable(t, s, 0); got != -1 || err != nil {
			t.Errorf("offset %d, %v", got, err)
		}

		// A transaction that is known to be open is not verified again.
		for range 3 {
			wantCode(t, "commit", txnCode(s.TxnOffsetCommit(t.Context(), p.commit(4, 10))), nil)
		}
		if verified != 2 {
			t.Errorf("verified %d times", verified)
		}
	})
}

// Story: the verified one comes to the machine of another leader epoch, which cannot know
// what markers there were in between.
func TestVerificationDoesNotOutliveTheMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *Service
		log := &memlog.Log{}
		s = newService(t, log, func(c *Config) {
			c.VerifyTxn = func(context.Context, string, int64, int16, int32, int16) *kerr.Error {
				s.Lead(0, 1, log)
				synctest.Wait()
				return nil
			}
		})
		defer s.Close()
		wantCode(t, "commit", txnCode(s.TxnOffsetCommit(t.Context(), testProducer{id: 7}.commit(4, 10))), kerr.InvalidTxnState)
	})
}

func TestTxnOffsetCommitErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memlog.Log{}
		var verdict *kerr.Error
		var asked atomic.Int32
		s := newService(t, log, func(c *Config) {
			c.VerifyTxn = func(_ context.Context, id string, _ int64, _ int16, partition int32, version int16) *kerr.Error {
				if id != "x" || partition != 0 || version != txn.V0 && version != txn.V2 {
					t.Errorf("asked about %q, %d, %d", id, partition, version)
				}
				asked.Add(1)
				return verdict
			}
		})
		defer s.Close()
		p := testProducer{id: 7, epoch: 3}
		for _, c := range []struct {
			said                 *kerr.Error
			v0, v2, v3, v4, last *kerr.Error
		}{
			{kerr.ProducerFenced, kerr.InvalidProducerEpoch, kerr.InvalidProducerEpoch, kerr.InvalidProducerEpoch, kerr.InvalidProducerEpoch, kerr.InvalidProducerEpoch},
			{kerr.TransactionAbortable, kerr.InvalidTxnState, kerr.InvalidTxnState, kerr.InvalidTxnState, kerr.TransactionAbortable, kerr.TransactionAbortable},
			{kerr.ConcurrentTransactions, kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress, kerr.CoordinatorLoadInProgress, kerr.CoordinatorLoadInProgress, kerr.ConcurrentTransactions},
			{kerr.NotCoordinator, kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress, kerr.CoordinatorLoadInProgress, kerr.CoordinatorLoadInProgress, kerr.CoordinatorLoadInProgress},
			{kerr.InvalidProducerIDMapping, kerr.InvalidProducerIDMapping, kerr.InvalidProducerIDMapping, kerr.InvalidProducerIDMapping, kerr.InvalidProducerIDMapping, kerr.InvalidProducerIDMapping},
		} {
			verdict = c.said
			for version, want := range map[int16]*kerr.Error{0: c.v0, 2: c.v2, 3: c.v3, 4: c.v4, 5: c.last} {
				wantCode(t, c.said.Message, txnCode(s.TxnOffsetCommit(t.Context(), p.commit(version, 1))), want)
			}
		}
		verdict = nil
		before := asked.Load()
		if resp := s.TxnOffsetCommit(t.Context(), p.commit(3)); len(resp.Topics) != 0 {
			t.Errorf("no partitions: %+v", resp)
		}
		wantCode(t, "negative producer id", txnCode(s.TxnOffsetCommit(t.Context(), testProducer{id: -1}.commit(3, 1))), kerr.InvalidProducerIDMapping)
		req := p.commit(3, 1)
		req.Group = ""
		wantCode(t, "group without a name", txnCode(s.TxnOffsetCommit(t.Context(), req)), kerr.InvalidGroupID)
		req = p.commit(3, 1, 2)
		req.Topics = append(req.Topics, req.Topics[0])
		req.Topics[0].Topic = "none"
		if asked.Load() != before {
			t.Error("the coordinator was asked for nothing")
		}
		resp := s.TxnOffsetCommit(t.Context(), req)
		wantCode(t, "unknown topic", resp.Topics[0].Partitions[1].ErrorCode, kerr.UnknownTopicOrPartition)
		wantCode(t, "known topic", resp.Topics[1].Partitions[1].ErrorCode, nil)
		if resp.Topics[0].Topic != "none" || resp.Topics[1].Topic != "t" || resp.Version != 3 {
			t.Errorf("answer %+v", resp)
		}

		// By id, from version 6 on.
		req = p.commit(6, 1)
		req.Topics = append(req.Topics, req.Topics[0])
		req.Topics[1].TopicID = [16]byte{9}
		resp = s.TxnOffsetCommit(t.Context(), req)
		wantCode(t, "known id", txnCode(resp), nil)
		wantCode(t, "unknown id", resp.Topics[1].Partitions[0].ErrorCode, kerr.UnknownTopicID)
		if resp.Topics[0].TopicID != topicID || resp.Topics[1].TopicID != ([16]byte{9}) {
			t.Errorf("answer %+v", resp)
		}

		// The log fences the producer, and nobody else is disturbed.
		wantCode(t, "older epoch", txnCode(s.TxnOffsetCommit(t.Context(), testProducer{id: 7, epoch: 2}.commit(3, 9))), kerr.InvalidProducerEpoch)
		wantCode(t, "OffsetCommit", commitCode(s.OffsetCommit(t.Context(), commitRequest(2, 5))), nil)

		// Without a hook nothing is let in.
		none := newService(t, &memlog.Log{}, nil)
		defer none.Close()
		wantCode(t, "no coordinator to ask", txnCode(none.TxnOffsetCommit(t.Context(), p.commit(3, 1))), kerr.InvalidTxnState)
		// A service that leads nothing.
		none.Resign(0)
		wantCode(t, "not led", txnCode(none.TxnOffsetCommit(t.Context(), p.commit(3, 1))), kerr.NotCoordinator)
	})
}

func TestWriteTxnMarkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memlog.Log{}
		s := newService(t, log, letIn)
		defer s.Close()
		p := testProducer{id: 7, epoch: 3}
		step := func(what string, m Marker, want MarkerResult, offset int64) {
			t.Helper()
			if got := end(t, s, m); got != want {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
			if got := fetchOffset(t, s, 0); got != offset {
				t.Errorf("%s: offset %d, want %d", what, got, offset)
			}
		}
		commit := func(offset int64) {
			t.Helper()
			wantCode(t, "commit", txnCode(s.TxnOffsetCommit(t.Context(), p.commit(5, offset))), nil)
		}
		commit(1)
		first := p.marker(true, txn.V2)
		first.CoordinatorEpoch = 5
		step("first", first, MarkerWritten, 1)
		step("repeated", first, MarkerWritten, 1)
		p.epoch++
		commit(2)
		// The repetition of the first marker comes while the next transaction is open
		// at the very epoch that it has.
		step("repeated late", first, MarkerWritten, 1)
		if _, err := stable(t, s, 0); err != kerr.UnstableOffsetCommit {
			t.Errorf("the second transaction: %v", err)
		}
		older := p.marker(true, txn.V2)
		older.CoordinatorEpoch = 4
		step("older coordinator", older, MarkerFenced, 1)
		older.ProducerEpoch = 2
		step("older producer", older, MarkerGone, 1)
		second := p.marker(true, txn.V2)
		second.CoordinatorEpoch = 5
		step("second", second, MarkerWritten, 2)

		// Markers of many producers share a commit of the log.
		log.Hold()
		var many []Marker
		for id := range int64(20) {
			many = append(many, testProducer{id: 100 + id}.marker(true, txn.V0))
		}
		many[3].Partition = 9
		done := make(chan []MarkerResult, 1)
		go func() { done <- s.WriteTxnMarkers(t.Context(), many) }()
		synctest.Wait()
		select {
		case <-done:
			t.Fatal("confirmed before the commit")
		default:
		}
		log.Commit()
		for i, got := range <-done {
			if want := MarkerWritten; got != want && (i != 3 || got != MarkerRetry) {
				t.Errorf("marker %d: %v", i, got)
			}
		}
	})
}

// Story: an append fails while offsets are pending; the shard loads what the log has.
func TestFailedAppendOfATransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memlog.Log{}
		s := newService(t, log, letIn)
		defer s.Close()
		p := testProducer{id: 7}
		wantCode(t, "commit", txnCode(s.TxnOffsetCommit(t.Context(), p.commit(4, 1))), nil)
		log.Fail(true)
		if got := end(t, s, p.marker(true, txn.V0)); got != MarkerRetry {
			t.Errorf("marker into a broken log: %v", got)
		}
		log.Fail(false)
		log.Truncate()
		time.Sleep(time.Second) // of the bubble's clock: the shard has loaded again
		if _, err := stable(t, s, 0); err != kerr.UnstableOffsetCommit {
			t.Errorf("after the load: %v", err)
		}
		if got := end(t, s, p.marker(true, txn.V0)); got != MarkerWritten {
			t.Errorf("marker: %v", got)
		}
		if got := fetchOffset(t, s, 0); got != 1 {
			t.Errorf("offset %d", got)
		}
	})
}
