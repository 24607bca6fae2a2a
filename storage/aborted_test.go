package storage

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/storage/producer"
	"github.com/sordini/sordini/storage/vfs"
)

// txnWorld drives a log with transactions, and knows which of them a reader has to be told of.
type txnWorld struct {
	t       *testing.T
	rng     *rand.Rand
	fs      *vfs.MemFS
	d       *Dir
	l       *Log
	config  LogConfig
	events  []txnEvent
	next    map[int64]int32 // sequence by producer
	now     int64
	lowest  int64 // truncation below it would uncover what compaction removed
	rebuilt bool  // the index was lost once: transactions that began below the log start begin there
}

// txnEvent is one batch of the log.
type txnEvent struct {
	offset int64
	id     int64
	txn    bool
	marker bool
	commit bool
	end    int64
}

func (w *txnWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *txnWorld) open() {
	w.t.Helper()
	w.d = openDir(w.t, w.fs)
	w.l = openLog(w.t, w.d, w.config)
}

func (w *txnWorld) append(a *Append, e txnEvent) {
	w.t.Helper()
	e.offset = w.l.LogEndOffset()
	w.must(w.l.Append(w.now, 0, []*Append{a}))
	w.must(a.Result.Err)
	e.end = w.l.LogEndOffset()
	w.events = append(w.events, e)
}

func (w *txnWorld) data(id int64) {
	w.t.Helper()
	s := spec{values: values(fmt.Sprintf("%d", w.now), 1+w.rng.IntN(4)), ts: w.now, keyed: true}
	if id >= 0 {
		s.hasID, s.id, s.txn, s.sequence = true, id, true, w.next[id]
		w.next[id] += int32(len(s.values))
	}
	w.append(&Append{Batch: s.build(w.t)}, txnEvent{id: id, txn: id >= 0})
}

func (w *txnWorld) end(id int64, commit bool) {
	w.t.Helper()
	b := batch.AppendMarker(nil, w.now, id, 0, batch.Marker{Commit: commit})
	w.append(&Append{Batch: b, Origin: Coordinator}, txnEvent{id: id, txn: true, marker: true, commit: commit})
}

func (w *txnWorld) step() {
	w.t.Helper()
	w.now += int64(w.rng.IntN(20))
	id := int64(w.rng.IntN(4))
	switch n := w.rng.IntN(100); {
	case n < 45:
		w.data(id)
	case n < 50:
		w.data(-1)
	case n < 70:
		w.end(id, n < 57)
	case n < 80:
		w.must(w.d.Checkpoint())
	case n < 85:
		w.truncate()
	case n < 88:
		start, end := w.l.LogStartOffset(), w.l.DurableOffset()
		w.must(w.l.DeleteRecords(start + w.rng.Int64N(min(end-start+1, 8))))
	case n < 92 && w.config.Compact:
		w.lowest = w.l.LogEndOffset()
		_, err := w.d.RunCompaction(context.Background(), w.now)
		w.must(err)
	default:
		w.reopen()
	}
	settle(w.t, w.d, w.l)
	w.d.work.wait()
}

// settle makes everything durable, and decided. The directory's own goroutine may have made it durable a moment ago, and not yet decided.
func settle(t *testing.T, d *Dir, l *Log) {
	t.Helper()
	if err := d.syncer.sync([]*Log{l}); err != nil {
		t.Fatal(err)
	}
	l.settleEnded(l.DurableOffset())
}

func (w *txnWorld) truncate() {
	w.t.Helper()
	start := max(w.l.LogStartOffset(), w.lowest)
	n := len(w.events) - w.rng.IntN(6)
	if n < 0 || n >= len(w.events) || w.events[n].offset < start {
		return
	}
	w.must(w.l.Truncate(w.events[n].offset))
	w.events = w.events[:n]
	w.sequences()
}

// sequences takes over what the log knows of producers.
func (w *txnWorld) sequences() {
	for id := range int64(4) {
		s, _ := w.l.ProducerState(id)
		w.next[id] = s.LastSequence() + 1
	}
}

func (w *txnWorld) reopen() {
	w.t.Helper()
	crashed := w.fs.CrashClone(100, w.rng) // a crash of the process
	closeDir(w.t, w.d)
	if w.rng.IntN(3) == 0 {
		w.fs = crashed
	}
	switch w.rng.IntN(4) {
	case 0:
		w.must(w.fs.RemoveAll(dataPath + "/" + indexDir))
		w.rebuilt = true
	case 1:
		corruptIndex(w.t, w.fs)
		w.rebuilt = true
	}
	w.open()
	w.sequences()
}

// known are the transactions that were aborted, in the order of their markers, and the last stable offset.
func (w *txnWorld) known() (aborted []AbortedTxn, stable int64) {
	open := map[int64]int64{}
	for _, e := range w.events {
		first, isOpen := open[e.id]
		switch {
		case !e.txn:
		case !e.marker && !isOpen:
			open[e.id] = e.offset
		case e.marker && isOpen:
			delete(open, e.id)
			if !e.commit {
				aborted = append(aborted, AbortedTxn{ProducerID: e.id, First: first, Last: e.offset})
			}
		}
	}
	stable = w.l.LogEndOffset()
	for _, first := range open {
		stable = min(stable, first)
	}
	return aborted, max(stable, w.l.LogStartOffset())
}

func (w *txnWorld) check() {
	w.t.Helper()
	all, stable := w.known()
	start := w.l.LogStartOffset()
	if got := w.l.LastStableOffset(); got != stable && !(w.rebuilt && stable < start) {
		w.t.Fatalf("last stable offset %d, want %d", got, stable)
	}
	stable = w.l.LastStableOffset()
	if start >= stable {
		return
	}
	from := start + w.rng.Int64N(stable-start)
	s, err := w.l.Read(from, 1+w.rng.IntN(600), stable, true, nil)
	w.must(err)
	defer s.Release()
	got, err := w.l.AbortedIn(nil, from, &s)
	w.must(err)
	raw, err := s.AppendTo(nil)
	w.must(err)
	for len(raw) > 0 {
		b, rest, err := batch.Next(raw)
		if err != nil {
			break
		}
		raw = rest
		if b.IsControl() || !b.IsTransactional() || b.Count() == 0 {
			continue
		}
		holds := func(a AbortedTxn) bool {
			return a.ProducerID == b.ProducerID() && a.First <= b.BaseOffset() && b.BaseOffset() < a.Last
		}
		if aborted, told := slices.ContainsFunc(all, holds), slices.ContainsFunc(got, holds); aborted != told {
			w.t.Fatalf("read from %d, log start %d: the batch at %d is aborted %v, the list says %v: %+v", from, start, b.BaseOffset(), aborted, told, got)
		}
	}
	for i, a := range got {
		if !slices.ContainsFunc(all, w.same(a)) || i > 0 && got[i-1].Last >= a.Last {
			w.t.Fatalf("read from %d, log start %d: %+v, known are %+v", from, start, got, all)
		}
	}
}

// same compares transactions. For who knows the log alone they begin where the first batch is that retention and compaction have left.
func (w *txnWorld) same(a AbortedTxn) func(AbortedTxn) bool {
	return func(b AbortedTxn) bool {
		return a.ProducerID == b.ProducerID && a.Last == b.Last && (a.First == b.First || w.rebuilt)
	}
}

// TestAbortedTransactionsAreKnown through checkpoints, restarts, crashes, a lost or damaged index, truncation, deletion and compaction.
func TestAbortedTransactionsAreKnown(t *testing.T) {
	for seed := *firstSeed; seed < *firstSeed+*seedsFlag*3; seed++ {
		t.Logf("seed %d", seed)
		config := testConfig()
		config.SegmentBytes = []int32{400, 1500, 1 << 20}[seed%3]
		config.Durability = []Durability{DurabilityGroup, DurabilityOS, DurabilityBatch}[seed/3%3]
		if seed%4 == 3 {
			config.Compact, config.Delete, config.MinCleanableRatio = true, false, 0
		}
		w := &txnWorld{t: t, rng: rand.New(rand.NewPCG(seed, 7)), fs: vfs.NewMemFS(), config: config, next: map[int64]int32{}, now: 1000}
		w.open()
		for range 200 {
			w.step()
			w.check()
		}
		closeDir(t, w.d)
	}
}

// TestManyAbortedTransactionsArePacked reads the list piece by piece, over several values of the index.
func TestManyAbortedTransactionsArePacked(t *testing.T) {
	w := &txnWorld{t: t, fs: vfs.NewMemFS(), rng: rand.New(rand.NewPCG(1, 1)), config: testConfig(), next: map[int64]int32{}, now: 1000}
	w.open()
	for i := range 1000 {
		w.data(1)
		w.end(1, false)
		if i == 500 {
			w.must(w.d.Checkpoint())
		}
	}
	closeDir(t, w.d)
	w.open()
	for range 300 {
		w.check()
	}
	// A read in the middle is not told of everything.
	s, err := w.l.Read(1000, 500, w.l.LogEndOffset(), true, nil)
	w.must(err)
	defer s.Release()
	got, err := w.l.AbortedIn(nil, 1000, &s)
	w.must(err)
	if len(got) > 20 {
		t.Errorf("%d transactions for a read of 500 bytes", len(got))
	}
	closeDir(t, w.d)
}

// TestTheLastStableOffsetWaitsForTheMarkerToBeDurable: under group durability a marker that a loss of power takes has decided nothing.
func TestTheLastStableOffsetWaitsForTheMarkerToBeDurable(t *testing.T) {
	config := testConfig()
	config.Durability = DurabilityGroup
	gate := make(chan struct{})
	var held atomic.Bool
	mem := vfs.NewMemFS()
	fs := vfs.Hook(mem, func(op vfs.Op) error {
		if held.Load() && op.Kind == vfs.OpSync {
			<-gate
		}
		return nil
	})
	d := openDir(t, fs)
	l := openLog(t, d, config)
	mustAppend(t, l, Client, spec{values: []string{"a"}, hasID: true, id: 1, txn: true}.build(t))
	settle(t, d, l)
	held.Store(true)
	a := &Append{Batch: batch.AppendMarker(nil, 1000, 1, 0, batch.Marker{Commit: true}), Origin: Coordinator}
	if err := l.Append(1000, 0, []*Append{a}); err != nil {
		t.Fatal(err)
	}
	if got := l.LastStableOffset(); got != 0 {
		t.Errorf("last stable offset %d while the marker is not durable", got)
	}
	close(gate)
	settle(t, d, l)
	if got := l.LastStableOffset(); got != 2 {
		t.Errorf("last stable offset %d, want 2", got)
	}
	closeDir(t, d)
}

// TestAVerificationIsVoidAfterAMarker: what the coordinator said about a transaction must not open another one behind its end (KIP-890).
func TestAVerificationIsVoidAfterAMarker(t *testing.T) {
	d := openDir(t, vfs.NewMemFS())
	l := openLog(t, d, testConfig())
	try := func(guard producer.Guard, sequence int32) error {
		a := &Append{Batch: spec{values: []string{"a"}, hasID: true, id: 1, txn: true, sequence: sequence}.build(t), Guard: guard}
		if err := l.Append(1000, 0, []*Append{a}); err != nil {
			t.Fatal(err)
		}
		return a.Result.Err
	}
	guard, needed := l.VerifyTransaction(1, 0, 0, false, 1000)
	if !needed {
		t.Fatal("no transaction is open, and the coordinator is not asked")
	}
	mustAppend(t, l, Coordinator, batch.AppendMarker(nil, 1000, 1, 0, batch.Marker{}))
	if err := try(guard, 0); err != kerr.InvalidTxnState {
		t.Errorf("behind a marker: %v", err)
	}
	again, _ := l.VerifyTransaction(1, 0, 0, false, 1000)
	if again == guard {
		t.Error("the same guard after a marker")
	}
	if err := try(again, 0); err != nil {
		t.Errorf("verified: %v", err)
	}
	if _, needed := l.VerifyTransaction(1, 0, 1, false, 1000); needed {
		t.Error("the coordinator is asked although the transaction is open")
	}
	if err := try(producer.InTransaction, 1); err != nil {
		t.Errorf("in the open transaction: %v", err)
	}
	closeDir(t, d)
}
