// Package ledger is the judge of the crash tests: it writes down what producers sent and what they were told, and holds the
// log that is found after a crash against it. The tests of kill -9 and of power loss call it; it asks nobody anything.
//
// What must hold after a crash, in every partition:
//   - what was acknowledged is there, at the offset of its acknowledgement, with identical bytes. When the machine has lost
//     its power, a topic of policy os or interval may have lost records at the end, and only there;
//   - offsets have no holes, no record is there twice or was never sent, and nobody's order has changed;
//   - of what was sent and not acknowledged a beginning is there, never something with a gap before it;
//   - what was found after the last crash is still found;
//   - a log whose beginning was deleted does not get it back; of a compacted one, each key's last value is there.
package ledger

import (
	"sync"
	"time"
)

// Topic is what the judge has to know about a topic.
type Topic struct {
	Name       string
	Partitions int32
	Policy     string // of sordini.durability
	Trimmed    bool   // retention deletes its beginning
	Compacted  bool
	// LostFor is how old an acknowledged record of policy interval may be and yet be lost with the power.
	LostFor time.Duration
}

// Weak says whether acknowledged records may be lost with the power.
func (t *Topic) Weak() bool { return t.Policy == "os" || t.Policy == "interval" }

// Ledger is the book of one topic. Producers write into it concurrently; Judge is called while none is at work.
type Ledger struct {
	Topic
	mu struct {
		sync.Mutex
		next       int // number of the next record
		partitions []partition
	}
}

// partition is what is known of one partition's log.
type partition struct {
	start, end int64
	truth      map[int64]int    // the number at an offset, as of the last judgement
	sent       []int            // since then, in order
	acked      map[int]Place    // of these
	known      map[int]struct{} // every number in truth
}

// Place is where and when a record was acknowledged.
type Place struct {
	Offset int64
	At     time.Time
}

// New opens the book of a topic that is empty.
func New(t Topic) *Ledger {
	l := &Ledger{Topic: t}
	l.mu.partitions = make([]partition, t.Partitions)
	for i := range l.mu.partitions {
		l.mu.partitions[i] = partition{truth: map[int64]int{}, acked: map[int]Place{}, known: map[int]struct{}{}}
	}
	return l
}

// Send gives the next record its number and partition. The caller sends it before it asks for the next one of that partition.
func (l *Ledger) Send() (n int, partition int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n = l.mu.next
	l.mu.next++
	partition = PartitionOf(n, l.Partitions)
	p := &l.mu.partitions[partition]
	p.sent = append(p.sent, n)
	return n, partition
}

// Acked notes an acknowledgement.
func (l *Ledger) Acked(n int, at Place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.partitions[PartitionOf(n, l.Partitions)].acked[n] = at
}

// Counts are of the time since the last judgement.
func (l *Ledger) Counts() (sent, acked int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.mu.partitions {
		sent, acked = sent+len(l.mu.partitions[i].sent), acked+len(l.mu.partitions[i].acked)
	}
	return sent, acked
}
