package harness

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Admin asks the broker something. An error fails the test.
func Admin(t testing.TB, b *Broker, ask func(context.Context, *kadm.Client) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.Addr))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := ask(ctx, kadm.NewClient(cl)); err != nil {
		t.Fatalf("ask the broker: %v", err)
	}
}

// LastStableOffsets are those of a topic's partitions.
func LastStableOffsets(t testing.TB, b *Broker, topic string) map[int32]int64 {
	t.Helper()
	return listed(t, b, func(ctx context.Context, adm *kadm.Client) (kadm.ListedOffsets, error) {
		return adm.ListCommittedOffsets(ctx, topic)
	})
}

// AwaitStable waits until no transaction is open in the topic, and returns where it ends.
func AwaitStable(t testing.TB, b *Broker, topic string, within time.Duration) map[int32]int64 {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		stable := LastStableOffsets(t, b, topic)
		ends := listed(t, b, func(ctx context.Context, adm *kadm.Client) (kadm.ListedOffsets, error) {
			return adm.ListEndOffsets(ctx, topic)
		})
		if maps.Equal(stable, ends) {
			return stable
		}
		if time.Since(begin) > within {
			t.Errorf("after %v %s is stable up to %v and ends at %v", within, topic, stable, ends)
			return stable
		}
	}
}

func listed(t testing.TB, b *Broker, list func(context.Context, *kadm.Client) (kadm.ListedOffsets, error)) map[int32]int64 {
	t.Helper()
	all := map[int32]int64{}
	Admin(t, b, func(ctx context.Context, adm *kadm.Client) error {
		offsets, err := list(ctx, adm)
		if err != nil {
			return err
		}
		offsets.Each(func(o kadm.ListedOffset) { all[o.Partition] = o.Offset })
		return offsets.Error()
	})
	return all
}

// ReadCommitted reads partitions of a topic as read_committed consumers do, from their beginnings up to ends. Something must stand right before each end,
// if only a marker.
func ReadCommitted(t testing.TB, b *Broker, topic string, ends map[int32]int64) map[int32][]*kgo.Record {
	t.Helper()
	from, at := map[int32]kgo.Offset{}, map[int32]int64{}
	for partition := range ends {
		from[partition] = kgo.NewOffset().AtStart()
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.Addr), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	found := map[int32][]*kgo.Record{}
	for {
		left := 0
		for partition, end := range ends {
			if at[partition] < end {
				left++
			}
		}
		if left == 0 {
			return found
		}
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Errorf("read %s up to %v: come to %v", topic, ends, at)
			return found
		}
		fetches.EachRecord(func(r *kgo.Record) {
			at[r.Partition] = r.Offset + 1
			if !r.Attrs.IsControl() && r.Offset < ends[r.Partition] {
				found[r.Partition] = append(found[r.Partition], r)
			}
		})
	}
}
