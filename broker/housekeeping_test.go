package broker

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/storage/vfs"
)

// dirtyLog creates a compacted topic with one key, of which the closed segments hold more than its last record.
func dirtyLog(t *testing.T, s *testServer, topic string) {
	t.Helper()
	policy := "compact"
	if _, err := kadm.NewClient(s.client(t)).CreateTopic(testContext(t), 1, 1, map[string]*string{"cleanup.policy": &policy}, topic); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		b := batch.NewBuilder(batch.Options{})
		for range 8 {
			b.Add(time.Now().UnixMilli(), []byte("the key"), make([]byte, 100_000), nil)
		}
		raw, err := b.Build(nil)
		if err != nil {
			t.Fatal(err)
		}
		dialRaw(t, s.address).ask(produceFrame(9, topic, -1, raw))
	}
}

// isCompacted asks whether only the active segment is left, and one record of each that is closed.
func isCompacted(s *testServer, topic string) error {
	if log := s.replicas.Get(topic, 0).Log(); log.Size() > 2_100_000 {
		return fmt.Errorf("%d bytes after %d offsets", log.Size(), log.LogEndOffset())
	}
	return nil
}

func TestCleanerRunsAtItsBackoff(t *testing.T) {
	s := startServer(t, t.TempDir(), "log.cleaner.backoff.ms", "0", "log.cleaner.threads", "2", "log.cleaner.min.cleanable.ratio", "0.1", "log.segment.bytes", "1048576")
	dirtyLog(t, s, "latest")
	within(t, func() error { return isCompacted(s, "latest") })
}

func TestTheCleanerIsChangedWhileItRuns(t *testing.T) {
	// Given a cleaner without threads.
	s := startServer(t, t.TempDir(), "log.cleaner.backoff.ms", "5", "log.cleaner.threads", "0", "log.cleaner.min.cleanable.ratio", "0.1", "log.segment.bytes", "1048576")
	dirtyLog(t, s, "latest")
	if isCompacted(s, "latest") == nil {
		t.Fatal("there is nothing to compact")
	}
	// When it gets one, and less memory, then it works.
	one, memory := "1", "1000000"
	changes := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "producer.id.expiration.ms", Value: &memory}, {Op: kadm.SetConfig, Name: "log.cleaner.threads", Value: &one}, {Op: kadm.SetConfig, Name: "log.cleaner.dedupe.buffer.size", Value: &memory}}
	if got, err := kadm.NewClient(s.client(t)).AlterBrokerConfigs(testContext(t), changes); err != nil || len(got) != 1 || got[0].Err != nil {
		t.Fatal(got, err)
	}
	within(t, func() error { return isCompacted(s, "latest") })
	if ms := s.replicas.Get("latest", 0).Log().Config().ProducerIDExpirationMs; ms != 1_000_000 {
		t.Errorf("producers are forgotten after %d ms", ms)
	}
	if logs := s.cleanerLogs(); logs.CleanerDedupeBufferBytes != 1_000_000 || logs.CleanerThreads != 1 {
		t.Errorf("%+v", logs)
	}
}

// After a crash an operator wants to know what the start had to do.
func TestAStartAfterACrashSaysWhatItRead(t *testing.T) {
	mem := vfs.NewMemFS()
	s := startServerOn(t, mem, "/data", "sordini.durability", "os")
	produce(t, s, "orders", 0, 100)
	killed := mem.CrashClone(100, nil)
	s.stop()
	var logged logLines
	options := Options{FS: killed, Logger: slog.New(slog.NewTextHandler(&logged, nil))}
	s = startServerWith(t, options, "/data")
	if lines := logged.with("was not closed properly"); len(lines) != 1 {
		t.Errorf("%q", logged.with(""))
	}
	if end := s.replicas.Get("orders", 0).Log().LogEndOffset(); end != 100 {
		t.Errorf("the log ends at %d", end)
	}
	s.stop()
	startServerWith(t, options, "/data")
	if lines := logged.with("was not closed properly"); len(lines) != 1 {
		t.Errorf("after a proper stop: %q", lines)
	}
}
