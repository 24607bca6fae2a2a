package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// step is one thing that a real user's program goes through.
type step struct {
	name  string
	needs func(t testing.TB, b *Broker, c Client) (verdict, why string) // "" if it can be measured; nil: it always can
	run   func(t *testing.T, b *Broker, v Version, c Client) (detail string)
}

// suite is what every version of every client goes through, in this order.
var suite = []step{
	{name: "codecs", run: codecsStep},
	{name: "offsets", needs: needsOffsets, run: offsetsStep},
	{name: "bulk", needs: needsBulky, run: bulkScenario},
	{name: "group", needs: needsGroups, run: groupScenario},
	{name: "restart", run: restartScenario},
	{name: "resume", needs: needsGroups, run: resumeScenario},
	{name: "admin", needs: needsAdmin, run: adminStep},
	{name: "transactions", needs: needsTransactions, run: transactionsStep},
}

func codecsStep(t *testing.T, b *Broker, _ Version, c Client) string {
	written := WriteAll(t, b, c, c.Name())
	ReadAll(t, c, written)
	return strings.Join(c.Features().Codecs, " ")
}

// Written is one topic that WriteAll filled: what is in each partition, in order.
type Written struct {
	Topic, Codec, Acks string
	Partition          int32
	Records            []Record
}

// WriteAll produces in every codec of the client and with every acks, each into a topic that nobody has created: the
// metadata request of the client does.
func WriteAll(t *testing.T, b *Broker, c Client, prefix string) []Written {
	t.Helper()
	return writeEach(t, b, c, prefix, []string{"0", "1", "all"})
}

func writeEach(t *testing.T, b *Broker, c Client, prefix string, everyAcks []string) []Written {
	t.Helper()
	n := 12
	if c.Features().Bulky {
		n = 60
	}
	var all []Written
	for i, codec := range c.Features().Codecs {
		for j, acks := range everyAcks {
			partition := int32(i+j) % 4
			w := Written{Topic: fmt.Sprintf("%s-%s-acks-%s", prefix, codec, acks), Codec: codec, Acks: acks, Partition: partition}
			w.Records = MakeRecords(c.Features(), partition, n)
			settle(t, b, w.Topic)
			begin := time.Now()
			c.Produce(t, ProduceArgs{Topic: w.Topic, Codec: codec, Acks: acks, Records: w.Records})
			slow(t, "produce to "+w.Topic, begin)
			all = append(all, w)
		}
	}
	return all
}

// ReadAll reads back what WriteAll wrote, with the same or another client, and compares all of it.
func ReadAll(t *testing.T, c Client, all []Written) {
	t.Helper()
	for _, w := range all {
		if !slices.Contains(c.Features().Codecs, w.Codec) {
			continue
		}
		begin := time.Now()
		got := c.Fetch(t, w.Topic, w.Partition, 0, len(w.Records))
		slow(t, "fetch from "+w.Topic, begin)
		if d := Difference(w.Records, got, 0, c.Features()); d != "" {
			t.Errorf("%s reads %s: %s", c.Name(), w.Topic, d)
		}
		if w.Acks != "all" {
			continue
		}
		// From the middle: a converted or compressed batch has to be cut at the right record.
		middle := len(w.Records) / 2
		got = c.Fetch(t, w.Topic, w.Partition, int64(middle), len(w.Records)-middle)
		if d := Difference(w.Records[middle:], got, int64(middle), c.Features()); d != "" {
			t.Errorf("%s reads %s from offset %d: %s", c.Name(), w.Topic, middle, d)
		}
	}
}

// slow notes a step that took long; no lane fails for its speed, but a reader of the log should see where time goes.
func slow(t testing.TB, step string, begin time.Time) {
	if d := time.Since(begin); d > 2*time.Second {
		t.Logf("slow: %s took %d ms", step, d.Milliseconds())
	}
}

// eventually polls until the condition holds; what the condition returns last explains the failure.
func eventually(t testing.TB, b *Broker, what string, patience time.Duration, condition func() (ok bool, state string)) {
	t.Helper()
	begin := time.Now()
	for {
		ok, state := condition()
		if ok {
			slow(t, what, begin)
			return
		}
		if time.Since(begin) > patience {
			t.Fatalf("not within %v: %s; now: %s", patience, what, state)
		}
		if b.proc.ended() {
			t.Fatalf("the broker ended while waiting for: %s\n%s", what, b.Tail(40))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// settle makes a peer create a topic ahead of the client. Apache Kafka shows a new topic before its leader takes records:
// old clients, which do not retry, then fail, and records with acks=0 are lost. Sordini must not need this.
func settle(t testing.TB, b *Broker, topic string) {
	t.Helper()
	if b.Target == "sordini" {
		return
	}
	b.Admin(t, func(ctx context.Context, adm *kadm.Client) error {
		if _, err := adm.CreateTopic(ctx, -1, -1, nil, topic); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return err
		}
		for ctx.Err() == nil {
			listed, err := adm.ListEndOffsets(ctx, topic)
			if err == nil && listed.Error() == nil {
				return nil
			}
			time.Sleep(50 * time.Millisecond)
		}
		return ctx.Err()
	})
}

// endOffsets are the ends of a topic's partitions.
func endOffsets(t testing.TB, b *Broker, topic string) map[int32]int64 {
	t.Helper()
	ends := map[int32]int64{}
	b.Admin(t, func(ctx context.Context, adm *kadm.Client) error {
		listed, err := adm.ListEndOffsets(ctx, topic)
		if err != nil {
			return err
		}
		if err := listed.Error(); err != nil {
			return err
		}
		listed.Each(func(o kadm.ListedOffset) { ends[o.Partition] = o.Offset })
		return nil
	})
	return ends
}

// Committed asks the broker for a group's committed offsets of a topic.
func (b *Broker) Committed(t testing.TB, group, topic string) map[int32]int64 {
	t.Helper()
	offsets := map[int32]int64{}
	b.Admin(t, func(ctx context.Context, adm *kadm.Client) error {
		fetched, err := adm.FetchOffsets(ctx, group)
		if err != nil {
			return err
		}
		if err := fetched.Error(); err != nil {
			return err
		}
		fetched.Each(func(o kadm.OffsetResponse) {
			if o.Topic == topic && o.At >= 0 {
				offsets[o.Partition] = o.At
			}
		})
		return nil
	})
	return offsets
}

// Admin asks the broker itself, past the client under test.
func (b *Broker) Admin(t testing.TB, ask func(context.Context, *kadm.Client) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := ask(ctx, kadm.NewClient(client)); err != nil {
		t.Fatalf("ask the broker: %v", err)
	}
}
