package txn

import (
	"bytes"
	"testing"
)

// FuzzApply feeds the machine records as a log could hold them. Whatever is
// accepted gives the same state when it is read and when it is written again, and
// the machine goes on.
func FuzzApply(f *testing.F) {
	for _, version := range []int16{0, 2} {
		m := New(Config{TransactionVersion: version})
		for _, state := range []State{Empty, Ongoing, PrepareCommit, CompleteAbort} {
			md := metadata{
				producerID: 7, previousProducerID: 6, nextProducerID: 9, epoch: 32766, previousEpoch: 3, timeoutMs: 60_000, state: state,
				startMs: 1, updateMs: 2, clientVersion: version,
			}
			if state != Empty {
				md.partitions = partitions{{"t", 0}, {"t", 1}, {"u", 5}}
			}
			r := m.record("id", &md)
			f.Add(r.Key, r.Value, false)
		}
	}
	f.Add(recordKey("id"), []byte(nil), true)
	f.Add([]byte{0, 9, 1}, []byte{1}, false)
	f.Fuzz(func(t *testing.T, key, value []byte, tombstone bool) {
		if tombstone {
			value = nil
		}
		m := New(DefaultConfig())
		before := Record{bytes.Clone(key), bytes.Clone(value)}
		if err := m.Apply(Record{key, value}); err != nil {
			if len(m.txns) != 0 {
				t.Fatalf("a record that was refused (%v) changed something", err)
			}
			return
		}
		// Nothing of the arguments is kept.
		clear(key)
		clear(value)
		checkMachine(t, m, []Record{before})
		for id, txn := range m.txns {
			again := m.record(id, &txn.metadata)
			checkMachine(t, m, []Record{again})
		}
		m.Loaded(1_000)
		checkMachine(t, m, []Record{before})
		for range 50 {
			next := m.NextTimerMs()
			if next == Never {
				return
			}
			for _, r := range m.Decide(next, Tick{}).Records {
				if err := m.Apply(r); err != nil {
					t.Fatalf("apply what was decided: %v", err)
				}
			}
			if err := m.check(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
