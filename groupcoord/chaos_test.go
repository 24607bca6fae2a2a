package groupcoord

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

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

	chaos(s, log, rand.New(rand.NewPCG(seed, 1)), 60, 200)
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

// chaos lets the log stall, fail and lose, and the leader change.
func chaos(s *Service, log *memlog.Log, rng *rand.Rand, rounds, pauseMs int) {
	epoch := int32(0)
	for range rounds {
		time.Sleep(time.Duration(rng.IntN(pauseMs)) * time.Millisecond)
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
}

// TestGroupsThroughChaos runs consumers on groups through the same, with Kafka's
// own initial rebalance delay. Callers give up at any time. Every call returns, no
// partition of a generation has two owners, and when it is over every consumer is
// in a stable group.
func TestGroupsThroughChaos(t *testing.T) {
	for seed := *chaosSeed; seed < *chaosSeed+10; seed++ {
		synctest.Test(t, func(t *testing.T) { consumeThroughChaos(t, seed) })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// consumers are those of one run, and what they were told to own.
type consumers struct {
	t      *testing.T
	s      *Service
	calm   chan struct{}
	stop   chan struct{}
	owners struct {
		sync.Mutex
		m map[string]string
	}
}

func consumeThroughChaos(t *testing.T, seed uint64) {
	log := &memlog.Log{}
	c := &consumers{t: t, calm: make(chan struct{}), stop: make(chan struct{})}
	c.s = newService(t, log, func(cfg *Config) { cfg.Group.InitialRebalanceDelayMs = 3_000 })
	c.owners.m = map[string]string{}
	var wg sync.WaitGroup
	settled := make([]int32, 12)
	for i := range settled {
		wg.Go(func() { settled[i] = c.consume(i, rand.New(rand.NewPCG(seed, uint64(i)+2))) })
	}
	chaos(c.s, log, rand.New(rand.NewPCG(seed, 1)), 100, 20_000)
	close(c.calm)
	time.Sleep(2 * time.Minute) // a session, a rebalance, and the longest wait before a reload
	close(c.stop)
	wg.Wait()
	for i, generation := range settled {
		if generation < 0 || generation != settled[i%3] {
			t.Errorf("consumer %d ends in generation %d, another of its group in %d", i, generation, settled[i%3])
		}
	}
	c.s.Close()
	if len(c.owners.m) < 30 {
		t.Errorf("only %d partitions were ever owned", len(c.owners.m))
	}
}

// consume is one consumer of one of three groups, of four members each. It returns the generation in
// which it ends, -1 outside of any.
func (c *consumers) consume(i int, rng *rand.Rand) (generation int32) {
	group, member, generation := fmt.Sprint("g", i%3), "", int32(-1)
	for {
		select {
		case <-c.stop:
			return generation
		case <-time.After(time.Duration(500+rng.IntN(1000)) * time.Millisecond):
		}
		ctx, cancel := context.WithCancel(c.t.Context())
		calm := false
		select {
		case <-c.calm:
			calm = true
		default:
			if rng.IntN(4) == 0 {
				ctx, cancel = context.WithTimeout(ctx, time.Duration(rng.IntN(5_000))*time.Millisecond)
			}
		}
		switch {
		case generation >= 0 && !calm && rng.IntN(20) == 0:
			leave := kmsg.NewPtrLeaveGroupRequest()
			leave.Version, leave.Group, leave.MemberID = 2, group, member
			c.s.LeaveGroup(ctx, leave)
			member, generation = "", -1
		case generation >= 0:
			req := heartbeatRequest(member, generation)
			req.Group = group
			if code := c.s.Heartbeat(ctx, req).ErrorCode; code != 0 && code != kerr.NotCoordinator.Code {
				generation = -1
				if code == kerr.UnknownMemberID.Code {
					member = ""
				}
			}
		default:
			member, generation = c.join(ctx, i, group, member)
		}
		cancel()
	}
}

func (c *consumers) join(ctx context.Context, i int, group, member string) (string, int32) {
	req := joinRequest(int16(i%10), member)
	req.Group = group
	resp := c.s.JoinGroup(ctx, req, ClientInfo{ID: fmt.Sprint("c", i)})
	switch resp.ErrorCode {
	case 0:
	case kerr.MemberIDRequired.Code:
		return resp.MemberID, -1
	case kerr.UnknownMemberID.Code:
		return "", -1
	default:
		return member, -1
	}
	sync := syncRequest(resp.MemberID, resp.Generation)
	sync.Group = group
	if resp.LeaderID == resp.MemberID {
		for k, m := range resp.Members {
			sync.GroupAssignment = append(sync.GroupAssignment,
				kmsg.SyncGroupRequestGroupAssignment{MemberID: m.MemberID, MemberAssignment: fmt.Append(nil, "partition ", k)})
		}
	}
	synced := c.s.SyncGroup(ctx, sync)
	if synced.ErrorCode != 0 {
		return resp.MemberID, -1
	}
	if len(synced.MemberAssignment) > 0 {
		key := fmt.Sprint(group, " ", resp.Generation, " ", string(synced.MemberAssignment))
		c.owners.Lock()
		defer c.owners.Unlock()
		if other, ok := c.owners.m[key]; ok && other != resp.MemberID {
			c.t.Errorf("%s belongs to %s and to %s", key, other, resp.MemberID)
		}
		c.owners.m[key] = resp.MemberID
	}
	return resp.MemberID, resp.Generation
}
