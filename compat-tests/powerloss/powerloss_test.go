package powerloss

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/sordini/sordini/compat-tests/crash/ledger"
	"github.com/sordini/sordini/compat-tests/crash/load"
	"github.com/sordini/sordini/compat-tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

const quickRounds = 3

func envInt(t *testing.T, name string, otherwise int) int {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("%s=%q: want a number", name, s)
	}
	return n
}

// rig is a broker on a file system that forgets.
type rig struct {
	fs   *powerFS
	b    *load.Broker
	dir  string
	rnd  *rand.Rand
	seed uint64
}

func newRig(t *testing.T, seed uint64) *rig {
	t.Helper()
	b, dir := load.NewBroker(t)
	fs := startFS(t, dir)
	t.Cleanup(b.Kill) // before the file system goes
	b.Dir, b.Wrap, b.Settings = filepath.Join(fs.mount, "data"), fs.wrap(), load.Settings()
	return &rig{fs: fs, b: b, dir: dir, rnd: rand.New(rand.NewPCG(seed, 3)), seed: seed}
}

func (r *rig) start(t *testing.T) {
	t.Helper()
	if err := r.b.Start(); err != nil {
		t.Fatal(err)
	}
	if err := r.b.Ready(30 * time.Second); err != nil {
		r.keep(t)
		t.Fatal(err)
	}
}

// TestPowerLoss: SORDINI_POWERLOSS_ROUNDS (3) cuts, SORDINI_POWERLOSS_SEED repeats the choices of an earlier run, though not
// its timing. With SORDINI_COMPAT_KEEP the file system as it was after the last cut stays beside the broker's log.
func TestPowerLoss(t *testing.T) {
	rounds, seed := envInt(t, "SORDINI_POWERLOSS_ROUNDS", quickRounds), uint64(envInt(t, "SORDINI_POWERLOSS_SEED", int(time.Now().UnixNano())))
	t.Logf("%d rounds, SORDINI_POWERLOSS_SEED=%d", rounds, seed)
	r := newRig(t, seed)
	r.start(t)
	w, err := load.NewWorld(context.Background(), r.b.Addr, load.Topics([]string{"os", "interval", "group", "batch"}, "group"))
	if err != nil {
		t.Fatal(err)
	}
	var sum load.Report
	for round := range rounds {
		report := r.round(t, w, round)
		sum.Sent, sum.Acked, sum.Lost = sum.Sent+report.Sent, sum.Acked+report.Acked, sum.Lost+report.Lost
		if t.Failed() {
			r.keep(t)
			break
		}
	}
	t.Logf("%d records sent, %d acknowledged, %d of those lost where policy allows it", sum.Sent, sum.Acked, sum.Lost)
}

// round: write, cut, in every third round start and cut again, start, judge.
func (r *rig) round(t *testing.T, w *load.World, round int) load.Report {
	t.Helper()
	percent := []int{100, 50, 25, 0}[round%4]
	journal, quiet := r.rnd.IntN(2) == 0, r.rnd.IntN(3) == 0
	r.fs.medium(t, journal)
	crash, how := r.writeAndKill(t, w, quiet)
	lost := r.fs.cut(t, r.seed+uint64(round), percent, journal)
	t.Logf("round %d: %s, quiet %v: %s", round, how, quiet, lost)
	if round%3 == 2 {
		r.cutWhileStarting(t, round, journal)
	}
	r.image(t)
	r.start(t)
	report, err := w.Judge(context.Background(), crash)
	if err != nil {
		report.Faults = append(report.Faults, err.Error())
	}
	for _, f := range report.Faults {
		t.Errorf("round %d: %s", round, f)
	}
	return report
}

// writeAndKill ends the writing at a random time, or, every second time, at a random operation of the file system.
func (r *rig) writeAndKill(t *testing.T, w *load.World, quiet bool) (ledger.Crash, string) {
	t.Helper()
	life, err := w.Live(quiet)
	if err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); w.Acked() == 0; time.Sleep(time.Millisecond) {
		if time.Since(begin) > 10*time.Second {
			t.Errorf("nothing is acknowledged within 10 s")
			break
		}
	}
	how, halt := "at some time", r.rnd.IntN(2) == 0
	limit := time.Duration(200+r.rnd.IntN(2500)) * time.Millisecond
	if halt {
		ops := 1 + r.rnd.IntN(3000)
		how = fmt.Sprintf("at operation %d", ops)
		r.fs.ask(t, "halt %d", ops)
	}
	for begin := time.Now(); time.Since(begin) < limit; time.Sleep(5 * time.Millisecond) {
		if halt && r.fs.ask(t, "halted") == "yes" {
			break
		}
	}
	if !halt && r.b.Ended() {
		t.Errorf("the broker has ended by itself")
	}
	life.Over()
	r.b.Kill()
	crash := ledger.Crash{At: time.Now(), PowerLoss: true}
	for _, f := range life.End() {
		if !halt { // a broker whose disk is gone may refuse
			t.Errorf("while the broker was alive: %s", f)
		}
	}
	return crash, how
}

// cutWhileStarting lets a broker that recovers do some operations.
func (r *rig) cutWhileStarting(t *testing.T, round int, journal bool) {
	t.Helper()
	ops := 1 + r.rnd.IntN(300)
	r.fs.ask(t, "halt %d", ops)
	if err := r.b.Start(); err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); time.Since(begin) < 2*time.Second && r.fs.ask(t, "halted") == "no"; {
		time.Sleep(time.Millisecond)
	}
	r.b.Kill()
	t.Logf("round %d: while starting, at operation %d: %s", round, ops, r.fs.cut(t, r.seed^uint64(round), 50, journal))
}

// image copies what a cut has left, before a broker changes it.
func (r *rig) image(t *testing.T) {
	t.Helper()
	if os.Getenv("SORDINI_COMPAT_KEEP") == "" {
		return
	}
	to := filepath.Join(r.dir, "image")
	os.RemoveAll(to)
	if err := os.CopyFS(to, os.DirFS(r.fs.mount)); err != nil {
		t.Logf("copy the image: %v", err)
	}
}

func (r *rig) keep(t *testing.T) {
	t.Helper()
	t.Logf("the broker's log ends:\n%s", r.b.Tail(60))
}
