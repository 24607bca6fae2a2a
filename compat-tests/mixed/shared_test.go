package mixed

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/sordini/sordini/compat-tests/harness"
)

// share: a member of this generation and one of the newest share a group, as they do while a service is upgraded.
func share(t *testing.T, c, partner harness.Client) string {
	t.Helper()
	topic, group := "mixed-group-"+c.Name(), "mixed-group-"+c.Name()
	produce := func(by harness.Client, from int) {
		t.Helper()
		var records []harness.Record
		for i := range 8 {
			records = append(records, harness.Record{Partition: int32(i % 4), Timestamp: harness.TimestampNow, Key: []byte("k"), Value: []byte(strconv.Itoa(from + i))})
		}
		by.Produce(t, harness.ProduceArgs{Topic: topic, Codec: "none", Acks: "all", Records: records})
	}
	seen := map[string]int{}
	receive := func(count int, members ...harness.Member) {
		t.Helper()
		await(t, fmt.Sprintf("%d records", count), func() (bool, string) {
			for _, m := range members {
				for _, r := range m.Take(t) {
					seen[string(r.Value)]++
				}
			}
			return len(seen) >= count, fmt.Sprint(len(seen))
		})
		for _, m := range members {
			m.Commit(t)
		}
	}
	held := func(sizes []int, members ...harness.Member) {
		t.Helper()
		await(t, fmt.Sprintf("shares of %v", sizes), func() (bool, string) {
			var counts []int
			for _, m := range members {
				counts = append(counts, len(m.Assigned(t)))
			}
			return slices.Equal(counts, sizes), fmt.Sprint(counts)
		})
	}

	produce(c, 0)
	own := c.Join(t, group, topic, 0)
	receive(8, own)
	other := partner.Join(t, group, topic, 0)
	held([]int{2, 2}, own, other)
	produce(partner, 8)
	receive(16, own, other)
	own.Leave(t)
	held([]int{4}, other)
	produce(c, 16)
	receive(24, other)
	other.Leave(t)
	for value, times := range seen {
		if times != 1 {
			t.Errorf("%s and %s received %s %d times", c.Name(), partner.Name(), value, times)
		}
	}
	return "shared with " + partner.Name()
}

func await(t *testing.T, what string, condition func() (bool, string)) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		ok, state := condition()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s; now: %s", what, state)
		}
	}
}
