package group

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"
)

// logged is a record in the log: plain, of a transaction, or a marker.
type logged struct {
	Record
	txn *Txn
}

// logOf is what a decision writes.
func logOf(d *Decision) []logged {
	if d.Txn != nil && d.Txn.Marker != nil {
		marker := *d.Txn.Marker
		return []logged{{txn: &Txn{d.Txn.ProducerID, d.Txn.ProducerEpoch, &marker}}}
	}
	var all []logged
	for _, r := range d.Records {
		all = append(all, logged{r, d.Txn})
	}
	return all
}

func (l *logged) apply(m *Machine) error {
	switch {
	case l.txn == nil:
		return m.Apply(l.Record)
	case l.txn.Marker != nil:
		m.ApplyMarker(l.txn.ProducerID, l.txn.Marker.Commit)
		return nil
	}
	return m.ApplyTxn(l.txn.ProducerID, l.txn.ProducerEpoch, l.Record)
}

func printLogged(l logged) string {
	switch {
	case l.txn == nil:
		return printRecord(l.Record)
	case l.txn.Marker == nil:
		return fmt.Sprintf("(%d/%d) %s", l.txn.ProducerID, l.txn.ProducerEpoch, printRecord(l.Record))
	case l.txn.Marker.Commit:
		return fmt.Sprintf("(%d/%d) COMMIT", l.txn.ProducerID, l.txn.ProducerEpoch)
	}
	return fmt.Sprintf("(%d/%d) ABORT", l.txn.ProducerID, l.txn.ProducerEpoch)
}

// compacted is the log after a compaction of what is below end and below every
// open transaction: of each key the last record, nothing of aborted transactions;
// tombstones and markers stay.
func compacted(log []logged, end int) []logged {
	open, aborted := map[int64][]int{}, map[int]bool{}
	for i, l := range log {
		switch {
		case l.txn == nil:
		case l.txn.Marker == nil:
			open[l.txn.ProducerID] = append(open[l.txn.ProducerID], i)
		default:
			for _, at := range open[l.txn.ProducerID] {
				aborted[at] = !l.txn.Marker.Commit
			}
			delete(open, l.txn.ProducerID)
		}
	}
	for _, records := range open {
		end = min(end, records[0])
	}
	last := map[string]int{}
	for i, l := range log[:end] {
		if !aborted[i] && l.Key != nil {
			last[string(l.Key)] = i
		}
	}
	var left []logged
	for i, l := range log {
		if i >= end || l.Key == nil || !aborted[i] && last[string(l.Key)] == i {
			left = append(left, l)
		}
	}
	return left
}

// checkMachine compares the machine's hard state with one rebuilt from the
// log, as it is and compacted, and looks at what must hold in between.
func checkMachine(t testing.TB, m *Machine, log []logged) {
	t.Helper()
	for _, form := range []struct {
		name string
		log  []logged
	}{{"log", log}, {"compacted log", compacted(log, len(log))}, {"half compacted log", compacted(log, len(log)/2)}} {
		rebuilt := New(m.cfg)
		for _, l := range form.log {
			if err := l.apply(rebuilt); err != nil {
				t.Fatalf("apply: %v", err)
			}
		}
		if want, got := hardState(rebuilt), hardState(m); want != got {
			t.Fatalf("hard state differs from that of the %s\nlog:\n%s\nmachine:\n%s", form.name, want, got)
		}
	}
	for _, id := range m.sortedGroups() {
		if err := m.groups[id].check(); err != nil {
			t.Fatalf("group %q: %v", id, err)
		}
	}
}

func hardState(m *Machine) string {
	var b bytes.Buffer
	for _, id := range m.sortedGroups() {
		g := m.groups[id]
		if g.meta == nil && len(g.offsets) == 0 && len(g.unstable) == 0 {
			continue
		}
		fmt.Fprintf(&b, "%q %x\n", id, g.meta)
		for _, tp := range g.sortedAny(func(topicPartition) bool { return true }) {
			if o, ok := g.offsets[tp]; ok {
				fmt.Fprintf(&b, "  %v %+v\n", tp, o)
			}
			for _, p := range g.unstable[tp] {
				fmt.Fprintf(&b, "  %v pending %+v\n", tp, p)
			}
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(m.txns), cmp.Compare[int64]) {
		fmt.Fprintf(&b, "open %d/%d\n", id, m.txns[id].epoch)
	}
	return b.String()
}
