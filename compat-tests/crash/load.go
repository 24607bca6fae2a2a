package crash

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sordini/sordini/compat-tests/crash/ledger"
)

const (
	sendEvery  = time.Millisecond
	sendBurst  = 6   // records at each tick: some thousand a second, of which a kill finds several requests in flight
	maxPending = 500 // records that the producer holds while the broker is away
)

// producer sends numbered records without end, idempotently, and keeps the ledger of what was acknowledged.
type producer struct {
	cl         *kgo.Client
	topic      string
	partitions int32
	stop       context.CancelFunc
	done       chan struct{} // closed when nothing more will be sent

	mu struct {
		sync.Mutex
		sent     int
		acked    map[int]place
		failures []string
	}
}

func startProducer(addr, topic string, partitions int32) (*producer, error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerLinger(0), kgo.MaxBufferedRecords(maxPending),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.MetadataMinAge(100*time.Millisecond))
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	p := &producer{cl: cl, topic: topic, partitions: partitions, stop: stop, done: make(chan struct{})}
	p.mu.acked = map[int]place{}
	go p.run(ctx)
	return p, nil
}

func (p *producer) run(ctx context.Context) {
	defer close(p.done)
	tick := time.NewTicker(sendEvery)
	defer tick.Stop()
	for n := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for range sendBurst {
			p.send(ctx, n)
			n++
		}
	}
}

// send blocks while too much is pending. The record itself outlives ctx: finish waits for its acknowledgement.
func (p *producer) send(ctx context.Context, n int) {
	p.mu.Lock()
	p.mu.sent = n + 1
	p.mu.Unlock()
	r := &kgo.Record{Topic: p.topic, Partition: ledger.PartitionOf(n, p.partitions), Key: ledger.KeyOf(n), Value: ledger.ValueOf(n)}
	p.cl.Produce(context.WithoutCancel(ctx), r, func(r *kgo.Record, err error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if err != nil {
			p.mu.failures = append(p.mu.failures, fmt.Sprintf("record %d: %v", n, err))
			return
		}
		p.mu.acked[n] = place{r.Partition, r.Offset}
	})
}

func (p *producer) acked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.mu.acked)
}

// finish waits until every record has its acknowledgement or its error, and closes the client.
func (p *producer) finish(patience time.Duration) (sent int, acked map[int]place, failures []string, err error) {
	p.stop()
	<-p.done
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err = p.cl.Flush(ctx); err != nil {
		err = fmt.Errorf("the producer still waits for acknowledgements after %v: %w", patience, err)
	}
	p.cl.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mu.sent, maps.Clone(p.mu.acked), p.mu.failures, err
}

// reader reads the topic from its start while brokers die, and remembers what it saw where.
type reader struct {
	cl   *kgo.Client
	stop context.CancelFunc
	done chan struct{} // closed when the reading goroutine has ended

	mu struct {
		sync.Mutex
		seen   map[place]int
		faults []string
	}
}

func startReader(addr, topic string, partitions int32) (*reader, error) {
	cl, err := readerClient(addr, topic, partitions)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &reader{cl: cl, stop: stop, done: make(chan struct{})}
	r.mu.seen = map[place]int{}
	go r.run(ctx)
	return r, nil
}

func readerClient(addr, topic string, partitions int32) (*kgo.Client, error) {
	from := map[int32]kgo.Offset{}
	for p := range partitions {
		from[p] = kgo.NewOffset().At(0)
	}
	return kgo.NewClient(kgo.SeedBrokers(addr), kgo.FetchMaxWait(200*time.Millisecond), kgo.MetadataMinAge(100*time.Millisecond),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}))
}

func (r *reader) run(ctx context.Context) {
	defer close(r.done)
	for ctx.Err() == nil {
		fetches := r.cl.PollFetches(ctx)
		r.mu.Lock()
		fetches.EachError(func(topic string, partition int32, err error) {
			// kgo retries by itself whatever it can; what it reports, a rewound log for instance, is a finding.
			if ctx.Err() == nil && !errors.Is(err, context.Canceled) {
				r.mu.faults = append(r.mu.faults, fmt.Sprintf("reading %s-%d: %v", topic, partition, err))
			}
		})
		fetches.EachRecord(func(rec *kgo.Record) {
			n, ok := ledger.NumberOf(rec.Value)
			if !ok {
				r.mu.faults = append(r.mu.faults, fmt.Sprintf("read rubbish at %d@%d: %.60q", rec.Partition, rec.Offset, rec.Value))
				return
			}
			r.mu.seen[place{rec.Partition, rec.Offset}] = n
		})
		r.mu.Unlock()
	}
}

func (r *reader) finish() (seen map[place]int, faults []string) {
	r.stop()
	<-r.done
	r.cl.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mu.seen, r.mu.faults
}

// readAll reads every partition from its start to its end.
func readAll(ctx context.Context, addr, topic string, ends map[int32]int64) ([]found, error) {
	cl, err := readerClient(addr, topic, int32(len(ends)))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	var log []found
	left := map[int32]bool{}
	for p, end := range ends {
		if end > 0 {
			left[p] = true
		}
	}
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		for _, e := range fetches.Errors() {
			return nil, fmt.Errorf("read %s-%d: %w", e.Topic, e.Partition, e.Err)
		}
		fetches.EachRecord(func(rec *kgo.Record) {
			log = append(log, found{place{rec.Partition, rec.Offset}, rec.Value})
			if rec.Offset+1 >= ends[rec.Partition] {
				delete(left, rec.Partition)
			}
		})
	}
	return log, nil
}
