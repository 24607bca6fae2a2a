package runtime

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/protocol/batch"
)

// maxTicks bounds the timers of one turn, so that a machine with much to expire
// still hears its mailbox in between.
const maxTicks = 64

// turn decides every call, appends what they wrote, and releases the answers
// that may leave.
func (s *shard) turn(queue []*call, due bool) {
	now := s.now()
	for i, c := range queue {
		if err := s.decide(now, c); err != nil {
			s.fail(queue[i+1:], err)
			return
		}
	}
	for range maxTicks {
		if s.machine.NextTimerMs() > now {
			break
		}
		s.out.reset()
		s.machine.Tick(now, &s.out)
		if err := s.take(); err != nil {
			s.fail(nil, err)
			return
		}
	}
	if err := s.flush(); err != nil {
		s.fail(nil, err)
		return
	}
	clear(s.told)
	s.told = s.told[:0]
	s.release()
	if due {
		s.armedMs = 0 // the timer fired: it must be set again, even for the same time
	}
	s.armTimer()
}

func (s *shard) decide(now int64, c *call) error {
	c.mu.Lock()
	if c.mu.gone {
		c.mu.Unlock()
		return nil
	}
	var token uint64
	if c.reply != nil {
		s.lastToken++
		token = s.lastToken
		s.calls[token] = c
	}
	s.out.reset()
	s.machine.Decide(now, token, c.event, &s.out)
	if c.reply == nil {
		s.told = append(s.told, c) // decided again, should the append fail
	} else {
		c.event = nil
	}
	c.mu.Unlock()
	return s.take()
}

// take applies and collects what the machine put into out.
func (s *shard) take() error {
	if s.out.Txn != nil {
		refused, err := s.appendTxn(s.out.Txn)
		if err != nil {
			return err
		}
		s.collect(refused)
		return nil
	}
	size := 0
	for i := range s.out.Records {
		size += recordSize(&s.out.Records[i])
	}
	if s.builder.Count() > 0 && s.builder.Size()+size > s.rt.cfg.MaxBatchBytes {
		if err := s.flush(); err != nil {
			return err
		}
	}
	for i := range s.out.Records {
		r := &s.out.Records[i]
		if s.builder.Count() > 0 && s.builder.Size()+recordSize(r) > s.rt.cfg.MaxBatchBytes {
			if err := s.flush(); err != nil { // an event larger than a batch: a sweep
				return err
			}
		}
		if s.builder.Count() == 0 {
			s.builder.Reset(batch.Options{})
		}
		s.builder.Add(s.nowMs, r.Key, r.Value, nil)
		if err := s.machine.Apply(r.Key, r.Value); err != nil {
			return fmt.Errorf("apply a record just decided: %w", err)
		}
	}
	s.collect(nil)
	return nil
}

// collect answers, or parks the answers until the turn is appended.
func (s *shard) collect(refused *kerr.Error) {
	for i := range s.out.Replies {
		reply := &s.out.Replies[i]
		c := s.calls[reply.Token]
		if c == nil {
			continue
		}
		delete(s.calls, reply.Token)
		if refused != nil {
			c.fail(refused)
			continue
		}
		if reply.AfterCommit {
			s.decided = append(s.decided, parkedReply{call: c, response: reply.Response})
			continue
		}
		c.answer(result{response: reply.Response})
	}
	for _, effect := range s.out.Effects {
		s.decided = append(s.decided, parkedReply{response: effect})
	}
}

// append writes a batch and takes the builder and its buffer back.
func (s *shard) append(encoded []byte) error {
	end, err := s.log.Append(s.nowMs, encoded)
	s.builder.Reset(batch.Options{})
	if s.encoded = encoded; cap(s.encoded) > keepBuffer {
		s.encoded, s.builder = nil, batch.Builder{}
	}
	if err != nil {
		return err
	}
	s.end = end
	s.failures = 0
	return nil
}

// recordSize is at least what the record takes in a batch.
func recordSize(r *Record) int { return 32 + len(r.Key) + len(r.Value) }

// flush appends the records collected and parks the answers behind them.
func (s *shard) flush() error {
	if s.builder.Count() > 0 {
		encoded, err := s.builder.Build(s.encoded[:0])
		if err != nil {
			return fmt.Errorf("build a batch of %d records: %w", s.builder.Count(), err)
		}
		count := s.builder.Count()
		if err := s.append(encoded); err != nil {
			return fmt.Errorf("append a batch of %d records: %w", count, err)
		}
	}
	for _, p := range s.decided {
		p.end = s.end
		s.waiting = append(s.waiting, p)
	}
	clear(s.decided)
	s.decided = s.decided[:0]
	return nil
}

// keepBuffer is the largest buffer a shard keeps between turns.
const keepBuffer = 64 << 10

// release answers what the high watermark has passed.
func (s *shard) release() {
	if len(s.waiting) == 0 {
		return
	}
	committed, n := s.committedTo(), 0
	for n < len(s.waiting) && s.waiting[n].end <= committed {
		s.leave(&s.waiting[n])
		n++
	}
	left := copy(s.waiting, s.waiting[n:])
	clear(s.waiting[left:])
	s.waiting = s.waiting[:left]
}

// unload throws the machine away and answers everybody who waits.
func (s *shard) unload(queue []*call, err *kerr.Error) {
	for _, c := range queue {
		c.fail(err)
	}
	for _, c := range s.calls {
		c.fail(err)
	}
	for i := range s.decided {
		s.decided[i].fail(err)
	}
	for i := range s.waiting {
		s.waiting[i].fail(err)
	}
	s.machine, s.builder = nil, batch.Builder{}
	s.calls, s.decided, s.waiting = map[uint64]*call{}, nil, nil
}
