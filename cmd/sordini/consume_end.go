package main

import (
	"context"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// idleFetches is after how many answers of a partition's leader without any record the partition counts as read.
const idleFetches = 3

// endWatch knows when everything was read that was there at the start.
//
// Mostly the record before the end tells. But the last offsets of a partition may have no record: compaction removed it, or it was the marker of
// a transaction that is gone. Then nothing ever comes, and the leader's empty answers tell instead: it waits fetchMaxWait before each of
// them, and the client does not ask while it still holds records, so that three in a row mean that there is nothing left.
//
// A nil endWatch has no end. The client calls it from goroutines of its own.
type endWatch struct {
	plan *plan
	mu   struct {
		sync.Mutex
		assigned bool           // a group has given partitions, maybe none; without a group always
		pending  map[place]bool // partitions not yet read
		idle     map[int32]int  // answers by node since the last record
	}
}

func newEndWatch(p *plan, assigned bool) *endWatch {
	w := &endWatch{plan: p}
	w.mu.pending, w.mu.idle = map[place]bool{}, map[int32]int{}
	if w.mu.assigned = assigned; !assigned {
		return w
	}
	for at, start := range p.starts {
		if start < p.ends[at] {
			w.mu.pending[at] = true
		}
	}
	return w
}

// within says whether a record belongs to what was there at the start, and notes how far reading came.
func (w *endWatch) within(r *kgo.Record) bool {
	if w == nil {
		return true
	}
	at := place{r.Topic, r.Partition}
	end := w.plan.ends[at]
	if r.Offset+1 >= end {
		w.mu.Lock()
		delete(w.mu.pending, at)
		w.mu.Unlock()
	}
	return r.Offset < end
}

// reached says whether nothing is left to read.
func (w *endWatch) reached() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for at := range w.mu.pending {
		if w.mu.idle[w.plan.leaders[at]] < idleFetches {
			return false
		}
	}
	return w.mu.assigned
}

// progress forgets the empty answers, for a record came.
func (w *endWatch) progress() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.mu.idle)
}

// OnBrokerE2E implements kgo.HookBrokerE2E.
func (w *endWatch) OnBrokerE2E(meta kgo.BrokerMetadata, key int16, e2e kgo.BrokerE2E) {
	if key != kmsg.Fetch.Int16() || e2e.Err() != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mu.idle[meta.NodeID]++
}

// add notes partitions that the group gave to this member. Those whose commit is at the end already are not waited for.
func (w *endWatch) add(assigned map[string][]int32, commits kadm.OffsetResponses) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mu.assigned = true
	clear(w.mu.idle)
	for topic, partitions := range assigned {
		for _, partition := range partitions {
			at := place{topic, partition}
			next := w.plan.starts[at]
			if commit, ok := commits.Lookup(topic, partition); ok && commit.Err == nil && commit.At >= 0 {
				next = commit.At
			}
			if next < w.plan.ends[at] {
				w.mu.pending[at] = true
			}
		}
	}
}

// remove notes partitions that the group took away.
func (w *endWatch) remove(partitions map[string][]int32) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for topic, list := range partitions {
		for _, partition := range list {
			delete(w.mu.pending, place{topic, partition})
		}
	}
}

// committed fetches the commits of a group; when that fails, the leader's empty answers tell the end.
func committed(ctx context.Context, c *kgo.Client, group string) kadm.OffsetResponses {
	commits, err := kadm.NewClient(c).FetchOffsets(ctx, group)
	if err != nil {
		return nil
	}
	return commits
}
