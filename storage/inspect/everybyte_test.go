package inspect

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every flipped byte is found, except in the two fields of a batch that nothing protects: the leader epoch, and a base offset that
// still rises, for logs may have gaps.
func TestEveryFlippedByteIsFound(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "orders-0")
	batches := [][]byte{plainBatch(t, 0, 2), plainBatch(t, 2, 1), plainBatch(t, 3, 2)}
	whole := join(batches...)
	start := 0
	for n, b := range batches {
		for i := range b {
			broken := slices.Clone(whole)
			broken[start+i] ^= 0x41
			lines, totals := verified(t, partition(t, dir, map[int64][]byte{0: broken}))
			unprotected := i >= 12 && i < 16 || i < 8 && n == len(batches)-1
			if totals.Damages+totals.TornTails == 0 && !unprotected {
				t.Errorf("byte %d of batch %d: nothing is found", i, n)
			}
			// The other batches are found whatever happened to this one.
			if totals.Batches < int64(len(batches))-1 {
				t.Errorf("byte %d of batch %d: %d batches are left: %q", i, n, totals.Batches, lines)
			}
		}
		start += len(b)
	}
}

func TestEveryCutIsATornTail(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "orders-0")
	first := plainBatch(t, 0, 2)
	whole := join(first, plainBatch(t, 2, 3))
	for n := range whole {
		lines, totals := verified(t, partition(t, dir, map[int64][]byte{0: whole[:n]}))
		torn := 1
		if n == 0 || n == len(first) {
			torn = 0
		}
		if totals.Damages != 0 || totals.TornTails != torn || torn == 1 && !strings.HasPrefix(lines[0], "torn-tail ") {
			t.Errorf("cut at %d: %q", n, lines)
		}
	}
}
