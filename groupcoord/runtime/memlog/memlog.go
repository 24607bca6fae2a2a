// Package memlog is a coordinator's log in memory, for tests: the test decides
// when appends are committed, when they fail, and when reads have to wait.
package memlog

import (
	"errors"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/protocol/batch"
)

// ErrAppend is what a failing append returns.
var ErrAppend = errors.New("memlog: append fails")

// Log is a runtime.PartitionLog. The zero value is an empty log that commits
// every append at once.
type Log struct {
	mu struct {
		sync.Mutex
		batches       [][]byte
		end           int64
		highWatermark int64
		held          bool
		failing       bool
		appends       int
		onCommit      func(int64)
		gate          chan struct{}
		producers     map[int64]epochs
	}
}

// epochs is what fences a producer.
type epochs struct {
	producer    int16
	coordinator int32
}

// Append implements runtime.PartitionLog. A failing append writes all the same:
// whoever fails cannot know.
func (l *Log) Append(_ int64, b []byte) (int64, error) {
	l.pass()
	l.mu.Lock()
	own := batch.Batch(append([]byte(nil), b...))
	own.SetBaseOffset(l.mu.end)
	if err := l.fenceLocked(own); err != nil {
		l.mu.Unlock()
		return 0, err
	}
	l.mu.batches = append(l.mu.batches, own)
	l.mu.end = own.NextOffset()
	l.mu.appends++
	end, held, failing := l.mu.end, l.mu.held, l.mu.failing
	l.mu.Unlock()
	if failing {
		return 0, ErrAppend
	}
	if !held {
		l.commit(end)
	}
	return end, nil
}

// fenceLocked is what a log does with transactional batches.
func (l *Log) fenceLocked(b batch.Batch) error {
	if !b.HasProducerID() {
		return nil
	}
	was, known := l.mu.producers[b.ProducerID()]
	now := epochs{b.ProducerEpoch(), was.coordinator}
	if known && now.producer < was.producer {
		return kerr.InvalidProducerEpoch
	}
	if m, ok := b.Marker(); ok {
		if known && m.CoordinatorEpoch < was.coordinator {
			return kerr.TransactionCoordinatorFenced
		}
		now.coordinator = m.CoordinatorEpoch
	}
	if l.mu.producers == nil {
		l.mu.producers = map[int64]epochs{}
	}
	l.mu.producers[b.ProducerID()] = now
	return nil
}

func (l *Log) commit(to int64) {
	l.mu.Lock()
	l.mu.highWatermark = max(l.mu.highWatermark, to)
	to, fn := l.mu.highWatermark, l.mu.onCommit
	l.mu.Unlock()
	if fn != nil {
		fn(to)
	}
}

// Hold leaves appends uncommitted from now on.
func (l *Log) Hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.held = true
}

// Commit ends Hold and commits everything.
func (l *Log) Commit() {
	l.mu.Lock()
	l.mu.held = false
	end := l.mu.end
	l.mu.Unlock()
	l.commit(end)
}

// Fail makes appends fail, or work again.
func (l *Log) Fail(failing bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.failing = failing
}

// Truncate drops every batch that is not committed, as a power cut does.
func (l *Log) Truncate() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for n := len(l.mu.batches); n > 0 && batch.Batch(l.mu.batches[n-1]).NextOffset() > l.mu.highWatermark; n = len(l.mu.batches) {
		l.mu.batches = l.mu.batches[:n-1]
	}
	l.mu.end = l.mu.highWatermark
	l.mu.producers = nil
	for _, b := range l.mu.batches {
		_ = l.fenceLocked(b) // it was let in before
	}
}

// DropLast removes the last batch and keeps the log's end, as compaction may.
func (l *Log) DropLast() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.batches = l.mu.batches[:len(l.mu.batches)-1]
}

func (l *Log) pass() {
	l.mu.Lock()
	gate := l.mu.gate
	l.mu.Unlock()
	if gate != nil {
		<-gate
	}
}

// Block lets reads and appends wait until the returned function is called.
func (l *Log) Block() (release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	gate := make(chan struct{})
	l.mu.gate = gate
	return func() { close(gate) }
}

// Appends counts the calls of Append.
func (l *Log) Appends() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.appends
}

// HighWatermark implements runtime.PartitionLog.
func (l *Log) HighWatermark() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.highWatermark
}

// OnHighWatermark implements runtime.PartitionLog.
func (l *Log) OnHighWatermark(fn func(int64)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.onCommit = fn
}

// LogStartOffset implements runtime.PartitionLog.
func (l *Log) LogStartOffset() int64 { return 0 }

// LogEndOffset implements runtime.PartitionLog.
func (l *Log) LogEndOffset() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.end
}

// ReadBatches implements runtime.PartitionLog.
func (l *Log) ReadBatches(offset int64, maxBytes int) ([]byte, error) {
	l.pass()
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []byte
	for _, b := range l.mu.batches {
		if batch.Batch(b).NextOffset() <= offset {
			continue
		}
		if len(out) > 0 && len(out)+len(b) > maxBytes {
			break
		}
		out = append(out, b...)
	}
	return out, nil
}
