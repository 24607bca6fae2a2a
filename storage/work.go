package storage

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// worker runs what may be slow and is not urgent, one job after the other: syncing and indexing closed
// segments, unlinking files, telling the owner of a failure.
type worker struct {
	wakeups chan struct{} // one place: a wake-up that is not yet seen covers all later ones
	stop    chan struct{}
	done    chan struct{}
	mu      struct {
		sync.Mutex
		jobs   []func()
		closed bool
	}
}

func newWorker() *worker {
	return &worker{wakeups: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
}

// add queues a job. After close it is dropped: what jobs do is also done when the directory is next opened.
func (w *worker) add(job func()) {
	w.mu.Lock()
	if !w.mu.closed {
		w.mu.jobs = append(w.mu.jobs, job)
	}
	w.mu.Unlock()
	select {
	case w.wakeups <- struct{}{}:
	default:
	}
}

// addAfter queues a job later.
func (w *worker) addAfter(ms int64, job func()) {
	if ms <= 0 {
		w.add(job)
		return
	}
	time.AfterFunc(time.Duration(min(ms, math.MaxInt64/int64(time.Millisecond)))*time.Millisecond, func() { w.add(job) })
}

func (w *worker) run() {
	defer close(w.done)
	for {
		w.drain()
		select {
		case <-w.wakeups:
		case <-w.stop:
			w.drain()
			return
		}
	}
}

func (w *worker) drain() {
	for {
		w.mu.Lock()
		jobs := w.mu.jobs
		w.mu.jobs = nil
		w.mu.Unlock()
		if len(jobs) == 0 {
			return
		}
		for _, job := range jobs {
			job()
		}
	}
}

// close finishes what is queued and waits for it.
func (w *worker) close() {
	w.mu.Lock()
	w.mu.closed = true
	w.mu.Unlock()
	close(w.stop)
	<-w.done
}

// wait returns when everything that was queued before is done.
func (w *worker) wait() {
	done := make(chan struct{})
	w.mu.Lock()
	closed := w.mu.closed
	if !closed {
		w.mu.jobs = append(w.mu.jobs, func() { close(done) })
	}
	w.mu.Unlock()
	if closed {
		return
	}
	select {
	case w.wakeups <- struct{}{}:
	default:
	}
	<-done
}

func storeMax(v *atomic.Int64, x int64) {
	for {
		old := v.Load()
		if old >= x || v.CompareAndSwap(old, x) {
			return
		}
	}
}
