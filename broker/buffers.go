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
		overdraft bool // one connection may exceed the budget, so that half-read frames cannot block each other for ever
		closed    bool // nobody waits any more
	}
}

// defaultBudget stands for queued.max.request.bytes=-1. Kafka then has no limit but its heap.
const defaultBudget = 256 << 20

// buffer is a lent buffer.
type buffer struct {
	b         []byte
	step      int
	overdraft bool
}

func newBufferPool(budget int64) *bufferPool {
	if budget < 0 {
		budget = defaultBudget
	}
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

// get lends a buffer of at least size bytes. It waits while the budget is used up, unless old, which the caller gives back
// after it has copied what is in it, already exceeds the budget.
func (p *bufferPool) get(size int, old *buffer) *buffer {
	step := bufferStep(size)
	overdraft := step > 0 && p.charge(int64(bufferSize(step)), old != nil && old.overdraft)
	if overdraft && old != nil {
		old.overdraft = false // the new buffer has it now
	}
	if b, ok := p.pools[step].Get().(*buffer); ok {
		b.overdraft = overdraft
		return b
	}
	return &buffer{b: make([]byte, bufferSize(step)), step: step, overdraft: overdraft}
}

func (p *bufferPool) charge(n int64, inherited bool) (overdraft bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.mu.used+n > p.budget && !p.mu.closed || inherited {
		if inherited || !p.mu.overdraft {
			p.mu.overdraft = true
			p.mu.used += n
			return true
		}
		p.mu.cond.Wait()
	}
	p.mu.used += n
	return false
}

// close ends all waits for the budget: the connections are being closed.
func (p *bufferPool) close() {
	p.mu.Lock()
	p.mu.closed = true
	p.mu.Unlock()
	p.mu.cond.Broadcast()
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
