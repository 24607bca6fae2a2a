package broker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sordini/sordini/storage/vfs"
)

// ledger is what a producer knows of its transactions: every one writes its number to each partition.
type ledger struct {
	mu struct {
		sync.Mutex
		begun     int
		committed map[string]bool // answered so
		aborted   map[string]bool
	}
}

func (l *ledger) note(name string, commit bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if commit {
		l.mu.committed[name] = true
		return
	}
	l.mu.aborted[name] = true
}

// copy returns what is known at this moment.
func (l *ledger) copy() (begun int, committed, aborted map[string]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.begun, maps.Clone(l.mu.committed), maps.Clone(l.mu.aborted)
}

const ledgerPartitions = 3

// run makes transactions until its context ends.
func (l *ledger) run(ctx context.Context, c *kgo.Client, id string, rng *rand.Rand) error {
	for n := 0; ctx.Err() == nil; n++ {
		name := fmt.Sprintf("%s/%d", id, n)
		l.mu.Lock()
		l.mu.begun++
		l.mu.Unlock()
		if err := c.BeginTransaction(); err != nil {
			return err
		}
		failed := false
		for p := range int32(ledgerPartitions) {
			c.Produce(context.Background(), &kgo.Record{Topic: "t", Partition: p, Value: []byte(name)}, func(_ *kgo.Record, err error) { failed = failed || err != nil })
		}
		if err := c.Flush(ctx); err != nil || failed {
			return errors.Join(err, ctx.Err())
		}
		commit := rng.IntN(3) > 0
		if err := c.EndTransaction(ctx, kgo.TransactionEndTry(commit)); err != nil {
			return err
		}
		l.note(name, commit)
	}
	return nil
}

// TestTransactionsAreAllOrNothingAfterALossOfPower stops the world at random moments, and starts a broker on what a disk would have kept:
// everything that was answered holds, everything else is there whole or not at all, and nothing stays open for ever.
func TestTransactionsAreAllOrNothingAfterALossOfPower(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	fs := vfs.NewMemFS()
	s := startServerOn(t, fs, "/data", "num.partitions", fmt.Sprint(ledgerPartitions), "transaction.state.log.num.partitions", "2",
		"offsets.topic.num.partitions", "1")
	createTopic(t, s, "t", ledgerPartitions)
	l := &ledger{}
	l.mu.committed, l.mu.aborted = map[string]bool{}, map[string]bool{}
	ctx, cancel := context.WithCancel(context.Background())
	var producers sync.WaitGroup
	for _, id := range []string{"a", "b", "c"} {
		c := transactionalClient(t, s, id)
		own := rand.New(rand.NewPCG(seed, uint64(id[0])))
		producers.Go(func() {
			if err := l.run(ctx, c, id, own); err != nil && ctx.Err() == nil {
				t.Errorf("producer %s: %v", id, err)
			}
		})
	}
	type crash struct {
		fs                 *vfs.MemFS
		committed, aborted map[string]bool
	}
	var crashes []crash
	for len(crashes) < 6 {
		begun, _, _ := l.copy()
		for target := begun + 1 + rng.IntN(12); begun < target; begun, _, _ = l.copy() {
			// The producers run meanwhile. Where in a transaction the crash comes is left to chance, not waited for.
			time.Sleep(time.Duration(rng.IntN(300)) * time.Microsecond)
		}
		_, committed, aborted := l.copy() // before the disk: what was answered by then must be on it
		crashes = append(crashes, crash{fs.CrashClone([]int{0, 50, 100}[rng.IntN(3)], rng), committed, aborted})
	}
	cancel()
	producers.Wait()
	s.stop()
	for i, c := range crashes {
		t.Run(fmt.Sprint(i), func(t *testing.T) { checkLedger(t, c.fs, c.committed, c.aborted) })
	}
}

// checkLedger starts a broker on what a crash left, ends what the producers left open, as their next incarnations do, and reads everything.
func checkLedger(t *testing.T, fs vfs.FS, committed, aborted map[string]bool) {
	s := startServerOn(t, fs, "/data")
	admin := kadm.NewClient(s.client(t))
	for _, id := range []string{"a", "b", "c"} {
		if _, _, err := transactionalClient(t, s, id).ProducerID(testContext(t)); err != nil {
			t.Fatal(err)
		}
	}
	// The last stable offset gets to the end by itself.
	for stable := false; !stable; {
		all, err := admin.ListEndOffsets(testContext(t), "t")
		if err = errors.Join(err, all.Error()); err != nil {
			t.Fatal(err)
		}
		decided, err := admin.ListCommittedOffsets(testContext(t), "t")
		if err = errors.Join(err, decided.Error()); err != nil {
			t.Fatal(err)
		}
		stable = true
		all.Each(func(o kadm.ListedOffset) {
			d, _ := decided.Lookup("t", o.Partition)
			stable = stable && d.Offset == o.Offset
		})
	}
	seen := map[int32][]string{}
	for p := range int32(ledgerPartitions) {
		seen[p] = readToEnd(t, s, "t", p)
		slices.Sort(seen[p])
		if !slices.Equal(seen[p], slices.Compact(slices.Clone(seen[p]))) {
			t.Errorf("partition %d has something twice: %q", p, seen[p])
		}
	}
	for p := range int32(ledgerPartitions) {
		if !slices.Equal(seen[p], seen[0]) {
			t.Errorf("torn: partition %d has\n%q, partition 0\n%q", p, seen[p], seen[0])
		}
	}
	for name := range committed {
		if !slices.Contains(seen[0], name) {
			t.Errorf("%s was committed, and is gone", name)
		}
	}
	for _, name := range seen[0] {
		if aborted[name] {
			t.Errorf("%s was aborted, and is there", name)
		}
	}
	t.Logf("%d transactions, %d answered as committed, %d as aborted", len(seen[0]), len(committed), len(aborted))
}

// readToEnd reads what is committed in a partition, up to a record that it puts behind everything.
func readToEnd(t *testing.T, s *testServer, topic string, partition int32) (values []string) {
	t.Helper()
	const last = "the last one"
	c := s.client(t, kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(50*time.Millisecond), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().AtStart()}}))
	defer c.Close()
	if err := c.ProduceSync(testContext(t), &kgo.Record{Topic: topic, Partition: partition, Value: []byte(last)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	for {
		fetches := c.PollFetches(testContext(t))
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		for _, r := range fetches.Records() {
			if string(r.Value) == last {
				return values
			}
			values = append(values, string(r.Value))
		}
	}
}
