package franzgo

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/compat-tests/harness"
)

// callTimeout bounds each synchronous call; a client that is still trying then has hung.
const callTimeout = 30 * time.Second

// client is kgo under the harness's interface. It keeps no connection between calls: each makes a kgo.Client of its own, with
// the options that a user would give for that purpose.
type client struct {
	name     string
	addr     string
	opts     []kgo.Opt
	features harness.Features

	idempotent bool // kgo is by itself, and needs to be told when it cannot
}

func (c *client) Name() string               { return c.name }
func (c *client) Features() harness.Features { return c.features }
func (c *client) Close(testing.TB)           {}

func (c *client) connect(t testing.TB, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	all := append([]kgo.Opt{kgo.SeedBrokers(c.addr), kgo.AllowAutoTopicCreation()}, c.opts...)
	cl, err := kgo.NewClient(append(all, opts...)...)
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	return cl
}

func codec(t testing.TB, name string) kgo.CompressionCodec {
	t.Helper()
	switch name {
	case "none":
		return kgo.NoCompression()
	case "gzip":
		return kgo.GzipCompression()
	case "snappy":
		return kgo.SnappyCompression()
	case "lz4":
		return kgo.Lz4Compression()
	case "zstd":
		return kgo.ZstdCompression()
	}
	t.Fatalf("no codec %q", name)
	panic("unreachable")
}

func (c *client) producerOpts(t testing.TB, codecName, acks string) []kgo.Opt {
	t.Helper()
	opts := []kgo.Opt{kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(codec(t, codecName))}
	switch acks {
	case "0":
		return append(opts, kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite())
	case "1":
		return append(opts, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
	}
	if !c.idempotent {
		opts = append(opts, kgo.DisableIdempotentWrite())
	}
	return append(opts, kgo.RequiredAcks(kgo.AllISRAcks()))
}

func (c *client) Produce(t testing.TB, args harness.ProduceArgs) {
	t.Helper()
	cl := c.connect(t, c.producerOpts(t, args.Codec, args.Acks)...)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	if err := cl.ProduceSync(ctx, c.records(args.Topic, args.Records)...).FirstErr(); err != nil {
		t.Fatalf("%s: produce to %s with %s, acks=%s: %v", c.name, args.Topic, args.Codec, args.Acks, err)
	}
}

func (c *client) records(topic string, records []harness.Record) []*kgo.Record {
	out := make([]*kgo.Record, len(records))
	for i, r := range records {
		out[i] = &kgo.Record{Topic: topic, Partition: r.Partition, Key: r.Key, Value: r.Value}
		if r.Timestamp >= 0 {
			out[i].Timestamp = time.UnixMilli(r.Timestamp)
		}
		for _, h := range r.Headers {
			out[i].Headers = append(out[i].Headers, kgo.RecordHeader{Key: h.Name, Value: h.Value})
		}
	}
	return out
}

func (c *client) Fetch(t testing.TB, topic string, partition int32, offset int64, count int) []harness.Record {
	t.Helper()
	return c.fetch(t, topic, partition, offset, count, callTimeout)
}

func (c *client) fetch(t testing.TB, topic string, partition int32, offset int64, count int, patience time.Duration, opts ...kgo.Opt) []harness.Record {
	t.Helper()
	from := kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(offset)}})
	cl := c.connect(t, append(opts, from)...)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var got []harness.Record
	for len(got) < count && ctx.Err() == nil {
		fetches := cl.PollFetches(ctx)
		fetches.EachError(func(topic string, partition int32, err error) {
			if ctx.Err() == nil {
				t.Fatalf("%s: fetch from %s-%d: %v", c.name, topic, partition, err)
			}
		})
		fetches.EachRecord(func(r *kgo.Record) { got = append(got, record(r)) })
	}
	return got
}

func record(r *kgo.Record) harness.Record {
	out := harness.Record{Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, harness.Header{Name: h.Key, Value: h.Value})
	}
	return out
}

// Offsets asks in the way of the newest version that the client may use; ListOffsets 0 had an answer of its own.
func (c *client) Offsets(t testing.TB, topic string, partition int32, atMs int64) (first, end, byTime int64) {
	t.Helper()
	cl := c.connect(t)
	defer cl.Close()
	ask := func(timestamp int64) int64 {
		ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
		defer cancel()
		req := kmsg.NewPtrListOffsetsRequest()
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp, p.MaxNumOffsets = partition, timestamp, 1
		req.Topics = []kmsg.ListOffsetsRequestTopic{{Topic: topic, Partitions: []kmsg.ListOffsetsRequestTopicPartition{p}}}
		resp, err := req.RequestWith(ctx, cl)
		if err != nil || len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
			t.Fatalf("%s: offsets of %s: %v", c.name, topic, err)
		}
		answer := resp.Topics[0].Partitions[0]
		if err := kerr.ErrorForCode(answer.ErrorCode); err != nil {
			t.Fatalf("%s: offsets of %s: %v", c.name, topic, err)
		}
		if resp.Version == 0 {
			return append(answer.OldStyleOffsets, -1)[0]
		}
		return answer.Offset
	}
	return ask(-2), ask(-1), ask(max(atMs, 0))
}
