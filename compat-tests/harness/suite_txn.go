package harness

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Transactor is a Client that has transactions.
type Transactor interface {
	// OpenTransactions makes a producer with a transactional id and fences those before it.
	OpenTransactions(t testing.TB, id string) Transactions
	// FetchCommitted is Fetch with read_committed.
	FetchCommitted(t testing.TB, topic string, partition int32, offset int64, count int, patience time.Duration) []Record
}

// Transactions is a transactional producer. A call that the broker refuses returns an error.
type Transactions interface {
	Begin(t testing.TB) error
	Send(t testing.TB, topic string, records []Record) error
	SendOffset(t testing.TB, group, topic string, partition int32, offset int64) error
	Commit(t testing.TB) error
	Abort(t testing.TB) error
	Close(t testing.TB)
}

func needsTransactions(t testing.TB, b *Broker, c Client) (verdict, why string) {
	if _, ok := c.(Transactor); !ok || !c.Features().Transactions {
		return Absent, "has no transactions"
	}
	if !b.Advertises(t, kmsg.EndTxn) {
		return Later, "the broker does not advertise them"
	}
	return "", ""
}

// Advertises says whether the broker's ApiVersions has the key.
func (b *Broker) Advertises(t testing.TB, key kmsg.Key) bool {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "harness", "1"
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		t.Fatalf("ask the broker for its versions: %v", err)
	}
	for _, k := range resp.ApiKeys {
		if k.ApiKey == key.Int16() {
			return true
		}
	}
	return false
}

// transactionsStep: committed, aborted and fenced transactions as both kinds of readers see them, and offsets that are
// committed with a transaction or not at all.
func transactionsStep(t *testing.T, b *Broker, _ Version, c Client) string {
	topic, input, group, id := c.Name()+"-txn", c.Name()+"-txn-input", c.Name()+"-txn-group", c.Name()+"-txn-id"
	settle(t, b, topic)
	settle(t, b, input)
	transactor := c.(Transactor)
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %s: %v", c.Name(), what, err)
		}
	}
	next := 0
	numbered := func(n int) (records []Record) {
		for range n {
			records = append(records, Record{Partition: 0, Timestamp: TimestampNow, Key: []byte("k"), Value: []byte(strconv.Itoa(next))})
			next++
		}
		return records
	}
	c.Produce(t, ProduceArgs{Topic: input, Codec: "none", Acks: "all", Records: numbered(10)})
	next = 0

	first := transactor.OpenTransactions(t, id)
	must("begin", first.Begin(t))
	must("send", first.Send(t, topic, numbered(6))) // 0-5, and a marker at offset 6
	must("send offset 5", first.SendOffset(t, group, input, 0, 5))
	must("commit", first.Commit(t))
	must("begin", first.Begin(t))
	must("send", first.Send(t, topic, numbered(6))) // 6-11 at 7-12, a marker at 13
	must("send offset 7", first.SendOffset(t, group, input, 0, 7))
	must("abort", first.Abort(t))
	eventually(t, b, "the offset of the committed transaction is there", 20*time.Second, func() (bool, string) {
		committed := b.Committed(t, group, input)
		return committed[0] == 5, fmt.Sprint(committed)
	})
	must("begin", first.Begin(t))
	must("send", first.Send(t, topic, numbered(3))) // 12-14, left open

	second := transactor.OpenTransactions(t, id) // fences the first and aborts what it left
	if err := first.Commit(t); err == nil {
		t.Errorf("%s: a fenced producer committed", c.Name())
	}
	first.Close(t)
	must("begin", second.Begin(t))
	must("send", second.Send(t, topic, numbered(2))) // 15-16
	must("commit", second.Commit(t))
	second.Close(t)

	values := func(records []Record) (numbers []string) {
		for _, r := range records {
			numbers = append(numbers, string(r.Value))
		}
		return numbers
	}
	committed := values(transactor.FetchCommitted(t, topic, 0, 0, 8, 15*time.Second))
	if want := "[0 1 2 3 4 5 15 16]"; fmt.Sprint(committed) != want {
		t.Errorf("%s reads committed %v, want %s", c.Name(), committed, want)
	}
	if all := c.Fetch(t, topic, 0, 0, next); len(all) != next {
		t.Errorf("%s reads uncommitted %v, want all %d", c.Name(), values(all), next)
	}
	if committed := b.Committed(t, group, input); committed[0] != 5 {
		t.Errorf("%s has committed %v, want 5", group, committed)
	}
	return "commit, abort, fencing, offsets"
}
