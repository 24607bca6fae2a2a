package producer

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
)

// data is a batch of n records of producer 7.
func data(epoch int16, sequence int32, n int, offset int64) *Batch {
	last := int32((int64(sequence) + int64(n) - 1) & math.MaxInt32)
	return &Batch{
		ProducerID: 7, Epoch: epoch, BaseSequence: sequence, LastSequence: last,
		BaseOffset: offset, LastOffset: offset + int64(n) - 1, MaxTimestamp: 50,
	}
}

func marked(epoch int16, coordinator int32, commit bool, offset int64) *Batch {
	return &Batch{
		ProducerID: 7, Epoch: epoch, BaseSequence: NoSequence, LastSequence: NoSequence,
		BaseOffset: offset, LastOffset: offset, Transactional: true, Marker: &Marker{Commit: commit, CoordinatorEpoch: coordinator},
	}
}

func TestCheck(t *testing.T) {
	one := []*Batch{data(0, 0, 10, 100)}
	six := []*Batch{
		data(0, 0, 1, 0), data(0, 1, 1, 1), data(0, 2, 1, 2), data(0, 3, 1, 3), data(0, 4, 1, 4), data(0, 5, 1, 5),
	}
	tests := []struct {
		name   string
		given  []*Batch
		batch  *Batch
		origin Origin
		want   *kerr.Error
		at     int64 // offset of the duplicate, -1 for none
	}{
		{"unknown producer at zero", nil, data(0, 0, 1, 0), Client, nil, -1},
		{"unknown producer anywhere", nil, data(3, 17, 1, 0), Client, nil, -1},
		{"next", one, data(0, 10, 1, 0), Client, nil, -1},
		{"gap", one, data(0, 11, 1, 0), Client, kerr.OutOfOrderSequenceNumber, -1},
		{"duplicate", one, data(0, 0, 10, 0), Client, nil, 100},
		{"part of a batch", one, data(0, 0, 5, 0), Client, kerr.OutOfOrderSequenceNumber, -1},
		{"end of a batch", one, data(0, 5, 5, 0), Client, kerr.OutOfOrderSequenceNumber, -1},
		{"overlap", one, data(0, 5, 10, 0), Client, kerr.OutOfOrderSequenceNumber, -1},
		{"longer than the batch", one, data(0, 0, 11, 0), Client, kerr.OutOfOrderSequenceNumber, -1},
		{"fifth oldest duplicate", six, data(0, 1, 1, 0), Client, nil, 1},
		{"sixth oldest duplicate", six, data(0, 0, 1, 0), Client, kerr.OutOfOrderSequenceNumber, -1},
		{"old epoch", []*Batch{data(2, 0, 1, 0)}, data(1, 0, 1, 0), Client, kerr.InvalidProducerEpoch, -1},
		{"new epoch at zero", one, data(1, 0, 1, 0), Client, nil, -1},
		{"new epoch elsewhere", one, data(1, 10, 1, 0), Client, kerr.OutOfOrderSequenceNumber, -1},
		{"duplicate of an old epoch", []*Batch{data(0, 0, 1, 0), data(1, 0, 1, 1)}, data(0, 0, 1, 0), Client, kerr.InvalidProducerEpoch, -1},
		{"wrap between batches", []*Batch{data(0, math.MaxInt32-1, 2, 0)}, data(0, 0, 1, 2), Client, nil, -1},
		{"gap at the wrap", []*Batch{data(0, math.MaxInt32-1, 2, 0)}, data(0, 1, 1, 2), Client, kerr.OutOfOrderSequenceNumber, -1},
		{"after a wrap inside", []*Batch{data(0, math.MaxInt32-1, 5, 0)}, data(0, 3, 1, 5), Client, nil, -1},
		{"duplicate with a wrap inside", []*Batch{data(0, math.MaxInt32-1, 5, 40)}, data(0, math.MaxInt32-1, 5, 0), Client, nil, 40},
		{"only a marker before", []*Batch{marked(0, 1, true, 0)}, data(0, 0, 1, 1), Client, nil, -1},
		{"only a marker before, gap", []*Batch{marked(0, 1, true, 0)}, data(0, 4, 1, 1), Client, kerr.OutOfOrderSequenceNumber, -1},
		{"replica is not asked", one, data(0, 99, 1, 0), Replica, nil, -1},
		{"coordinator has no sequence", one, data(0, 99, 1, 0), Coordinator, nil, -1},
		{"coordinator with an old epoch", []*Batch{data(2, 0, 1, 0)}, data(1, 0, 1, 0), Coordinator, kerr.InvalidProducerEpoch, -1},
		{"marker of an old coordinator", []*Batch{marked(0, 5, true, 0)}, marked(0, 4, true, 1), Coordinator, kerr.TransactionCoordinatorFenced, -1},
		{"no producer", one, &Batch{ProducerID: NoID}, Client, nil, -1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			// Given batches that were appended.
			table := NewTable()
			for _, b := range test.given {
				table.Apply(b, 1)
			}
			// When one more is checked.
			duplicate, err := table.Check(test.batch, test.origin)
			// Then it is accepted, refused, or found.
			if err != test.want {
				t.Errorf("error %v, want %v", err, test.want)
			}
			at := int64(-1)
			if duplicate != nil {
				at = duplicate.BaseOffset
			}
			if at != test.at {
				t.Errorf("duplicate at %d, want %d", at, test.at)
			}
		})
	}
}

func TestTransactions(t *testing.T) {
	// Given two open transactions.
	table := NewTable()
	a := data(0, 0, 1, 10)
	a.Transactional = true
	b := data(0, 0, 1, 20)
	b.ProducerID, b.Transactional = 8, true
	table.Apply(a, 1)
	table.Apply(b, 1)
	first := func(want int64, open bool) {
		t.Helper()
		if got, found := table.FirstUnstable(); found != open || open && got != want {
			t.Fatalf("first unstable offset %d %v, want %d %v", got, found, want, open)
		}
	}
	first(10, true)
	// When the older one is aborted, the younger one is first.
	done, ended := table.Apply(marked(0, 1, false, 30), 1)
	if !ended || done != (Completed{ProducerID: 7, FirstOffset: 10, LastOffset: 30, LastStableOffset: 20, Aborted: true}) {
		t.Fatalf("%+v %v", done, ended)
	}
	first(20, true)
	// Then an open one is never expired, and a marker without a transaction ends none.
	table.Expire(math.MaxInt64, 1)
	if table.Len() != 1 {
		t.Fatalf("%d producers are left", table.Len())
	}
	if _, ended := table.Apply(marked(0, 2, true, 31), 1); ended {
		t.Error("a marker ended a transaction that was not open")
	}
	first(20, true)
}

func TestExpire(t *testing.T) {
	table := NewTable()
	table.Apply(data(0, 0, 1, 0), 1000)
	for _, step := range []struct {
		nowMs int64
		want  int
	}{{500, 0}, {1000, 0}, {1099, 0}, {1100, 1}} {
		if got := table.Expire(step.nowMs, 100); got != step.want {
			t.Errorf("at %d: %d expired, want %d", step.nowMs, got, step.want)
		}
	}
}

// TestRollback applies random batches, takes the last ones back, and compares with a table that never saw them.
func TestRollback(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		table, want := NewTable(), NewTable()
		offset := int64(0)
		random := func() *Batch {
			offset += 2
			b := data(int16(rng.IntN(3)), int32(rng.IntN(10)), 2, offset)
			b.ProducerID = int64(rng.IntN(4))
			b.Transactional = rng.IntN(3) == 0
			if rng.IntN(5) == 0 {
				b.Marker, b.Transactional = &Marker{Commit: true}, true
			}
			return b
		}
		for range rng.IntN(10) {
			b := random()
			table.Apply(b, offset)
			want.Apply(b, offset)
		}
		table.Begin()
		for range rng.IntN(10) {
			table.Apply(random(), offset)
		}
		table.Rollback()
		if got, want := table.All(), want.All(); !reflect.DeepEqual(got, want) {
			t.Fatalf("after the rollback:\n got %+v\nwant %+v", got, want)
		}
		gotFirst, gotOpen := table.FirstUnstable()
		wantFirst, wantOpen := want.FirstUnstable()
		if gotFirst != wantFirst || gotOpen != wantOpen {
			t.Fatalf("first unstable %d %v, want %d %v", gotFirst, gotOpen, wantFirst, wantOpen)
		}
	}
}

func TestTableIsBounded(t *testing.T) {
	table := NewTable()
	for id := range int64(maxProducers + 10) {
		b := data(0, 0, 1, id)
		b.ProducerID = id
		table.Apply(b, id)
	}
	if table.Len() > maxProducers {
		t.Errorf("%d producers, the limit is %d", table.Len(), maxProducers)
	}
	if _, known := table.Get(0); known {
		t.Error("the longest idle producer was kept")
	}
	if _, known := table.Get(maxProducers + 9); !known {
		t.Error("the newest producer was forgotten")
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	table := NewTable()
	sequence := int32(0)
	b := data(0, 0, 1, 0)
	run := func() {
		table.Begin()
		b.BaseSequence, b.LastSequence = sequence, sequence
		if _, err := table.Check(b, Client); err != nil {
			t.Fatal(err)
		}
		table.Apply(b, 1)
		table.Commit()
		sequence++
	}
	run()
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzSnapshot(f *testing.F) {
	table := NewTable()
	f.Add(table.AppendSnapshot(nil))
	table.Apply(data(1, 5, 3, 9), 4)
	open := data(0, 0, 1, 20)
	open.ProducerID, open.Transactional = 9, true
	table.Apply(open, 5)
	f.Add(table.AppendSnapshot(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		table, err := ReadSnapshot(b)
		if err != nil {
			return
		}
		again, err := ReadSnapshot(table.AppendSnapshot(nil))
		if err != nil || !reflect.DeepEqual(again.All(), table.All()) {
			t.Fatalf("%+v becomes %+v, %v", table.All(), again, err)
		}
	})
}

// opened is a transactional batch.
func opened(epoch int16, sequence int32, offset int64) *Batch {
	b := data(epoch, sequence, 1, offset)
	b.Transactional = true
	return b
}

// ended is a marker of transaction version 2.
func ended(epoch int16, coordinator int32) *Batch {
	b := marked(epoch, coordinator, true, 90)
	b.Marker.TransactionVersion = 2
	return b
}

func TestMarkersOfTransactionVersion2(t *testing.T) {
	for _, test := range []struct {
		name   string
		given  []*Batch
		epoch  int16
		want   *kerr.Error
		repeat bool
	}{
		{"unknown producer", nil, 1, nil, false},
		{"above the transaction", []*Batch{opened(4, 0, 0)}, 5, nil, false},
		{"of the transaction's epoch", []*Batch{opened(4, 0, 0)}, 4, kerr.InvalidProducerEpoch, false},
		{"below it", []*Batch{opened(4, 0, 0)}, 3, kerr.InvalidProducerEpoch, false},
		{"repeated", []*Batch{opened(4, 0, 0), ended(5, 0)}, 5, nil, true},
		{"repeated when the next one is open", []*Batch{opened(4, 0, 0), ended(5, 0), opened(5, 0, 91)}, 5, kerr.InvalidProducerEpoch, false},
		{"of the last transaction when the next is over", []*Batch{opened(4, 0, 0), ended(6, 0)}, 5, kerr.InvalidProducerEpoch, false},
		{"of an older coordinator", []*Batch{opened(4, 0, 0), marked(4, 9, true, 3)}, 5, kerr.TransactionCoordinatorFenced, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			table := NewTable()
			for _, b := range test.given {
				table.Apply(b, 1)
			}
			duplicate, err := table.Check(ended(test.epoch, 0), Coordinator)
			if err != test.want || (duplicate != nil) != test.repeat {
				t.Errorf("%v %v, want %v, a repetition: %v", duplicate, err, test.want, test.repeat)
			}
		})
	}
}

// TestGuards goes through what may come between a question to the coordinator and the batch.
func TestGuards(t *testing.T) {
	for _, test := range []struct {
		name      string
		before    []*Batch
		epoch     int16
		epochBump bool
		asked     []int32 // sequences, all before the batch
		between   []*Batch
		batch     *Batch
		want      *kerr.Error
	}{
		{"first of its transaction", nil, 0, false, []int32{0}, nil, opened(0, 0, 5), nil},
		{"a marker in between", nil, 0, false, []int32{0}, []*Batch{marked(0, 0, false, 5)}, opened(0, 0, 6), kerr.InvalidTxnState},
		{"the last one's marker of version 2 in between", []*Batch{opened(0, 0, 0)}, 1, true, []int32{0}, []*Batch{ended(1, 0)}, opened(1, 0, 91), nil},
		{"its own marker of version 2 in between", []*Batch{opened(0, 0, 0)}, 1, true, []int32{0}, []*Batch{ended(2, 0)}, opened(1, 0, 91), kerr.InvalidTxnState},
		{"the second without the first", nil, 0, false, []int32{0, 1}, nil, opened(0, 1, 5), kerr.OutOfOrderSequenceNumber},
		{"the second behind the first", nil, 0, false, []int32{0, 1}, []*Batch{opened(0, 0, 5)}, opened(0, 1, 6), nil},
		{"an unknown producer that goes on", nil, 0, false, []int32{7}, nil, opened(0, 7, 5), nil},
		{"an unknown producer of version 2 that goes on", nil, 0, true, []int32{7}, nil, opened(0, 7, 5), kerr.OutOfOrderSequenceNumber},
	} {
		t.Run(test.name, func(t *testing.T) {
			table := NewTable()
			for _, b := range test.before {
				table.Apply(b, 1)
			}
			for _, sequence := range test.asked {
				guard, needed := table.Verify(7, test.epoch, sequence, test.epochBump, 1)
				if !needed {
					t.Fatal("the coordinator is not asked")
				}
				test.batch.Guard = guard
			}
			for _, b := range test.between {
				table.Apply(b, 1)
			}
			if _, err := table.Check(test.batch, Client); err != test.want {
				t.Errorf("%v, want %v", err, test.want)
			}
		})
	}
}

func TestVerificationsAreBoundedAndExpire(t *testing.T) {
	table := NewTable()
	for id := range int64(maxProducers + 10) {
		table.Verify(id, 0, 0, false, id)
	}
	if n := len(table.verifying); n > maxProducers {
		t.Errorf("%d verifications, the limit is %d", n, maxProducers)
	}
	table.Expire(math.MaxInt64, 1)
	if n := len(table.verifying); n != 0 {
		t.Errorf("%d verifications are left", n)
	}
}

// A producer that was fenced asked about a transaction, was refused, and left its question behind; the one that follows it, in the middle of its
// transaction, was then out of order for ever.
func TestAFencedProducerDisturbsNoOpenTransaction(t *testing.T) {
	for _, zombie := range []int16{4, 9} {
		table := NewTable()
		table.Apply(opened(5, 0, 0), 1)
		if _, needed := table.Verify(7, zombie, 0, false, 1); !needed {
			t.Fatal("the coordinator is not asked")
		}
		next := opened(5, 1, 1)
		next.Guard, _ = table.Verify(7, 5, 1, false, 1)
		if next.Guard != InTransaction {
			t.Fatalf("guard %d", next.Guard)
		}
		if _, err := table.Check(next, Client); err != nil {
			t.Errorf("after epoch %d: %v", zombie, err)
		}
	}
}
