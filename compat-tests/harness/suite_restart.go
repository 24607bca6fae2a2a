package harness

import (
	"fmt"
	"strconv"
	"testing"
	"time"
)

// restartScenario: a producer and a group member work on while the broker is killed, comes back, is ended in order and
// comes back again. Nothing acknowledged may be missing, and the member must have received exactly what is in the log.
func restartScenario(t *testing.T, b *Broker, _ Version, c Client) string {
	const partitions = 2
	topic := c.Name() + "-stream"
	settle(t, b, topic)
	stream := c.Stream(t, topic, partitions)
	// A consumer that finds no topic looks again when its metadata has aged, after five minutes.
	eventually(t, b, "the first record is acknowledged", 30*time.Second, func() (bool, string) {
		n := stream.Acked(t)
		return n > 0, fmt.Sprint(n)
	})
	seen := newTally(topic)
	var member Member = bystander{}
	if !c.Features().Groupless {
		member = c.Join(t, c.Name()+"-stream-group", topic, 0)
	}

	progress := func(what string, more int) {
		t.Helper()
		acked, received := stream.Acked(t)+more, len(seen.values)+more
		if c.Features().Groupless {
			received = 0
		}
		eventually(t, b, what, 60*time.Second, func() (bool, string) {
			seen.add(member.Take(t))
			now := stream.Acked(t)
			return now >= acked && len(seen.values) >= received, fmt.Sprintf("%d acknowledged, want %d; %d received, want %d", now, acked, len(seen.values), received)
		})
	}
	progress("a producer and a consumer at work", 60)
	b.Restart(t, Crash)
	progress("both at work after the broker was killed", 60)
	b.Restart(t, Graceful)
	progress("both at work after the broker was restarted in order", 60)

	acked, failures := stream.Stop(t)
	if len(failures) > 0 {
		t.Errorf("%d sends failed, the first: %s", len(failures), failures[0])
	}
	if c.Features().Groupless {
		for p := range int32(partitions) {
			seen.add(c.Fetch(t, topic, p, 0, int(endOffsets(t, b, topic)[p])))
		}
	}
	eventually(t, b, "all that was acknowledged was received", 30*time.Second, func() (bool, string) {
		seen.add(member.Take(t))
		n := missing(acked, seen.values)
		return n == 0, fmt.Sprintf("%d of %d missing", n, len(acked))
	})
	member.Leave(t)
	seen.check(t)
	compareWithLog(t, b, c, topic, partitions, seen)
	if c.Features().Idempotent {
		return "the producer is idempotent: nothing doubled, nothing out of order"
	}
	return ""
}

// bystander is the member of a client that has no groups.
type bystander struct{ Member }

func (bystander) Take(testing.TB) []Record { return nil }
func (bystander) Leave(testing.TB)         {}

func missing(acked []int, values map[int]bool) (n int) {
	for _, i := range acked {
		if !values[i] {
			n++
		}
	}
	return n
}

// compareWithLog reads the topic anew and holds it against what the group member received on the way.
func compareWithLog(t *testing.T, b *Broker, c Client, topic string, partitions int, seen *tally) {
	t.Helper()
	ends := endOffsets(t, b, topic)
	count := map[int]int{}
	for p := range int32(partitions) {
		records := c.Fetch(t, topic, p, 0, int(ends[p]))
		if int64(len(records)) != ends[p] {
			t.Errorf("%s-%d: read %d records, the log ends at %d", topic, p, len(records), ends[p])
		}
		next := int(p)
		for _, r := range records {
			place := fmt.Sprintf("%d/%d", r.Partition, r.Offset)
			if got, ok := seen.places[place]; !ok || got != string(r.Value) {
				t.Errorf("%s-%s holds %q, the group member received %q (%v)", topic, place, r.Value, got, ok)
				return
			}
			n, _ := strconv.Atoi(string(r.Value))
			count[n]++
			if c.Features().Idempotent && n != next {
				t.Errorf("%s-%s holds %d, want %d: reordered, doubled or lost", topic, place, n, next)
				return
			}
			next = n + partitions
		}
	}
	doubled := 0
	for _, n := range count {
		doubled += n - 1
	}
	if doubled > 0 && c.Features().Idempotent {
		t.Errorf("%s: %d records twice, although the producer is idempotent", topic, doubled)
	}
	t.Logf("%s: %d records, %d doubled by retries", topic, len(count), doubled)
}

// resumeScenario: a member reads half and commits; after a kill of the broker another one goes on exactly there.
func resumeScenario(t *testing.T, b *Broker, _ Version, c Client) string {
	const n = 40
	topic, group := c.Name()+"-resume", c.Name()+"-resume-group"
	var records []Record
	for i := range n {
		records = append(records, Record{Partition: int32(i % 4), Timestamp: TimestampNow, Key: []byte("k"), Value: []byte(strconv.Itoa(i))})
	}
	settle(t, b, topic)
	c.Produce(t, ProduceArgs{Topic: topic, Codec: "none", Acks: "all", Records: records})

	seen := newTally(topic)
	collect := func(m Member, want int) {
		t.Helper()
		eventually(t, b, fmt.Sprintf("%d of %d records received", want, n), 30*time.Second, func() (bool, string) {
			seen.add(m.Take(t))
			return len(seen.values) >= want, fmt.Sprint(len(seen.values))
		})
	}
	half := c.Join(t, group, topic, n/2)
	collect(half, n/2)
	half.Commit(t)
	half.Leave(t)
	before := b.Committed(t, group, topic)

	b.Restart(t, Crash)
	if after := b.Committed(t, group, topic); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("%s had committed %v, after the kill it is %v", group, before, after)
	}
	rest := c.Join(t, group, topic, 0)
	collect(rest, n)
	rest.Commit(t)
	rest.Leave(t)
	seen.check(t)
	if len(seen.doubled) > 0 {
		t.Errorf("%s received again what was committed: %v", group, seen.doubled)
	}
	return ""
}
