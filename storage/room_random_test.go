package storage

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sordini/sordini/storage/vfs"
)

// fullWorld works on a disk that fills and empties at any moment. Whatever finds no room must say so and leave no trace, nothing may take
// the directory offline, and a crash loses nothing that was synced.
type fullWorld struct {
	t     *testing.T
	rng   *rand.Rand
	mem   *vfs.MemFS
	d     *Dir
	l     *Log
	vital *Log
	state worldState
	full  int // refusals
	n     int
}

func fullConfig() LogConfig {
	config := testConfig()
	config.SegmentBytes, config.MinCleanableRatio = 600, 0
	return config
}

func TestADiskThatFillsAtAnyMoment(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w := &fullWorld{t: t, rng: rand.New(rand.NewPCG(seed, 5)), mem: vfs.NewMemFS()}
			w.open()
			for range 300 {
				w.step()
				if w.d.Failure() != nil {
					t.Fatalf("step %d: %v", w.n, w.d.Failure())
				}
			}
			w.end()
		})
	}
}

func (w *fullWorld) open() {
	w.t.Helper()
	var err error
	if w.d, err = tryOpenDir(w.mem); err != nil {
		w.refused(err)
		w.mem.SetCapacity(0)
		w.d = openDir(w.t, w.mem)
	}
	for {
		if w.l, err = w.d.OpenLog(testPartition, fullConfig()); err == nil {
			break
		}
		w.refused(err)
		w.room()
	}
	w.vital = openVital(w.t, w.d)
}

// room makes room, and the directory look.
func (w *fullWorld) room() {
	w.mem.SetCapacity(0)
	w.d.checkRoom()
	if w.d.DiskFull() {
		w.t.Fatalf("step %d: there is room, and the disk counts as full", w.n)
	}
}

// refused takes no other excuse than that there was no room.
func (w *fullWorld) refused(err error) bool {
	w.t.Helper()
	if err == nil {
		return false
	}
	if !isDiskFull(err) || errors.Is(err, ErrOffline) {
		w.t.Fatalf("step %d: %v", w.n, err)
	}
	w.full++
	return true
}

func (w *fullWorld) step() {
	w.t.Helper()
	w.n++
	switch n := w.rng.IntN(100); {
	case n < 12:
		w.mem.SetCapacity(w.mem.Used() + int64(w.rng.IntN(4000)))
	case n < 18:
		w.room()
	case n < 60:
		w.append()
	case n < 70:
		w.refused(tryAppend(w.t, w.vital, strings.Repeat("v", w.rng.IntN(2000)), Coordinator))
	case n < 75:
		w.deleteRecords()
	case n < 80:
		w.refused(w.d.Checkpoint())
	case n < 84:
		_, err := w.d.RunRetention(1000)
		w.refused(err)
	case n < 88:
		w.otherLog()
	case n < 92:
		w.d.work.wait()
	case n < 94:
		w.refused(w.d.Close(context.Background()))
		w.open()
	default:
		w.crash()
	}
}

func (w *fullWorld) append() {
	v := values(fmt.Sprint("s", w.n), 1+w.rng.IntN(20))
	a := &Append{Batch: spec{values: v}.build(w.t)}
	if w.refused(errors.Join(w.l.Append(1000, 0, []*Append{a}), a.Result.Err)) {
		return
	}
	w.state.records = append(w.state.records, v...)
	if a.Result.BaseOffset != int64(len(w.state.records)-len(v)) {
		w.t.Fatalf("step %d: offset %d", w.n, a.Result.BaseOffset)
	}
	if w.rng.IntN(2) == 0 {
		if err := w.d.syncer.sync([]*Log{w.l}); err != nil {
			w.t.Fatal(err)
		}
		w.state.durable = int64(len(w.state.records))
	}
}

func (w *fullWorld) deleteRecords() {
	if err := w.d.syncer.sync([]*Log{w.l}); err != nil {
		w.t.Fatal(err)
	}
	w.state.durable = int64(len(w.state.records))
	start := w.l.LogStartOffset()
	before := start + w.rng.Int64N(w.l.LogEndOffset()-start+1)
	w.state.startMax = max(w.state.startMax, before)
	if !w.refused(w.l.DeleteRecords(before)) {
		w.state.start = max(w.state.start, before)
	}
	if got := w.l.LogStartOffset(); got < w.state.start || got > w.state.startMax {
		w.t.Fatalf("step %d: log start %d", w.n, got)
	}
}

// otherLog makes another log and deletes it, which works whenever making it has worked.
func (w *fullWorld) otherLog() {
	p := Partition{Topic: "other", ID: TopicID{byte(w.n), 1}}
	l, err := w.d.OpenLog(p, fullConfig())
	if !w.refused(err) {
		w.refused(tryAppend(w.t, l, strings.Repeat("o", 100), Client))
	}
	if err := w.d.DeleteLog(p); err != nil {
		w.t.Fatalf("step %d: %v", w.n, err)
	}
}

func (w *fullWorld) crash() {
	percent := []int{0, 50, 100}[w.rng.IntN(3)]
	if err := checkCrashed(w.mem.CrashClone(percent, w.rng), fullConfig(), w.state, w.state.durable); err != nil {
		w.t.Fatalf("step %d: crash with %d%% of unsynced data: %v", w.n, percent, err)
	}
}

func (w *fullWorld) end() {
	w.d.work.wait()
	w.room()
	w.append()
	w.crash()
	closeDir(w.t, w.d)
	if w.full < 20 {
		w.t.Errorf("the disk was full %d times only", w.full)
	}
}
