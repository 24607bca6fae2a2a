package powerloss

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/sordini/sordini/compat-tests/crash/ledger"
	"github.com/sordini/sordini/compat-tests/crash/load"
)

// TestPowerLossAtFirstStart: the power goes while a broker makes a new data directory, creates its first topics, or has
// just done so. Rounds and seed are those of TestPowerLoss.
func TestPowerLossAtFirstStart(t *testing.T) {
	rounds, seed := envInt(t, "SORDINI_POWERLOSS_ROUNDS", quickRounds), uint64(envInt(t, "SORDINI_POWERLOSS_SEED", int(time.Now().UnixNano())))
	t.Logf("%d rounds, SORDINI_POWERLOSS_SEED=%d", rounds, seed)
	r := newRig(t, seed)
	for round := range rounds {
		r.firstStart(t, round)
		if t.Failed() {
			r.keep(t)
			break
		}
		r.b.Kill()
	}
}

func (r *rig) firstStart(t *testing.T, round int) {
	t.Helper()
	r.b.Dir = filepath.Join(r.fs.mount, fmt.Sprint("data-", round))
	journal, ops, percent := r.rnd.IntN(2) == 0, 1+r.rnd.IntN(400), []int{100, 50, 25}[round%3]
	r.fs.medium(t, journal)
	r.fs.ask(t, "halt %d", ops)
	if err := r.b.Start(); err != nil {
		t.Fatal(err)
	}
	w, crash := r.firstWrites(t)
	t.Logf("round %d: at operation %d, topics created %v: %s", round, ops, w != nil, r.fs.cut(t, r.seed+uint64(round), percent, journal))
	r.image(t)
	r.start(t)
	if w == nil {
		return
	}
	report, err := w.Judge(context.Background(), crash)
	if err != nil {
		report.Faults = append(report.Faults, err.Error())
	}
	for _, f := range report.Faults {
		t.Errorf("round %d: %s", round, f)
	}
}

// firstWrites returns the world if all of its topics were acknowledged before the power went.
func (r *rig) firstWrites(t *testing.T) (*load.World, ledger.Crash) {
	t.Helper()
	defer r.b.Kill()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	made := make(chan *load.World, 1)
	go func() {
		if r.b.Ready(2*time.Second) != nil {
			made <- nil
			return
		}
		w, err := load.NewWorld(ctx, r.b.Addr, load.Topics([]string{"os", "group"}, "group"))
		if err != nil {
			w = nil
		}
		made <- w
	}()
	var life *load.Life
	var w *load.World
	for begin := time.Now(); time.Since(begin) < 2*time.Second && r.fs.ask(t, "halted") == "no"; {
		select {
		case w = <-made:
			if w == nil {
				return nil, ledger.Crash{}
			}
			var err error
			if life, err = w.Live(false); err != nil {
				t.Fatal(err)
			}
			made = nil
		case <-time.After(time.Millisecond):
		}
	}
	crash := ledger.Crash{At: time.Now(), PowerLoss: true}
	if life != nil {
		life.Over()
		r.b.Kill()
		life.End()
		return w, crash
	}
	r.b.Kill()
	cancel()
	return <-made, crash
}
