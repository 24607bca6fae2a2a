package runtime

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
)

const (
	// maxMailbox bounds the events that wait in one shard. Every connection has
	// at most one, so it is met only by a shard that has stopped; more
	// are answered with COORDINATOR_NOT_AVAILABLE.
	maxMailbox = 16_384

	defaultLoadParallelism = 4
	defaultMaxBatchBytes   = 1 << 20
)

// Config is what a Runtime needs.
type Config struct {
	Clock      func() int64 // wall clock in ms
	Logger     *slog.Logger
	NewMachine func() Machine

	// NewMachineFor is used instead of NewMachine, if set, by machines that
	// have to know where they are.
	NewMachineFor func(partition, leaderEpoch int32) Machine

	// Effect takes one effect of a machine, on the shard's goroutine: it must
	// not block and must not call back. Needed only by machines with effects.
	Effect func(partition int32, effect any)

	MaxBatchBytes   int // of the topic: max.message.bytes. 0 means 1 MiB
	LoadParallelism int // partitions that load at once. 0 means 4
}

// Runtime holds the shards of one internal topic. Its goroutines, one for each
// shard that has work, are waited for by Close.
type Runtime struct {
	cfg  Config
	gate chan struct{} // a place in it is the right to load

	wg sync.WaitGroup
	mu struct {
		sync.RWMutex
		shards map[int32]*shard
		closed bool
	}
}

// New returns a Runtime without shards.
func New(cfg Config) *Runtime {
	if cfg.MaxBatchBytes <= 0 {
		cfg.MaxBatchBytes = defaultMaxBatchBytes
	}
	if cfg.LoadParallelism <= 0 {
		cfg.LoadParallelism = defaultLoadParallelism
	}
	r := &Runtime{cfg: cfg, gate: make(chan struct{}, cfg.LoadParallelism)}
	r.mu.shards = map[int32]*shard{}
	return r
}

func (r *Runtime) newMachine(partition, leaderEpoch int32) Machine {
	if r.cfg.NewMachineFor != nil {
		return r.cfg.NewMachineFor(partition, leaderEpoch)
	}
	return r.cfg.NewMachine()
}

// Lead starts a shard on the partition and returns; it loads in the background.
// A shard of an earlier epoch is given up first, a call with the same or an
// older epoch does nothing.
func (r *Runtime) Lead(partition, leaderEpoch int32, log PartitionLog) {
	r.mu.Lock()
	old := r.mu.shards[partition]
	if r.mu.closed || old != nil && old.leaderEpoch >= leaderEpoch {
		r.mu.Unlock()
		return
	}
	s := newShard(r, partition, leaderEpoch, log)
	r.mu.shards[partition] = s
	r.mu.Unlock()
	if old != nil {
		old.close()
	}
	log.OnHighWatermark(s.committed)
	s.startLoad()
}

// Resign gives the partition up. When it returns, everything that waited has
// been answered with NOT_COORDINATOR, and the log is not used any more.
func (r *Runtime) Resign(partition int32) {
	r.mu.Lock()
	s := r.mu.shards[partition]
	delete(r.mu.shards, partition)
	r.mu.Unlock()
	if s != nil {
		s.close()
	}
}

// Close gives all partitions up and waits for every goroutine.
func (r *Runtime) Close() {
	r.mu.Lock()
	r.mu.closed = true
	shards := r.mu.shards
	r.mu.shards = map[int32]*shard{}
	r.mu.Unlock()
	for _, s := range shards {
		s.close()
	}
	r.wg.Wait()
}

// Partitions are those led, in order.
func (r *Runtime) Partitions() []int32 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	led := make([]int32, 0, len(r.mu.shards))
	for partition := range r.mu.shards {
		led = append(led, partition)
	}
	slices.Sort(led)
	return led
}

func (r *Runtime) shard(partition int32) *shard {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.mu.shards[partition]
}

// Call gives the event to the partition's machine and waits for the reply. The
// error is NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, or
// COORDINATOR_NOT_AVAILABLE when the mailbox is full; the machine's own errors
// are in the reply. After it returned, the event is not read any more.
func (r *Runtime) Call(ctx context.Context, partition int32, event any) (any, *kerr.Error) {
	c, err := r.post(partition, event)
	if err != nil {
		return nil, err
	}
	return c.wait(ctx)
}

func (r *Runtime) post(partition int32, event any) (*call, *kerr.Error) {
	s := r.shard(partition)
	if s == nil {
		return nil, kerr.NotCoordinator
	}
	c := &call{event: event, reply: make(chan result, 1)}
	return c, s.post(c)
}

// Result is what Call returns.
type Result struct {
	Response any
	Err      *kerr.Error
}

// CallAll is Call for many events, in their order, that do not wait for each
// other: what several of them write can be committed at one time.
func (r *Runtime) CallAll(ctx context.Context, events []PartitionEvent) []Result {
	results := make([]Result, len(events))
	calls := make([]*call, len(events))
	for i, e := range events {
		calls[i], results[i].Err = r.post(e.Partition, e.Event)
	}
	for i := range results {
		if results[i].Err == nil {
			results[i].Response, results[i].Err = calls[i].wait(ctx)
		}
	}
	return results
}

// PartitionEvent is an event for the machine of a partition.
type PartitionEvent struct {
	Partition int32
	Event     any
}

// Tell gives the event to the machine of every partition led, after its loading
// if need be, and does not wait.
func (r *Runtime) Tell(event any) {
	for _, partition := range r.Partitions() {
		if s := r.shard(partition); s != nil {
			s.tell(&call{event: event})
		}
	}
}
