package goagent

import (
	"slices"
	"strconv"
	"sync"
	"time"
)

// Sender is a producer with acks=all and endless retries.
type Sender interface {
	// Send hands a record over and returns; done is called once, when it is acknowledged or given up.
	Send(topic string, r Record, done func(error))
	// Close waits until done was called for every record.
	Close() error
}

// stream sends "0", "1", "2", ... in the background, to the partitions in turn.
type stream struct {
	sender Sender
	stop   chan struct{}
	done   chan struct{} // closed when the sending goroutine has ended

	mu struct {
		sync.Mutex
		acked    []int
		failures []string
	}
}

func startStream(sender Sender, topic string, partitions int, every time.Duration) *stream {
	s := &stream{sender: sender, stop: make(chan struct{}), done: make(chan struct{})}
	go s.run(topic, partitions, every)
	return s
}

func (s *stream) run(topic string, partitions int, every time.Duration) {
	defer close(s.done)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-s.stop:
			return
		case <-tick.C:
		}
		value := []byte(strconv.Itoa(i))
		s.sender.Send(topic, Record{Partition: int32(i % partitions), Timestamp: -1, Key: value, Value: value}, func(err error) { s.finished(i, err) })
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

func (s *stream) state() map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return map[string]any{"count": len(s.mu.acked)}
}

func (s *stream) end() (any, error) {
	close(s.stop)
	<-s.done
	if err := s.sender.Close(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.mu.acked)
	return map[string]any{"count": len(s.mu.acked), "acked": s.mu.acked, "failures": s.mu.failures}, nil
}
