package harness

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// segmentSetting makes the broker of a lane roll its segments early, so that bulkScenario reads across them.
const segmentSetting = "log.segment.bytes=1048576"

// bulkScenario: more records than one batch, one fetch or one segment holds, read back whole, and once more from the middle
// after the broker was killed.
func bulkScenario(t *testing.T, b *Broker, _ Version, c Client) string {
	const n, partition = 3000, 1
	topic := c.Name() + "-bulk"
	rng := rand.New(rand.NewPCG(recordSeed, n))
	records := make([]Record, n)
	for i := range records {
		value := fmt.Appendf(nil, "%d ", i)
		for range 700 + rng.IntN(600) {
			value = append(value, byte('a'+rng.IntN(26)))
		}
		timestamp := int64(TimestampNow)
		if c.Features().Timeless {
			timestamp = TimestampNone
		}
		records[i] = Record{Partition: partition, Timestamp: timestamp, Key: fmt.Appendf(nil, "%d", i), Value: value}
	}
	settle(t, b, topic)
	c.Produce(t, ProduceArgs{Topic: topic, Codec: "none", Acks: "all", Records: records})
	read := func(when string, from int) {
		t.Helper()
		got := c.Fetch(t, topic, partition, int64(from), n-from)
		if d := Difference(records[from:], got, int64(from), c.Features()); d != "" {
			t.Errorf("%s reads %s from %d %s: %s", c.Name(), topic, from, when, d)
		}
	}
	read("at once", 0)
	b.Restart(t, Crash)
	read("after a kill", n/3)
	return ""
}

func needsBulky(_ testing.TB, _ *Broker, c Client) (verdict, why string) {
	if !c.Features().Bulky {
		return Absent, "takes few records at a time"
	}
	return "", ""
}

func needsOffsets(_ testing.TB, _ *Broker, c Client) (verdict, why string) {
	if _, ok := c.(OffsetLister); !ok {
		return Absent, "does not look offsets up"
	}
	return "", ""
}

// offsetsStep looks up the ends of what was written in each codec, and the place of one of the times in it.
func offsetsStep(t *testing.T, b *Broker, _ Version, c Client) string {
	lister, detail := c.(OffsetLister), "first, end and by time"
	if c.Features().NoTimeQuery {
		detail = "first and end"
	}
	for _, w := range writeEach(t, b, c, c.Name()+"-offsets", []string{"1"}) {
		at := w.Records[len(w.Records)/2].Timestamp
		want := int64(-1)
		for i, r := range w.Records {
			if at >= 0 && r.Timestamp >= at {
				want = int64(i)
				break
			}
		}
		first, end, byTime := lister.Offsets(t, w.Topic, w.Partition, at)
		if first != 0 || end != int64(len(w.Records)) {
			t.Errorf("%s: %s goes from %d to %d, want 0 to %d", c.Name(), w.Topic, first, end, len(w.Records))
		}
		if at >= 0 && !c.Features().NoTimeQuery && byTime != want {
			t.Errorf("%s: %s at %d ms is offset %d, want %d", c.Name(), w.Topic, at, byTime, want)
		}
	}
	return detail
}
