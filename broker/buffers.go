package broker

import (
	"math/bits"
	"sync"
)

// Read buffers come in powers of four from 64 KiB on. A connection holds one only while it has bytes in it; an idle connection holds none.
const (
	minBuffer   = 64 << 10
	bufferSteps = 7 // 64 KiB, 256 KiB, 1, 4, 16, 64, 256 MiB
)

// bufferPool lends read buffers and counts what large ones take, against a budget for all connections together. Buffers of the smallest
// size are free: their number is bounded by that of the connections that have unread bytes.
type bufferPool struct {
	pools  [bufferSteps]sync.Pool
	budget int64

	mu struct {
		sync.Mutex
		cond      sync.Cond
		used      int64
		overdraft bool // one buffer may exceed the budget, so that half-read frames cannot block each other for ever
	}
}

// buffer is a lent buffer.
type buffer struct {
	b         []byte
	step      int
	overdraft bool
}

func newBufferPool(budget int64) *bufferPool {
	p := &bufferPool{budget: budget}
	p.mu.cond.L = &p.mu.Mutex
	return p
}

func bufferStep(size int) int {
	if size <= minBuffer {
		return 0
	}
	return (bits.Len(uint(size-1)/minBuffer) + 1) / 2
}

func bufferSize(step int) int { return minBuffer << (2 * step) }

// get lends a buffer of at least size bytes. It waits while the budget is used up.
func (p *bufferPool) get(size int) *buffer {
	step := bufferStep(size)
	overdraft := step > 0 && p.charge(int64(bufferSize(step)))
	if b, ok := p.pools[step].Get().(*buffer); ok {
		b.overdraft = overdraft
		return b
	}
	return &buffer{b: make([]byte, bufferSize(step)), step: step, overdraft: overdraft}
}

func (p *bufferPool) charge(n int64) (overdraft bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.mu.used+n > p.budget {
		if !p.mu.overdraft {
			p.mu.overdraft = true
			p.mu.used += n
			return true
		}
		p.mu.cond.Wait()
	}
	p.mu.used += n
	return false
}

// put takes a buffer back.
func (p *bufferPool) put(b *buffer) {
	if b.step > 0 {
		p.mu.Lock()
		p.mu.used -= int64(bufferSize(b.step))
		if b.overdraft {
			p.mu.overdraft = false
		}
		p.mu.Unlock()
		p.mu.cond.Broadcast()
	}
	p.pools[b.step].Put(b)
}
