package batch

import (
	"testing"

	"github.com/sordini/sordini/protocol/codec"
)

var sink int64

// The produce path has a budget of allocations per request, and none of them is for a good batch.
func TestGoodPathDoesNotAllocate(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage allocates")
	}
	raw := benchBatch(t, codec.None, 500, 100)
	wrongMax := edit(raw, posMaxTimestamp, 0, 0, 0, 0, 0, 0, 0, 5)
	rules := openRules()
	stamped := *rules
	stamped.LogAppendTime = true
	for name, f := range map[string]func(){
		"Validate": func() {
			if _, err := Validate(raw, rules); err != nil {
				t.Fatal(err)
			}
		},
		"Validate sets the maximum right": func() {
			Batch(wrongMax).SetMaxTimestamp(5)
			Batch(wrongMax).RecomputeCRC()
			if _, err := Validate(wrongMax, rules); err != nil {
				t.Fatal(err)
			}
		},
		"Validate stamps": func() {
			Batch(wrongMax).clearLogAppendTime()
			Batch(wrongMax).RecomputeCRC()
			if _, err := Validate(wrongMax, &stamped); err != nil {
				t.Fatal(err)
			}
		},
		"view": func() {
			b, rest, err := Next(raw)
			if err != nil || len(rest) != 0 {
				t.Fatal(err)
			}
			b.SetBaseOffset(b.BaseOffset() + 1)
			b.SetPartitionLeaderEpoch(4)
			b.StampLogAppendTime(b.MaxTimestamp())
			b.clearLogAppendTime()
			b.RecomputeCRC()
			sink += b.NextOffset() + int64(b.LastSequence()) + b.ProducerID() + int64(b.Count())
			b.SetBaseOffset(0)
		},
	} {
		if got := testing.AllocsPerRun(100, f); got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}
