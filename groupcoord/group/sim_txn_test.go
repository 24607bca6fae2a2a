package group

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// simProducer is a client's transactional producer together with what the
// transaction coordinator knows of it. The coordinator itself is sound (its own
// simulation is in package txn); what goes wrong is on the way: commits and
// markers are late, doubled, lost or overtaken, the transaction runs out of
// time, the client crashes in the middle of it.
type simProducer struct {
	sim    *sim
	client *simClient
	id     int64
	v2     bool // transaction version 2: the epoch rises with every end

	epoch     int16
	open      bool
	verifying int // requests of this producer

	ending bool // decided, the marker is not confirmed yet
	number int  // of transactions

	mine    []simCommit // acknowledged in this transaction
	working bool        // the client is in a transaction, with this epoch:
	with    int16
}

// checkTransactions: the machine has no transaction open that nobody will end, and
// none but the one that the coordinator has open, or is about to end.
func (s *sim) checkTransactions() {
	for _, c := range s.clients {
		if c.txn == nil {
			continue
		}
		t := s.m.txns[c.txn.id]
		switch {
		case t == nil || c.txn.ending:
		case !c.txn.open:
			s.errorf("the transaction %d/%d hangs", c.txn.id, t.epoch)
		case t.epoch != c.txn.epoch:
			s.errorf("the transaction %d/%d is open at epoch %d", c.txn.id, c.txn.epoch, t.epoch)
		}
	}
}

// init is a new incarnation: what is open is aborted, with a higher epoch.
func (p *simProducer) init() {
	p.working = false
	switch {
	case p.ending: // InitProducerId has to wait: the client tries again with its next commit
	case p.open:
		p.timeout()
	default:
		p.epoch++
	}
}

// timeout is the coordinator's own abort.
func (p *simProducer) timeout() {
	if !p.v2 {
		p.epoch++ // the fencing; in version 2 the end itself does it
	}
	p.end(false)
}

// run is one transaction of the client: some commits, and the end.
func (p *simProducer) run() {
	s := p.sim
	if p.working || p.ending {
		return
	}
	if p.open { // the client gave up in the middle
		p.timeout()
		return
	}
	p.open, p.working, p.with, p.mine = true, true, p.epoch, nil
	p.number++
	s.logf("%s: transaction %d/%d begins", p.client.name, p.id, p.epoch)
	p.step(1 + s.rng.IntN(3))
}

func (p *simProducer) step(left int) {
	s, c := p.sim, p.client
	number, life := p.number, c.life
	mine := func() bool { return c.up && c.life == life && p.number == number && p.working }
	if left <= 0 || c.phase != simStable || len(c.assignment) == 0 {
		p.working = false
		if p.open && p.epoch == p.with {
			p.end(left == 0 && s.rng.IntN(4) > 0)
		}
		return
	}
	if p.open && s.chance(3) {
		s.logf("%s: transaction %d/%d runs out of time", c.name, p.id, p.epoch)
		p.timeout()
		left = 1 // and notices it at the end
	}
	req, partition, offset := c.nextCommit()
	e := &TxnCommit{Req: req, ProducerID: p.id, ProducerEpoch: p.with}
	s.sendOnce(!p.v2, c.name, e, func(response any) {
		if !mine() {
			return
		}
		resp, ok := response.(*kmsg.OffsetCommitResponse)
		if !ok || resp.Topics[0].Partitions[0].ErrorCode != 0 {
			p.step(-1) // abort
			return
		}
		p.mine = append(p.mine, simCommit{partition, offset})
		s.after(s.ms(500), func() {
			if mine() {
				p.step(left - 1)
			}
		})
	})
	if s.chance(5) { // the client does not wait: its commit and the end are under way together
		s.after(s.ms(200), func() {
			if mine() && p.open && p.epoch == p.with {
				p.working = false
				p.end(false)
			}
		})
	}
}

// verify is what the broker does with the answer NeedVerification: it asks the
// coordinator, which may take a while, and comes again.
func (s *sim) verify(e *TxnCommit, guard *Guard) {
	p := s.clients[e.ProducerID].txn
	p.verifying++
	again := *e
	again.Guard = guard
	s.after(s.ms(100), func() {
		verified := p.open && p.epoch == e.ProducerEpoch
		s.after(s.ms(100), func() {
			p.verifying--
			answer := s.waiting[again.To]
			if answer == nil { // the coordinator has moved meanwhile
				s.waiting[again.To] = func(any) {}
			}
			s.logf("%s %d: verified %d/%d: %v", p.client.name, again.To, p.id, e.ProducerEpoch, verified)
			if verified {
				s.decide(&again)
				return
			}
			delete(s.waiting, again.To)
			s.decide(&Unguard{Guard: guard})
			if answer != nil {
				answer(kerr.InvalidTxnState)
			}
		})
	})
}

// end decides, and writes the marker until it is confirmed.
func (p *simProducer) end(commit bool) {
	p.open, p.ending = false, true
	if p.v2 {
		p.epoch++
	}
	p.sim.logf("%s: transaction %d ends with epoch %d, commit %v", p.client.name, p.id, p.epoch, commit)
	m := &Marker{ProducerID: p.id, ProducerEpoch: p.epoch, Commit: commit}
	if p.v2 {
		m.TransactionVersion = 2
	}
	p.write(m, p.mine, p.number)
}

func (p *simProducer) write(m *Marker, mine []simCommit, number int) {
	s := p.sim
	s.sendOnce(!p.v2, p.client.name, m, func(response any) {
		if p.number != number || !p.ending {
			return // confirmed by another attempt
		}
		if response == nil {
			s.after(s.ms(200), func() {
				if p.number == number && p.ending {
					p.write(m, mine, number)
				}
			})
			return
		}
		p.ending = false
		if m.Commit {
			for _, c := range mine {
				s.acknowledged(c.partition, c.offset)
			}
		}
	})
}
