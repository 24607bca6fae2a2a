package load

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/compat-tests/crash/ledger"
)

func newClient(addr string, opts ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(addr), kgo.MetadataMinAge(50 * time.Millisecond)}, opts...)...)
}

// producer sends the records of one ledger until it is stopped, idempotently, with acks=all.
type producer struct {
	cl   *kgo.Client
	book *ledger.Ledger
	stop context.CancelFunc
	done chan struct{} // closed when nothing more will be sent
	fail func(format string, args ...any)
}

const maxPending = 400 // records in the client

func startProducer(addr string, book *ledger.Ledger, every time.Duration, burst int, fail func(string, ...any)) (*producer, error) {
	cl, err := newClient(addr, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerLinger(0),
		kgo.MaxBufferedRecords(maxPending), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	p := &producer{cl: cl, book: book, stop: stop, done: make(chan struct{}), fail: fail}
	go p.run(ctx, every, burst)
	return p, nil
}

func (p *producer) run(ctx context.Context, every time.Duration, burst int) {
	defer close(p.done)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for range burst {
			n, partition := p.book.Send()
			r := &kgo.Record{Topic: p.book.Name, Partition: partition, Key: ledger.KeyOf(n), Value: ledger.ValueOf(n)}
			p.cl.Produce(ctx, r, func(r *kgo.Record, err error) {
				switch {
				case err == nil:
					p.book.Acked(n, ledger.Place{Offset: r.Offset, At: time.Now()})
				case ctx.Err() == nil:
					p.fail("%s: record %d was refused: %v", p.book.Name, n, err)
				}
			})
		}
	}
}

func (p *producer) close() {
	p.stop()
	<-p.done
	p.cl.Close()
}

// readLog reads a partition from its first offset to its end, whatever is between.
func readLog(ctx context.Context, cl *kgo.Client, topic string, id [16]byte, partition int32) (*ledger.Found, error) {
	f := &ledger.Found{}
	var err error
	if f.Start, err = listOffset(ctx, cl, topic, partition, -2); err != nil {
		return nil, err
	}
	if f.End, err = listOffset(ctx, cl, topic, partition, -1); err != nil {
		return nil, err
	}
	for next := f.Start; next < f.End; {
		req := kmsg.NewPtrFetchRequest()
		req.MaxBytes, req.MinBytes, req.MaxWaitMillis = 4<<20, 1, 500
		t := kmsg.NewFetchRequestTopic()
		t.Topic, t.TopicID = topic, id
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.FetchOffset, p.PartitionMaxBytes = partition, next, 2<<20
		t.Partitions = append(t.Partitions, p)
		req.Topics = append(req.Topics, t)
		resp, err := req.RequestWith(ctx, cl)
		if err != nil {
			return nil, fmt.Errorf("fetch %s-%d at %d: %w", topic, partition, next, err)
		}
		if err := kerr.ErrorForCode(resp.ErrorCode); err != nil || len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
			return nil, fmt.Errorf("fetch %s-%d at %d: %v, %d topics", topic, partition, next, err, len(resp.Topics))
		}
		fp, after := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Topic: topic, Partition: partition, Offset: next},
			&resp.Topics[0].Partitions[0], kgo.DefaultDecompressor(), nil)
		if fp.Err != nil {
			return nil, fmt.Errorf("fetch %s-%d at %d: %w", topic, partition, next, fp.Err)
		}
		if after <= next {
			return nil, fmt.Errorf("fetch %s-%d at %d, log end %d: nothing came", topic, partition, next, f.End)
		}
		for _, r := range fp.Records {
			f.Records = append(f.Records, ledger.Record{Offset: r.Offset, Key: r.Key, Value: r.Value})
		}
		next = after
	}
	return f, nil
}

func listOffset(ctx context.Context, cl *kgo.Client, topic string, partition int32, at int64) (int64, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = topic
	p := kmsg.NewListOffsetsRequestTopicPartition()
	p.Partition, p.Timestamp = partition, at
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return 0, fmt.Errorf("list offsets of %s-%d: %w", topic, partition, err)
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return 0, fmt.Errorf("list offsets of %s-%d: no answer", topic, partition)
	}
	got := &resp.Topics[0].Partitions[0]
	if err := kerr.ErrorForCode(got.ErrorCode); err != nil {
		return 0, fmt.Errorf("list offsets of %s-%d: %w", topic, partition, err)
	}
	return got.Offset, nil
}
