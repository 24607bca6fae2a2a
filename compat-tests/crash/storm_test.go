package crash

import (
	"context"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/sordini/sordini/compat-tests/crash/ledger"
	"github.com/sordini/sordini/compat-tests/crash/load"
)

// TestStorm kills the broker while logs roll, retention and compaction run, topics come and go, groups commit, and, every
// second round, while it starts and recovers. Variables are those of TestKillLoop.
func TestStorm(t *testing.T) {
	base := run{rounds: envInt(t, "SORDINI_CRASH_ROUNDS", 3), seed: uint64(envInt(t, "SORDINI_CRASH_SEED", int(time.Now().UnixNano())))}
	for _, policy := range policies(t) {
		t.Run(policy, func(t *testing.T) {
			r := base
			r.policy = policy
			r.storm(t)
		})
	}
}

func (r *run) storm(t *testing.T) {
	t.Logf("%d rounds, durability %s, SORDINI_CRASH_SEED=%d", r.rounds, r.policy, r.seed)
	rnd := rand.New(rand.NewPCG(r.seed, 2))
	b, dir := load.NewBroker(t)
	b.Settings = load.Settings()
	ctx := context.Background()
	start(t, b)
	w, err := load.NewWorld(ctx, b.Addr, load.Topics([]string{r.policy}, r.policy))
	if err != nil {
		t.Fatal(err)
	}
	var sum load.Report
	for round := range r.rounds {
		crash := r.killOnce(t, b, w, rnd)
		if round%2 == 1 {
			killWhileStarting(t, b, rnd)
		}
		start(t, b)
		report, err := w.Judge(ctx, crash)
		if err != nil {
			report.Faults = append(report.Faults, err.Error())
		}
		for _, f := range report.Faults {
			t.Errorf("round %d: %s", round, f)
		}
		sum.Sent, sum.Acked = sum.Sent+report.Sent, sum.Acked+report.Acked
		if t.Failed() {
			t.Logf("the broker's log ends:\n%s", b.Tail(60))
			keep(t, b, dir)
			break
		}
	}
	t.Logf("%d records sent, %d acknowledged", sum.Sent, sum.Acked)
}

// killOnce lets everything write for a random while and kills.
func (r *run) killOnce(t *testing.T, b *load.Broker, w *load.World, rnd *rand.Rand) ledger.Crash {
	t.Helper()
	life, err := w.Live(false)
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(servedWithin) // the clients count by themselves what is acknowledged
	for w.Acked() == 0 && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	if w.Acked() == 0 {
		t.Errorf("nothing is acknowledged within %v", servedWithin)
	}
	// The kill must meet whatever the broker is at: the moment is the seed's, for a kill that waited for something would always meet the same.
	time.Sleep(time.Duration(rnd.Int64N(int64(1200 * time.Millisecond))))
	if b.Ended() {
		t.Errorf("the broker has ended by itself")
	}
	life.Over()
	b.Kill()
	crash := ledger.Crash{At: time.Now()}
	for _, f := range life.End() {
		t.Errorf("while the broker was alive: %s", f)
	}
	return crash
}

// killWhileStarting kills a broker that recovers, up to three times.
func killWhileStarting(t *testing.T, b *load.Broker, rnd *rand.Rand) {
	t.Helper()
	for range 1 + rnd.IntN(3) {
		if err := b.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rnd.Int64N(int64(120 * time.Millisecond)))) // anywhere in the recovery, which says nothing before it is over
		b.Kill()
	}
}

func start(t *testing.T, b *load.Broker) {
	t.Helper()
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	if err := b.Ready(20 * time.Second); err != nil {
		t.Fatal(err)
	}
}

// keep leaves the data of a failed run behind when it was asked for.
func keep(t *testing.T, b *load.Broker, dir string) {
	if os.Getenv("SORDINI_COMPAT_KEEP") == "" {
		return
	}
	b.Kill()
	if err := os.Rename(dir, dir+".failed"); err == nil {
		t.Logf("kept %s.failed", dir)
	}
}
