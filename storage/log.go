package storage

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/sordini/sordini/storage/index"
	"github.com/sordini/sordini/storage/producer"
)

// Log is one partition's log. Appends, truncation and changes of the segment list run under mu; reads take
// no lock of the log.
type Log struct {
	dir       *Dir
	partition Partition
	key       index.Key
	name      string // of the directory: topic-partition
	path      string

	config atomic.Pointer[LogConfig]
	// segments is never empty and never changed in place. The last one is active.
	segments atomic.Pointer[[]*segment]
	epochs   atomic.Pointer[[]index.Epoch]

	start, end atomic.Int64
	// unstable is the first offset of the oldest transaction that is open, or of which the marker is not durable, -1 when there
	// is none.
	unstable atomic.Int64
	aborted  abortedTxns
	endings  atomic.Int32 // len(mu.ending)
	// generation changes whenever file positions that a Cursor remembers stop being true.
	generation atomic.Uint64
	closed     atomic.Bool
	deleted    atomic.Bool           // by DeleteLog: its files are going away
	damage     atomic.Pointer[error] // why this log alone is offline
	badRanges  atomic.Pointer[[]damagedRange]

	durable struct {
		sync.Mutex
		offset     atomic.Int64 // written under the mutex, read without
		flushed    atomic.Int64 // likewise: the end of what was synced, whatever the policy
		generation uint64       // truncations so far; a sync that began before one reports nothing
	}
	onDurable atomic.Pointer[func(int64)]

	// upkeep serialises what changes the log's index entries, or takes segments away: sealing, checkpoints,
	// truncation, retention, compaction, deletion. It is taken before mu, and never by appends and reads.
	upkeep       sync.Mutex
	lastSnapshot int64 // offset of the newest producer snapshot; under upkeep
	// cleanedTo is up to where compaction has learnt the keys since the log was opened: it may lie in a segment that had more
	// keys than fit.
	cleanedTo atomic.Int64

	foundSynced bool // what the opening found on the disk was durable then

	newDir  atomic.Bool // the directory's own entry and partition.metadata are not durable
	queued  atomic.Bool // in the syncer's list
	later   atomic.Bool // in the syncer's list of those that can wait
	changed atomic.Bool // since the last checkpoint

	mu struct {
		sync.Mutex
		producers *producer.Table
		bufs      [][]byte
		pending   []*Append            // the appends behind bufs, and repetitions of them
		ended     []producer.Completed // by the batches in bufs
		ending    []producer.Completed // written, but the marker is not durable
		allocated int64                // of the active segment's file, by fallocate
		noAlloc   bool
		tailDirty bool // the active file may have bytes beyond its size, which must go before the next write
		// recovery is the recovery point in the database.
		recovery int64
	}
}

// Partition is the log's identity.
func (l *Log) Partition() Partition { return l.partition }

// LogStartOffset is the first offset that can be read.
func (l *Log) LogStartOffset() int64 { return l.start.Load() }

// LogEndOffset is the offset that the next record gets.
func (l *Log) LogEndOffset() int64 { return l.end.Load() }

// DurableOffset is the end of what survives a loss of power, as far as the durability policy promises
// that: under OS and Interval it is the log end after the write returned.
func (l *Log) DurableOffset() int64 { return l.durable.offset.Load() }

// LastStableOffset is the first offset of the oldest transaction that is open, or whose end is not durable, or the log end. Where the
// beginning of that transaction was deleted it is the log start, as in Kafka: nobody can go on from an offset that is gone.
func (l *Log) LastStableOffset() int64 {
	end := l.end.Load()
	if u := l.unstable.Load(); u >= 0 {
		return min(max(u, l.start.Load()), end)
	}
	return end
}

// OnDurable sets who is told when DurableOffset has risen. It must be set before the first append, and must
// not block. It is called without the log's lock, perhaps from several goroutines: offsets may arrive out of order.
func (l *Log) OnDurable(fn func(offset int64)) { l.onDurable.Store(&fn) }

// Config is the log's configuration.
func (l *Log) Config() LogConfig { return *l.config.Load() }

// SetConfig replaces the configuration. It holds from the next append on.
func (l *Log) SetConfig(c LogConfig) {
	c = c.withDefaults()
	l.config.Store(&c)
}

// Size is how many bytes of batches the log's segments hold.
func (l *Log) Size() int64 {
	total := int64(0)
	for _, s := range *l.segments.Load() {
		total += s.size.Load()
	}
	return total
}

// Segments is how many segment files the log has.
func (l *Log) Segments() int { return len(*l.segments.Load()) }

// active returns the segment that takes appends. Under mu it stays that.
func (l *Log) active() *segment {
	segs := *l.segments.Load()
	return segs[len(segs)-1]
}

// usable says why the log cannot be used, if so.
func (l *Log) usable() error {
	if l.closed.Load() {
		return ErrClosed
	}
	if err := l.dir.failure(); err != nil {
		return err
	}
	if err := l.damage.Load(); err != nil {
		return *err
	}
	return nil
}

// raiseDurable publishes that everything below offset has survived. generation is that of the log when the
// offset was taken: after a truncation in between, the offset means nothing.
func (l *Log) raiseDurable(offset int64, generation uint64) {
	l.durable.Lock()
	if generation != l.durable.generation || offset <= l.durable.offset.Load() {
		l.durable.Unlock()
		return
	}
	l.durable.offset.Store(offset)
	l.durable.Unlock()
	l.settleEnded(offset) // whoever hears of the offset finds the transactions below it decided
	if fn := l.onDurable.Load(); fn != nil {
		(*fn)(offset)
	}
}

// durableGeneration must be read before the log end that is handed to raiseDurable.
func (l *Log) durableGeneration() uint64 {
	l.durable.Lock()
	defer l.durable.Unlock()
	return l.durable.generation
}

func (l *Log) corrupt(s *segment, pos int64, format string, args ...any) *CorruptError {
	return &CorruptError{
		Dir: l.path, Segment: segmentName(s.base), Position: pos, Reason: fmt.Sprintf(format, args...),
		Topic: l.partition.Topic, Partition: l.partition.Index,
	}
}

// ActiveProducers returns what the log remembers of each producer, in the order of their ids.
func (l *Log) ActiveProducers() []producer.State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.producers.All()
}

// ProducerState returns what the log remembers of one producer.
func (l *Log) ProducerState(id int64) (producer.State, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.producers.Get(id)
}

// VerifyTransaction says whether the coordinator has to be asked before a transactional batch of a client is appended, and what the
// Append has to show: the guard is void as soon as a marker of the producer comes in between. epochBump says that
// the client speaks transaction version 2.
func (l *Log) VerifyTransaction(producerID int64, epoch int16, sequence int32, epochBump bool, nowMs int64) (guard Guard, needed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.producers.Verify(producerID, epoch, sequence, epochBump, nowMs)
}
