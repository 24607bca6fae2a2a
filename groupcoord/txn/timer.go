package txn

import "container/heap"

// timer is the one deadline of a transaction. It stands in the heap once, and
// moves there when the deadline does.
type timer struct {
	atMs  int64
	seq   uint64 // first set, first fired
	index int    // in the heap, plus one; 0 if it is not set
	t     *transaction
}

// timers is a heap by time.
type timers struct {
	entries []*timer
	seq     uint64
}

func (h *timers) Len() int { return len(h.entries) }

func (h *timers) Less(i, j int) bool {
	a, b := h.entries[i], h.entries[j]
	return a.atMs < b.atMs || a.atMs == b.atMs && a.seq < b.seq
}

func (h *timers) Swap(i, j int) {
	h.entries[i], h.entries[j] = h.entries[j], h.entries[i]
	h.entries[i].index, h.entries[j].index = i+1, j+1
}

func (h *timers) Push(x any) {
	t := x.(*timer)
	h.entries = append(h.entries, t)
	t.index = len(h.entries)
}

func (h *timers) Pop() any {
	last := len(h.entries) - 1
	t := h.entries[last]
	h.entries[last] = nil
	h.entries = h.entries[:last]
	t.index = 0
	return t
}

// setTimer sets the transaction's timer; Never takes it away.
func (m *Machine) setTimer(t *transaction, atMs int64) {
	if atMs == Never {
		if t.timer.index > 0 {
			heap.Remove(&m.timers, t.timer.index-1)
		}
		return
	}
	m.timers.seq++
	t.timer.atMs, t.timer.seq, t.timer.t = atMs, m.timers.seq, t
	if t.timer.index > 0 {
		heap.Fix(&m.timers, t.timer.index-1)
		return
	}
	heap.Push(&m.timers, &t.timer)
}

// NextTimerMs is when the next timer fires, or Never.
func (m *Machine) NextTimerMs() int64 {
	if len(m.timers.entries) == 0 {
		return Never
	}
	return m.timers.entries[0].atMs
}

func (m *Machine) tick() {
	if m.NextTimerMs() > m.nowMs {
		return
	}
	t := heap.Pop(&m.timers).(*timer).t
	switch {
	case t.state == Ongoing:
		m.timedOut(t)
	case t.state.preparing():
		m.writeMarkers(t)
	default:
		m.expired(t)
	}
}

// schedule sets the timer that the state calls for.
func (m *Machine) schedule(t *transaction) {
	switch {
	case t.state == Ongoing:
		m.setTimer(t, m.onGrid(t.deadlineMs(), m.cfg.AbortTimedOutIntervalMs))
	case t.state.preparing():
		m.setTimer(t, add(m.nowMs, m.cfg.MarkerTimeoutMs))
	default:
		m.setTimer(t, m.onGrid(add(t.updateMs, m.cfg.IDExpirationMs), m.cfg.RemoveExpiredIDIntervalMs))
	}
}

// onGrid is the first time from atMs on at which Kafka's scheduled task would
// look; never before a whole interval has passed since the load. A
// transaction that is late gets the grace it has there, a producer has time to
// find the coordinator that moved, and the deadlines of many ids fall together.
func (m *Machine) onGrid(atMs, intervalMs int64) int64 {
	if atMs == Never || intervalMs <= 0 {
		return atMs
	}
	ahead := max(atMs-m.baseMs, 1)
	steps := ahead / intervalMs
	if ahead%intervalMs > 0 {
		steps++
	}
	if steps > (Never-m.baseMs)/intervalMs {
		return Never
	}
	return m.baseMs + steps*intervalMs
}

// add does not overflow: what is beyond time is never.
func add(aMs, bMs int64) int64 {
	if bMs > 0 && aMs > Never-bMs {
		return Never
	}
	return aMs + bMs
}
