package txn

import (
	"fmt"
	"strings"
	"testing"
)

// checkMachine compares the machine's hard state with one rebuilt from the
// records, and looks at what must hold of the soft state.
func checkMachine(t testing.TB, m *Machine, log []Record) {
	t.Helper()
	rebuilt := New(m.cfg)
	for _, r := range log {
		if err := rebuilt.Apply(r); err != nil {
			t.Fatalf("apply: %v", err)
		}
	}
	if want, got := hardState(rebuilt), hardState(m); want != got {
		t.Fatalf("hard state differs from its records\nrecords:\n%s\nmachine:\n%s", want, got)
	}
	if err := m.check(); err != nil {
		t.Fatal(err)
	}
}

func hardState(m *Machine) string {
	var b strings.Builder
	for _, id := range m.sortedIDs() {
		fmt.Fprintf(&b, "%q %s\n", id, &m.txns[id].metadata)
	}
	return b.String()
}

// check holds after every event.
func (m *Machine) check() error {
	if !m.live {
		return nil
	}
	set := 0
	for _, id := range m.sortedIDs() {
		t := m.txns[id]
		if t.timer.index > 0 {
			set++
			if m.timers.entries[t.timer.index-1] != &t.timer {
				return fmt.Errorf("%q: the timer is not where it says", id)
			}
		}
		if err := t.check(); err != nil {
			return fmt.Errorf("%q %s: %w", id, &t.metadata, err)
		}
	}
	if set != m.timers.Len() {
		return fmt.Errorf("%d timers for %d transactions that have one", m.timers.Len(), set)
	}
	return nil
}

func (t *transaction) check() error {
	switch {
	case t.state.preparing() && t.timer.index == 0:
		return fmt.Errorf("nothing asks for the markers again")
	case t.state.preparing() && t.attempt == Attempt{}:
		return fmt.Errorf("an ending without a name")
	case t.state.preparing() && !t.partitions.containsAll(t.awaiting):
		return fmt.Errorf("awaits markers of %v", t.awaiting)
	case !t.state.preparing() && len(t.awaiting) > 0:
		return fmt.Errorf("awaits markers")
	case t.state == Ongoing && t.timer.index == 0 && t.deadlineMs() != Never && t.deadlineMs() < 1<<40:
		return fmt.Errorf("nothing ends the transaction")
	}
	return nil
}
