package broker

import (
	"math/bits"
	"sync"
)

// Read buffers come in powers of four from 64 KiB on. A connection holds one only while it has bytes in it; an idle connection holds none.
const (
	minBuffer   = 64 << 10
	bufferSteps = 8 // 64 KiB, 256 KiB, 1, 4, 16, 64, 256 MiB, 1 GiB

	// maxFrameBytes bounds socket.request.max.bytes: a frame with its size fits into the largest buffer, also where an int has 32 bits.
	maxFrameBytes = minBuffer<<(2*(bufferSteps-1)) - frameHeader
)

// bufferPool lends read buffers and counts what large ones take, against a budget for all connections together. Buffers of the smallest
// size are free: their number is bounded by that of the connections that have unread bytes.
type bufferPool struct {
	pools  [bufferSteps]sync.Pool
	budget int64

	mu struct {
		sync.Mutex
		used      int64
		overdraft bool          // one connection may exceed the budget, so that half-read frames cannot block each other for ever
		freed     chan struct{} // made by whoever waits, closed when a charged buffer comes back
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
	return &bufferPool{budget: budget}
}

func bufferStep(size int) int {
	if size <= minBuffer {
		return 0
	}
	return (bits.Len(uint(size-1)/minBuffer) + 1) / 2
}

func bufferSize(step int) int { return minBuffer << (2 * step) }

// lend returns a buffer of at least size bytes, or nil while the budget is used up. It never waits, for its callers hold the socket: who gets
// nil lets go of it and waits for freed. old is the caller's smaller buffer, which it gives back after it has copied what is in it; if that
// exceeds the budget already, so may the new one.
func (p *bufferPool) lend(size int, old *buffer) *buffer {
	step := bufferStep(size)
	overdraft := false
	if step > 0 {
		var ok bool
		if overdraft, ok = p.charge(int64(bufferSize(step)), old != nil && old.overdraft); !ok {
			return nil
		}
	}
	if overdraft && old != nil {
		old.overdraft = false // the new buffer has it now
	}
	return p.take(step, overdraft)
}

// lendUpTo returns a buffer of size bytes where the budget has room for it, and otherwise one of the smallest: what is only faster
// with more memory waits for none.
func (p *bufferPool) lendUpTo(size int) *buffer {
	step := bufferStep(size)
	if step > 0 && !p.chargeFree(int64(bufferSize(step))) {
		step = 0
	}
	return p.take(step, false)
}

func (p *bufferPool) take(step int, overdraft bool) *buffer {
	if b, ok := p.pools[step].Get().(*buffer); ok {
		b.overdraft = overdraft
		return b
	}
	return &buffer{b: make([]byte, bufferSize(step)), step: step, overdraft: overdraft}
}

func (p *bufferPool) charge(n int64, inherited bool) (overdraft, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !inherited && p.mu.used+n > p.budget {
		if p.mu.overdraft {
			return false, false
		}
		inherited = true
	}
	p.mu.overdraft = p.mu.overdraft || inherited
	p.mu.used += n
	return inherited, true
}

func (p *bufferPool) chargeFree(n int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.used+n > p.budget {
		return false
	}
	p.mu.used += n
	return true
}

// freed is closed when the next charged buffer comes back. It is asked for before lend is tried once more.
func (p *bufferPool) freed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.freed == nil {
		p.mu.freed = make(chan struct{})
	}
	return p.mu.freed
}

// put takes a buffer back.
func (p *bufferPool) put(b *buffer) {
	if b.step > 0 {
		p.mu.Lock()
		p.mu.used -= int64(bufferSize(b.step))
		if b.overdraft {
			p.mu.overdraft = false
		}
		if p.mu.freed != nil {
			close(p.mu.freed)
			p.mu.freed = nil
		}
		p.mu.Unlock()
	}
	p.pools[b.step].Put(b)
}
