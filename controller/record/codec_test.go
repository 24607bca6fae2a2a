package record

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

// everyRecord has each type at least once, with each optional field there and not.
func everyRecord() []Record {
	value := "1000"
	return []Record{
		&Cluster{ClusterID: "oMsQ0Z9SQ9W2Wz3l1cKZ0g"},
		&RegisterBroker{BrokerID: 1, BrokerEpoch: 7, Incarnation: [16]byte{1, 2}, Rack: "r1", Fenced: true,
			Listeners: []Listener{{Name: "PLAINTEXT", Host: "::1", Port: 9092}, {Name: "TLS", Host: "h", Port: 65535, Protocol: 1}}},
		&RegisterBroker{BrokerID: 0, BrokerEpoch: 1 << 40, Listeners: []Listener{}},
		&FenceBroker{BrokerID: 1, BrokerEpoch: 7, Fenced: true},
		&UnregisterBroker{BrokerID: 1, BrokerEpoch: 7},
		&Topic{Name: "orders", ID: [16]byte{15: 9}},
		&Partition{TopicID: [16]byte{15: 9}, Index: 3, Leader: NoLeader, LeaderEpoch: 4, PartitionEpoch: 5,
			Replicas: []int32{1, 2, 3}, ISR: []int32{}},
		&PartitionChange{TopicID: [16]byte{15: 9}, Index: 3, SetLeader: true, Leader: 2, ISR: []int32{2}, Replicas: []int32{2, 1}},
		&PartitionChange{TopicID: [16]byte{15: 9}, Index: 3},
		&RemoveTopic{TopicID: [16]byte{15: 9}},
		&Config{ResourceType: 2, ResourceName: "orders", Name: "retention.ms", Value: &value},
		&Config{ResourceType: 4, ResourceName: "", Name: "log.cleaner.threads"},
		&ProducerIDs{BrokerID: 1, BrokerEpoch: 7, Next: 1000},
	}
}

func TestEveryRecordReadsBackAsWritten(t *testing.T) {
	want := everyRecord()
	b := AppendList([]byte("before"), want)
	got, err := DecodeList(b[len("before"):])
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got %#v, want %#v", got, want)
	}
	seen := map[Type]bool{}
	for _, r := range want {
		seen[r.Type()] = true
	}
	for typ := Type(0); typ < 100; typ++ {
		if (newRecord(typ) != nil) != seen[typ] {
			t.Errorf("type %d: known is %v, tested is %v", typ, newRecord(typ) != nil, seen[typ])
		}
	}
}

func TestEveryTruncationIsAnError(t *testing.T) {
	b := AppendList(nil, everyRecord())
	for n := range b {
		if _, err := DecodeList(b[:n]); err == nil {
			t.Errorf("%d of %d bytes were accepted", n, len(b))
		}
	}
	if _, err := DecodeList(append(b, 0)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a byte behind the end: %v", err)
	}
}

func TestNewerRecordsAreRefusedNotSkipped(t *testing.T) {
	for name, b := range map[string][]byte{
		"list format":    {9, 0},
		"type":           {listFormat, 1, 99, 0, 0},
		"huge type":      {listFormat, 1, 0xff, 0xff, 0xff, 0x7f, 0, 0},
		"record version": {listFormat, 1, byte(TypeCluster), 1, 1, 0},
	} {
		if _, err := DecodeList(b); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCountsAreCheckedBeforeAllocation(t *testing.T) {
	list := []byte{listFormat, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 0}
	partition := append(bytes.Repeat([]byte{0}, 20), 0xff, 0xff, 0xff, 0xff, 0x0f)
	inner := append([]byte{listFormat, 1, byte(TypePartition), 0, byte(len(partition))}, partition...)
	for name, b := range map[string][]byte{"list": list, "replicas": inner} {
		allocs := testing.AllocsPerRun(10, func() {
			if _, err := DecodeList(b); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s: %v", name, err)
			}
		})
		if allocs > 20 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
}

func FuzzDecodeList(f *testing.F) {
	all := everyRecord()
	f.Add(AppendList(nil, all))
	for _, r := range all {
		f.Add(AppendList(nil, []Record{r}))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		first, err := DecodeList(b)
		if err != nil {
			return
		}
		// A varint has longer spellings, so compare what they say and not the bytes.
		again := AppendList(nil, first)
		second, err := DecodeList(again)
		if err != nil || !reflect.DeepEqual(first, second) {
			t.Fatalf("%x became %x: %v", b, again, err)
		}
		if third := AppendList(nil, second); !bytes.Equal(again, third) {
			t.Fatalf("encoded as %x and as %x", again, third)
		}
	})
}
