package groupcoord

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/groupcoord/group"
	"github.com/sordini/sordini/groupcoord/runtime"
	"github.com/sordini/sordini/groupcoord/runtime/memlog"
	"github.com/sordini/sordini/protocol/batch"
)

func benchService(b *testing.B, log runtime.PartitionLog) *Service {
	b.Helper()
	cfg := Config{
		Clock: func() int64 { return time.Now().UnixMilli() }, Logger: slog.New(slog.DiscardHandler), Group: group.DefaultConfig(),
		OffsetsPartitions: func() int32 { return 1 }, RandomID: func() string { return "id" },
		ResolveTopic: func(topic string, _ [16]byte, _ int32) (string, *kerr.Error) { return topic, nil },
	}
	cfg.Group.InitialRebalanceDelayMs = 0
	s := New(cfg)
	s.Lead(0, 0, log)
	b.Cleanup(func() { s.Close() })
	return s
}

func benchMember(b *testing.B, s *Service) string {
	b.Helper()
	for {
		resp := s.JoinGroup(b.Context(), joinRequest(3, ""), ClientInfo{ID: "c"})
		if resp.ErrorCode == 0 {
			s.SyncGroup(b.Context(), syncRequest(resp.MemberID, 1, resp.MemberID))
			return resp.MemberID
		}
	}
}

func BenchmarkHeartbeat(b *testing.B) {
	s := benchService(b, &memlog.Log{})
	req := heartbeatRequest(benchMember(b, s), 1)
	b.ReportAllocs()
	for b.Loop() {
		if resp := s.Heartbeat(b.Context(), req); resp.ErrorCode != 0 {
			b.Fatal(resp.ErrorCode)
		}
	}
}

func BenchmarkOffsetCommit(b *testing.B) {
	s := benchService(b, discard{&memlog.Log{}})
	benchMember(b, s) // it has loaded
	b.SetParallelism(100)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		req := commitRequest(2, 5)
		req.Group = "simple"
		for pb.Next() {
			if code := commitCode(s.OffsetCommit(b.Context(), req)); code != 0 {
				b.Error(code)
				return
			}
		}
	})
}

// discard is a log that keeps nothing.
type discard struct{ *memlog.Log }

func (discard) Append(_ int64, b []byte) (int64, error) { return 0, nil }

// loadOf is a log of live offsets in groups with a hundred each.
func loadOf(b *testing.B, offsets int) *memlog.Log {
	log := &memlog.Log{}
	source := group.New(group.DefaultConfig())
	for g := range offsets / 100 {
		builder := batch.NewBuilder(batch.Options{})
		req := commitRequest(2, make([]int64, 100)...)
		req.Group = fmt.Sprintf("group-%d", g)
		for _, r := range source.Decide(1, &group.Commit{Req: req}).Records {
			builder.Add(1, r.Key, r.Value, nil)
		}
		encoded, err := builder.Build(nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := log.Append(1, encoded); err != nil {
			b.Fatal(err)
		}
	}
	return log
}

// BenchmarkLoad reads a log of live offsets: a million of them may take one second.
func BenchmarkLoad(b *testing.B) {
	for _, offsets := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint(offsets), func(b *testing.B) {
			log := loadOf(b, offsets)
			b.ReportAllocs()
			for b.Loop() {
				s := benchService(b, log)
				for s.OffsetFetch(b.Context(), fetchRequest(7, 0)).ErrorCode != 0 {
					time.Sleep(100 * time.Microsecond)
				}
				s.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*offsets), "ns/offset")
		})
	}
}

// cpu is what the process has used so far.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// benchCluster is a Service with fifty partitions.
func benchCluster(b *testing.B, log func(partition int32) runtime.PartitionLog) *Service {
	const partitions = 50
	ids := 0
	s := New(Config{
		Clock: func() int64 { return time.Now().UnixMilli() }, Logger: slog.New(slog.DiscardHandler), Group: group.DefaultConfig(),
		OffsetsPartitions: func() int32 { return partitions }, RandomID: func() string { ids++; return fmt.Sprint(ids) },
		ResolveTopic: func(topic string, _ [16]byte, _ int32) (string, *kerr.Error) { return topic, nil },
	})
	for p := range int32(partitions) {
		s.Lead(p, 0, log(p))
	}
	b.Cleanup(func() { s.Close() })
	awaitLoaded(b, s)
	return s
}

// fill makes groups of ten members: they join with long sessions, all at once, and the leader assigns.
func fill(b *testing.B, s *Service, groups int) []*kmsg.HeartbeatRequest {
	var all []*kmsg.HeartbeatRequest
	var mu sync.Mutex
	var wg sync.WaitGroup
	for g := range groups {
		name := fmt.Sprint("group-", g)
		for range 10 {
			req := joinRequest(3, "")
			req.Group, req.SessionTimeoutMillis = name, 1_800_000
			e := &group.Join{Req: req, ClientID: "c", ClientHost: "/h", ID: s.cfg.RandomID()}
			wg.Go(func() {
				joined, err := ask[*kmsg.JoinGroupResponse](b.Context(), s, name, e)
				if err != nil || joined.ErrorCode != 0 {
					b.Errorf("join: %v %+v", err, joined)
					return
				}
				ids := make([]string, len(joined.Members))
				for i := range joined.Members {
					ids[i] = joined.Members[i].MemberID
				}
				sync := syncRequest(joined.MemberID, joined.Generation, ids...)
				sync.Group = name
				if code := s.SyncGroup(b.Context(), sync).ErrorCode; code != 0 {
					b.Errorf("sync: %d", code)
				}
				beat := heartbeatRequest(joined.MemberID, joined.Generation)
				beat.Group = name
				mu.Lock()
				defer mu.Unlock()
				all = append(all, beat)
			})
		}
	}
	wg.Wait()
	return all
}

// BenchmarkHeartbeatsOf10000Members in 1,000 groups on 50 partitions, each alone, as on
// connections that are quiet: every one wakes its shard. At one in three seconds they may
// take 6 % of a core, 18 us each.
func BenchmarkHeartbeatsOf10000Members(b *testing.B) {
	s := benchCluster(b, func(int32) runtime.PartitionLog { return &memlog.Log{} })
	beats := fill(b, s, 1_000)
	next, before := 0, cpu(b)
	b.ReportAllocs()
	for b.Loop() {
		if resp := s.Heartbeat(b.Context(), beats[next%len(beats)]); resp.ErrorCode != 0 {
			b.Fatal(resp.ErrorCode)
		}
		next++
	}
	each := float64(cpu(b)-before) / float64(b.N)
	b.ReportMetric(each, "cpu-ns/op")
	b.ReportMetric(each*10_000/3/1e9*100, "%core-at-3s")
}

// BenchmarkJoinOf1000Members of one group: the rebalance delay and one second may pass.
func BenchmarkJoinOf1000Members(b *testing.B) {
	for b.Loop() {
		s := benchCluster(b, func(int32) runtime.PartitionLog { return &memlog.Log{} })
		var wg sync.WaitGroup
		for i := range 1_000 {
			wg.Go(func() {
				req := joinRequest(3, "")
				req.Group = "large"
				joined, err := ask[*kmsg.JoinGroupResponse](b.Context(), s, "large", &group.Join{Req: req, ClientID: "c", ID: fmt.Sprint(i)})
				if err != nil || joined.ErrorCode != 0 {
					b.Errorf("join: %v %+v", err, joined)
					return
				}
				ids := make([]string, len(joined.Members))
				for i := range joined.Members {
					ids[i] = joined.Members[i].MemberID
				}
				sync := syncRequest(joined.MemberID, joined.Generation, ids...)
				sync.Group = "large"
				if resp := s.SyncGroup(b.Context(), sync); resp.ErrorCode != 0 || string(resp.MemberAssignment) != joined.MemberID {
					b.Errorf("sync: %+v", resp)
				}
			})
		}
		wg.Wait()
		s.Close()
	}
}

// BenchmarkCommitsOf500Members of 50 groups, on a real disk with durability `group`: 50,000 in a
// second of one core.
func BenchmarkCommitsOf500Members(b *testing.B) {
	disk := realDisk(b)
	s := benchCluster(b, func(p int32) runtime.PartitionLog { return disk[p] })
	beats := fill(b, s, 50)
	var wg sync.WaitGroup
	var left atomic.Int64
	before, start := cpu(b), time.Now()
	left.Store(int64(b.N))
	b.ReportAllocs()
	b.ResetTimer()
	for _, beat := range beats {
		wg.Go(func() {
			req := commitRequest(7, 5)
			req.Group, req.MemberID, req.Generation = beat.Group, beat.MemberID, beat.Generation
			for left.Add(-1) >= 0 {
				if code := commitCode(s.OffsetCommit(b.Context(), req)); code != 0 {
					b.Error(code)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "commits/s")
	b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-ns/op")
}

// BenchmarkOffsetsInTransactions is one TxnOffsetCommit and its marker, of 20 producers.
func BenchmarkOffsetsInTransactions(b *testing.B) {
	s := benchService(b, discard{&memlog.Log{}})
	letIn(&s.cfg)
	benchMember(b, s) // it has loaded
	const producers = 20
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for i := range producers {
		wg.Go(func() {
			p := testProducer{id: int64(i)}
			for range b.N / producers {
				req := p.commit(5, 5)
				req.Group = "simple"
				if code := txnCode(s.TxnOffsetCommit(b.Context(), req)); code != 0 {
					b.Error(kerr.ErrorForCode(code))
					return
				}
				if got := s.WriteTxnMarkers(b.Context(), []Marker{p.marker(true, 2)})[0]; got != MarkerWritten {
					b.Error(got)
					return
				}
				p.epoch++
				if p.epoch < 0 {
					p.epoch = 0
				}
			}
		})
	}
	wg.Wait()
}
