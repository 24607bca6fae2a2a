package codec

import "sync"

// maxPooledScratch is the largest buffer that goes back to the pool. A rare giant batch must not stay in memory for ever.
const maxPooledScratch = 4 << 20

var scratchPool = sync.Pool{New: func() any { return new(Scratch) }}

// Scratch is a pooled buffer for bytes that live only during one call: the decompressed form of a batch that is being
// walked. It belongs to the caller from Borrow to Return; nothing may alias B afterwards.
type Scratch struct{ B []byte }

// Borrow takes an empty buffer from the pool.
func Borrow() *Scratch {
	return scratchPool.Get().(*Scratch)
}

// Return gives the buffer back.
func (s *Scratch) Return() {
	if cap(s.B) > maxPooledScratch {
		s.B = nil
	}
	s.B = s.B[:0]
	scratchPool.Put(s)
}
