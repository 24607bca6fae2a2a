package api

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/protocol"
)

func fetchOf(sessionID, epoch int32, topics ...string) *protocol.FetchRequest {
	r := &protocol.FetchRequest{SessionID: sessionID, SessionEpoch: epoch}
	for _, topic := range topics {
		r.Partitions = append(r.Partitions, protocol.FetchRequestPartition{Topic: topic})
	}
	return r
}

// A session's lock is held while its fetch waits. Another connection that named the session slept on that lock, for as long as the first one's
// max_wait_ms said, and neither the end of its connection nor the stop of the broker could wake it.
func TestAFetchOfABusySessionIsAnsweredAtOnce(t *testing.T) {
	sessions := NewFetchSessions(10)
	first, code := sessions.begin(12, fetchOf(0, initialEpoch, "a"), 0)
	if code != 0 || first == nil {
		t.Fatalf("no session: code %d", code)
	}
	answered := make(chan int16, 1)
	go func() {
		_, code := sessions.begin(12, fetchOf(first.id, 1), 0)
		answered <- code
	}()
	select {
	case code := <-answered:
		if code != kerr.InvalidFetchSessionEpoch.Code {
			t.Errorf("code %d, want INVALID_FETCH_SESSION_EPOCH", code)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the second fetch waits for the first")
	}
	first.mu.Unlock()

	// The refused fetch has changed nothing: the consumer's next one goes on.
	again, code := sessions.begin(12, fetchOf(first.id, 1), 0)
	if code != 0 || again != first || again.fresh {
		t.Fatalf("the session does not go on: code %d", code)
	}
	again.mu.Unlock()
}

func TestAClosedSessionIsForgotten(t *testing.T) {
	sessions := NewFetchSessions(10)
	first, _ := sessions.begin(12, fetchOf(0, initialEpoch, "a"), 0)
	first.mu.Unlock()
	if s, code := sessions.begin(12, fetchOf(first.id, finalEpoch), 0); s != nil || code != 0 || sessions.Count() != 0 {
		t.Errorf("after the final fetch: session %v, code %d, %d sessions", s, code, sessions.Count())
	}
	if _, code := sessions.begin(12, fetchOf(first.id, 1), 0); code != kerr.FetchSessionIDNotFound.Code {
		t.Errorf("code %d, want FETCH_SESSION_ID_NOT_FOUND", code)
	}
}

// A session of which everything was forgotten held its place until somebody evicted it, and clients went on with it.
func TestASessionWithoutPartitionsEnds(t *testing.T) {
	sessions := NewFetchSessions(10)
	first, _ := sessions.begin(12, fetchOf(0, initialEpoch, "a", "b"), 0)
	first.mu.Unlock()
	forget := func(epoch int32, topic string) *protocol.FetchRequest {
		r := fetchOf(first.id, epoch)
		r.Forgotten = append(r.Forgotten, protocol.ForgottenPartition{Topic: topic})
		return r
	}
	again, code := sessions.begin(12, forget(1, "a"), 0)
	if again != first || code != 0 {
		t.Fatalf("after one of two: code %d", code)
	}
	again.mu.Unlock()
	if s, code := sessions.begin(12, forget(2, "b"), 0); s != nil || code != 0 || sessions.Count() != 0 {
		t.Errorf("after both: session %v, code %d, %d sessions", s, code, sessions.Count())
	}
}

// A full fetch with a list of forgotten partitions lost them, though it asks for them.
func TestAFullFetchForgetsNothing(t *testing.T) {
	sessions := NewFetchSessions(10)
	r := fetchOf(0, initialEpoch, "a", "b")
	r.Forgotten = append(r.Forgotten, protocol.ForgottenPartition{Topic: "b"})
	s, _ := sessions.begin(12, r, 0)
	defer s.mu.Unlock()
	if len(s.order) != 2 {
		t.Errorf("%d partitions, want 2", len(s.order))
	}
}

// A thousand sessions of 100,000 partitions each were 30 GB that lay there until somebody evicted them.
func TestSessionsShareABoundOfPartitions(t *testing.T) {
	sessions := NewFetchSessions(100)
	sessions.maxParts = 10
	many := func(id, epoch int32, from, n int) *protocol.FetchRequest {
		r := fetchOf(id, epoch)
		for i := range n {
			r.Partitions = append(r.Partitions, protocol.FetchRequestPartition{Topic: "a", Partition: int32(from + i)})
		}
		return r
	}
	begin := func(r *protocol.FetchRequest, nowMs int64) (*fetchSession, int16) {
		s, code := sessions.begin(12, r, nowMs)
		if s != nil {
			s.mu.Unlock()
		}
		return s, code
	}
	// Given as many sessions as have room, and a small one.
	first, _ := begin(many(0, initialEpoch, 0, 4), 0)
	begin(many(0, initialEpoch, 0, 4), 1)
	small, _ := begin(many(0, initialEpoch, 0, 1), 1000)
	// Then another gets none, what grows beyond the bound ends, and what stays within it goes on.
	if s, code := begin(many(0, initialEpoch, 0, 2), 1000); s != nil || code != 0 {
		t.Errorf("one more: session %v, code %d", s, code)
	}
	if _, code := begin(many(small.id, 1, 1, 1), 1000); code != 0 {
		t.Errorf("what just fits: code %d", code)
	}
	another, _ := begin(many(0, initialEpoch, 0, 0), 1000)
	if _, code := begin(many(another.id, 1, 0, 1), 1000); code != kerr.FetchSessionIDNotFound.Code {
		t.Errorf("what does not fit: code %d, want FETCH_SESSION_ID_NOT_FOUND", code)
	}
	// When a session ends, or was idle for long, its room is free.
	begin(fetchOf(first.id, finalEpoch), 1000)
	if s, _ := begin(many(0, initialEpoch, 0, 4), 1000); s == nil {
		t.Error("no session after another has ended")
	}
	if s, _ := begin(many(0, initialEpoch, 0, 4), evictAfterMs+1); s == nil {
		t.Error("no session although others are idle")
	}
	if sessions.mu.parts != 10 {
		t.Errorf("%d partitions are counted", sessions.mu.parts)
	}
}
