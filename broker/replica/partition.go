package replica

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/broker/config"
	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/storage"
)

// Partition is one replica on this broker. With one broker it is always the leader; the high watermark is then what the log's
// durability policy calls safe. A reader therefore never sees a record that a power loss could replace by another one at the same offset.
type Partition struct {
	storage.Partition

	dir         *storage.Dir
	log         *storage.Log
	leaderEpoch atomic.Int32
	highWater   atomic.Int64
	topic       *Topic
	waiters     waiters

	// closed is set once when the partition is deleted or the broker stops; waiters are woken and find it.
	closed atomic.Bool

	faultMs atomic.Int64 // when a failed read was last reported

	// onHighWatermark is told about each rise; a coordinator that lives on this partition sets it before it appends.
	onHighWatermark atomic.Pointer[func(int64)]
}

// ErrStopped says that a wait ended because its connection or the broker is closing.
var ErrStopped = errors.New("replica: stopped while waiting")

// Topic is what the partitions of one topic share.
type Topic struct {
	Name     string
	ID       storage.TopicID
	Internal bool
	config   atomic.Pointer[config.TopicConfig]

	UpConversions, DownConversions atomic.Int64 // record sets from, and to, message formats 0 and 1
	Recompressions                 atomic.Int64 // batches that were stored in another codec than they came in
}

// Config returns the topic's resolved configs as of now.
func (t *Topic) Config() *config.TopicConfig { return t.config.Load() }

func newPartition(id storage.Partition, topic *Topic, dir *storage.Dir, log *storage.Log, leaderEpoch int32) *Partition {
	p := &Partition{Partition: id, dir: dir, log: log, topic: topic}
	p.leaderEpoch.Store(leaderEpoch)
	log.OnDurable(p.advance) // first, so that no rise falls in between
	p.advance(log.DurableOffset())
	return p
}

// advance raises the high watermark to what has become durable and wakes those who wait. Called by the log after a write (policies os and
// interval) or after a sync (group and batch), from any goroutine.
func (p *Partition) advance(durable int64) {
	for {
		now := p.highWater.Load()
		if durable <= now {
			return
		}
		if p.highWater.CompareAndSwap(now, durable) {
			break
		}
	}
	if fn := p.onHighWatermark.Load(); fn != nil {
		(*fn)(durable)
	}
	p.waiters.signal(durable)
}

// Topic returns what this partition shares with its siblings.
func (p *Partition) Topic() *Topic { return p.topic }

// DirPath is the log directory of the partition.
func (p *Partition) DirPath() string { return p.dir.Path() }

// Failure is why the partition's log directory is offline; nil when it is not.
func (p *Partition) Failure() error { return p.dir.Failure() }

// Log gives read access to the partition's log.
func (p *Partition) Log() *storage.Log { return p.log }

// LeaderEpoch is the epoch under which this broker leads the partition.
func (p *Partition) LeaderEpoch() int32 { return p.leaderEpoch.Load() }

// HighWatermark is the end of what consumers may see.
func (p *Partition) HighWatermark() int64 { return p.highWater.Load() }

// LastStableOffset is the end of what read_committed consumers may see.
func (p *Partition) LastStableOffset() int64 {
	return min(p.log.LastStableOffset(), p.HighWatermark())
}

// Closed tells whether the partition has been deleted or is stopping.
func (p *Partition) Closed() bool { return p.closed.Load() }

// Append writes the batches of one turn with one write. Each batch carries its own result; the error says that none was written.
func (p *Partition) Append(nowMs int64, appends []*storage.Append) error {
	if p.closed.Load() {
		return kerr.NotLeaderForPartition
	}
	return p.log.Append(nowMs, p.leaderEpoch.Load(), appends)
}

// Read returns up to maxBytes of the log from offset on, no further than upTo. The caller releases the slice.
func (p *Partition) Read(offset int64, maxBytes int, upTo int64, atLeastOne bool, cur *storage.Cursor) (storage.Slice, error) {
	if p.closed.Load() {
		return storage.Slice{}, kerr.NotLeaderForPartition
	}
	return p.log.Read(offset, maxBytes, upTo, atLeastOne, cur)
}

const reportFaultsEveryMs = 60_000

// FaultIsNews tells whether a failed read is to be reported: where the directory is offline that is known, and a client that tries again and
// again is no reason to say the same every time.
func (p *Partition) FaultIsNews(nowMs int64) bool {
	last := p.faultMs.Load()
	return p.dir.Failure() == nil && (last == 0 || nowMs-last >= reportFaultsEveryMs) && p.faultMs.CompareAndSwap(last, nowMs)
}

// Watch registers a waiter for rises of the high watermark; Unwatch takes it off again. The owner looks at the high watermark once more
// between Watch and its wait, so that a rise in between is not missed.
func (p *Partition) Watch(w *Waiter) { p.waiters.add(w, 0) }

// Unwatch is the end of Watch.
func (p *Partition) Unwatch(w *Waiter) { p.waiters.remove(w) }

// Watchers is how many wait now.
func (p *Partition) Watchers() int { return p.waiters.count() }

// AwaitCommitted waits until the high watermark has reached end. It gives up when stop closes (ErrStopped), when deadline delivers
// (REQUEST_TIMED_OUT), when the partition goes away, or when the log fails.
func (p *Partition) AwaitCommitted(w *Waiter, end int64, stop <-chan struct{}, deadline <-chan time.Time) error {
	if p.HighWatermark() >= end {
		return nil
	}
	p.waiters.add(w, end)
	defer p.Unwatch(w)
	for {
		w.Drain()
		if p.HighWatermark() >= end {
			return nil
		}
		if p.closed.Load() {
			return kerr.NotLeaderForPartition
		}
		if err := p.dir.Failure(); err != nil {
			return err
		}
		select {
		case <-w.C:
		case <-stop:
			return ErrStopped
		case <-deadline:
			return kerr.RequestTimedOut
		}
	}
}

func (p *Partition) close() {
	p.closed.Store(true)
	p.waiters.signalAll()
}

// CoordinatorLog is a partition of an internal topic as a coordinator uses it: it appends whole batches, reads them back when it loads,
// and hears of the high watermark.
type CoordinatorLog struct{ p *Partition }

// NewCoordinatorLog wraps a partition for a coordinator.
func NewCoordinatorLog(p *Partition) CoordinatorLog { return CoordinatorLog{p} }

// Append writes one encoded batch and returns the log end offset behind it.
func (c CoordinatorLog) Append(nowMs int64, b []byte) (int64, error) {
	a := storage.Append{Batch: batch.Batch(b), Origin: storage.Coordinator}
	if err := c.p.Append(nowMs, []*storage.Append{&a}); err != nil {
		return 0, err
	}
	if a.Result.Err != nil {
		return 0, a.Result.Err
	}
	return a.Batch.NextOffset(), nil
}

// HighWatermark is the end of what is committed.
func (c CoordinatorLog) HighWatermark() int64 { return c.p.HighWatermark() }

// OnHighWatermark sets who is told of each rise.
func (c CoordinatorLog) OnHighWatermark(fn func(int64)) { c.p.onHighWatermark.Store(&fn) }

// LogStartOffset is the first offset there is.
func (c CoordinatorLog) LogStartOffset() int64 { return c.p.log.LogStartOffset() }

// LogEndOffset is the offset of the next append.
func (c CoordinatorLog) LogEndOffset() int64 { return c.p.log.LogEndOffset() }

// ReadBatches returns whole batches from offset on up to the log's end, about maxBytes of them, at least one where there is one.
func (c CoordinatorLog) ReadBatches(offset int64, maxBytes int) ([]byte, error) {
	s, err := c.p.Read(offset, maxBytes, c.p.log.LogEndOffset(), true, nil)
	if err != nil {
		return nil, err
	}
	defer s.Release()
	buf := make([]byte, s.Len())
	if _, err := s.ReadAt(buf, 0); err != nil {
		return nil, err
	}
	whole := 0
	for rest := buf; len(rest) > 0; {
		first, next, err := batch.Next(rest)
		if err != nil {
			break
		}
		whole += len(first)
		rest = next
	}
	return buf[:whole], nil
}
