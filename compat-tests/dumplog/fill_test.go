package dumplog

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/compat-tests/harness"
)

func asExit(err error, exit **exec.ExitError) bool { return errors.As(err, exit) }

func within(t *testing.T) context.Context {
	c, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return c
}

func connect(t *testing.T, b *harness.Broker, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(b.Addr)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// fill writes one of everything that a log can hold.
func fill(t *testing.T, b *harness.Broker, seed uint64, nextGen bool) {
	t.Helper()
	admin := kadm.NewClient(connect(t, b))
	text := func(s string) *string { return &s }
	for topic, configs := range map[string]map[string]*string{
		"orders":  {},
		"table":   {"cleanup.policy": text("compact"), "segment.ms": text("500"), "min.cleanable.dirty.ratio": text("0.01")},
		"stamped": {"message.timestamp.type": text("LogAppendTime")},
	} {
		if _, err := admin.CreateTopic(within(t), 1, 1, configs, topic); err != nil {
			t.Fatal(err)
		}
	}
	random := rand.New(rand.NewPCG(seed, 1))
	for i, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
		opts := []kgo.Opt{kgo.ProducerBatchCompression(codec)}
		if i%2 == 1 {
			opts = append(opts, kgo.DisableIdempotentWrite())
		}
		c := connect(t, b, opts...)
		for _, topic := range []string{"orders", "stamped"} {
			produce(t, c, topic, random, 1)
			produce(t, c, topic, random, 60)
		}
		if i < 3 {
			table(t, c, i)
		}
	}
	if serves(t, b, kmsg.EndTxn) {
		transact(t, b, random)
	}
	group(t, b, "classic", false)
	if nextGen && serves(t, b, kmsg.ConsumerGroupHeartbeat) {
		group(t, b, "next-generation", true)
	}
}

// serves says whether the broker has an API.
func serves(t *testing.T, b *harness.Broker, key kmsg.Key) bool {
	t.Helper()
	versions, err := kadm.NewClient(connect(t, b)).ApiVersions(within(t))
	if err != nil {
		t.Fatal(err)
	}
	served := false
	versions.Each(func(v kadm.BrokerApiVersions) {
		if _, ok := v.KeyMaxVersion(key.Int16()); ok {
			served = true
		}
	})
	return served
}

// produce sends one batch of records.
func produce(t *testing.T, c *kgo.Client, topic string, random *rand.Rand, n int) {
	t.Helper()
	records := make([]*kgo.Record, n)
	for i := range records {
		r := &kgo.Record{Topic: topic, Key: data(random, i), Value: data(random, i+1), Timestamp: time.UnixMilli(1_700_000_000_000 + random.Int64N(1000))}
		for h := range i % 3 {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: fmt.Sprintf("h%d %s", h, data(random, 1)), Value: data(random, i)})
		}
		records[i] = r
	}
	if err := c.ProduceSync(within(t), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// data is null, text, or bytes of any kind.
func data(random *rand.Rand, i int) []byte {
	switch i % 4 {
	case 0:
		return nil
	case 1:
		return fmt.Appendf(nil, "wörter %d\t\"%d\"", i, random.IntN(1000))
	case 2:
		b := make([]byte, random.IntN(200))
		for j := range b {
			b[j] = byte(random.Uint32())
		}
		return b
	}
	return []byte{}
}

// table writes values and tombstones, with pauses that roll the segment.
func table(t *testing.T, c *kgo.Client, round int) {
	t.Helper()
	for key := range 3 {
		r := &kgo.Record{Topic: "table", Key: fmt.Appendf(nil, "row %d", key), Value: fmt.Appendf(nil, "version %d", round)}
		if key == round%3 {
			r.Value = nil
		}
		if err := c.ProduceSync(within(t), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(510 * time.Millisecond) // segment.ms
}

// transact leaves a committed and an aborted transaction, with their markers.
func transact(t *testing.T, b *harness.Broker, random *rand.Rand) {
	t.Helper()
	c := connect(t, b, kgo.TransactionalID("mover"))
	for _, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
		if err := c.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		produce(t, c, "orders", random, 5)
		if err := c.EndTransaction(within(t), end); err != nil {
			t.Fatal(err)
		}
	}
}

// group reads, commits and leaves, which makes most of the records of __consumer_offsets and a tombstone.
func group(t *testing.T, b *harness.Broker, name string, nextGen bool) {
	t.Helper()
	opts := []kgo.Opt{kgo.ConsumerGroup(name), kgo.ConsumeTopics("orders"), kgo.DisableAutoCommit(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())}
	if nextGen {
		opts = append(opts, kgo.ServerSideBalancer(), kgo.Balancers(kgo.StickyBalancer()))
	}
	c := connect(t, b, opts...)
	for seen := 0; seen < 300; {
		fetches := c.PollFetches(within(t))
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		seen += fetches.NumRecords()
	}
	if err := c.CommitUncommittedOffsets(within(t)); err != nil {
		t.Fatal(err)
	}
	c.Close()
}
