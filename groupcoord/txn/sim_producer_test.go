package txn

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
)

// simProducer is a transactional producer as the clients are written: init, then
// transactions, and start over when fenced. Requests of transaction version 2
// may come late and twice, from transactions that are long over; those of classic
// clients come in order, as nothing protects them otherwise (KAFKA-17754).
type simProducer struct {
	sim     *sim
	name    string
	id      string
	version int16

	up          bool
	life        int // one more with each start: old answers and timers do not count
	step        int // one more with each answer that is waited for
	has         simEpoch
	count       int
	committedMs int64

	tag    *simTag
	failed bool
	left   int // records to send
}

func (p *simProducer) who() string { return fmt.Sprintf("%s#%d", p.name, p.life) }

func (p *simProducer) start() {
	p.up = true
	p.life++
	p.has = simEpoch{-1, -1}
	p.sim.logf("%s starts", p.name)
	p.init()
	p.mischief()
}

func (p *simProducer) mischief() {
	s, life := p.sim, p.life
	s.after(2_000+s.ms(20_000), func() {
		if !p.up || p.life != life {
			return
		}
		if !s.chance(50) {
			p.mischief()
			return
		}
		s.logf("%s crashes", p.name)
		p.up = false
		s.after(s.ms(8_000), p.start)
	})
}

// again does the step once more if nothing has come of it for a while.
func (p *simProducer) wait(ms int64, do func()) {
	p.step++
	life, step := p.life, p.step
	p.sim.after(ms, func() {
		if p.up && p.life == life && p.step == step {
			do()
		}
	})
}

// send lets ask happen once, late, twice or never, and its answer too. answered
// gets nil when the coordinator is not there; repeat is called if nothing comes.
func (p *simProducer) send(ask func(answered func(any)), answered func(any), repeat func()) {
	s, life := p.sim, p.life
	p.step++
	step := p.step
	answer := func(r any) {
		s.after(s.ms(15), func() {
			if p.up && p.life == life && p.step == step && !s.chance(4) {
				p.step++
				answered(r)
			}
		})
	}
	if !s.chance(4) {
		s.after(s.ms(15), func() { ask(answer) })
	}
	if p.version >= V2 && s.chance(6) {
		s.after(s.ms(6_000), func() { ask(answer) })
	}
	s.after(500, func() {
		if p.up && p.life == life && p.step == step {
			repeat()
		}
	})
}

func (p *simProducer) fresh() int64 {
	p.sim.freshID++
	return p.sim.freshID
}

func (p *simProducer) init() {
	e := &InitProducerID{TransactionalID: p.id, TimeoutMs: simTimeoutMs, ProducerID: p.has.id, ProducerEpoch: p.has.epoch, FreshID: p.fresh()}
	p.send(func(answered func(any)) { one := *e; p.sim.ask(&one, answered) }, func(r any) {
		result, ok := r.(*InitResult)
		switch {
		case !ok || result.Err == kerr.ConcurrentTransactions:
			p.wait(20+p.sim.ms(100), p.init)
		case result.Err != nil:
			p.fenced(result.Err)
		default:
			p.has = simEpoch{result.ProducerID, result.ProducerEpoch}
			p.sim.given(p.who(), p.has.id, p.has.epoch)
			p.sim.logf("%s has %v", p.who(), p.has)
			p.begin()
		}
	}, p.init)
}

// fenced: another producer has the id. This one tries again after a while, as a
// new process.
func (p *simProducer) fenced(err *kerr.Error) {
	p.sim.logf("%s is fenced: %s", p.name, err.Message)
	p.sim.counts.Fenced++
	p.up = false
	p.sim.after(1_000+p.sim.ms(4_000), p.start)
}

func (p *simProducer) begin() {
	s := p.sim
	p.count++
	p.tag = &simTag{name: fmt.Sprintf("%s/%d", p.who(), p.count), records: map[int32]bool{}, fates: map[bool]bool{}, acked: map[int32]bool{}}
	s.tags = append(s.tags, p.tag)
	if len(s.tags) > 100 {
		s.tags = s.tags[50:]
	}
	p.failed, p.left = false, s.rng.IntN(5)
	p.next()
}

func (p *simProducer) next() {
	if p.left == 0 {
		if p.sim.chance(5) {
			p.wait(p.sim.ms(3*simTimeoutMs), p.end) // a slow one: it may have run out of time
			return
		}
		p.end()
		return
	}
	p.left--
	number := int32(p.sim.rng.IntN(simPartitions))
	if p.version >= V2 {
		p.produce(number)
		return
	}
	p.add(number)
}

func (p *simProducer) add(number int32) {
	e := AddPartitions{TransactionalID: p.id, ProducerID: p.has.id, ProducerEpoch: p.has.epoch, Partitions: []TopicPartition{{"t", number}}}
	p.send(func(answered func(any)) { one := e; p.sim.ask(&one, answered) }, func(r any) {
		result, ok := r.(Result)
		switch {
		case !ok || result.Err == kerr.ConcurrentTransactions:
			p.wait(20, func() { p.add(number) })
		case result.Err != nil:
			p.fenced(result.Err)
		default:
			p.produce(number)
		}
	}, func() { p.add(number) })
}

func (p *simProducer) produce(number int32) {
	has, tag := p.has, p.tag
	p.send(func(answered func(any)) {
		p.sim.partitions[number].produce(has.id, has.epoch, p.id, tag, p.version, func(err *kerr.Error) { answered(Result{err}) })
	}, func(r any) {
		switch err := r.(Result).Err; {
		case err == kerr.ConcurrentTransactions || err == kerr.NotCoordinator:
			p.wait(20, func() { p.produce(number) })
		case err == nil:
			tag.acked[number] = true
			p.next()
		default:
			p.failed, p.left = true, 0
			p.next()
		}
	}, func() { p.produce(number) })
}

func (p *simProducer) end() {
	commit := !p.failed && p.sim.rng.IntN(5) > 0
	if commit && p.version >= V2 && len(p.tag.acked) == 0 {
		p.begin() // clients do not end what has not begun
		return
	}
	if p.version < V2 && len(p.tag.acked) == 0 && !p.failed {
		p.begin()
		return
	}
	p.endAs(commit)
}

func (p *simProducer) endAs(commit bool) {
	s := p.sim
	e := EndTxn{TransactionalID: p.id, ProducerID: p.has.id, ProducerEpoch: p.has.epoch, Commit: commit, TransactionVersion: p.version, FreshID: p.fresh()}
	p.send(func(answered func(any)) { one := e; s.ask(&one, answered) }, func(r any) {
		result, ok := r.(*EndResult)
		switch {
		case !ok || result.Err == kerr.ConcurrentTransactions:
			p.wait(20, func() { p.endAs(commit) })
		case result.Err != nil:
			p.fenced(result.Err)
		default:
			s.logf("%s: %s ended, commit=%v", p.who(), p.tag.name, commit)
			p.tag.ended, p.tag.commit = true, commit
			if commit {
				p.committedMs = s.nowMs
			}
			if p.version >= V2 {
				p.has = simEpoch{result.ProducerID, result.ProducerEpoch}
				s.given(p.who(), p.has.id, p.has.epoch)
			}
			p.begin()
		}
	}, func() { p.endAs(commit) })
}
