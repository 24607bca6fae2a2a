package groupcoord

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/sordini/sordini/broker/replica"
	"github.com/sordini/sordini/groupcoord/txn"
)

// TestCompactionKeepsWhatTransactionsCommitted has commits in and beside transactions on a log that is compacted again and again: whatever
// is left of it, the offsets that are loaded from it are those that the coordinator had, and what is pending stays so.
func TestCompactionKeepsWhatTransactionsCommitted(t *testing.T) {
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 11))
		d := newDisk(t)
		d.topic = map[string]string{"cleanup.policy": "compact", "segment.bytes": "1048576", "min.cleanable.dirty.ratio": "0", "segment.ms": "1"}
		var clock atomic.Int64
		s := diskService(t, letIn, func(c *Config) { c.Clock = func() int64 { return clock.Add(2) } }) // every append rolls the segment
		log := d.open(t, func() { t.Error("the directory went offline") })
		s.Lead(0, 0, log)
		awaitLoaded(t, s)
		producers := make([]testProducer, 4)
		for i := range producers {
			producers[i].id = int64(100 + i)
		}
		shrunk := int64(0)
		for round := range int32(6) {
			for step := range 40 {
				p := &producers[rng.IntN(len(producers))]
				offset := int64(round)*1_000 + int64(step)
				switch rng.IntN(5) {
				case 0:
					wantCode(t, "commit", commitCode(s.OffsetCommit(t.Context(), commitRequest(2, offset, offset))), nil)
				case 1, 2:
					wantCode(t, "commit in a transaction", txnCode(s.TxnOffsetCommit(t.Context(), p.commit(5, offset))), nil)
				default:
					if got := end(t, s, p.marker(rng.IntN(2) == 0, txn.V2)); got != MarkerWritten {
						t.Fatalf("seed %d: marker: %v", seed, got)
					}
					p.epoch++
				}
			}
			if rng.IntN(3) > 0 { // with nothing open the whole log may be compacted
				for i := range producers {
					end(t, s, producers[i].marker(true, txn.V2))
					producers[i].epoch++
				}
			}
			before := offsetsOf(t, s)
			s.Resign(0)
			compacted, err := d.dir.RunCompaction(t.Context(), clock.Load())
			if err != nil {
				t.Fatal(err)
			}
			shrunk += compacted.BytesBefore - compacted.BytesNow
			s.Lead(0, round+1, replica.NewCoordinatorLog(d.p))
			awaitLoaded(t, s)
			if after := offsetsOf(t, s); after != before {
				t.Fatalf("seed %d, round %d: before %s, loaded %s", seed, round, before, after)
			}
		}
		if shrunk == 0 {
			t.Errorf("seed %d: nothing was compacted", seed)
		}
		_ = s.Close()
	}
}

// offsetsOf is what the group has, stable and not.
func offsetsOf(t *testing.T, s *Service) string {
	t.Helper()
	text := ""
	for _, requireStable := range []bool{false, true} {
		req := fetchRequest(8, 0, 1)
		req.RequireStable = requireStable
		for _, p := range s.OffsetFetch(t.Context(), req).Groups[0].Topics[0].Partitions {
			text += fmt.Sprintf(" %d:%d/%d", p.Partition, p.Offset, p.ErrorCode)
		}
	}
	return text
}
