package group

import (
	"container/heap"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

var (
	seeds     = flag.Int("seeds", 200, "how many seeds TestSimulation runs")
	keepTrace = flag.Int("lines", 200, "how many lines of a failed run are shown")
	firstSeed = flag.Uint64("seed", 1, "the first seed of TestSimulation")
)

const (
	simPartitions = 6
	simFaultsMs   = 120_000 // how long things go wrong
	simHealMs     = 120_000 // how long everything may take to be well again
)

// TestSimulation runs a group of consumers against a machine, everything from
// one seed: messages are late, doubled, overtaken or lost; members crash, come
// back and leave; an administrator removes members, offsets and the group; the
// coordinator moves between any two events and may lose what was not committed;
// time jumps. After every event the invariants of sim
// hold, and after the faults end the group gets well.
func TestSimulation(t *testing.T) {
	for i := range uint64(*seeds) {
		seed := *firstSeed + i
		if len(newSim(t, seed, false).run()) == 0 {
			continue
		}
		s := newSim(t, seed, true) // the same again, with words
		broken := strings.Join(s.run(), "\n")
		t.Fatalf("seed %d (-run TestSimulation -seed %d -seeds 1)\n%s\n%s", seed, seed,
			strings.Join(s.history[max(0, len(s.history)-*keepTrace):], "\n"), broken)
	}
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

	m         *Machine
	log       []simLogged
	committed int // records of log
	life      int // of the coordinator: one more with each move
	token     Token
	waiting   map[Token]func(any)
	parked    []simParked

	clients []*simClient
	commits []simCommit             // in the order in which they were applied
	acked   map[int32]int           // partition to index into commits
	current map[int32]int           // partition to index of what the log says
	owners  map[owner]string        // who was told to own it
	latest  int32                   // generation in owners
	offset  int64                   // the next to commit; each only once
	pending map[int64]map[int32]int // producer to what its open transaction has, as current
	aborted map[int64]bool          // offsets of transactions that were aborted
	fences  map[int64]int16         // what the log knows of producers' epochs

	lives    int  // of the group: one more with each deletion
	removing bool // the event at hand is one of the administrator
}

// removed is the offset that a removed one is fetched as; removing is like committing it.
const removed = -1

type owner struct {
	generation int32
	partition  byte
}

type simParked struct {
	end      int
	answer   func(any)
	response any
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
		waiting: map[Token]func(any){}, acked: map[int32]int{}, current: map[int32]int{}, owners: map[owner]string{},
		pending: map[int64]map[int32]int{}, aborted: map[int64]bool{}, fences: map[int64]int16{}, offset: 1,
	}
	s.cfg.InitialRebalanceDelayMs = int32(s.rng.IntN(4_000))
	s.m = New(s.cfg)
	for i := range 2 + s.rng.IntN(5) {
		c := &simClient{sim: s, name: string(rune('a' + i)), version: int16(s.rng.IntN(10))}
		if s.rng.IntN(2) == 0 {
			c.txn = &simProducer{sim: s, client: c, id: int64(i), v2: s.rng.IntN(3) > 0}
		}
		if s.rng.IntN(3) == 0 {
			instance := "static-" + c.name
			c.instance, c.version = &instance, max(c.version, 5)
		}
		s.clients = append(s.clients, c)
		s.after(s.ms(5_000), c.start)
	}
	s.after(s.ms(60_000), (&simAdmin{s}).act)
	s.logf("%d clients, initial delay %d", len(s.clients), s.cfg.InitialRebalanceDelayMs)
	return s
}

func (s *sim) ms(n int) int64          { return int64(s.rng.IntN(n + 1)) }
func (s *sim) chance(percent int) bool { return s.faults && s.rng.IntN(100) < percent }

func (s *sim) logf(format string, a ...any) {
	if !s.tracing {
		return
	}
	s.history = append(s.history, fmt.Sprintf("%7d ", s.nowMs)+fmt.Sprintf(format, a...))
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
			s.heal()
		}
		next := s.m.NextTimerMs()
		if len(s.queue) > 0 && s.queue[0].atMs <= next {
			e := heap.Pop(&s.queue).(simEvent)
			s.nowMs = max(s.nowMs, e.atMs)
			e.do()
		} else {
			s.nowMs = max(s.nowMs, next)
			s.decide(Tick{})
		}
		if s.chance(1) && s.rng.IntN(8) == 0 {
			s.move()
		}
		if s.chance(1) && s.rng.IntN(40) == 0 {
			jump := s.ms(30_000)
			s.logf("time jumps by %d", jump)
			s.nowMs += jump
		}
		s.check(steps%256 == 0)
	}
	if len(s.broken) == 0 {
		s.checkWell()
	}
	return s.broken
}

// heal ends the faults: everybody who is down comes back, nothing is lost.
func (s *sim) heal() {
	s.faults = false
	s.logf("faults end")
	for _, c := range s.clients {
		if !c.up {
			s.after(s.ms(1_000), c.start)
		}
	}
}

// decide is the shell around the machine: apply, append, park.
func (s *sim) decide(e Event) {
	s.removing = false
	switch e.(type) {
	case *DeleteGroups, *OffsetDelete:
		s.removing = true
	}
	d := s.m.Decide(s.nowMs, e)
	switch e := e.(type) {
	case *Commit:
		if len(d.Records) > 0 {
			s.mayCommit(e.Req)
		}
	case *TxnCommit:
		if len(d.Records) > 0 {
			s.mayCommit(e.Req)
		}
	}
	refused := s.fenced(d.Txn)
	written := logOf(d)
	if refused != nil {
		written = nil
	}
	for _, l := range written {
		if s.tracing {
			s.logf("  write %s", printLogged(l))
		}
		if err := l.apply(s.m); err != nil {
			s.errorf("apply: %v", err)
		}
		s.wrote(l)
	}
	if len(written) > 0 {
		end, life := len(s.log), s.life
		s.after(s.ms(40), func() {
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
		if need, ok := r.Response.(*NeedVerification); ok {
			s.verify(e.(*TxnCommit), need.Guard)
			continue
		}
		delete(s.waiting, r.To)
		response := r.Response
		if refused != nil {
			response = refused
		}
		if s.tracing {
			s.logf("  %d: %s", r.To, printResponse(response))
		}
		if r.AfterCommit && s.committed < len(s.log) {
			s.parked = append(s.parked, simParked{len(s.log), answer, response})
			continue
		}
		answer(response)
	}
}

func (s *sim) commitTo(end int) {
	s.committed = max(s.committed, end)
	for len(s.parked) > 0 && s.parked[0].end <= s.committed {
		p := s.parked[0]
		s.parked = s.parked[1:]
		p.answer(p.response)
	}
}

// move gives the partition to another coordinator. Some of what was not
// committed is lost; whoever waits is told that this is not the coordinator.
func (s *sim) move() {
	kept := s.committed + s.rng.IntN(len(s.log)-s.committed+1)
	s.logf("coordinator moves, %d of %d records, %d committed", kept, len(s.log), s.committed)
	s.log, s.committed = s.log[:kept:kept], kept
	s.life++
	s.m = New(s.cfg)
	s.current, s.pending, s.fences = map[int32]int{}, map[int64]map[int32]int{}, map[int64]int16{}
	for _, l := range s.log {
		if err := l.apply(s.m); err != nil {
			s.errorf("apply: %v", err)
		}
		s.fenced(l.txn)
		s.learn(l)
	}
	s.m.Loaded(s.nowMs)
	tokens := make([]Token, 0, len(s.waiting))
	for to := range s.waiting {
		tokens = append(tokens, to)
	}
	slices.Sort(tokens)
	waiting, parked := s.waiting, s.parked
	s.waiting, s.parked = map[Token]func(any){}, nil
	for _, to := range tokens {
		waiting[to](nil)
	}
	for _, p := range parked {
		p.answer(nil)
	}
}

// check holds after every event.
func (s *sim) check(rebuild bool) {
	if rebuild {
		checkMachine(s.t, s.m, s.plainLog())
	}
	for _, id := range s.m.sortedGroups() {
		if err := s.m.groups[id].check(); err != nil {
			s.errorf("group %q: %v", id, err)
		}
	}
	s.checkTransactions()
	g := s.m.group("g")
	for partition := range int32(simPartitions) {
		acked, ok := s.acked[partition]
		if !ok {
			continue
		}
		at, ok := s.current[partition]
		o, stored := offset{offset: removed}, false
		if g != nil {
			if kept, ok := g.offsets[topicPartition{"t", partition}]; ok {
				o, stored = kept, true
			}
		}
		if !ok || at < acked || o.offset != s.commits[at].offset || stored != (o.offset != removed) {
			s.errorf("partition %d: offset %d was acknowledged, now there is %+v", partition, s.commits[acked].offset, o)
		}
	}
}

// owns is called when a member is told its assignment.
func (s *sim) owns(c *simClient, generation int32, assignment []byte) {
	for _, partition := range assignment {
		key := owner{generation, partition}
		if other, ok := s.owners[key]; ok && other != c.identity() {
			s.errorf("partition %d of generation %d belongs to %s and to %s", partition, generation, other, c.identity())
		}
		s.owners[key] = c.identity()
		s.latest = max(s.latest, generation)
	}
}

// mayCommit: nobody else was told to own the partition in a later generation.
func (s *sim) mayCommit(req *kmsg.OffsetCommitRequest) {
	identity, partition := req.MemberID, req.Topics[0].Partitions[0].Partition
	if req.InstanceID != nil {
		identity = *req.InstanceID
	}
	for generation := req.Generation + 1; generation <= s.latest; generation++ {
		if other, ok := s.owners[owner{generation, byte(partition)}]; ok && other != identity {
			s.errorf("%s of generation %d commits for partition %d, which %s owns in generation %d",
				identity, req.Generation, partition, other, generation)
		}
	}
}

// checkWell holds after the faults have been over for long.
func (s *sim) checkWell() {
	g := s.m.group("g")
	if g == nil || g.state != stable {
		s.errorf("the group is not stable at the end: %+v", g)
		return
	}
	owned := map[byte]string{}
	for _, c := range s.clients {
		if !c.up || c.phase != simStable || c.generation != g.generation {
			s.errorf("member %s is not back: %+v", c.name, c)
		}
		for _, partition := range c.assignment {
			if other, twice := owned[partition]; twice {
				s.errorf("partition %d is owned by %s and %s", partition, c.name, other)
			}
			owned[partition] = c.name
		}
	}
	if len(owned) != simPartitions {
		s.errorf("%d of %d partitions are owned", len(owned), simPartitions)
	}
	verifying := 0
	for _, c := range s.clients {
		if c.txn == nil {
			continue
		}
		verifying += c.txn.verifying
		if n := len(s.m.guards[c.txn.id]); n > c.txn.verifying {
			s.errorf("%d guards of producer %d are left, %d are waited for", n, c.txn.id, c.txn.verifying)
		}
	}
	if len(s.waiting) > verifying {
		s.errorf("%d requests were never answered, of which %d are verified", len(s.waiting), verifying)
	}
	checkMachine(s.t, s.m, s.plainLog())
}
