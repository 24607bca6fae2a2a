package crash

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/sordini/sordini/compat-tests/crash/ledger"
)

// goodHistory is a run in which all went well: 12 records over 2 partitions.
func goodHistory() *history {
	h := &history{partitions: 2, sent: 12, acked: map[int]place{}, live: map[place]int{}}
	next := map[int32]int64{}
	for n := range h.sent {
		at := place{ledger.PartitionOf(n, h.partitions), next[ledger.PartitionOf(n, h.partitions)]}
		next[at.partition]++
		h.acked[n], h.live[at] = at, n
		h.log = append(h.log, found{at, ledger.ValueOf(n)})
	}
	return h
}

// A judge that never convicts is no judge: each kind of damage is done to a good history and must be named.
func TestVerdictNamesEachDamage(t *testing.T) {
	cases := []struct {
		name   string
		damage func(h *history)
		want   string // "" for none
	}{
		{"none", func(*history) {}, ""},
		{"unacknowledged and absent is fine", func(h *history) {
			delete(h.acked, 11)
			delete(h.live, h.log[11].place)
			h.log = h.log[:11]
		}, ""},
		{"unacknowledged but there is fine", func(h *history) { delete(h.acked, 5) }, ""},
		{"acknowledged tail lost", func(h *history) { clear(h.live); h.log = h.log[:10] }, "record 10 is missing"},
		{"lost in the middle, the rest moved up", func(h *history) {
			h.log = slices.Delete(h.log, 4, 5)
			for i := 4; i < len(h.log); i++ {
				if h.log[i].partition == 0 {
					h.log[i].offset--
				}
			}
		}, "record 4 is missing"},
		{"hole", func(h *history) { h.log = slices.Delete(h.log, 4, 5) }, "a hole"},
		{"changed byte", func(h *history) { h.log[3].value = bytes.Clone(h.log[3].value); h.log[3].value[10] ^= 1 }, "record 3 at 1@1 is changed"},
		{"shortened", func(h *history) { h.log[3].value = h.log[3].value[:9] }, "record 3 at 1@1 is changed"},
		{"doubled", func(h *history) { h.log = append(h.log, found{place{1, 6}, ledger.ValueOf(11)}) }, "record 11 is doubled"},
		{"swapped", func(h *history) { h.log[2].value, h.log[4].value = h.log[4].value, h.log[2].value }, "the order is broken"},
		{"invented", func(h *history) { h.log = append(h.log, found{place{0, 6}, ledger.ValueOf(99)}) }, "was never sent"},
		{"rubbish", func(h *history) { h.log = append(h.log, found{place{0, 6}, []byte("rubbish")}) }, "was never sent"},
		{"wrong partition", func(h *history) { h.log = append(h.log[:11], found{place{0, 6}, ledger.ValueOf(11)}) }, "in the wrong partition"},
		{"acknowledged elsewhere", func(h *history) { h.acked[6] = place{0, 2} }, "record 6 was acknowledged at 0@2 and is at 0@3"},
		{"rewritten after it was read", func(h *history) { h.live[place{1, 2}] = 9 }, "held record 9"},
		{"read and gone", func(h *history) { h.live[place{1, 6}] = 13 }, "the log ends at 6"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := goodHistory()
			c.damage(h)
			got := strings.Join(verdict(h), "\n")
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("verdict %q, want %q", got, c.want)
			}
		})
	}
}

func TestValuesTellTheirNumber(t *testing.T) {
	sizes := map[bool]int{}
	for n := range 2000 {
		got, ok := ledger.NumberOf(ledger.ValueOf(n))
		if !ok || got != n {
			t.Fatalf("value of %d reads as %d, %v", n, got, ok)
		}
		sizes[len(ledger.ValueOf(n)) > 5000]++
	}
	if len(slices.Collect(maps.Keys(sizes))) != 2 {
		t.Errorf("values of one kind of size only: %v", sizes)
	}
}
