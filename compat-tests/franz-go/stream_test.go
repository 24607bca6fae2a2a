package franzgo

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sordini/sordini/compat-tests/harness"
)

// streamEvery is the pace of a stream's sends: fast enough to have several in flight when a broker dies.
const streamEvery = 4 * time.Millisecond

// stream is a producer at work, with kgo's unlimited retries.
type stream struct {
	cl   *kgo.Client
	stop context.CancelFunc
	done chan struct{} // closed when the sending goroutine has ended

	mu struct {
		sync.Mutex
		acked    []int
		failures []string
	}
}

func (c *client) Stream(t testing.TB, topic string, partitions int) harness.Stream {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	s := &stream{cl: c.connect(t, c.producerOpts(t, "none", "all")...), stop: stop, done: make(chan struct{})}
	go s.run(ctx, topic, partitions)
	t.Cleanup(func() { stop(); <-s.done; s.cl.Close() })
	return s
}

func (s *stream) run(ctx context.Context, topic string, partitions int) {
	defer close(s.done)
	tick := time.NewTicker(streamEvery)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		r := &kgo.Record{Topic: topic, Partition: int32(i % partitions), Value: []byte(strconv.Itoa(i))}
		// The send outlives ctx on purpose: Stop waits for what is in flight.
		s.cl.Produce(context.Background(), r, func(_ *kgo.Record, err error) { s.finished(i, err) })
	}
}

func (s *stream) finished(i int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.mu.failures = append(s.mu.failures, err.Error())
		return
	}
	s.mu.acked = append(s.mu.acked, i)
}

func (s *stream) Acked(testing.TB) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.mu.acked)
}

func (s *stream) Stop(t testing.TB) ([]int, []string) {
	t.Helper()
	s.stop()
	<-s.done
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	if err := s.cl.Flush(ctx); err != nil {
		t.Fatalf("flush the stream: %v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mu.acked), slices.Clone(s.mu.failures)
}
