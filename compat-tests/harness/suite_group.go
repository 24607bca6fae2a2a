package harness

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"
)

// groupScenario: two members share four partitions, one leaves, the other takes over what it held. Commits are made while
// nothing moves, so every record must be received exactly once.
func groupScenario(t *testing.T, b *Broker, c Client) {
	topic, group := c.Name()+"-shared", c.Name()+"-group"
	seen := newTally(topic)
	sent := 0
	produce := func(perPartition int) {
		var records []Record
		for p := range int32(4) {
			for range perPartition {
				records = append(records, Record{Partition: p, Timestamp: TimestampNow, Key: []byte("k"), Value: []byte(strconv.Itoa(sent))})
				sent++
			}
		}
		c.Produce(t, ProduceArgs{Topic: topic, Codec: "none", Acks: "all", Records: records})
	}
	receive := func(what string, members ...Member) {
		t.Helper()
		eventually(t, b, what, 30*time.Second, func() (bool, string) {
			for _, m := range members {
				seen.add(m.Take(t))
			}
			return len(seen.values) >= sent, fmt.Sprintf("%d of %d records", len(seen.values), sent)
		})
	}

	settle(t, b, topic)
	produce(5)
	first := c.Join(t, group, topic, 0)
	receive("the first member reads all alone", first)
	first.Commit(t)

	second := c.Join(t, group, topic, 0)
	awaitShares(t, b, 2, first, second)
	produce(5)
	receive("two members read all together", first, second)
	first.Commit(t)
	second.Commit(t)

	second.Leave(t)
	awaitShares(t, b, 4, first)
	produce(5)
	receive("the member that stayed reads all", first)
	first.Commit(t)
	first.Leave(t)

	seen.check(t)
	if len(seen.doubled) > 0 {
		t.Errorf("%s received twice although it was committed: %v", group, seen.doubled)
	}
	if got, want := b.Committed(t, group, topic), endOffsets(t, b, topic); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s has committed %v, want the ends %v", group, got, want)
	}
}

// awaitShares waits until each member holds so many partitions, all four are held, and none twice.
func awaitShares(t testing.TB, b *Broker, each int, members ...Member) {
	t.Helper()
	eventually(t, b, fmt.Sprintf("%d members hold %d partitions each", len(members), each), 30*time.Second, func() (bool, string) {
		var shares [][]int32
		var all []int32
		good := true
		for _, m := range members {
			share := m.Assigned(t)
			shares = append(shares, share)
			all = append(all, share...)
			good = good && len(share) == each
		}
		slices.Sort(all)
		return good && slices.Equal(all, []int32{0, 1, 2, 3}), fmt.Sprint(shares)
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
