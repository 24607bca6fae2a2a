package groupcoord

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

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

// BenchmarkLoad reads a log of 100,000 live offsets in 1,000 groups.
func BenchmarkLoad(b *testing.B) {
	log := &memlog.Log{}
	source := group.New(group.DefaultConfig())
	for g := range 1_000 {
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
	b.ReportAllocs()
	for b.Loop() {
		s := benchService(b, log)
		for s.OffsetFetch(b.Context(), fetchRequest(7, 0)).ErrorCode != 0 {
			time.Sleep(100 * time.Microsecond)
		}
		s.Close()
	}
}
