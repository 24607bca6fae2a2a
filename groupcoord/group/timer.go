package group

import "container/heap"

type timerKind uint8

const (
	sessionTimer timerKind = iota // a member's session
	pendingTimer                  // a member id that was given out and not used yet
	initialTimer                  // the delay before a new group's first generation
	joinTimer                     // the end of the join phase
	syncTimer                     // the wait for every member's SyncGroup
	sweepTimer                    // the search for expired offsets
)

// timer is a deadline that moves often and fires seldom: a heartbeat only
// writes atMs. In the heap it stands at queuedMs, never later than atMs; when it
// comes up early it is put back at atMs. A timer that is cancelled leaves the
// heap, and with it the member it belongs to.
type timer struct {
	kind     timerKind
	atMs     int64
	queuedMs int64
	seq      uint64 // first set, first fired
	place    int    // in the heap, from 1; 0 is none
	group    *group
	member   *member
	id       string // of a pending member
}

type timerHeap struct {
	timers []*timer
	seq    uint64
}

func (h *timerHeap) Len() int { return len(h.timers) }
func (h *timerHeap) Less(i, j int) bool {
	a, b := h.timers[i], h.timers[j]
	return a.queuedMs < b.queuedMs || a.queuedMs == b.queuedMs && a.seq < b.seq
}
func (h *timerHeap) Swap(i, j int) {
	h.timers[i], h.timers[j] = h.timers[j], h.timers[i]
	h.timers[i].place, h.timers[j].place = i+1, j+1
}
func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	h.timers = append(h.timers, t)
	t.place = len(h.timers)
}
func (h *timerHeap) Pop() any {
	last := len(h.timers) - 1
	t := h.timers[last]
	h.timers[last] = nil
	h.timers = h.timers[:last]
	t.place = 0
	return t
}

func (m *Machine) setTimer(t *timer, atMs int64) {
	if atMs == Never {
		m.cancelTimer(t)
		return
	}
	t.atMs = atMs
	if t.place == 0 || t.atMs < t.queuedMs {
		m.queueTimer(t)
	}
}

func (m *Machine) queueTimer(t *timer) {
	t.queuedMs = t.atMs
	m.timers.seq++
	t.seq = m.timers.seq
	if t.place == 0 {
		heap.Push(&m.timers, t)
		return
	}
	heap.Fix(&m.timers, t.place-1)
}

func (m *Machine) cancelTimer(t *timer) {
	t.atMs = Never
	if t.place != 0 {
		heap.Remove(&m.timers, t.place-1)
	}
}

// NextTimerMs is when the next timer fires, or Never.
func (m *Machine) NextTimerMs() int64 {
	for len(m.timers.timers) > 0 {
		t := m.timers.timers[0]
		if t.atMs <= t.queuedMs {
			return t.queuedMs
		}
		m.queueTimer(t)
	}
	return Never
}

func (m *Machine) tick() {
	if m.NextTimerMs() > m.nowMs {
		return
	}
	t := heap.Pop(&m.timers).(*timer)
	t.atMs = Never
	switch t.kind {
	case sessionTimer:
		m.sessionExpired(t.group, t.member)
	case pendingTimer:
		m.pendingExpired(t.group, t.id)
	case initialTimer:
		m.initialDelayOver(t.group)
	case joinTimer:
		m.completeJoin(t.group)
	case syncTimer:
		m.syncExpired(t.group)
	case sweepTimer:
		m.sweepExpired()
	}
}
