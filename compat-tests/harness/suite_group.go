package harness

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"
)

func needsGroups(_ testing.TB, _ *Broker, c Client) (verdict, why string) {
	if c.Features().Groupless {
		return Absent, "has no consumer groups"
	}
	return "", ""
}

// groupScenario: three members share four partitions, one leaves, one vanishes, and the one that stays takes over what
// they held. Commits are made while nothing moves, so every record must be received exactly once.
func groupScenario(t *testing.T, b *Broker, v Version, c Client) string {
	topic, group := c.Name()+"-shared", c.Name()+"-group"
	g := &sharing{b: b, c: c, topic: topic, seen: newTally(topic)}
	settle(t, b, topic)
	g.produce(t)
	stays := c.Join(t, group, topic, 0)
	g.receive(t, "the first member", stays)

	other := v.Start(t, b) // a program of its own, so that it can be killed
	if agent, ok := other.(*Agent); ok {
		agent.sessionMs = shortSessionMs
	}
	vanishes, leaves := other.Join(t, group, topic, 0), c.Join(t, group, topic, 0)
	awaitShares(t, b, []int{1, 1, 2}, stays, vanishes, leaves)
	g.produce(t)
	g.receive(t, "three members", stays, vanishes, leaves)

	leaves.Leave(t)
	awaitShares(t, b, []int{2, 2}, stays, vanishes)
	g.produce(t)
	g.receive(t, "the two that stayed", stays, vanishes)

	detail := "three members, join, leave, crash"
	if killable, ok := vanishes.(Vanisher); ok {
		killable.Vanish(t)
	} else {
		detail = "three members, join, leave"
		vanishes.Leave(t)
		other.Close(t)
	}
	awaitShares(t, b, []int{4}, stays)
	g.produce(t)
	g.receive(t, "the last", stays)
	stays.Leave(t)

	g.seen.check(t)
	if len(g.seen.doubled) > 0 {
		t.Errorf("%s received twice although it was committed: %v", group, g.seen.doubled)
	}
	if got, want := b.Committed(t, group, topic), endOffsets(t, b, topic); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s has committed %v, want the ends %v", group, got, want)
	}
	return detail
}

// sharing is a topic that a group reads while records are added.
type sharing struct {
	b     *Broker
	c     Client
	topic string
	sent  int
	seen  *tally
}

// produce adds five records to each partition.
func (g *sharing) produce(t testing.TB) {
	t.Helper()
	var records []Record
	for p := range int32(4) {
		for range 5 {
			records = append(records, Record{Partition: p, Timestamp: TimestampNow, Key: []byte("k"), Value: []byte(strconv.Itoa(g.sent))})
			g.sent++
		}
	}
	g.c.Produce(t, ProduceArgs{Topic: g.topic, Codec: "none", Acks: "all", Records: records})
}

// receive waits until the members have all that was sent, and commits it.
func (g *sharing) receive(t testing.TB, who string, members ...Member) {
	t.Helper()
	eventually(t, g.b, who+" received all records", 30*time.Second, func() (bool, string) {
		for _, m := range members {
			g.seen.add(m.Take(t))
		}
		return len(g.seen.values) >= g.sent, fmt.Sprintf("%d of %d records", len(g.seen.values), g.sent)
	})
	begin := time.Now()
	for _, m := range members {
		m.Commit(t)
	}
	slow(t, who+" committed", begin)
}

// awaitShares waits until the members hold so many partitions (in order of size), all four are held, and none twice.
func awaitShares(t testing.TB, b *Broker, sizes []int, members ...Member) {
	t.Helper()
	eventually(t, b, fmt.Sprintf("%d members hold %v partitions", len(members), sizes), 30*time.Second, func() (bool, string) {
		var shares [][]int32
		var held []int
		var all []int32
		for _, m := range members {
			share := m.Assigned(t)
			shares = append(shares, share)
			all = append(all, share...)
			held = append(held, len(share))
		}
		slices.Sort(all)
		slices.Sort(held)
		return slices.Equal(held, sizes) && slices.Equal(all, []int32{0, 1, 2, 3}), fmt.Sprint(shares)
	})
}

// tally remembers every record that was received, by place and by value.
type tally struct {
	topic   string
	values  map[int]bool
	places  map[string]string // "partition/offset" -> value
	doubled []string
	wrong   []string
}

func newTally(topic string) *tally {
	return &tally{topic: topic, values: map[int]bool{}, places: map[string]string{}}
}

func (s *tally) add(records []Record) {
	for _, r := range records {
		place := fmt.Sprintf("%d/%d", r.Partition, r.Offset)
		if old, ok := s.places[place]; ok {
			s.doubled = append(s.doubled, place)
			if old != string(r.Value) {
				s.wrong = append(s.wrong, fmt.Sprintf("%s was %q and then %q", place, old, r.Value))
			}
			continue
		}
		s.places[place] = string(r.Value)
		n, err := strconv.Atoi(string(r.Value))
		if err != nil {
			s.wrong = append(s.wrong, fmt.Sprintf("%s holds %.60q, want a number", place, r.Value))
			continue
		}
		s.values[n] = true
	}
}

func (s *tally) check(t testing.TB) {
	t.Helper()
	if len(s.wrong) > 0 {
		t.Errorf("%s: %v", s.topic, s.wrong)
	}
}
