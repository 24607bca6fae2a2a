package broker

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/sordini/sordini/broker/config"
	"github.com/sordini/sordini/storage/vfs"
)

// testServer is a broker on a free loopback port, in this process.
type testServer struct {
	*Server
	address string
	stop    func()
	done    chan error
	ended   bool // stop has nothing to do
	failed  bool // a disk was broken: stop may say so
}

func startServer(t *testing.T, dir string, settings ...string) *testServer {
	t.Helper()
	return startServerOn(t, nil, dir, settings...)
}

func startServerOn(t *testing.T, fsys vfs.FS, dir string, settings ...string) *testServer {
	t.Helper()
	return startServerWith(t, Options{FS: fsys, Logger: slog.New(slog.DiscardHandler)}, dir, settings...)
}

// startServerWith takes everything but the configuration from options.
func startServerWith(t *testing.T, o Options, dir string, settings ...string) *testServer {
	t.Helper()
	layer := config.Layer{
		{Key: "listeners", Value: "PLAINTEXT://127.0.0.1:0"},
		{Key: "log.dirs", Value: dir},
		{Key: "sordini.http.address", Value: ""},
		{Key: "group.initial.rebalance.delay.ms", Value: "0"},
	}
	for i := 0; i < len(settings); i += 2 {
		layer = append(layer, config.Setting{Key: settings[i], Value: settings[i+1]})
	}
	values, _, err := config.New(config.Options{DataDir: dir}, layer)
	if err != nil {
		t.Fatal(err)
	}
	o.Config = values
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	ts := &testServer{Server: s, address: s.listeners[0].tcp.Addr().String(), done: done}
	ts.stop = func() {
		cancel()
		if ts.ended {
			return
		}
		ts.ended = true
		if err := <-done; err != nil && !ts.failed {
			t.Errorf("stop: %v", err)
		}
	}
	t.Cleanup(ts.stop)
	select {
	case <-s.Ready():
	case err := <-done:
		t.Fatalf("the broker ended while starting: %v", err)
	}
	return ts
}

func (s *testServer) client(t *testing.T, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(s.address), kgo.AllowAutoTopicCreation()}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func produce(t *testing.T, s *testServer, topic string, from, n int) {
	t.Helper()
	c := s.client(t, kgo.DefaultProduceTopic(topic))
	defer c.Close()
	for i := from; i < from+n; i++ {
		c.Produce(testContext(t), &kgo.Record{Key: fmt.Append(nil, i), Value: fmt.Appendf(nil, "value %d", i)}, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := c.Flush(testContext(t)); err != nil {
		t.Fatal(err)
	}
}

func consume(t *testing.T, s *testServer, n int, opts ...kgo.Opt) []*kgo.Record {
	t.Helper()
	c := s.client(t, opts...)
	defer c.Close()
	var records []*kgo.Record
	for len(records) < n {
		fetches := c.PollFetches(testContext(t))
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %d of %d records: %v", len(records), n, err)
		}
		records = append(records, fetches.Records()...)
	}
	return records
}

func TestRecordsOutliveARestart(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	dir := t.TempDir()

	s := startServer(t, dir)
	produce(t, s, "orders", 0, 500)
	s.stop()

	s = startServer(t, dir)
	produce(t, s, "orders", 500, 500)
	records := consume(t, s, 1000, kgo.ConsumeTopics("orders"))
	for i, r := range records {
		if r.Offset != int64(i) || string(r.Value) != fmt.Sprintf("value %d", i) {
			t.Fatalf("record %d is at offset %d with value %q", i, r.Offset, r.Value)
		}
	}
	s.stop()
}

func TestAGroupGoesOnAtItsCommitAfterARestart(t *testing.T) {
	dir := t.TempDir()
	group := []kgo.Opt{kgo.ConsumerGroup("g"), kgo.ConsumeTopics("orders"), kgo.DisableAutoCommit(), kgo.FetchMaxWait(100 * time.Millisecond)}

	s := startServer(t, dir)
	produce(t, s, "orders", 0, 10)
	c := s.client(t, group...)
	seen := 0
	for seen < 10 {
		fetches := c.PollFetches(testContext(t))
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		seen += fetches.NumRecords()
	}
	if err := c.CommitUncommittedOffsets(testContext(t)); err != nil {
		t.Fatal(err)
	}
	c.Close()
	s.stop()

	s = startServer(t, dir)
	produce(t, s, "orders", 10, 5)
	records := consume(t, s, 5, group...)
	if len(records) != 5 || records[0].Offset != 10 {
		t.Fatalf("the group got %d records from offset %d on, want 5 from 10", len(records), records[0].Offset)
	}
	s.stop()
}
