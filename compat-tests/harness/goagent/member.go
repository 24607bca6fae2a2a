package goagent

import (
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Member is a consumer in a group.
type Member interface {
	Assigned() []int32
	// Take returns the records since the last call.
	Take() ([]Record, error)
	// Commit commits what was received, for the partitions it holds.
	Commit() error
	Leave() error
}

// Inbox is the part of a member that is the same whatever the client: what it holds and what it received.
type Inbox struct {
	limit int

	mu struct {
		sync.Mutex
		held      map[int32]bool
		count     int
		waiting   []Record
		positions map[int32]int64 // the next offset of each partition
		errs      []string
	}
}

// NewInbox returns an inbox that takes at most limit records (0: all).
func NewInbox(limit int) *Inbox {
	b := &Inbox{limit: limit}
	b.mu.positions = map[int32]int64{}
	return b
}

// Hold says which partitions the member has now.
func (b *Inbox) Hold(partitions ...int32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mu.held = map[int32]bool{}
	for _, p := range partitions {
		b.mu.held[p] = true
	}
}

// Add takes a record; false: the member has as many as it may hand over.
func (b *Inbox) Add(r Record) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.limit > 0 && b.mu.count >= b.limit {
		return false
	}
	b.mu.count++
	b.mu.waiting = append(b.mu.waiting, r)
	b.mu.positions[r.Partition] = r.Offset + 1
	return true
}

// Fail keeps an error for the next Take.
func (b *Inbox) Fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mu.errs = append(b.mu.errs, err.Error())
}

// Assigned is Member's.
func (b *Inbox) Assigned() []int32 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.AppendSeq([]int32{}, slices.Values(slices.Sorted(maps.Keys(b.mu.held))))
}

// Take is Member's.
func (b *Inbox) Take() ([]Record, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken, errs := b.mu.waiting, b.mu.errs
	b.mu.waiting, b.mu.errs = nil, nil
	if len(errs) > 0 {
		return nil, fmt.Errorf("the member failed: %q", errs)
	}
	return taken, nil
}

// Positions are what there is to commit: the next offset of each partition that is held and from which something was received.
func (b *Inbox) Positions() map[int32]int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	positions := map[int32]int64{}
	for p, next := range b.mu.positions {
		if b.mu.held[p] {
			positions[p] = next
		}
	}
	return positions
}
