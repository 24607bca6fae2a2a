package storage

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/sordini/sordini/storage/vfs"
)

// crashEverywhere drives a world on a file system that is cloned, as a crash would leave it, before every
// operation that changes it.
func crashEverywhere(t *testing.T, seed uint64, config LogConfig, steps int) {
	t.Helper()
	mem := vfs.NewMemFS()
	if seed%4 == 1 {
		mem.DisableSyncFS()
	}
	var w *world
	var mu sync.Mutex // crashes are looked at one at a time
	rng := rand.New(rand.NewPCG(seed, 2))
	armed, crashes := false, 0
	var failed error
	fs := vfs.Hook(mem, func(op vfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		if !armed || op.Kind == vfs.OpRead || op.Kind == vfs.OpOpen || failed != nil {
			return nil
		}
		// What is known now was true before the clone is made: it must hold in the clone.
		for _, percent := range []int{0, 25, 50, 100} {
			before := w.state()
			clone := mem.CrashClone(percent, rng)
			after := w.state()
			minEnd := before.durable
			if percent == 100 {
				minEnd = before.written // a crash of the process alone loses nothing that was written
			}
			after.start = before.start
			after.startMax = max(before.startMax, after.startMax)
			crashes++
			if err := checkCrashedTwice(clone, config, after, minEnd, rng); err != nil {
				if testing.Verbose() {
					t.Logf("known: start %d..%d written %d durable %d\n%s", before.start, before.startMax, before.written, before.durable, dump(w.l))
				}
				failed = fmt.Errorf("crash %d before %v of %s, %d%% of unsynced data kept: %w", crashes, op.Kind, op.Path, percent, err)
				return nil
			}
		}
		return nil
	})
	w = newWorld(t, seed, fs, config)
	mu.Lock()
	armed = true
	mu.Unlock()
	for range steps {
		w.step()
		mu.Lock()
		err := failed
		mu.Unlock()
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	closeDir(t, w.d)
	if failed != nil {
		t.Fatalf("seed %d: %v", seed, failed)
	}
	t.Logf("seed %d: %d crashes", seed, crashes)
}
