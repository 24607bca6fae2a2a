package storage

import (
	"flag"
	"os"
	"strconv"
	"testing"

	"github.com/sordini/sordini/storage/vfs"
)

var (
	seedsFlag = flag.Uint64("seeds", defaultSeeds(), "how many seeds the random tests run; SORDINI_SEEDS is its default")
	firstSeed = flag.Uint64("seed", 0, "the first seed of the random tests")
)

func defaultSeeds() uint64 {
	if n, err := strconv.ParseUint(os.Getenv("SORDINI_SEEDS"), 10, 32); err == nil {
		return n
	}
	return 3
}

// compactIn makes every third world one of a compacted topic.
func compactIn(config *LogConfig, seed uint64) {
	if seed%3 == 2 {
		config.Compact, config.Delete, config.MinCleanableRatio = true, seed%2 == 0, 0
	}
}

// TestRandomOperationsAgainstModel runs random operations and compares the whole log after each.
func TestRandomOperationsAgainstModel(t *testing.T) {
	for seed := *firstSeed; seed < *firstSeed+*seedsFlag*2; seed++ {
		config := testConfig()
		config.SegmentBytes = []int32{400, 1500, 1 << 20}[seed%3]
		config.Durability = []Durability{DurabilityGroup, DurabilityOS, DurabilityBatch, DurabilityInterval}[seed%4]
		config.RetentionBytes = []int64{-1, 4000}[seed%2]
		compactIn(&config, seed)
		t.Logf("seed %d", seed)
		w := newWorld(t, seed, vfs.NewMemFS(), config)
		w.meddle = seed%2 == 1
		for range 150 {
			w.step()
			w.check()
		}
		closeDir(t, w.d)
	}
}

// TestCrashAtEveryOperation runs random operations, and before every change of the file system looks what a
// crash at this moment would leave.
func TestCrashAtEveryOperation(t *testing.T) {
	for seed := *firstSeed; seed < *firstSeed+*seedsFlag; seed++ {
		config := testConfig()
		config.SegmentBytes = []int32{500, 2000}[seed%2]
		config.Durability = []Durability{DurabilityGroup, DurabilityOS, DurabilityBatch}[seed%3]
		config.RetentionBytes = []int64{-1, 3000}[seed/2%2]
		compactIn(&config, seed)
		t.Logf("seed %d", seed)
		crashEverywhere(t, seed, config, 40)
	}
}
