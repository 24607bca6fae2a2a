package broker

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// Transactions with a real client, the whole way.

// transactionalClient is a kgo producer with a transactional id.
func transactionalClient(t *testing.T, s *testServer, id string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	return s.client(t, append([]kgo.Opt{kgo.TransactionalID(id), kgo.RecordPartitioner(kgo.ManualPartitioner())}, opts...)...)
}

// begin opens a transaction with n records in each of the partitions.
func begin(t *testing.T, c *kgo.Client, topic, what string, n int, partitions ...int32) {
	t.Helper()
	if err := c.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	for _, p := range partitions {
		for i := range n {
			c.Produce(testContext(t), &kgo.Record{Topic: topic, Partition: p, Value: fmt.Appendf(nil, "%s %d-%d", what, p, i)}, func(_ *kgo.Record, err error) {
				if err != nil {
					t.Errorf("produce %s: %v", what, err)
				}
			})
		}
	}
	if err := c.Flush(testContext(t)); err != nil {
		t.Fatal(err)
	}
}

// transact writes one transaction: n records in each of the partitions.
func transact(t *testing.T, c *kgo.Client, topic, what string, n int, end kgo.TransactionEndTry, partitions ...int32) {
	t.Helper()
	begin(t, c, topic, what, n, partitions...)
	if err := c.EndTransaction(testContext(t), end); err != nil {
		t.Fatalf("end %s: %v", what, err)
	}
}

func readCommitted(topic string) []kgo.Opt {
	return []kgo.Opt{kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(100 * time.Millisecond)}
}

// committedValues are what a read_committed consumer gets of a topic, in order of the texts.
func committedValues(t *testing.T, s *testServer, topic string, n int) []string {
	t.Helper()
	var values []string
	for _, r := range consume(t, s, n, readCommitted(topic)...) {
		values = append(values, string(r.Value))
	}
	slices.Sort(values)
	return values
}

// texts are the values that begin and transact write.
func texts(what string, n int, partitions ...int32) (all []string) {
	for _, p := range partitions {
		for i := range n {
			all = append(all, fmt.Sprintf("%s %d-%d", what, p, i))
		}
	}
	return all
}

func wantTexts(t *testing.T, got []string, want ...[]string) {
	t.Helper()
	all := slices.Concat(want...)
	slices.Sort(all)
	if !slices.Equal(got, all) {
		t.Fatalf("committed: %q, want %q", got, all)
	}
}

func createTopic(t *testing.T, s *testServer, topic string, partitions int32, configs ...string) {
	t.Helper()
	settings := map[string]*string{}
	for i := 0; i < len(configs); i += 2 {
		settings[configs[i]] = &configs[i+1]
	}
	if _, err := kadm.NewClient(s.client(t)).CreateTopic(testContext(t), partitions, 1, settings, topic); err != nil {
		t.Fatal(err)
	}
}

// TestTransactionsAreSeenWhole commits and aborts by the protocols of transaction version 2 and of the clients before.
func TestTransactionsAreSeenWhole(t *testing.T) {
	for _, c := range []struct {
		name string
		opts []kgo.Opt
	}{{"newest", nil}, {"as Kafka 3.8", []kgo.Opt{kgo.MaxVersions(kversion.V3_8_0())}}, {"as Kafka 0.11", []kgo.Opt{kgo.MaxVersions(kversion.V0_11_0())}}} {
		t.Run(c.name, func(t *testing.T) {
			s := startServer(t, t.TempDir())
			createTopic(t, s, "t", 3)
			p := transactionalClient(t, s, "a", c.opts...)
			for i := range 20 {
				end := kgo.TransactionEndTry(i%2 == 0)
				transact(t, p, "t", fmt.Sprintf("transaction %d", i), 3, end, 0, int32(i%3))
			}
			var want [][]string
			for i := 0; i < 20; i += 2 {
				partitions := []int32{0, int32(i % 3)}
				for _, p := range slices.Compact(partitions) {
					want = append(want, texts(fmt.Sprintf("transaction %d", i), 3, p))
				}
				if i%3 == 0 {
					want = append(want, texts(fmt.Sprintf("transaction %d", i), 3, 0)) // twice in partition 0
				}
			}
			wantTexts(t, committedValues(t, s, "t", len(slices.Concat(want...))), want...)
		})
	}
}

// TestAReadCommittedFetchEndsWithTheTransaction: it waits at an open transaction and is woken by its end.
func TestAReadCommittedFetchEndsWithTheTransaction(t *testing.T) {
	s := startServer(t, t.TempDir())
	createTopic(t, s, "t", 1)
	p := transactionalClient(t, s, "a")
	begin(t, p, "t", "open", 2, 0)
	produce := s.client(t, kgo.DefaultProduceTopic("t"))
	if err := produce.ProduceSync(testContext(t), kgo.StringRecord("behind it")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	reader := s.client(t, append(readCommitted("t"), kgo.FetchMaxWait(30*time.Second))...)
	got := make(chan []string, 1)
	go func() {
		var values []string
		for len(values) < 3 {
			for _, r := range reader.PollFetches(testContext(t)).Records() {
				values = append(values, string(r.Value))
			}
		}
		got <- values
	}()
	for s.metrics.Requests[kmsg.Fetch].Load() == 0 { // not before the reader has asked
		runtime.Gosched()
	}
	select {
	case values := <-got:
		t.Fatalf("read %q while the transaction was open", values)
	default:
	}
	if err := p.EndTransaction(testContext(t), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	ended := time.Now()
	values := <-got
	if waited := time.Since(ended); waited > 20*time.Second {
		t.Errorf("the reader was not woken: %v", waited)
	}
	if !slices.Equal(values, []string{"open 0-0", "open 0-1", "behind it"}) {
		t.Fatalf("read %q", values)
	}
}

func TestASecondProducerFencesTheFirst(t *testing.T) {
	s := startServer(t, t.TempDir())
	createTopic(t, s, "t", 1)
	first := transactionalClient(t, s, "a")
	begin(t, first, "t", "fenced", 2, 0)
	second := transactionalClient(t, s, "a")
	transact(t, second, "t", "kept", 2, kgo.TryCommit, 0)
	if err := first.EndTransaction(testContext(t), kgo.TryCommit); !errors.Is(err, kerr.ProducerFenced) && !errors.Is(err, kerr.InvalidProducerEpoch) {
		t.Fatalf("the fenced producer commits: %v", err)
	}
	wantTexts(t, committedValues(t, s, "t", 2), texts("kept", 2, 0))
}

// TestATransactionOutlivesARestart: it is open when the broker stops, and its producer ends it afterwards.
func TestATransactionOutlivesARestart(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, dir)
	createTopic(t, s, "t", 2)
	p := transactionalClient(t, s, "a")
	transact(t, p, "t", "before", 1, kgo.TryAbort, 0)
	begin(t, p, "t", "through", 2, 0, 1)
	address := s.address
	s.stop()

	s = startServer(t, dir, "listeners", "PLAINTEXT://"+address)
	if err := p.EndTransaction(testContext(t), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	transact(t, p, "t", "after", 1, kgo.TryCommit, 1)
	transact(t, p, "t", "gone", 1, kgo.TryAbort, 1)
	wantTexts(t, committedValues(t, s, "t", 5), texts("through", 2, 0, 1), texts("after", 1, 1))
}

// TestATransactionThatTakesTooLongIsAborted: whoever reads behind it goes on, and its producer is told.
func TestATransactionThatTakesTooLongIsAborted(t *testing.T) {
	s := startServer(t, t.TempDir(), "transaction.abort.timed.out.transaction.cleanup.interval.ms", "50")
	createTopic(t, s, "t", 1)
	p := transactionalClient(t, s, "a", kgo.TransactionTimeout(500*time.Millisecond))
	begin(t, p, "t", "late", 2, 0)
	plain := s.client(t, kgo.DefaultProduceTopic("t"))
	if err := plain.ProduceSync(testContext(t), kgo.StringRecord("behind it")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	wantTexts(t, committedValues(t, s, "t", 1), []string{"behind it"})
	if err := p.EndTransaction(testContext(t), kgo.TryCommit); err == nil {
		t.Fatal("a transaction that was aborted is committed")
	}
}

func TestATimeoutAboveTheLimitIsRefused(t *testing.T) {
	s := startServer(t, t.TempDir(), "transaction.max.timeout.ms", "10000")
	createTopic(t, s, "t", 1)
	p := transactionalClient(t, s, "a", kgo.TransactionTimeout(11*time.Second))
	if _, _, err := p.ProducerID(testContext(t)); !errors.Is(err, kerr.InvalidTransactionTimeout) {
		t.Fatalf("init: %v", err)
	}
}

// TestUnusedTransactionalIDsAreForgotten after transactional.id.expiration.ms.
func TestUnusedTransactionalIDsAreForgotten(t *testing.T) {
	s := startServer(t, t.TempDir(), "transactional.id.expiration.ms", "200", "transaction.remove.expired.transaction.cleanup.interval.ms", "50")
	createTopic(t, s, "t", 1)
	transact(t, transactionalClient(t, s, "a"), "t", "x", 1, kgo.TryCommit, 0)
	admin := kadm.NewClient(s.client(t))
	for {
		listed, err := admin.ListTransactions(testContext(t), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(listed) == 0 {
			return
		}
	}
}

// TestCopyingWithOffsetsInTransactions moves records from one topic to another, with the offsets of what was read in the same transactions. The
// broker is restarted in between, and some transactions are aborted: everything arrives once.
func TestCopyingWithOffsetsInTransactions(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, dir)
	createTopic(t, s, "in", 3)
	createTopic(t, s, "out", 3)
	const records = 300
	produce(t, s, "in", 0, records)
	address := s.address
	session := func() *kgo.GroupTransactSession {
		c, err := kgo.NewGroupTransactSession(kgo.SeedBrokers(address), kgo.TransactionalID("copier"), kgo.ConsumerGroup("copiers"), kgo.ConsumeTopics("in"),
			kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxBytes(400), kgo.FetchMaxPartitionBytes(200),
			kgo.FetchMaxWait(100*time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := session()
	defer func() { c.Close() }()
	copied := 0
	for round := 0; copied < records; round++ {
		switch round {
		case 5: // another process takes over
			c.Close()
			c = session()
		case 10:
			s.stop()
			s = startServer(t, dir, "listeners", "PLAINTEXT://"+address)
		}
		copied += copyOnce(t, c, round%4 == 3)
	}
	seen := map[string]int{}
	for _, value := range committedValues(t, s, "out", records) {
		seen[value]++
	}
	for i := range records {
		if n := seen[fmt.Sprintf("value %d", i)]; n != 1 {
			t.Errorf("record %d arrived %d times", i, n)
		}
	}
}

// copyOnce is one transaction of a copier. It returns how many records are committed with it.
func copyOnce(t *testing.T, c *kgo.GroupTransactSession, abort bool) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(testContext(t), 2*time.Second)
	defer cancel()
	fetches := c.PollRecords(ctx, 40)
	n := fetches.NumRecords()
	if n == 0 {
		return 0
	}
	if err := c.Begin(); err != nil {
		t.Fatal(err)
	}
	failed := false
	fetches.EachRecord(func(r *kgo.Record) {
		c.Produce(testContext(t), &kgo.Record{Topic: "out", Key: r.Key, Value: r.Value}, func(_ *kgo.Record, err error) { failed = failed || err != nil })
	})
	committed, err := c.End(testContext(t), kgo.TransactionEndTry(!abort && !failed))
	if err != nil {
		t.Fatal(err)
	}
	if !committed {
		return 0
	}
	return n
}
