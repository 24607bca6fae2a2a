package txn

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sordini/sordini/compat-tests/txn/check"
)

const (
	partitions = 3
	accounts   = 12
	txnTimeout = 20 * time.Second
)

// recorder is a history that several programs report to.
type recorder struct {
	mu struct {
		sync.Mutex
		history  *check.History
		programs map[string]func(check.Event)
		done     int                   // transactions that ended as they should
		read     map[check.Place]int64 // the last offset that the reader was given
	}
}

func newRecorder() *recorder {
	r := &recorder{}
	r.mu.history, r.mu.programs, r.mu.read = check.New(), map[string]func(check.Event){}, map[check.Place]int64{}
	return r
}

func (r *recorder) report(program string, e check.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mu.programs[program] == nil {
		r.mu.programs[program] = r.mu.history.Program(program)
	}
	if e.Kind == check.Ended && e.Outcome == check.Done {
		r.mu.done++
	}
	if e.Kind == check.Poll {
		r.mu.read[check.Place{Topic: e.Topic, Partition: e.Partition}] = e.Offset
	}
	r.mu.programs[program](e)
}

// hasRead says whether the reader was given what is at an offset, or behind it.
func (r *recorder) hasRead(place check.Place, offset int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	last, ok := r.mu.read[place]
	return ok && last >= offset
}

func (r *recorder) done() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mu.done
}

// program is one program on franz-go.
type program struct {
	name, addr, id string
	rec            *recorder
	rng            *rand.Rand
	txn            int64
	sent           int
}

func (p *program) report(e check.Event) { p.rec.report(p.name, e) }

func (p *program) options(more ...kgo.Opt) []kgo.Opt {
	return append([]kgo.Opt{
		kgo.SeedBrokers(p.addr), kgo.ClientID(p.name), kgo.TransactionalID(p.id), kgo.TransactionTimeout(txnTimeout),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(time.Millisecond), kgo.MetadataMinAge(100 * time.Millisecond),
		kgo.RetryTimeout(time.Minute),
	}, more...)
}

// attempt names what is being sent: no other value has it.
func (p *program) attempt() string {
	p.sent++
	return fmt.Sprintf("%s.%d.%d", p.name, p.txn, p.sent)
}

type sender interface {
	Produce(context.Context, *kgo.Record, func(*kgo.Record, error))
}

func (p *program) send(ctx context.Context, cl sender, topic string, partition int32, value string, failed *atomic.Bool) {
	txn := p.txn
	p.report(check.Event{Kind: check.Send, Txn: txn, Topic: topic, Partition: partition, Value: value})
	cl.Produce(ctx, &kgo.Record{Topic: topic, Partition: partition, Value: []byte(value)}, func(r *kgo.Record, err error) {
		if err != nil {
			failed.Store(true)
			return
		}
		p.report(check.Event{Kind: check.Ack, Txn: txn, Topic: topic, Partition: partition, Value: value, Offset: r.Offset})
	})
}

func (p *program) end(commit bool) {
	p.report(check.Event{Kind: check.End, Txn: p.txn, Commit: commit, AtMs: time.Now().UnixMilli()})
}

func (p *program) ended(outcome string) {
	p.report(check.Event{Kind: check.Ended, Txn: p.txn, Outcome: outcome})
}

// produce runs transactions until ctx ends: fill sends what is in one. A program whose context is cut dies where it stands.
func (p *program) produce(ctx, cut context.Context, fill func(send func(topic string, partition int32, value string))) error {
	for ctx.Err() == nil {
		cl, err := kgo.NewClient(p.options()...)
		if err != nil {
			return err
		}
		closing := sync.OnceFunc(cl.Close)
		context.AfterFunc(cut, closing) // BeginTransaction has no context of its own
		for ctx.Err() == nil && err == nil {
			err = p.transaction(cut, cl, fill)
		}
		closing()
		if cut.Err() != nil {
			return nil
		}
	}
	return nil
}

// transaction returns an error if the client is of no use any more.
func (p *program) transaction(cut context.Context, cl *kgo.Client, fill func(send func(topic string, partition int32, value string))) error {
	p.txn, p.sent = p.txn+1, 0
	if err := cl.BeginTransaction(); err != nil {
		return err
	}
	var failed atomic.Bool
	fill(func(topic string, partition int32, value string) { p.send(cut, cl, topic, partition, value, &failed) })
	if err := cl.Flush(cut); err != nil {
		return err
	}
	commit := p.rng.IntN(5) > 0 && !failed.Load()
	p.end(commit)
	if err := cl.EndTransaction(cut, kgo.TransactionEndTry(commit)); err != nil {
		p.ended(check.Unknown)
		return err
	}
	p.ended(check.Done)
	return nil
}

// transfers moves money between accounts.
func (p *program) transfers(ctx, cut context.Context, topic string) error {
	return p.produce(ctx, cut, func(send func(string, int32, string)) {
		amount := 1 + p.rng.Int64N(100)
		from, to := p.rng.Int32N(accounts), p.rng.Int32N(accounts)
		send(topic, from%partitions, check.TransferOf(from, -amount, p.attempt()))
		send(topic, to%partitions, check.TransferOf(to, amount, p.attempt()))
	})
}

// feeder writes originals.
func (p *program) feeder(ctx, cut context.Context, topic string) error {
	return p.produce(ctx, cut, func(send func(string, int32, string)) {
		for range 1 + p.rng.IntN(5) {
			send(topic, p.rng.Int32N(partitions), p.attempt())
		}
		time.Sleep(time.Duration(p.rng.IntN(20)) * time.Millisecond) // a topic that the copiers can follow
	})
}

// copier copies a topic, as a member of a group.
func (p *program) copier(ctx, cut context.Context, in, out, group string) error {
	for ctx.Err() == nil {
		s, err := kgo.NewGroupTransactSession(p.options(
			kgo.ConsumerGroup(group), kgo.ConsumeTopics(in), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.SessionTimeout(3*time.Second), kgo.HeartbeatInterval(500*time.Millisecond),
			kgo.FetchMaxWait(100*time.Millisecond))...)
		if err != nil {
			return err
		}
		closing := sync.OnceFunc(s.Close)
		context.AfterFunc(cut, closing)
		// First: what a former self has left open would keep the group's offsets unstable, and so its new self from reading, until it
		// runs out of time.
		_, _, err = s.Client().ProducerID(cut)
		for ctx.Err() == nil && err == nil {
			err = p.copy(ctx, cut, s, out)
		}
		closing()
		if cut.Err() != nil {
			return nil
		}
	}
	return nil
}

func (p *program) copy(ctx, cut context.Context, s *kgo.GroupTransactSession, out string) error {
	fetches := s.PollRecords(ctx, 20)
	if fetches.NumRecords() == 0 {
		return nil
	}
	p.txn, p.sent = p.txn+1, 0
	if err := s.Begin(); err != nil {
		return err
	}
	var failed atomic.Bool
	fetches.EachRecord(func(r *kgo.Record) {
		p.send(cut, s, out, r.Partition, check.CopyOf(string(r.Value), p.attempt()), &failed)
	})
	if err := s.Client().Flush(cut); err != nil {
		return err
	}
	commit := p.rng.IntN(6) > 0 && !failed.Load()
	p.end(commit)
	committed, err := s.End(cut, kgo.TransactionEndTry(commit))
	switch {
	case err != nil:
		p.ended(check.Unknown)
	case commit && !committed:
		p.ended(check.Failed)
	default:
		p.ended(check.Done)
	}
	return err
}

// reader looks at topics from their beginnings on.
func (p *program) reader(ctx context.Context, topics ...string) error {
	cl, err := readerOf(p.addr, topics...)
	if err != nil {
		return err
	}
	defer cl.Close()
	for ctx.Err() == nil {
		cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			p.report(check.Event{Kind: check.Poll, Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Value: string(r.Value), AtMs: time.Now().UnixMilli()})
		})
	}
	return nil
}

func readerOf(addr string, topics ...string) (*kgo.Client, error) {
	from := map[string]map[int32]kgo.Offset{}
	for _, topic := range topics {
		from[topic] = map[int32]kgo.Offset{}
		for partition := range int32(partitions) {
			from[topic][partition] = kgo.NewOffset().At(0)
		}
	}
	return kgo.NewClient(kgo.SeedBrokers(addr), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumePartitions(from),
		kgo.FetchMaxWait(100*time.Millisecond), kgo.MetadataMinAge(100*time.Millisecond))
}
