package figures

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sordini/sordini/compat-tests/harness"
)

func admin(tb testing.TB, addr string) *kadm.Client {
	tb.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return kadm.NewClient(c)
}

func createTopic(tb testing.TB, addr, topic string, partitions int, configs map[string]string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	given := map[string]*string{}
	for k, v := range configs {
		given[k] = &v
	}
	a := admin(tb, addr)
	a.SetTimeoutMillis(int32((5 * time.Minute).Milliseconds()))
	if _, err := a.CreateTopic(ctx, int32(partitions), 1, given, topic); err != nil {
		tb.Fatal(err)
	}
}

// launched starts the broker again and returns the time until it answers.
func launched(tb testing.TB, b *harness.Broker) time.Duration {
	tb.Helper()
	began := time.Now()
	b.Launch(tb)
	return time.Since(began)
}

// BenchmarkCleanStart starts a broker with 10,000 partitions (SORDINI_FIGURES_PARTITIONS), of which every one has records, after a clean stop, and
// reports the time from the process's start to its first answer, and the resident memory for each partition, which is what it has more than a
// broker without any.
func BenchmarkCleanStart(b *testing.B) {
	const topics = 10
	partitions := envInt(b, "SORDINI_FIGURES_PARTITIONS", 10_000)
	broker := harness.Start(b, "sordini.durability=os", "log.retention.check.interval.ms=86400000")
	broker.Restart(b, harness.Graceful)
	time.Sleep(settle)
	empty := residentBytes(b, broker.PID())
	raw := records(b, 1, 100)
	for i := range topics {
		topic := fmt.Sprint("many", i)
		createTopic(b, broker.Addr, topic, partitions/topics, nil)
		c := dial(b, broker.Addr)
		for p := range partitions / topics {
			if err := c.ask(produceFrame(topic, int32(p), 1, raw)); err != nil {
				b.Fatal(err)
			}
		}
	}
	best, worst := time.Hour, time.Duration(0)
	for b.Loop() {
		broker.End(b, harness.Graceful)
		took := launched(b, broker)
		best, worst = min(best, took), max(worst, took)
	}
	time.Sleep(settle)
	b.ReportMetric(best.Seconds(), "best-s")
	b.ReportMetric(worst.Seconds(), "worst-s")
	b.ReportMetric(float64(residentBytes(b, broker.PID())-empty)/float64(partitions), "B/partition")
}

// settle is how long a broker gets to give memory back before it is looked at.
const settle = 2 * time.Second

// BenchmarkStartAfterKill writes 10 GB (SORDINI_FIGURES_GB) to twenty partitions, so that all of it lies in active segments, under the policy `os`,
// kills the broker at once, and reports the time from the start to the first answer, when every partition serves.
func BenchmarkStartAfterKill(b *testing.B) {
	const partitions = 20
	total := int64(envInt(b, "SORDINI_FIGURES_GB", 10)) * 1e9
	best, worst, spent := time.Hour, time.Duration(0), 0.0
	for b.Loop() {
		broker := harness.Start(b, "sordini.durability=os", "log.segment.bytes=2147483647", "log.retention.check.interval.ms=86400000")
		createTopic(b, broker.Addr, "large", partitions, nil)
		fill(b, broker.Addr, "large", partitions, total/partitions, 500)
		broker.End(b, harness.Crash)
		took := launched(b, broker)
		cpu := cpuSeconds(b, broker.PID())
		best, worst, spent = min(best, took), max(worst, took), spent+cpu
		offsets, err := admin(b, broker.Addr).ListEndOffsets(context.Background(), "large")
		if err != nil {
			b.Fatal(err)
		}
		records := int64(0)
		offsets.Each(func(o kadm.ListedOffset) { records += o.Offset })
		if records < total/1100 {
			b.Fatalf("%d records are there", records)
		}
		b.Logf("%d records, ready after %v with %.2f s of CPU", records, took, cpu)
		broker.End(b, harness.Graceful)
		if err := os.RemoveAll(broker.Dir); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(best.Seconds(), "best-s")
	b.ReportMetric(worst.Seconds(), "worst-s")
	b.ReportMetric(spent/float64(b.N), "cpu-s")
}
