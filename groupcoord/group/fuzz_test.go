package group

import (
	"bytes"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// FuzzApply feeds the machine records as a log could hold them. Whatever is
// accepted gives the same state when it is read again, and the machine goes on.
func FuzzApply(f *testing.F) {
	o := offset{offset: 1, leaderEpoch: 2, metadata: "m", commitMs: 3, expireMs: noExpiry}
	r := offsetRecord("g", "t", 0, &o)
	f.Add(r.Key, r.Value, false, false)
	f.Add(r.Key, r.Value, false, true)
	f.Add(r.Key, []byte(nil), true, false)
	o.expireMs = 9
	r = offsetRecord("g", "t", 0, &o)
	f.Add(r.Key, r.Value, false, false)
	m := New(DefaultConfig())
	g := newGroup("g")
	g.protocolType, g.protocol, g.hasProtocol, g.generation = "consumer", "range", true, 3
	instance := "i"
	g.add(&member{id: "m", instanceID: &instance, protocols: []protocol{{"range", subscribeTo("t")}}, assignment: []byte{1}, sessionMs: 1})
	r = m.metadataRecord(g)
	f.Add(r.Key, r.Value, false, false)
	f.Add(r.Key, []byte(nil), true, false)
	flexible := kmsg.NewGroupMetadataValue()
	flexible.Version, flexible.Members = 4, []kmsg.GroupMetadataValueMember{{MemberID: "m"}, {MemberID: "m"}}
	f.Add(r.Key, flexible.AppendTo(nil), false, false)
	f.Add([]byte{0, 3, 0, 0}, []byte{1}, false, false)

	f.Fuzz(func(t *testing.T, key, value []byte, tombstone, inTxn bool) {
		if tombstone {
			value = nil
		}
		m := New(DefaultConfig())
		l := logged{Record{key, value}, nil}
		before := logged{Record{bytes.Clone(key), bytes.Clone(value)}, nil}
		if inTxn {
			l.txn = &Txn{ProducerID: 1}
			before.txn = l.txn
		}
		if err := l.apply(m); err != nil {
			if len(m.groups) != 0 || len(m.txns) != 0 {
				t.Fatalf("a record that was refused (%v) changed something", err)
			}
			return
		}
		// Nothing of the arguments is kept.
		clear(key)
		clear(value)
		checkMachine(t, m, []logged{before})
		if inTxn {
			commit := logged{txn: &Txn{1, 0, &Marker{Commit: true}}}
			_ = commit.apply(m)
			checkMachine(t, m, []logged{before, commit})
			plain := New(DefaultConfig())
			if err := plain.Apply(before.Record); err != nil || hardState(plain) != hardState(m) {
				t.Fatalf("committed:\n%s\nplain (%v):\n%s", hardState(m), err, hardState(plain))
			}
		}
		m.Loaded(1_000)
		for _, id := range m.sortedGroups() {
			if err := m.groups[id].check(); err != nil {
				t.Fatalf("group %q: %v", id, err)
			}
		}
		for range 100 {
			if next := m.NextTimerMs(); next < Never {
				for _, r := range m.Decide(next, Tick{}).Records {
					if err := m.Apply(r); err != nil {
						t.Fatalf("apply what was decided: %v", err)
					}
				}
			}
		}
	})
}

// FuzzSubscription reads what a client calls its consumer metadata.
func FuzzSubscription(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(subscribeTo())
	f.Add(subscribeTo("a", "topic"))
	f.Add([]byte{0, 1, 0x7f, 0xff, 0xff, 0xff, 0, 0})
	f.Add([]byte{0xff, 0xff, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		topics, err := subscribedTopics(b)
		if err != nil {
			return
		}
		// What was read is how the metadata begins.
		again := kmsg.NewConsumerMemberMetadata()
		again.Topics = topics
		prefix := again.AppendTo(nil)[2 : 6+2*len(topics)+textLen(topics)]
		if !bytes.HasPrefix(b[2:], prefix) {
			t.Fatalf("%x read as %q", b, topics)
		}
	})
}

func textLen(s []string) int {
	n := 0
	for _, each := range s {
		n += len(each)
	}
	return n
}
