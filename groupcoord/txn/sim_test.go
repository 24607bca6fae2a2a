package txn

import (
	"container/heap"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var (
	seeds     = flag.Int("seeds", 100, "how many seeds TestSimulation runs")
	keepTrace = flag.Int("lines", 200, "how many lines of a failed run are shown")
	firstSeed = flag.Uint64("seed", 1, "the first seed of TestSimulation")
)

const (
	simFaultsMs   = 60_000 // how long things go wrong
	simHealMs     = 60_000 // how long everything may take to be well again
	simTimeoutMs  = 4_000  // of transactions
	simIntervalMs = 1_000  // of the search for those that are late
	simPartitions = 4
)

// TestSimulation runs producers against a machine and the partitions they write
// to, everything from one seed: messages are late, doubled, overtaken or lost; producers
// crash, come back and fence each other; the coordinator moves between any two events and
// may lose what was not committed; markers are lost, late and doubled; time
// jumps. After every event the invariants of sim hold, and after the faults end
// nothing is left open.
func TestSimulation(t *testing.T) {
	var total simCounts
	for i := range uint64(*seeds) {
		seed := *firstSeed + i
		s := newSim(t, seed, false)
		if len(s.run()) == 0 {
			total.add(&s.counts)
			continue
		}
		s = newSim(t, seed, true) // the same again, with words
		broken := strings.Join(s.run(), "\n")
		t.Fatalf("seed %d (-run TestSimulation -seed %d -seeds 1)\n%s\n%s", seed, seed,
			strings.Join(s.history[max(0, len(s.history)-*keepTrace):], "\n"), broken)
	}
	t.Logf("%+v", total)
	if *seeds >= 100 && (total.Committed == 0 || total.Aborted == 0 || total.Fenced == 0 || total.TimedOut == 0 || total.Moves == 0 || total.Rotated == 0) {
		t.Errorf("the simulation does not reach what it is for: %+v", total)
	}
}

// TestSimulationIsDeterministic: the same seed gives the same run, so a machine
// gives the same decisions.
func TestSimulationIsDeterministic(t *testing.T) {
	for seed := *firstSeed; seed < *firstSeed+5; seed++ {
		a, b := newSim(t, seed, true), newSim(t, seed, true)
		a.run()
		b.run()
		if x, y := strings.Join(a.history, "\n"), strings.Join(b.history, "\n"); x != y {
			t.Fatalf("seed %d: %s", seed, firstDifference(x, y))
		}
	}
}

// simCounts say what a run was good for.
type simCounts struct{ Committed, Aborted, Fenced, TimedOut, Moves, Rotated, LateMarkers int }

func (c *simCounts) add(o *simCounts) {
	c.Committed += o.Committed
	c.Aborted += o.Aborted
	c.Fenced += o.Fenced
	c.TimedOut += o.TimedOut
	c.Moves += o.Moves
	c.Rotated += o.Rotated
	c.LateMarkers += o.LateMarkers
}

// sim is one run.
type sim struct {
	t   *testing.T
	rng *rand.Rand
	cfg Config

	nowMs   int64
	queue   simQueue
	seq     int
	faults  bool
	tracing bool
	history []string
	broken  []string
	counts  simCounts

	m         *Machine
	log       []Record
	committed int // records of log
	life      int // of the coordinator: one more with each move
	token     Token
	waiting   map[Token]func(any)
	parked    []simParked
	closed    map[Attempt]bool // every marker written, the machine knows: no more of them may begin

	producers  []*simProducer
	partitions [simPartitions]*simPartition
	freshID    int64
	holders    map[simEpoch]string // who was given the producer id and epoch
	tags       []*simTag           // of late; older ones are not checked any more
}

// simEpoch is a producer id with an epoch.
type simEpoch struct {
	id    int64
	epoch int16
}

// simParked waits for the commit of the records before end.
type simParked struct {
	end     int
	release func(lost bool)
}

type simEvent struct {
	atMs int64
	seq  int
	do   func()
}

type simQueue []simEvent

func (q simQueue) Len() int { return len(q) }
func (q simQueue) Less(i, j int) bool {
	return q[i].atMs < q[j].atMs || q[i].atMs == q[j].atMs && q[i].seq < q[j].seq
}
func (q simQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *simQueue) Push(x any)   { *q = append(*q, x.(simEvent)) }
func (q *simQueue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

func newSim(t *testing.T, seed uint64, tracing bool) *sim {
	s := &sim{
		t: t, tracing: tracing, rng: rand.New(rand.NewPCG(seed, 7)), cfg: DefaultConfig(), faults: true,
		waiting: map[Token]func(any){}, closed: map[Attempt]bool{}, freshID: 1000, holders: map[simEpoch]string{},
	}
	s.cfg.AbortTimedOutIntervalMs, s.cfg.MarkerTimeoutMs = simIntervalMs, 2_000
	if s.rng.IntN(4) == 0 {
		s.cfg.TransactionVersion = 1
	}
	for i := range s.partitions {
		s.partitions[i] = &simPartition{sim: s, number: int32(i), producers: map[int64]*simProducerState{}}
	}
	ids := 1 + s.rng.IntN(2)
	for i := range ids {
		if s.rng.IntN(2) == 0 { // close to the last epoch
			s.seedEpochs(fmt.Sprintf("id%d", i))
		}
	}
	s.load()
	for i := range ids + s.rng.IntN(3) {
		p := &simProducer{sim: s, name: string(rune('a' + i)), id: fmt.Sprintf("id%d", i%ids)}
		if s.cfg.TransactionVersion >= V2 && s.rng.IntN(3) > 0 {
			p.version = V2
		}
		s.producers = append(s.producers, p)
		s.after(s.ms(5_000), p.start)
	}
	s.logf("%d producers of %d ids, transaction.version %d", len(s.producers), ids, s.cfg.TransactionVersion)
	return s
}

func (s *sim) seedEpochs(id string) {
	s.freshID++
	md := metadata{
		producerID: s.freshID, previousProducerID: s.freshID, nextProducerID: noProducerID, epoch: int16(lastEpoch - s.rng.IntN(6)),
		previousEpoch: noProducerEpoch, timeoutMs: simTimeoutMs, state: Empty, startMs: -1,
	}
	s.log = append(s.log, (&Machine{cfg: s.cfg}).record(id, &md))
	s.committed = len(s.log)
}

func (s *sim) ms(n int) int64          { return int64(s.rng.IntN(n + 1)) }
func (s *sim) chance(percent int) bool { return s.faults && s.rng.IntN(100) < percent }

func (s *sim) logf(format string, a ...any) {
	if s.tracing {
		s.history = append(s.history, fmt.Sprintf("%7d ", s.nowMs)+fmt.Sprintf(format, a...))
	}
}

func (s *sim) errorf(format string, a ...any) {
	s.logf("VIOLATED: "+format, a...)
	s.broken = append(s.broken, fmt.Sprintf(format, a...))
}

func (s *sim) after(ms int64, do func()) {
	s.seq++
	heap.Push(&s.queue, simEvent{s.nowMs + ms, s.seq, do})
}

// run returns what was violated.
func (s *sim) run() []string {
	for steps := 0; s.nowMs < simFaultsMs+simHealMs && len(s.broken) == 0; steps++ {
		if s.faults && s.nowMs >= simFaultsMs {
			s.faults = false
			s.logf("faults end")
		}
		next := s.m.NextTimerMs()
		switch {
		case len(s.queue) > 0 && s.queue[0].atMs <= next:
			e := heap.Pop(&s.queue).(simEvent)
			s.nowMs = max(s.nowMs, e.atMs)
			e.do()
		default:
			s.nowMs = max(s.nowMs, next)
			s.decide(Tick{})
		}
		if s.chance(1) && s.rng.IntN(3) == 0 {
			s.move()
		}
		if s.chance(1) && s.rng.IntN(30) == 0 {
			jump := s.ms(10_000)
			s.logf("time jumps by %d", jump)
			s.nowMs += jump
		}
		s.check(steps%1024 == 0)
	}
	if len(s.broken) == 0 {
		s.checkWell()
	}
	return s.broken
}

// ask gives the event to the machine; answered gets nil for NOT_COORDINATOR.
func (s *sim) ask(e Event, answered func(any)) {
	s.token++
	to := s.token
	s.waiting[to] = answered
	e.(interface{ SetTo(Token) }).SetTo(to)
	s.decide(e)
}

// decide is the shell around the machine: apply, append, park.
func (s *sim) decide(e Event) {
	d := s.m.Decide(s.nowMs, e)
	for _, r := range d.Records {
		s.logf("  write %s", printedRecord(s, r))
		s.checkRecord(r)
		if err := s.m.Apply(r); err != nil {
			s.errorf("apply: %v", err)
		}
		s.log = append(s.log, r)
	}
	if len(d.Records) > 0 {
		end, life := len(s.log), s.life
		s.after(s.ms(30), func() {
			if s.life == life {
				s.commitTo(end)
			}
		})
	}
	for _, r := range d.Replies {
		answer := s.waiting[r.To]
		if answer == nil {
			s.errorf("token %d is answered twice: %s", r.To, printResponse(r.Response))
			continue
		}
		delete(s.waiting, r.To)
		if !r.AfterCommit && !mayLeaveEarly(r.Response) {
			s.errorf("answer before the commit: %s", printResponse(r.Response))
		}
		if r.AfterCommit {
			s.park(func(lost bool) {
				if lost {
					answer(nil)
					return
				}
				answer(r.Response)
			})
			continue
		}
		answer(r.Response)
	}
	for _, e := range d.Effects {
		s.park(func(lost bool) {
			if !lost {
				s.do(e)
			}
		})
	}
}

func printedRecord(s *sim, r Record) string {
	if !s.tracing {
		return ""
	}
	return printRecord(r)
}

// mayLeaveEarly: only what says "come again".
func mayLeaveEarly(response any) bool {
	switch r := response.(type) {
	case NeedProducerID:
		return true
	case *InitResult:
		return r.Err == kerr.ConcurrentTransactions
	case *EndResult:
		return r.Err == kerr.ConcurrentTransactions
	case Result:
		return r.Err == kerr.ConcurrentTransactions
	}
	return false
}

func (s *sim) park(release func(lost bool)) {
	if s.committed == len(s.log) {
		release(false)
		return
	}
	s.parked = append(s.parked, simParked{len(s.log), release})
}

func (s *sim) commitTo(end int) {
	s.committed = max(s.committed, end)
	for len(s.parked) > 0 && s.parked[0].end <= s.committed {
		p := s.parked[0]
		s.parked = s.parked[1:]
		p.release(false)
	}
}

func (s *sim) load() {
	s.life++
	s.cfg.CoordinatorEpoch, s.cfg.Incarnation = int32(s.life), uint64(s.life)
	s.m = New(s.cfg)
	for _, r := range s.log {
		if err := s.m.Apply(r); err != nil {
			s.errorf("apply: %v", err)
		}
	}
	s.m.Loaded(s.nowMs)
}

// move gives the partition to another coordinator. Some of what was not
// committed is lost; whoever waits is told that this is not the coordinator.
func (s *sim) move() {
	kept := s.committed + s.rng.IntN(len(s.log)-s.committed+1)
	s.logf("coordinator moves, %d of %d records, %d committed", kept, len(s.log), s.committed)
	s.counts.Moves++
	s.log = s.log[:kept:kept]
	s.committed = kept // the new leader's log is everybody's
	tokens := make([]Token, 0, len(s.waiting))
	for to := range s.waiting {
		tokens = append(tokens, to)
	}
	slices.Sort(tokens)
	waiting, parked := s.waiting, s.parked
	s.waiting, s.parked = map[Token]func(any){}, nil
	s.load()
	for _, to := range tokens {
		waiting[to](nil)
	}
	for _, p := range parked {
		p.release(true)
	}
}

// last is the metadata of the id in the first n records.
func (s *sim) last(id string, n int) *metadata {
	for i := n - 1; i >= 0; i-- {
		var key kmsg.TxnMetadataKey
		if err := key.ReadFrom(s.log[i].Key); err != nil || key.TransactionalID != id {
			continue
		}
		md, err := decode(s.log[i].Value)
		if err != nil {
			s.errorf("decode: %v", err)
		}
		return &md
	}
	return nil
}
