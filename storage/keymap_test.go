package storage

import (
	"fmt"
	"testing"
)

func TestKeyMapStaysWithinItsMemory(t *testing.T) {
	for _, most := range []int64{1, 24 << 10, 1 << 20, 10_000_000} {
		m := newKeyMap(most)
		peak, n := 0, 0
		for ; ; n++ {
			before := len(m.slots)
			if !m.put(fmt.Append(nil, n), int64(n)) {
				break
			}
			if now := len(m.slots); now != before {
				peak = max(peak, before+now)
			}
		}
		if limit := max(most, keyMapMinSlots*keySlotBytes); int64(peak)*keySlotBytes > limit {
			t.Errorf("%d bytes: %d at the peak", most, peak*keySlotBytes)
		}
		if most > 1<<16 && int64(n)*keySlotBytes < most/2 {
			t.Errorf("%d bytes: only %d keys fit", most, n)
		}
		for i := range n {
			if offset, ok := m.get(fmt.Append(nil, i)); !ok || offset != int64(i) {
				t.Fatalf("key %d: %d, %t", i, offset, ok)
			}
		}
	}
}
