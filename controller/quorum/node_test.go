package quorum_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sordini/sordini/controller/quorum"
	"github.com/sordini/sordini/controller/quorum/quorumtest"
)

const dir = "/m"

// list is a state machine that remembers.
type list struct {
	entries []string // without those of new leaders
	index   uint64
}

func (l *list) Restore(block []byte) error {
	l.entries = append(l.entries, string(block))
	return nil
}

func (l *list) Restored(index uint64) error {
	l.index = index
	return nil
}

func (l *list) Apply(index uint64, data []byte) error {
	if index != l.index+1 {
		return fmt.Errorf("entry %d after %d", index, l.index)
	}
	l.index = index
	if len(data) > 0 {
		l.entries = append(l.entries, string(data))
	}
	return nil
}

func (l *list) blocks(yield func([]byte) bool) {
	for _, e := range l.entries {
		if !yield([]byte(e)) {
			return
		}
	}
}

// start opens a node that is alone and makes it leader.
func start(fs *quorumtest.CrashFS, log quorum.Log) (*quorum.Node, *list, error) {
	sm := &list{}
	n, err := quorum.Open(quorum.Config{NodeID: 1, FS: fs, Dir: dir, Log: log}, sm)
	if err != nil {
		return nil, nil, err
	}
	return n, sm, errors.Join(n.Campaign(), n.Turn())
}

func startFile(t *testing.T, fs *quorumtest.CrashFS) (*quorum.Node, *list) {
	t.Helper()
	log, err := quorumtest.OpenFileLog(fs, dir)
	must(t, err)
	n, sm, err := start(fs, log)
	must(t, err)
	return n, sm
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func propose(t *testing.T, n *quorum.Node, data ...string) {
	t.Helper()
	for _, d := range data {
		want := n.NextIndex()
		index, err := n.Propose([]byte(d))
		must(t, err)
		if index != want {
			t.Fatalf("index %d, expected %d", index, want)
		}
	}
}

func TestAQuorumOfOneLeadsAtOnceAndAppliesInOrder(t *testing.T) {
	fs, log := quorumtest.NewCrashFS(dir), quorumtest.NewMemLog()
	n, sm, err := start(fs, log)
	must(t, err)
	if !n.Leader() || !n.Alone() {
		t.Fatal("not leader after one turn")
	}
	// When several entries are proposed before a turn,
	appends := log.Appends
	propose(t, n, "a", "b", "c")
	must(t, n.Turn())
	// then they are one append, applied in order.
	if log.Appends != appends+1 || !slices.Equal(sm.entries, []string{"a", "b", "c"}) {
		t.Fatalf("%d appends, applied %q", log.Appends-appends, sm.entries)
	}
	if s := n.Status(); s.LeaderID != 1 || s.CommitIndex != 4 || s.LastIndex != 4 || len(s.Voters) != 1 || s.Voters[0].LastIndex != 4 {
		t.Fatalf("%+v", s)
	}
}

func TestRestartAppliesEverythingAndRaisesTheTerm(t *testing.T) {
	fs := quorumtest.NewCrashFS(dir)
	var want []string
	for round := uint64(1); round <= 5; round++ {
		n, sm := startFile(t, fs)
		if !slices.Equal(sm.entries, want) || n.Status().Term != round {
			t.Fatalf("round %d: term %d, %q instead of %q", round, n.Status().Term, sm.entries, want)
		}
		propose(t, n, fmt.Sprint(round))
		must(t, n.Turn())
		want = append(want, fmt.Sprint(round))
		if round == 3 {
			must(t, n.Checkpoint(sm.blocks))
			propose(t, n, "after")
			must(t, n.Turn())
			want = append(want, "after")
			if s := n.Status(); s.FirstIndex != s.Checkpointed+1 {
				t.Fatalf("the log was not compacted: %+v", s)
			}
		}
		fs = fs.Crash(nil, 0)
	}
}

func TestAfterADiskErrorNothingIsTriedAgain(t *testing.T) {
	fs := quorumtest.NewCrashFS(dir)
	n, sm := startFile(t, fs)
	broken := errors.New("broken disk")
	fs.Before = func(op, path string) error {
		if op == "sync" {
			return broken
		}
		return nil
	}
	propose(t, n, "a")
	if err := n.Turn(); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	fs.Before = nil
	_, err := n.Propose([]byte("b"))
	if !errors.Is(err, broken) || !errors.Is(n.Turn(), broken) || !errors.Is(n.Checkpoint(sm.blocks), broken) || len(sm.entries) != 0 {
		t.Fatalf("%v, applied %q", err, sm.entries)
	}
}

func TestFilesThatContradictEachOtherAreRefused(t *testing.T) {
	given := func(t *testing.T) (*quorumtest.CrashFS, *quorumtest.MemLog) {
		fs, log := quorumtest.NewCrashFS(dir), quorumtest.NewMemLog()
		n, sm, err := start(fs, log)
		must(t, err)
		propose(t, n, "a", "b")
		must(t, n.Turn())
		must(t, n.Checkpoint(sm.blocks))
		propose(t, n, "c", "d")
		must(t, n.Turn())
		return fs, log
	}
	t.Run("the log begins behind the checkpoint", func(t *testing.T) {
		fs, log := given(t)
		must(t, log.Compact(log.LastIndex()))
		wantError(t, fs, log, "the log begins with 5")
	})
	t.Run("the log ends before the checkpoint", func(t *testing.T) {
		fs, _ := given(t)
		wantError(t, fs, quorumtest.NewMemLog(), "but the log already with 0")
	})
	t.Run("the checkpoint is gone", func(t *testing.T) {
		fs, log := given(t)
		must(t, fs.Remove(dir+"/checkpoint"))
		wantError(t, fs, log, "the checkpoint ends with entry 0")
	})
	t.Run("another node's", func(t *testing.T) {
		fs, log := given(t)
		_, err := quorum.Open(quorum.Config{NodeID: 2, FS: fs, Dir: dir, Log: log}, &list{})
		if err == nil || !strings.Contains(err.Error(), "belongs to node 1") {
			t.Fatal(err)
		}
	})
}

func wantError(t *testing.T, fs *quorumtest.CrashFS, log quorum.Log, text string) {
	t.Helper()
	if _, _, err := start(fs, log); !errors.Is(err, quorum.ErrCorrupt) || !strings.Contains(err.Error(), text) {
		t.Fatalf("%v, want %q", err, text)
	}
}

func TestAMissingStateFileIsMadeAgainByAQuorumOfOne(t *testing.T) {
	fs := quorumtest.NewCrashFS(dir)
	n, _ := startFile(t, fs)
	propose(t, n, "a")
	must(t, n.Turn())
	must(t, fs.Remove(dir+"/quorum-state"))
	n, sm := startFile(t, fs)
	if !slices.Equal(sm.entries, []string{"a"}) || n.Status().Term != 2 {
		t.Fatalf("%q in term %d", sm.entries, n.Status().Term)
	}
}

// TestCrashAtEveryOperation runs the same work again and again and crashes before each operation of the disk, with
// none, some and all of what was not synced. What was acknowledged must be there, as a prefix of what was
// proposed, and the term must not go back.
func TestCrashAtEveryOperation(t *testing.T) {
	const seed = 4
	rng := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	fs := quorumtest.NewCrashFS(dir)
	var proposed, acked []string
	term := uint64(0) // the last term that was used
	crashes := 0
	fs.Before = func(op, path string) error {
		for _, percent := range []int{0, 50, 100} {
			crashes++
			n, sm := startFile(t, fs.Crash(rng, percent))
			k := len(sm.entries)
			if k < len(acked) || k > len(proposed) || !slices.Equal(sm.entries, proposed[:k]) {
				t.Fatalf("crash before %s %s: %q, acknowledged %q of %q", op, path, sm.entries, acked, proposed)
			}
			if got := n.Status().Term; got <= term {
				t.Fatalf("crash before %s %s: term %d after %d", op, path, got, term)
			}
		}
		return nil
	}
	for range 4 {
		n, sm := startFile(t, fs)
		term = n.Status().Term
		for range 6 {
			for range 1 + rng.IntN(3) {
				d := fmt.Sprintf("entry-%d", len(proposed))
				proposed = append(proposed, d)
				propose(t, n, d)
			}
			must(t, n.Turn())
			acked = slices.Clone(proposed)
			if rng.IntN(4) == 0 {
				must(t, n.Checkpoint(sm.blocks))
			}
		}
	}
	t.Logf("%d crashes", crashes)
}
