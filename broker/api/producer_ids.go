package api

import (
	"context"
	"sync"
)

// ProducerIDs hands out producer ids from blocks that the controller allocates. What is left of a block at the end of the process is never
// used: ids are plenty, and none is ever given out twice.
type ProducerIDs struct {
	allocate func(context.Context) (first int64, count int, err error)

	mu struct {
		sync.Mutex
		next, end int64
	}
}

// NewProducerIDs returns an empty dispenser over allocate.
func NewProducerIDs(allocate func(context.Context) (first int64, count int, err error)) *ProducerIDs {
	return &ProducerIDs{allocate: allocate}
}

// Next returns an unused producer id.
func (p *ProducerIDs) Next(ctx context.Context) (int64, error) {
	for {
		if id, ok := p.take(); ok {
			return id, nil
		}
		first, count, err := p.allocate(ctx)
		if err != nil {
			return 0, err
		}
		p.refill(first, count)
	}
}

func (p *ProducerIDs) take() (int64, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.next == p.mu.end {
		return 0, false
	}
	p.mu.next++
	return p.mu.next - 1, true
}

// refill takes a block in. Two requests may have asked for one at the same time; the rest of the older block is then dropped.
func (p *ProducerIDs) refill(first int64, count int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.next, p.mu.end = first, first+int64(count)
}
