package kcat

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sordini/sordini/compat-tests/harness"
)

// TestMemberVanishes: of two members one is killed. The broker misses its heartbeats, ends its session of six seconds, and
// the other takes everything over.
func TestMemberVanishes(t *testing.T) {
	v := version("as-it-is", harness.Features{Codecs: []string{"none"}})
	v.Prepare(t)
	b := harness.Start(t)
	c := v.Start(t, b)
	const topic, group = "vanish", "vanish-group"
	var records []harness.Record
	for p := range int32(4) {
		records = append(records, harness.Record{Partition: p, Timestamp: harness.TimestampNow, Key: []byte("k"), Value: fmt.Append(nil, p)})
	}
	c.Produce(t, harness.ProduceArgs{Topic: topic, Codec: "none", Acks: "all", Records: records})

	stays := c.Join(t, group, topic, 0)
	goes := c.Join(t, group, topic, 0)
	await(t, "each holds two partitions", func() bool { return len(stays.Assigned(t)) == 2 && len(goes.Assigned(t)) == 2 })
	goes.(*member).vanish()
	begin := time.Now()
	await(t, "the one that stays holds all", func() bool { return len(stays.Assigned(t)) == 4 })
	t.Logf("taken over after %d ms", time.Since(begin).Milliseconds())

	c.Produce(t, harness.ProduceArgs{Topic: topic, Codec: "none", Acks: "all", Records: records})
	var seen []string // the offsets 1, the second record of each partition
	await(t, "all new records are received", func() bool {
		for _, r := range stays.Take(t) {
			if r.Offset == 1 {
				seen = append(seen, string(r.Value))
			}
		}
		return len(seen) >= 4
	})
	slices.Sort(seen)
	if !slices.Equal(seen, []string{"0", "1", "2", "3"}) {
		t.Errorf("received %v, want one of each partition", seen)
	}
	stays.Leave(t)
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}
