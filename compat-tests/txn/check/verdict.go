package check

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Kind is a kind of anomaly.
type Kind string

const (
	// LostWrite: a committed transaction's record is not there, or a consumer was led past it.
	LostWrite Kind = "lost write"
	// AbortedRead: a record of an aborted transaction was read.
	AbortedRead Kind = "aborted read"
	// Torn: of one transaction some records are there and others not.
	Torn Kind = "torn transaction"
	// DirtyRead: a record was read before its transaction's end was asked for.
	DirtyRead Kind = "dirty read"
	// NonMonotonicPoll: a consumer was given an offset twice, or an earlier one.
	NonMonotonicPoll Kind = "non-monotonic poll"
	// Duplicate: one record is at two offsets; or, in a copy, one original has two.
	Duplicate Kind = "duplicate"
	// Changed: an offset held another record before, a record is not where it was acknowledged, or nobody wrote it.
	Changed Kind = "changed record"
	// Reordered: records of a program stand in another order than it sent them.
	Reordered Kind = "reordered"
	// Nonsense: the report of the programs contradicts itself.
	Nonsense Kind = "nonsense"
)

// Anomaly is one thing that must not be.
type Anomaly struct {
	Kind   Kind
	Detail string
}

func (a Anomaly) String() string { return fmt.Sprintf("%s: %s", a.Kind, a.Detail) }

// Verdict returns what is wrong, or nothing.
func (h *History) Verdict() []Anomaly {
	v := &verdict{h: h, seen: map[string]seen{}, at: map[Place]map[int64]string{}}
	for _, odd := range h.odd {
		v.add(Nonsense, "%s", odd)
	}
	for _, place := range slices.SortedFunc(maps.Keys(h.final), comparePlaces) {
		v.finalRead(place, h.final[place])
	}
	v.transactions()
	v.polls()
	return v.anomalies
}

func comparePlaces(a, b Place) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
}

type verdict struct {
	h         *History
	seen      map[string]seen            // by value, in the final read
	at        map[Place]map[int64]string // the final read
	anomalies []Anomaly
}

type seen struct {
	place  Place
	offset int64
}

func (v *verdict) add(kind Kind, format string, args ...any) {
	v.anomalies = append(v.anomalies, Anomaly{kind, fmt.Sprintf(format, args...)})
}

// finalRead: offsets rise, values are known and once there, the order of each program is kept.
func (v *verdict) finalRead(place Place, records []Record) {
	v.at[place] = map[int64]string{}
	last := int64(-1)
	lastOf := map[string]*write{}
	for _, r := range records {
		if r.Offset <= last {
			v.add(NonMonotonicPoll, "the final read of %v has offset %d behind %d", place, r.Offset, last)
		}
		last = r.Offset
		v.at[place][r.Offset] = r.Value
		w := v.known(place, r)
		if w == nil {
			continue
		}
		if first, twice := v.seen[r.Value]; twice {
			v.add(Duplicate, "%q of %v is at %v@%d and at %v@%d", r.Value, w.txn, first.place, first.offset, place, r.Offset)
			continue
		}
		v.seen[r.Value] = seen{place, r.Offset}
		if w.offset >= 0 && w.offset != r.Offset {
			v.add(Changed, "%q of %v was acknowledged at %v@%d and is at %d", r.Value, w.txn, place, w.offset, r.Offset)
		}
		if before := lastOf[w.txn.program]; before != nil && before.order > w.order {
			v.add(Reordered, "%v@%d holds %q of %v, which was sent before %q", place, r.Offset, r.Value, w.txn, before.value)
		}
		lastOf[w.txn.program] = w
	}
}

// known is the write that a record is of, if it is where it was sent.
func (v *verdict) known(place Place, r Record) *write {
	w := v.h.writes[r.Value]
	switch {
	case w == nil:
		v.add(Changed, "%v@%d holds %.60q, which nobody wrote", place, r.Offset, r.Value)
		return nil
	case w.place != place:
		v.add(Changed, "%v@%d holds %q, which was sent to %v", place, r.Offset, r.Value, w.place)
		return nil
	}
	return w
}

// transactions: all of a committed one is there, nothing of an aborted one, of an unknown one all or nothing.
func (v *verdict) transactions() {
	for _, t := range v.h.txns {
		var there, missing []*write
		for _, w := range t.writes {
			if _, ok := v.seen[w.value]; ok {
				there = append(there, w)
			} else {
				missing = append(missing, w)
			}
		}
		switch t.fate() {
		case aborted:
			for _, w := range there {
				v.add(AbortedRead, "%q at %v@%d is of %v, which was aborted", w.value, w.place, v.seen[w.value].offset, t)
			}
		case committed:
			for _, w := range missing {
				v.add(LostWrite, "%q of %v, acknowledged at %v@%d and committed, is not there", w.value, t, w.place, w.offset)
			}
		case unknown:
			if len(there) > 0 && !t.commit {
				v.add(AbortedRead, "%q is of %v, whose abort was asked for", there[0].value, t)
			}
		}
		if len(there) > 0 && len(missing) > 0 {
			v.add(Torn, "of %v %q is there and %q is not", t, there[0].value, missing[0].value)
		}
	}
}

// polls: what consumers saw while things went wrong.
func (v *verdict) polls() {
	type position struct {
		offset int64
		index  int // in the final read: nothing before it is behind offset
		known  bool
	}
	at := map[string]map[Place]position{}
	for i := range v.h.polls {
		p := &v.h.polls[i]
		if p.seek || at[p.consumer] == nil {
			at[p.consumer] = map[Place]position{}
		}
		if p.seek {
			continue
		}
		v.polled(p)
		before := at[p.consumer][p.place]
		switch {
		case before.known && p.Offset <= before.offset:
			v.add(NonMonotonicPoll, "%s was given %v@%d behind %d", p.consumer, p.place, p.Offset, before.offset)
		case before.known:
			next := slices.IndexFunc(v.h.final[p.place][before.index:], func(r Record) bool { return r.Offset > before.offset })
			if next >= 0 {
				before.index += next
				if r := v.h.final[p.place][before.index]; r.Offset < p.Offset {
					v.add(LostWrite, "%s was led from %v@%d to %d, past %q", p.consumer, p.place, before.offset, p.Offset, r.Value)
				}
			}
		}
		at[p.consumer][p.place] = position{max(p.Offset, before.offset), before.index, true}
	}
}

// polled is one record that was given to a consumer.
func (v *verdict) polled(p *poll) {
	w := v.known(p.place, p.Record)
	if w == nil {
		return
	}
	final, read := v.at[p.place]
	value, there := final[p.Offset]
	switch {
	case w.txn.fate() == aborted || w.txn.fate() == unknown && w.txn.asked && !w.txn.commit:
		v.add(AbortedRead, "%s was given %q at %v@%d of %v, which was aborted", p.consumer, p.Value, p.place, p.Offset, w.txn)
	case p.atMs < w.txn.endMs:
		v.add(DirtyRead, "%s was given %q of %v %d ms before its end was asked for", p.consumer, p.Value, w.txn, w.txn.endMs-p.atMs)
	case read && there && value != p.Value:
		v.add(Changed, "%v@%d held %q when %s read it, and now %q", p.place, p.Offset, p.Value, p.consumer, value)
	case read && !there:
		v.add(LostWrite, "%q was read by %s at %v@%d and is gone", p.Value, p.consumer, p.place, p.Offset)
	}
}
