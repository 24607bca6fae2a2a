package groupcoord

import (
	"flag"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sordini/sordini/groupcoord/runtime/memlog"
)

var chaosSeed = flag.Uint64("chaos-seed", 1, "the first seed of TestNoAcknowledgedCommitIsLost")

// TestNoAcknowledgedCommitIsLost commits from many goroutines while the log
// stalls, fails, loses what was not committed, and changes its leader.
func TestNoAcknowledgedCommitIsLost(t *testing.T) {
	for seed := *chaosSeed; seed < *chaosSeed+10; seed++ {
		synctest.Test(t, func(t *testing.T) { commitThroughChaos(t, seed) })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func commitThroughChaos(t *testing.T, seed uint64) {
	log := &memlog.Log{}
	s := newService(t, log, nil)
	defer s.Close()
	stop := make(chan struct{})
	var acked [4]int64
	var wg sync.WaitGroup
	for partition := range int32(len(acked)) {
		wg.Go(func() {
			for offset := int64(1); ; offset++ {
				req := commitRequest(2, offset)
				req.Topics[0].Partitions[0].Partition = partition
				if commitCode(s.OffsetCommit(t.Context(), req)) == 0 {
					acked[partition] = offset
				}
				if acked[partition]%5 == 0 {
					resp := s.OffsetFetch(t.Context(), fetchRequest(7, partition))
					if resp.ErrorCode == 0 && acked[partition] > 0 && resp.Topics[0].Partitions[0].Offset < acked[partition] {
						t.Errorf("partition %d: fetched %d after %d was acknowledged", partition, resp.Topics[0].Partitions[0].Offset, acked[partition])
					}
				}
				select {
				case <-stop:
					return
				case <-time.After(time.Duration(5+5*partition) * time.Millisecond):
				}
			}
		})
	}

	rng := rand.New(rand.NewPCG(seed, 1))
	epoch := int32(0)
	for range 60 {
		time.Sleep(time.Duration(rng.IntN(200)) * time.Millisecond)
		switch rng.IntN(4) {
		case 0: // a slow disk
			log.Hold()
			time.Sleep(time.Duration(rng.IntN(100)) * time.Millisecond)
			log.Commit()
		case 1: // a disk that fails, and a reload
			log.Hold()
			log.Fail(true)
			time.Sleep(10 * time.Millisecond)
			synctest.Wait()
			log.Truncate()
			log.Fail(false)
			log.Commit()
		case 2: // another leader, and this one again
			epoch++
			s.Resign(0)
			time.Sleep(time.Duration(rng.IntN(10)) * time.Millisecond)
			s.Lead(0, epoch, log)
		case 3: // a power cut
			epoch++
			log.Hold()
			time.Sleep(10 * time.Millisecond)
			s.Resign(0)
			log.Truncate()
			s.Lead(0, epoch, log)
			log.Commit()
		}
	}
	time.Sleep(11 * time.Second) // longer than the longest wait before a reload
	close(stop)
	wg.Wait()
	for partition, offset := range acked {
		if offset < 30 {
			t.Errorf("partition %d: only %d commits got through", partition, offset)
		}
		if got := fetchOffset(t, s, int32(partition)); got < offset {
			t.Errorf("partition %d: %d was acknowledged, now there is %d", partition, offset, got)
		}
	}
}
