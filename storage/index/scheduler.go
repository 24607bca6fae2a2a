package index

import (
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// scheduler lets Pebble run one compaction at a time. Pebble's own one does that too, and wakes up ten times
// a second to see whether the limit has changed, which an idle broker must not.
type scheduler struct {
	db pebble.DBForCompaction
	mu struct {
		sync.Mutex
		running  bool
		refused  bool // a compaction was refused since Done last asked
		granting int  // calls of the database in progress
		closed   bool
	}
	idle *sync.Cond
}

func newScheduler() *scheduler {
	s := &scheduler{}
	s.idle = sync.NewCond(&s.mu.Mutex)
	return s
}

func (s *scheduler) Register(_ int, db pebble.DBForCompaction) { s.db = db }

// Unregister returns when no call of the database is in progress any more.
func (s *scheduler) Unregister() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.closed = true
	for s.mu.granting > 0 {
		s.idle.Wait()
	}
}

func (s *scheduler) TrySchedule() (bool, pebble.CompactionGrantHandle) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.closed || s.mu.running {
		s.mu.refused = true
		return false, nil
	}
	s.mu.running = true
	return true, s
}

// Done ends a compaction, and starts one that waits. The database is called without the lock, as it takes
// its own.
func (s *scheduler) Done() {
	s.mu.Lock()
	s.mu.running = false
	if s.mu.closed {
		s.mu.Unlock()
		return
	}
	s.mu.running, s.mu.granting = true, s.mu.granting+1
	// While the database is being asked it may be refused, and then waits: so it is asked again.
	for accepted := false; !accepted; {
		s.mu.refused = false
		s.mu.Unlock()
		waiting, _ := s.db.GetWaitingCompaction()
		accepted = waiting && s.db.Schedule(s)
		s.mu.Lock()
		if !accepted && (!s.mu.refused || s.mu.closed) {
			s.mu.running = false
			break
		}
	}
	if s.mu.granting--; s.mu.granting == 0 {
		s.idle.Broadcast()
	}
	s.mu.Unlock()
}

// Nobody measures or paces the compactions of so small a database.

func (s *scheduler) Started()                                          {}
func (s *scheduler) MeasureCPU(pebble.CompactionGoroutineKind)         {}
func (s *scheduler) CumulativeStats(pebble.CompactionGrantHandleStats) {}
func (s *scheduler) UpdateGetAllowedWithoutPermission()                {}
