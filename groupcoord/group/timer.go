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
// writes atMs. The heap holds one live entry per timer, at a time that is never
// later than atMs; an entry that comes up early is put back at atMs.
type timer struct {
	kind     timerKind
	atMs     int64
	queued   bool  // there is a live entry,
	queuedMs int64 // at this time
	group    *group
	member   *member
	id       string // of a pending member
}

type timerEntry struct {
	atMs int64
	seq  uint64 // first set, first fired
	t    *timer
}

type timerHeap struct {
	entries []timerEntry
	seq     uint64
}

func (h *timerHeap) Len() int { return len(h.entries) }
func (h *timerHeap) Less(i, j int) bool {
	a, b := &h.entries[i], &h.entries[j]
	return a.atMs < b.atMs || a.atMs == b.atMs && a.seq < b.seq
}
func (h *timerHeap) Swap(i, j int) { h.entries[i], h.entries[j] = h.entries[j], h.entries[i] }
func (h *timerHeap) Push(x any)    { h.entries = append(h.entries, x.(timerEntry)) }
func (h *timerHeap) Pop() any {
	last := len(h.entries) - 1
	e := h.entries[last]
	h.entries[last] = timerEntry{}
	h.entries = h.entries[:last]
	return e
}

func (m *Machine) setTimer(t *timer, atMs int64) {
	t.atMs = atMs
	if !t.queued || t.atMs < t.queuedMs {
		m.queueTimer(t)
	}
}

func (m *Machine) queueTimer(t *timer) {
	t.queued, t.queuedMs = true, t.atMs
	m.timers.seq++
	heap.Push(&m.timers, timerEntry{atMs: t.atMs, seq: m.timers.seq, t: t})
}

// cancelTimer leaves the entry in the heap: it is dropped when it comes up.
func (m *Machine) cancelTimer(t *timer) { t.atMs = Never }

// NextTimerMs is when the next timer fires, or Never.
func (m *Machine) NextTimerMs() int64 {
	for len(m.timers.entries) > 0 {
		e := m.timers.entries[0]
		switch {
		case !e.t.queued || e.atMs != e.t.queuedMs: // replaced by an earlier entry
			heap.Pop(&m.timers)
		case e.t.atMs == Never:
			heap.Pop(&m.timers)
			e.t.queued = false
		case e.t.atMs > e.atMs:
			heap.Pop(&m.timers)
			m.queueTimer(e.t)
		default:
			return e.atMs
		}
	}
	return Never
}

func (m *Machine) tick() {
	if m.NextTimerMs() > m.nowMs {
		return
	}
	t := heap.Pop(&m.timers).(timerEntry).t
	t.atMs, t.queued = Never, false
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
