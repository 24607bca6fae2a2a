package mixed

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sordini/sordini/compat-tests/harness"
)

// holes overwrites every third key of a compacted topic, waits until the old records are gone, and notes where.
func holes(t *testing.T, b *harness.Broker, f *filled) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr), kgo.DefaultProduceTopic(f.topic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	add := func(to *block, key string) {
		t.Helper()
		if err := client.ProduceSync(ctx, kgo.KeyStringRecord(key, "newer")).FirstErr(); err != nil {
			t.Fatal(err)
		}
		to.records = append(to.records, harness.Record{Key: []byte(key), Value: []byte("newer"), Timestamp: harness.TimestampNow})
	}
	over := block{writer: "franz-go, overwriting", first: f.end()}
	f.gone = map[int64]bool{}
	for _, written := range f.blocks {
		for i, r := range written.records {
			if i%3 == 1 {
				add(&over, string(r.Key))
				f.gone[written.first+int64(i)] = true
			}
		}
	}
	// The active segment is never compacted: one more record after segment.ms makes an older one of it.
	for begin := time.Now(); survivors(t, b, f.topic, over.first) > int(over.first)-len(f.gone); {
		if time.Since(begin) > 45*time.Second {
			t.Fatalf("%s was not compacted within 45 s: %d records are left of %d, of which %d were overwritten", f.topic,
				survivors(t, b, f.topic, over.first), over.first, len(f.gone))
		}
		time.Sleep(200 * time.Millisecond)
		add(&over, fmt.Sprintf("roll %d", len(over.records)))
	}
	f.blocks = append(f.blocks, over)
}

// survivors counts the records below an offset.
func survivors(t *testing.T, b *harness.Broker, topic string, end int64) int {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	n := 0
	for at := int64(-1); at < end-1; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			t.Fatalf("count the records of %s: %v", topic, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset < end {
				n++
			}
			at = r.Offset
		})
	}
	return n
}
