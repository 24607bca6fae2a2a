package storage

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/storage/vfs"
)

// world drives one log with random operations, and knows what must be true of it at every moment: after
// each operation, and for a crash in the middle of one. What it knows is guarded, because file operations,
// where crashes happen, come from several goroutines.
type world struct {
	t      *testing.T
	rng    *rand.Rand
	fs     vfs.FS
	d      *Dir
	l      *Log
	config LogConfig
	// sequences has the next sequence of each producer, and what its last batch was.
	producers map[int64]*worldProducer
	epoch     int32
	nowMs     int64
	counter   int
	// monotonic makes the directory choose between the ways to sync; nil: it always takes the same.
	monotonic func() time.Duration
	// meddle: between two openings somebody may remove the index, damage a byte of it, or put an older copy in its place.
	meddle  bool
	indexes []map[string][]byte // copies of the index
	// highestStart is the highest log start ever: it goes back when the index is lost.
	highestStart int64
	// cleanedEnd is the log end at the last compaction: below it, truncation would uncover what compaction removed.
	cleanedEnd int64

	mu    sync.Mutex
	known worldState
}

// worldState is what must hold after a crash at this moment.
type worldState struct {
	records  []string // by offset; above written they are in flight
	written  int64    // end of what Append has returned for
	durable  int64    // end of what survives a loss of power
	start    int64    // the log begins here or later, as far as deletions have returned
	startMax int64    // and here at the latest: a deletion is in flight
}

type worldProducer struct {
	next       int32
	last       spec
	lastOffset int64
}

func newWorld(t *testing.T, seed uint64, fs vfs.FS, config LogConfig) *world {
	w := &world{
		t: t, rng: rand.New(rand.NewPCG(seed, 1)), fs: fs, config: config,
		producers: make(map[int64]*worldProducer), nowMs: 1000,
	}
	if seed%5 >= 3 {
		var ticks atomic.Int64
		w.monotonic = func() time.Duration { return time.Duration(ticks.Add(1 + int64(seed%7))) }
	}
	w.open()
	return w
}

func (w *world) open() {
	w.t.Helper()
	var err error
	w.d, err = tryOpenDirTimed(w.fs, w.monotonic)
	w.must(err)
	w.l = openLog(w.t, w.d, w.config)
	w.l.OnDurable(func(offset int64) {
		if w.config.Durability == DurabilityGroup || w.config.Durability == DurabilityBatch {
			w.with(func(s *worldState) { s.durable = max(s.durable, offset) })
		}
	})
}

func (w *world) with(fn func(*worldState)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fn(&w.known)
}

// state returns a copy that does not change.
func (w *world) state() worldState {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.known
	s.records = slices.Clone(s.records)
	return s
}

// step does one random operation, and waits for everything that it set off.
func (w *world) step() {
	w.t.Helper()
	w.nowMs += int64(w.rng.IntN(50))
	switch n := w.rng.IntN(100); {
	case n < 70:
		w.append(1 + w.rng.IntN(4))
	case n < 76:
		w.truncate()
	case n < 82:
		w.deleteRecords()
	case n < 90:
		w.must(w.d.Checkpoint())
		w.with(func(s *worldState) { s.durable = max(s.durable, s.written) })
	case n < 94:
		w.retention()
	case n < 96 && w.config.Compact:
		w.compact()
	case n < 97:
		w.reopen()
	case n < 98:
		w.scrub()
	default:
		w.epoch += int32(w.rng.IntN(3))
	}
	w.settle()
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// settle waits for the syncer and the background worker.
func (w *world) settle() {
	if w.config.Durability == DurabilityGroup {
		w.must(w.d.syncer.sync([]*Log{w.l}))
	}
	w.d.work.wait()
}

// append appends some batches in one turn: plain ones, idempotent ones, and repetitions.
func (w *world) append(n int) {
	w.t.Helper()
	var specs []spec
	var appends []*Append
	repeats := make([]int64, n) // the offset that a repeated batch must get, or -1
	end := w.l.LogEndOffset()
	for i := range n {
		s := spec{values: values(fmt.Sprintf("b%d", w.counter), 1+w.rng.IntN(5)), ts: w.nowMs, keyed: w.config.Compact}
		w.counter++
		repeats[i] = -1
		if w.rng.IntN(2) == 0 {
			id := int64(w.rng.IntN(3))
			p := w.producers[id]
			if p == nil {
				p = &worldProducer{}
				w.producers[id] = p
			}
			if p.lastOffset > 0 && w.rng.IntN(4) == 0 {
				s, repeats[i] = p.last, p.lastOffset
			} else {
				s.hasID, s.id, s.sequence = true, id, p.next
				p.next += int32(len(s.values))
				p.last, p.lastOffset = s, end
			}
		}
		if repeats[i] < 0 {
			end += int64(len(s.values))
		}
		specs = append(specs, s)
		appends = append(appends, &Append{Batch: s.build(w.t)})
	}
	w.with(func(ws *worldState) {
		for i, s := range specs {
			if repeats[i] < 0 {
				ws.records = append(ws.records, s.values...)
			}
		}
	})
	w.must(w.l.Append(w.nowMs, w.epoch, appends))
	for i, a := range appends {
		if a.Result.Err != nil || a.Result.Duplicate != (repeats[i] >= 0) {
			w.t.Fatalf("append %d of %+v: %+v", i, specs[i], a.Result)
		}
		if repeats[i] >= 0 && a.Result.BaseOffset != repeats[i] {
			w.t.Fatalf("duplicate at %d, want %d", a.Result.BaseOffset, repeats[i])
		}
	}
	if w.l.LogEndOffset() != end {
		w.t.Fatalf("log end %d, want %d", w.l.LogEndOffset(), end)
	}
	w.with(func(ws *worldState) { ws.written = end })
}

// truncate cuts at a random offset. Producers that lose a batch are forgotten by the test: their next id is new.
func (w *world) truncate() {
	start, end := w.l.LogStartOffset(), w.l.LogEndOffset()
	if start == end {
		return
	}
	offset := max(start, w.cleanedEnd, end-int64(w.rng.IntN(30)))
	w.with(func(s *worldState) { s.durable, s.written = min(s.durable, offset), min(s.written, offset) })
	for offset > max(start, w.cleanedEnd) && !w.boundary(offset) {
		offset--
	}
	w.with(func(s *worldState) { s.durable, s.written = min(s.durable, offset), min(s.written, offset) })
	w.must(w.l.Truncate(offset))
	if w.l.LogEndOffset() != offset || w.l.DurableOffset() > offset {
		w.t.Fatalf("truncated to %d: end %d, durable %d", offset, w.l.LogEndOffset(), w.l.DurableOffset())
	}
	w.with(func(s *worldState) { s.records = s.records[:offset] })
	w.forgetProducers()
}

// boundary says whether a batch begins at offset.
func (w *world) boundary(offset int64) bool {
	s, err := w.l.Read(offset, 1, w.l.LogEndOffset(), true, nil)
	w.must(err)
	defer s.Release()
	b, err := s.AppendTo(nil)
	w.must(err)
	var got []record
	_, err = decode(b, 0, &got)
	w.must(err)
	return len(got) > 0 && got[0].offset == offset
}

func (w *world) compact() {
	w.t.Helper()
	w.cleanedEnd = w.l.LogEndOffset()
	_, err := w.d.RunCompaction(context.Background(), w.nowMs)
	w.must(err)
}

// scrub finds nothing, whatever was done to the log.
func (w *world) scrub() {
	w.t.Helper()
	sum, err := w.d.RunScrub(context.Background(), 0)
	w.must(err)
	if sum.Damaged != 0 || sum.Bytes != w.l.Size() {
		w.t.Fatalf("%+v of a log of %d bytes: %v", sum, w.l.Size(), w.l.Damaged())
	}
}

func (w *world) deleteRecords() {
	start, end := w.l.LogStartOffset(), w.l.DurableOffset()
	if start >= end {
		return
	}
	before := start + w.rng.Int64N(min(end-start+1, 20))
	w.with(func(s *worldState) { s.startMax = max(s.startMax, before) })
	w.must(w.l.DeleteRecords(before))
	w.with(func(s *worldState) { s.start = w.l.LogStartOffset() })
	if w.l.LogStartOffset() != before {
		w.t.Fatalf("log start %d, want %d", w.l.LogStartOffset(), before)
	}
}

func (w *world) retention() {
	w.with(func(s *worldState) { s.startMax = w.l.DurableOffset() })
	_, err := w.d.RunRetention(w.nowMs)
	w.must(err)
	w.with(func(s *worldState) {
		s.start, s.startMax = w.l.LogStartOffset(), w.l.LogStartOffset()
		s.durable = max(s.durable, s.written)
	})
}

func (w *world) reopen() {
	w.settle()
	closeDir(w.t, w.d)
	w.with(func(s *worldState) { s.durable = max(s.durable, s.written) })
	if !w.meddle {
		w.open()
		return
	}
	w.indexes = append(w.indexes, w.indexFiles())
	what := w.meddleWithIndex()
	w.open()
	w.highestStart = max(w.highestStart, w.state().start)
	if got := w.l.LogStartOffset(); got > w.highestStart {
		w.t.Fatalf("%s: log start %d, was never above %d", what, got, w.highestStart)
	}
	// What lies below a log start that was forgotten may have gaps, for a truncation may have been there: it is deleted again.
	// A log of which nothing was left above its start may end below it now.
	end := w.l.LogEndOffset()
	from := min(w.highestStart, end)
	w.with(func(s *worldState) {
		if s.start >= end {
			s.records, s.written, s.durable = s.records[:end], end, min(s.durable, end)
		}
	})
	w.must(w.l.DeleteRecords(from))
	w.with(func(s *worldState) { s.start, s.startMax = w.l.LogStartOffset(), w.l.LogStartOffset() })
	w.forgetProducers() // those of which nothing is left are unknown now
}

func (w *world) indexFiles() map[string][]byte {
	dir := dataPath + "/" + indexDir
	names, err := w.fs.List(dir)
	w.must(err)
	files := make(map[string][]byte)
	for _, name := range names {
		if name != "LOCK" {
			files[name], err = vfs.ReadFile(w.fs, dir+"/"+name, 1<<30)
			w.must(err)
		}
	}
	return files
}

func (w *world) meddleWithIndex() string {
	dir := dataPath + "/" + indexDir
	switch w.rng.IntN(4) {
	case 0:
		w.must(w.fs.RemoveAll(dir))
		return "index removed"
	case 1:
		w.must(w.fs.RemoveAll(dir))
		w.must(w.fs.MkdirAll(dir, 0o755))
		n := w.rng.IntN(len(w.indexes))
		for name, b := range w.indexes[n] {
			w.must(vfs.WriteFile(w.fs, dir+"/"+name, b))
		}
		return fmt.Sprintf("index of opening %d of %d", n, len(w.indexes))
	case 2:
		files := w.indexFiles()
		names := slices.Sorted(maps.Keys(files))
		name := names[w.rng.IntN(len(names))]
		b := files[name]
		if len(b) == 0 {
			return "index as it was"
		}
		at := w.rng.IntN(len(b))
		b[at] ^= 1 << w.rng.IntN(8)
		w.must(vfs.WriteFile(w.fs, dir+"/"+name, b))
		return fmt.Sprintf("byte %d of %s flipped", at, name)
	}
	return "index as it was"
}

// forgetProducers begins anew with what the log knows of producers.
func (w *world) forgetProducers() {
	clear(w.producers)
	w.counter += 1000
	for i := range int64(3) {
		if p, ok := w.l.ProducerState(i); ok && p.LastSequence() >= 0 {
			w.producers[i] = &worldProducer{next: p.LastSequence() + 1}
		}
	}
}

// check compares the whole log with what it must hold.
func (w *world) check() {
	w.t.Helper()
	s := w.state()
	if got := w.l.LogStartOffset(); got != s.start {
		w.t.Fatalf("log start %d, want %d", got, s.start)
	}
	if got := w.l.LogEndOffset(); got != int64(len(s.records)) {
		w.t.Fatalf("log end %d, want %d", got, len(s.records))
	}
	got, err := readAll(w.l, w.l.LogStartOffset(), 1+w.rng.IntN(2000))
	w.must(err)
	if err := compareRecords(got, s.records[:w.l.LogEndOffset()], s.start, w.config.Compact); err != nil {
		w.t.Fatal(err)
	}
	w.must(checkProducers(w.l))
}

// checkProducers compares what a log knows of producers with the batches in it: the last one of each decides which
// sequence comes next.
func checkProducers(l *Log) error {
	last := make(map[int64]int32)
	for _, s := range *l.segments.Load() {
		err := l.walk(s, s.base, func(b batch.Batch, _ int64) error {
			if b.HasProducerID() && !b.IsControl() {
				last[b.ProducerID()] = b.LastSequence()
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for id, sequence := range last {
		if state, known := l.ProducerState(id); !known || state.LastSequence() != sequence {
			return fmt.Errorf("producer %d is known %v with sequence %d, its last batch has %d", id, known, state.LastSequence(), sequence)
		}
	}
	return nil
}

// compareRecords compares what was read from start on with everything that the log holds. Of a compacted log the last
// record of each key must be there.
func compareRecords(got []record, want []string, start int64, compacted bool) error {
	there := make(map[int64]bool, len(got))
	last := start - 1
	for _, r := range got {
		if r.offset <= last || (!compacted && r.offset != last+1) {
			return fmt.Errorf("record at %d after %d", r.offset, last)
		}
		if r.offset >= int64(len(want)) {
			return fmt.Errorf("record at %d was never appended there", r.offset)
		}
		if r.value != want[r.offset] {
			return fmt.Errorf("record at %d is %q, want %q", r.offset, r.value, want[r.offset])
		}
		there[r.offset], last = true, r.offset
	}
	if !compacted {
		if last != max(int64(len(want)), start)-1 {
			return fmt.Errorf("the last record is at %d, want %d", last, len(want)-1)
		}
		return nil
	}
	latest := make(map[string]int64)
	for offset := start; offset < int64(len(want)); offset++ {
		latest[keyOf(want[offset])] = offset
	}
	for key, offset := range latest {
		if !there[offset] {
			return fmt.Errorf("the last record of %s, at %d, is gone", key, offset)
		}
	}
	return nil
}

// checkCrashed opens what a crash left, and checks it against what had to survive.
func checkCrashed(fs *vfs.MemFS, config LogConfig, s worldState, minEnd int64) error {
	_, err := openCrashed(fs, fs, config, s, minEnd)
	return err
}

// openCrashed is checkCrashed through a file system that wraps mem. It returns where the log ended.
func openCrashed(mem *vfs.MemFS, fs vfs.FS, config LogConfig, s worldState, minEnd int64) (end int64, err error) {
	d, err := tryOpenDir(fs)
	if err != nil {
		return 0, fmt.Errorf("open directory: %w", err)
	}
	defer func() {
		if r := recover(); r != nil {
			panic(r) // closing would wait for locks that the panic has left behind
		}
		if cerr := d.Close(context.Background()); err == nil && cerr != nil {
			err = fmt.Errorf("close: %w", cerr)
		}
	}()
	l, err := d.OpenLog(testPartition, config)
	if err != nil {
		return 0, err
	}
	start, end := l.LogStartOffset(), l.LogEndOffset()
	if end < minEnd || end > int64(len(s.records)) {
		return end, fmt.Errorf("log end %d, want %d to %d", end, minEnd, len(s.records))
	}
	if start < min(s.start, end) || start > max(s.start, s.startMax) {
		return end, fmt.Errorf("log start %d, want %d to %d", start, s.start, s.startMax)
	}
	got, err := readAll(l, start, 1000)
	if err != nil {
		return end, err
	}
	if err := compareRecords(got, s.records[:end], start, config.Compact); err != nil {
		return end, err
	}
	if err := checkProducers(l); err != nil {
		return end, err
	}
	return end, appendAfterCrash(d, l)
}

// checkCrashedTwice crashes once more while the first crash is recovered from, or after it. What was found by then
// must be found again.
func checkCrashedTwice(mem *vfs.MemFS, config LogConfig, s worldState, minEnd int64, rng *rand.Rand) error {
	var mu sync.Mutex
	crashAt, n := rng.IntN(40), 0
	percent := []int{0, 25, 50, 100}[rng.IntN(4)]
	var second *vfs.MemFS
	var at vfs.Op
	fs := vfs.Hook(mem, func(op vfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		if op.Kind == vfs.OpRead || op.Kind == vfs.OpOpen {
			return nil
		}
		if n++; n-1 == crashAt {
			second, at = mem.CrashClone(percent, rng), op
		}
		return nil
	})
	end, err := openCrashed(mem, fs, config, s, minEnd)
	if err != nil || second == nil {
		return err
	}
	s.records = append(slices.Clone(s.records[:end]), "after")
	s.startMax = max(s.start, s.startMax)
	if err := checkCrashed(second, config, s, min(minEnd, end)); err != nil {
		return fmt.Errorf("second crash before %v of %s, %d%% of unsynced data kept, the log had ended at %d: %w", at.Kind, at.Path, percent, end, err)
	}
	return nil
}

// appendAfterCrash appends to a recovered log, reads it back, and knows it durable.
func appendAfterCrash(d *Dir, l *Log) error {
	b := spec{values: []string{"after"}, keyed: true}
	a := &Append{Batch: b.build(discard{})}
	end := l.LogEndOffset()
	if err := l.Append(0, 1<<20, []*Append{a}); err != nil {
		return fmt.Errorf("append after a crash: %w", err)
	}
	if a.Result.BaseOffset != end {
		return fmt.Errorf("append after a crash went to %d, want %d", a.Result.BaseOffset, end)
	}
	got, err := readAll(l, end, 1000)
	if err != nil || len(got) != 1 || got[0].value != "after" {
		return fmt.Errorf("read after a crash: %v %w", got, err)
	}
	return nil
}

// discard is a testing.TB for helpers that are called where no test can be failed.
type discard struct{ testing.TB }

func (discard) Helper()           {}
func (discard) Fatal(args ...any) { panic(fmt.Sprint(args...)) }
