// Package crash kills the broker with SIGKILL at random moments under an idempotent producer, over and over, and then holds
// what is in the log against what the client was told.
//
// Run by "go test" (10 rounds with short waits for each durability policy) and by "make crash" (100 rounds). A SIGKILL leaves
// the page cache alone: what is tested is the order of writes and acknowledgements, recovery of a torn tail, producer
// sequences, indexes and group offsets after a crash of the process. Loss of power is tested at the file system layer.
//
// What must hold, whatever the policy:
//   - every acknowledged record is in the log, at the offset of its acknowledgement, with identical bytes;
//   - no record is there twice, none that was not sent, and offsets have no holes;
//   - the records of a partition stand in the order in which they were sent;
//   - what a reader saw while brokers were being killed is still the same at the end;
//   - a committed group offset that was acknowledged does not go back;
//   - after each restart the producer is served again within a few seconds.
package crash

import (
	"bytes"
	"fmt"

	"github.com/sordini/sordini/compat-tests/crash/ledger"
)

// place is where a record lies.
type place struct {
	partition int32
	offset    int64
}

func (p place) String() string { return fmt.Sprintf("%d@%d", p.partition, p.offset) }

// found is one record of the log.
type found struct {
	place
	value []byte
}

// history is all that the client side knows at the end of a run. Records are known by their numbers; see value.go.
type history struct {
	partitions int32
	sent       int           // numbers 0 to sent-1 were handed to the producer, each partition's in rising order
	acked      map[int]place // what the broker said
	live       map[place]int // what a reader saw meanwhile
	log        []found       // the full read at the end, each partition in the order of reading
}

// maxFaults bounds the report: the first few faults tell what the thousandth would.
const maxFaults = 20

// verdict returns what is wrong, in words, or nothing.
func verdict(h *history) []string {
	v := &checker{history: h, at: map[int]place{}, next: map[int32]int64{}, last: map[int32]int{}}
	for i := range h.log {
		v.record(&h.log[i])
	}
	v.acknowledged()
	v.seenLive()
	return v.faults
}

type checker struct {
	*history
	at     map[int]place   // where each number was found
	next   map[int32]int64 // offset that must come next, by partition
	last   map[int32]int   // the last number, by partition
	faults []string
}

func (v *checker) fault(format string, args ...any) {
	if len(v.faults) == maxFaults {
		v.faults = append(v.faults, "and more")
	}
	if len(v.faults) < maxFaults {
		v.faults = append(v.faults, fmt.Sprintf(format, args...))
	}
}

func (v *checker) record(f *found) {
	if want := v.next[f.partition]; f.offset != want {
		v.fault("offset %v follows offset %d of that partition: a hole or a step back", f.place, want-1)
	}
	v.next[f.partition] = f.offset + 1
	n, ok := ledger.NumberOf(f.value)
	switch {
	case !ok || n >= v.sent:
		v.fault("record %v was never sent: %.60q", f.place, f.value)
		return
	case !bytes.Equal(f.value, ledger.ValueOf(n)):
		v.fault("record %d at %v is changed: %d bytes, want %d", n, f.place, len(f.value), len(ledger.ValueOf(n)))
	case f.partition != ledger.PartitionOf(n, v.partitions):
		v.fault("record %d at %v is in the wrong partition", n, f.place)
	}
	if first, twice := v.at[n]; twice {
		v.fault("record %d is doubled: at %v and at %v", n, first, f.place)
		return
	}
	v.at[n] = f.place
	if last, any := v.last[f.partition]; any && n < last {
		v.fault("record %d at %v stands behind record %d: the order is broken", n, f.place, last)
	}
	v.last[f.partition] = n
}

func (v *checker) acknowledged() {
	for n := range v.sent {
		said, ok := v.acked[n]
		if !ok {
			continue
		}
		is, there := v.at[n]
		if !there {
			v.fault("record %d is missing: it was acknowledged at %v", n, said)
			continue
		}
		if is != said {
			v.fault("record %d was acknowledged at %v and is at %v", n, said, is)
		}
	}
}

func (v *checker) seenLive() {
	for n := range v.log {
		f := &v.log[n]
		seen, ok := v.live[f.place]
		if !ok {
			continue
		}
		if is, _ := ledger.NumberOf(f.value); is != seen {
			v.fault("offset %v held record %d when it was read the first time, and now record %d", f.place, seen, is)
		}
	}
	for at, n := range v.live {
		if at.offset >= v.next[at.partition] {
			v.fault("record %d was read at %v, and the log ends at %d", n, at, v.next[at.partition])
			return // one is enough, and the map's order says nothing
		}
	}
}
