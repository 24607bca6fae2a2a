package api

import (
	"testing"

	"github.com/sordini/sordini/broker/replica"
)

// A fetch that named one partition 60,000 times hung 60,000 waiters on it. Every append went through all of them, and two such fetches took each
// other's off in quadratic time, with the partition's producers waiting meanwhile.
func TestAPartitionThatIsNamedOftenIsWatchedOnce(t *testing.T) {
	one, other := new(replica.Partition), new(replica.Partition)
	w := replica.NewWaiter()
	f := fetchState{parts: []fetchPart{{p: one}, {p: other}, {}, {p: one}, {p: one}}}
	f.watch(w)
	if one.Watchers() != 1 || other.Watchers() != 1 {
		t.Errorf("%d and %d waiters, want 1 each", one.Watchers(), other.Watchers())
	}
	f.unwatch(w)
	if one.Watchers() != 0 || other.Watchers() != 0 || len(f.watched) != 0 {
		t.Errorf("%d and %d waiters are left", one.Watchers(), other.Watchers())
	}
}
