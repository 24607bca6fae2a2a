package runtime

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/protocol/batch"
)

type shardState uint8

const (
	loading shardState = iota
	active
	broken // the log could not be read; tried again after a while
	closed
)

// shard is one partition. The fields below mu belong to its goroutine, of which
// there is at most one: whoever finds work starts it, and it ends when it finds
// none.
type shard struct {
	rt          *Runtime
	partition   int32
	leaderEpoch int32
	log         PartitionLog
	closing     chan struct{} // closed by close
	gone        chan struct{} // closed when the last turn is over

	highWatermark atomic.Int64

	mu struct {
		sync.Mutex
		state   shardState
		queue   []*call
		running bool
		reload  bool // read the log before anything else
		due     bool // a timer fired
		parked  bool // answers wait for the high watermark
	}

	machine   Machine
	nowMs     int64 // never goes back
	lastToken uint64
	calls     map[uint64]*call // waiting for the machine
	decided   []parkedReply    // of this turn, waiting for the append
	told      []*call          // of this turn: events that must not be lost
	waiting   []parkedReply    // waiting for the high watermark, in order
	end       int64            // log end offset after the last append
	builder   batch.Builder
	encoded   []byte
	out       Out
	spare     []*call
	failures  int // loads and appends in a row that failed

	timer   *time.Timer // the machine's next deadline, armedMs
	armedMs int64
	again   *time.Timer // the next attempt to load
}

// keepMailbox is the largest mailbox a shard keeps between turns.
const keepMailbox = 1_024

// parkedReply is an answer, or an effect, that waits for the log.
type parkedReply struct {
	end      int64 // released when the high watermark is here
	call     *call // nil: an effect
	response any
}

func (s *shard) leave(p *parkedReply) {
	if p.call == nil {
		s.rt.cfg.Effect(s.partition, p.response)
		return
	}
	p.call.answer(result{response: p.response})
}

// fail answers that the commit will not be seen here. An effect is forgotten.
func (p *parkedReply) fail(err *kerr.Error) {
	if p.call != nil {
		p.call.fail(err)
	}
}

func newShard(r *Runtime, partition, leaderEpoch int32, log PartitionLog) *shard {
	return &shard{
		rt: r, partition: partition, leaderEpoch: leaderEpoch, log: log,
		closing: make(chan struct{}), gone: make(chan struct{}),
		calls: map[uint64]*call{}, armedMs: math.MaxInt64,
	}
}

// post puts a call into the mailbox.
func (s *shard) post(c *call) *kerr.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.mu.state == loading:
		return kerr.CoordinatorLoadInProgress
	case s.mu.state != active:
		return kerr.NotCoordinator
	case len(s.mu.queue) >= maxMailbox:
		return kerr.CoordinatorNotAvailable
	}
	s.mu.queue = append(s.mu.queue, c)
	s.wakeLocked()
	return nil
}

// tell is post for events that must not be lost while the shard loads.
func (s *shard) tell(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.state != closed {
		s.mu.queue = append(s.mu.queue, c)
		s.wakeLocked()
	}
}

func (s *shard) startLoad() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.reload = true
	s.wakeLocked()
}

// committed is called by the log when the high watermark rises.
func (s *shard) committed(highWatermark int64) {
	for {
		old := s.highWatermark.Load()
		if highWatermark <= old || s.highWatermark.CompareAndSwap(old, highWatermark) {
			break
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.parked {
		s.wakeLocked()
	}
}

func (s *shard) timerFired() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.due = true
	s.wakeLocked()
}

// close ends the shard and waits for its last turn. What waits is answered.
func (s *shard) close() {
	s.mu.Lock()
	if s.mu.state != closed {
		s.mu.state = closed
		close(s.closing)
		s.wakeLocked()
	}
	s.mu.Unlock()
	<-s.gone
}

// wakeLocked starts the goroutine if none runs. A closed shard has one last
// turn, which closes gone.
func (s *shard) wakeLocked() {
	select {
	case <-s.gone:
		return
	default:
	}
	if s.mu.running {
		return
	}
	s.mu.running = true
	s.rt.wg.Go(s.run)
}

// run takes turns until there is nothing left to do.
func (s *shard) run() {
	for {
		s.mu.Lock()
		if s.mu.state == closed {
			s.unload(s.mu.queue, kerr.NotCoordinator)
			s.mu.queue, s.mu.running = nil, false
			s.stopTimer()
			if s.again != nil {
				s.again.Stop()
			}
			close(s.gone)
			s.mu.Unlock()
			return
		}
		if s.mu.reload {
			s.mu.reload = false
			s.mu.Unlock()
			s.load()
			continue
		}
		var queue []*call
		due := false
		if s.mu.state == active {
			if len(s.mu.queue) > 0 {
				queue, s.mu.queue, s.spare = s.mu.queue, s.spare, nil
			}
			due, s.mu.due = s.mu.due, false
		}
		s.mu.parked = len(s.waiting) > 0
		if len(queue) == 0 && !due && !s.canRelease() {
			s.mu.running = false
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		s.turn(queue, due)
		if clear(queue); cap(queue) <= keepMailbox {
			s.spare = queue[:0]
		}
	}
}

func (s *shard) canRelease() bool {
	return len(s.waiting) > 0 && s.committedTo() >= s.waiting[0].end
}

func (s *shard) committedTo() int64 { return max(s.highWatermark.Load(), s.log.HighWatermark()) }

// now is the clock, held where it was when it steps back.
func (s *shard) now() int64 {
	s.nowMs = max(s.nowMs, s.rt.cfg.Clock())
	return s.nowMs
}

func (s *shard) stopTimer() {
	if s.timer != nil {
		s.timer.Stop()
	}
	s.armedMs = math.MaxInt64
}

// maxTimerMs keeps a timer inside what time.Duration holds.
const maxTimerMs = 1 << 40

func (s *shard) armTimer() {
	next := s.machine.NextTimerMs()
	if next == s.armedMs {
		return
	}
	s.armedMs = next
	if next == math.MaxInt64 {
		s.stopTimer()
		return
	}
	// A millisecond more, since the clock's milliseconds are cut off: woken
	// early, the shard would only arm the timer again.
	wait := time.Duration(min(max(next-s.nowMs, 0), maxTimerMs)+1) * time.Millisecond
	if s.timer == nil {
		s.timer = time.AfterFunc(wait, s.timerFired)
		return
	}
	s.timer.Reset(wait)
}
