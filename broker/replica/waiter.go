package replica

import (
	"math"
	"sync"
)

// Waiter is what one connection sleeps on: a long poll registers it with the partitions it reads from, an acks=all producer with the
// partitions it wrote to. A signal is never lost and never blocks the one who gives it: the channel holds one token, and a
// second signal before the first was taken says nothing new.
type Waiter struct {
	C chan struct{}
}

// NewWaiter returns a waiter without a signal.
func NewWaiter() *Waiter { return &Waiter{C: make(chan struct{}, 1)} }

// Signal wakes the waiter's owner, now or at its next wait.
func (w *Waiter) Signal() {
	select {
	case w.C <- struct{}{}:
	default:
	}
}

// Drain takes a left-over signal away, so that the next wait begins fresh. Only the owner calls it, before it looks at what it waits for.
func (w *Waiter) Drain() {
	select {
	case <-w.C:
	default:
	}
}

// waiters are those who wait for one partition's high watermark to rise. The list is short (the connections that poll this partition now),
// and order does not matter.
type waiters struct {
	mu   sync.Mutex
	list []waiting
}

// waiting is a waiter, and the high watermark below which it need not be woken: a producer in a crowd sleeps through those of the others.
type waiting struct {
	w   *Waiter
	end int64
}

func (ws *waiters) add(w *Waiter, end int64) {
	ws.mu.Lock()
	ws.list = append(ws.list, waiting{w, end})
	ws.mu.Unlock()
}

func (ws *waiters) remove(w *Waiter) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for i, other := range ws.list {
		if other.w == w {
			last := len(ws.list) - 1
			ws.list[i], ws.list[last] = ws.list[last], waiting{}
			ws.list = ws.list[:last]
			return
		}
	}
}

// signalAll wakes everybody: there is something else to see than a high watermark.
func (ws *waiters) count() int {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return len(ws.list)
}

func (ws *waiters) signalAll() { ws.signal(math.MaxInt64) }

// signal wakes those for whom a high watermark is high enough.
func (ws *waiters) signal(highWatermark int64) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, one := range ws.list {
		if one.end <= highWatermark {
			one.w.Signal()
		}
	}
}
