package franzgo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/compat-tests/harness"
)

// member is a group consumer. One goroutine polls; what it got waits for Take.
type member struct {
	name string
	cl   *kgo.Client
	stop context.CancelFunc
	done chan struct{} // closed when the polling goroutine has ended

	mu struct {
		sync.Mutex
		assigned map[int32]bool
		waiting  []harness.Record
		errs     []string
	}
	taken map[string]map[int32]kgo.EpochOffset // what Commit commits; used by the test's goroutine only
	topic string
}

func (c *client) Join(t testing.TB, group, topic string, limit int) harness.Member {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	m := &member{name: c.name, stop: stop, done: make(chan struct{}), topic: topic}
	m.mu.assigned = map[int32]bool{}
	m.taken = map[string]map[int32]kgo.EpochOffset{topic: {}}
	m.cl = c.connect(t,
		kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(), kgo.FetchMaxWait(500*time.Millisecond), // see FINDINGS.md
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, p map[string][]int32) { m.moved(p, true) }),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, p map[string][]int32) { m.moved(p, false) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, p map[string][]int32) { m.moved(p, false) }),
	)
	go m.poll(ctx, limit)
	t.Cleanup(func() { m.end() })
	return m
}

func (m *member) moved(partitions map[string][]int32, held bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range partitions[m.topic] {
		if held {
			m.mu.assigned[p] = true
			continue
		}
		delete(m.mu.assigned, p)
	}
}

// poll takes records until the member ends or has as many as it may hand over; then it only stays in the group.
func (m *member) poll(ctx context.Context, limit int) {
	defer close(m.done)
	got := 0
	for ctx.Err() == nil && (limit == 0 || got < limit) {
		most := 0
		if limit > 0 {
			most = limit - got
		}
		fetches := m.cl.PollRecords(ctx, most)
		m.mu.Lock()
		fetches.EachError(func(topic string, partition int32, err error) {
			// A lost session is news, not a failure: kgo says so while a broker is down and joins again by itself.
			if session := new(kgo.ErrGroupSession); ctx.Err() == nil && !errors.As(err, &session) {
				m.mu.errs = append(m.mu.errs, fmt.Sprintf("%s-%d: %v", topic, partition, err))
			}
		})
		fetches.EachRecord(func(r *kgo.Record) {
			m.mu.waiting = append(m.mu.waiting, record(r))
			got++
		})
		m.mu.Unlock()
	}
	<-ctx.Done()
}

func (m *member) Assigned(testing.TB) []int32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.mu.assigned))
}

func (m *member) Take(t testing.TB) []harness.Record {
	t.Helper()
	m.mu.Lock()
	records, errs := m.mu.waiting, m.mu.errs
	m.mu.waiting, m.mu.errs = nil, nil
	m.mu.Unlock()
	if len(errs) > 0 {
		t.Fatalf("%s: the group member could not fetch: %v", m.name, errs)
	}
	for _, r := range records {
		m.taken[m.topic][r.Partition] = kgo.EpochOffset{Epoch: -1, Offset: r.Offset + 1}
	}
	return records
}

// Commit leaves out partitions that have moved to another member since: committing those would take its progress back.
func (m *member) Commit(t testing.TB) {
	t.Helper()
	held := m.Assigned(t)
	commit := map[string]map[int32]kgo.EpochOffset{m.topic: {}}
	for p, at := range m.taken[m.topic] {
		if slices.Contains(held, p) {
			commit[m.topic][p] = at
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	done := make(chan error, 1)
	m.cl.CommitOffsetsSync(ctx, commit, commitResult(done))
	if err := <-done; err != nil {
		t.Fatalf("%s: commit: %v", m.name, err)
	}
}

func (m *member) Leave(t testing.TB) { t.Helper(); m.end() }

func (m *member) end() {
	m.stop()
	<-m.done
	m.cl.Close() // leaves the group
}

// commitResult turns kgo's answer to a commit into one error: the request's, or the first partition's.
func commitResult(done chan<- error) func(*kgo.Client, *kmsg.OffsetCommitRequest, *kmsg.OffsetCommitResponse, error) {
	return func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		if err == nil {
			for _, t := range resp.Topics {
				for _, p := range t.Partitions {
					err = cmp.Or(err, kerr.ErrorForCode(p.ErrorCode))
				}
			}
		}
		done <- err
	}
}
