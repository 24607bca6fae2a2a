package batch

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestMarker(t *testing.T) {
	for _, want := range []Marker{{true, 7}, {false, 0}, {true, -1}} {
		b := Batch(AppendMarker(nil, 5, 11, 3, want))
		if got, ok := b.Marker(); !ok || got != want {
			t.Errorf("%+v is read as %+v, %v", want, got, ok)
		}
		if !b.ValidCRC() || b.ProducerID() != 11 || b.ProducerEpoch() != 3 || b.BaseSequence() != NoSequence || b.Count() != 1 || b.MaxTimestamp() != 5 {
			t.Errorf("%+v: header %x", want, b[:HeaderSize])
		}
		for rec, err := range Records(b, 1<<10) { // as clients read it
			var key kmsg.ControlRecordKey
			var value kmsg.EndTxnMarker
			if err != nil || key.ReadFrom(rec.Key) != nil || value.ReadFrom(rec.Value) != nil {
				t.Fatalf("%+v: %x %x %v", want, rec.Key, rec.Value, err)
			}
			if commit := key.Type == kmsg.ControlRecordKeyTypeCommit; commit != want.Commit || value.CoordinatorEpoch != want.CoordinatorEpoch {
				t.Errorf("%+v: %+v %+v", want, key, value)
			}
		}
	}
	b := NewBuilder(Options{HasProducer: true, ProducerID: 1, Transactional: true})
	b.Add(0, []byte{0, 0, 0, 1}, make([]byte, 6), nil)
	data, _ := b.Build(nil)
	if m, ok := Batch(data).Marker(); ok {
		t.Errorf("a batch of data is a marker: %+v", m)
	}
}

func FuzzMarker(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1}, []byte{0, 0, 0, 0, 0, 9}, true)
	f.Add([]byte{0, 0, 0, 2}, []byte{0, 0, 0, 0, 0, 9}, true)
	f.Add([]byte{0}, []byte{}, true)
	f.Fuzz(func(t *testing.T, key, value []byte, control bool) {
		b := NewBuilder(Options{HasProducer: true, ProducerID: 1, Transactional: true, Control: control})
		b.Add(0, key, value, nil)
		built, err := b.Build(nil)
		if err != nil {
			t.Skip()
		}
		m, ok := Batch(built).Marker()
		if !ok {
			return
		}
		again := AppendMarker(nil, 0, 1, 0, m)
		if read, ok := Batch(again).Marker(); !control || !ok || read != m {
			t.Fatalf("%x %x is %+v, then %+v", key, value, m, read)
		}
		for cut := HeaderSize; cut < len(built); cut++ {
			Batch(built[:cut]).Marker() // does not panic
		}
	})
}
