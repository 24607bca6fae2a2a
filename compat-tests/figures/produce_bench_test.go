package figures

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sordini/sordini/compat-tests/harness"
)

// produceFor lets producers, each on a connection of its own and with one request in flight, send a frame until the time is up. It
// returns how long each request took.
func produceFor(tb testing.TB, addr string, frame []byte, producers int, d time.Duration) (took []time.Duration) {
	tb.Helper()
	all := make([][]time.Duration, producers)
	var stop atomic.Bool
	var running sync.WaitGroup
	for i := range all {
		c := dial(tb, addr)
		running.Go(func() {
			for !stop.Load() {
				began := time.Now()
				if err := c.ask(frame); err != nil {
					tb.Error(err)
					return
				}
				all[i] = append(all[i], time.Since(began))
			}
		})
	}
	time.Sleep(d)
	stop.Store(true)
	running.Wait()
	return slices.Concat(all...)
}

func percentile(took []time.Duration, p float64) time.Duration {
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[min(int(float64(len(took))*p), len(took)-1)]
}

const phase = 2 * time.Second

// BenchmarkGroupCommit compares 64 producers with one, all of them with acks=all and one request in flight, under the policy `group`: what one
// producer reaches is the rate at which the disk syncs.
func BenchmarkGroupCommit(b *testing.B) {
	broker := harness.Start(b)
	createTopic(b, broker.Addr, "orders", 1, nil)
	frame := produceFrame("orders", 0, -1, records(b, 1, 1000))
	produceFor(b, broker.Addr, frame, 8, phase)
	for _, producers := range []int{8, 64, 256} {
		var one, many int
		spent := 0.0
		b.Run(fmt.Sprint(producers), func(b *testing.B) {
			for b.Loop() {
				one += len(produceFor(b, broker.Addr, frame, 1, phase))
				before := cpuSeconds(b, broker.PID())
				many += len(produceFor(b, broker.Addr, frame, producers, phase))
				spent += cpuSeconds(b, broker.PID()) - before
			}
			rounds := phase.Seconds() * float64(b.N)
			b.ReportMetric(float64(one)/rounds, "one/s")
			b.ReportMetric(float64(many)/rounds, "all/s")
			b.ReportMetric(float64(many)/float64(one), "times-one")
			b.ReportMetric(spent*1e6/float64(many), "broker-us")
		})
	}
}

// BenchmarkScrubBesideProduce runs two brokers with a GB of log each (SORDINI_FIGURES_SCRUB_GB), one of which scrubs without a rest, at its
// default rate, and lets four producers write to them in turns. It reports the 99th percentiles of the two and their ratio.
func BenchmarkScrubBesideProduce(b *testing.B) {
	total := int64(envInt(b, "SORDINI_FIGURES_SCRUB_GB", 1)) * 1e9
	var brokers []*harness.Broker
	for _, interval := range []string{"86400000", "1"} {
		broker := harness.Start(b, "sordini.log.scrub.interval.ms="+interval, "log.segment.bytes=104857600")
		createTopic(b, broker.Addr, "old", 4, nil)
		fill(b, broker.Addr, "old", 4, total/4, 100)
		createTopic(b, broker.Addr, "orders", 1, nil)
		brokers = append(brokers, broker)
	}
	frame := produceFrame("orders", 0, -1, records(b, 16, 1000))
	var took [2][]time.Duration
	const turns = 16 // short ones, so that both see the same of what else is going on
	for b.Loop() {
		for turn := range turns {
			i := turn % 2
			took[i] = append(took[i], produceFor(b, brokers[i].Addr, frame, 4, phase/4)...)
		}
	}
	without, with := percentile(took[0], 0.99), percentile(took[1], 0.99)
	b.ReportMetric(float64(without.Microseconds()), "p99-us")
	b.ReportMetric(float64(with.Microseconds()), "p99-scrub-us")
	b.ReportMetric(float64(with)/float64(without), "ratio")
	b.ReportMetric(float64(percentile(took[1], 0.5))/float64(percentile(took[0], 0.5)), "p50-ratio")
}
