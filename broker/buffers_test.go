package broker

import (
	"testing"
	"testing/synctest"
)

// A connection that reads a large frame grows its buffer while it holds the old one. With the budget used up it must not wait for itself.
func TestAFrameLargerThanTheBudgetIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := newBufferPool(1)
		var old *buffer
		for size := minBuffer; size <= 16<<20; size *= 4 {
			bigger := pool.get(size, old)
			if old != nil {
				pool.put(old)
			}
			old = bigger
		}
		pool.put(old)
		if pool.mu.used != 0 || pool.mu.overdraft {
			t.Errorf("all buffers are back, and %d bytes are in use (overdraft %v)", pool.mu.used, pool.mu.overdraft)
		}
	})
}

func TestTheBudgetHoldsOthersBackUntilABufferReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := newBufferPool(256 << 10)
		first := pool.get(256<<10, nil)
		over := pool.get(256<<10, nil) // the one that may exceed it
		got := make(chan *buffer, 1)
		go func() { got <- pool.get(256<<10, nil) }()
		synctest.Wait()
		if len(got) != 0 {
			t.Fatal("a third buffer was lent, over the budget")
		}
		pool.put(over)
		synctest.Wait()
		if len(got) != 1 {
			t.Fatal("a buffer came back and the waiting connection got none")
		}
		pool.put(first)
		pool.put(<-got)
		if pool.mu.used != 0 || pool.mu.overdraft {
			t.Errorf("all buffers are back, and %d bytes are in use (overdraft %v)", pool.mu.used, pool.mu.overdraft)
		}
	})
}
