package storage

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sordini/sordini/storage/vfs"
)

// TestReadersWritersAndUpkeepTogether runs on the real file system what a broker does at the same time:
// producers, tail readers, readers of old offsets, retention, and checkpoints, on several logs.
func TestReadersWritersAndUpkeepTogether(t *testing.T) {
	dir := t.TempDir() + "/data"
	if err := FormatDir(vfs.OS, dir, Meta{ClusterID: "c", NodeID: 1}); err != nil {
		t.Fatal(err)
	}
	clock := &testClock{}
	d, err := OpenDir(DirConfig{Path: dir, Clock: clock.now, FDCacheSize: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer closeDir(t, d)
	config := testConfig()
	config.SegmentBytes = 20_000
	const logs, writers, turns = 6, 2, 150
	var producers, others sync.WaitGroup
	var stop atomic.Bool
	for n := range int32(logs) {
		p := Partition{Topic: "t", ID: TopicID{byte(n)}, Index: n}
		l, err := d.OpenLog(p, config)
		if err != nil {
			t.Fatal(err)
		}
		durable := make(chan int64, 1) // the newest offset only
		l.OnDurable(func(offset int64) {
			select {
			case <-durable:
			default:
			}
			select {
			case durable <- offset:
			default:
			}
		})
		for w := range writers {
			producers.Add(1)
			go func() {
				defer producers.Done()
				produce(t, l, int64(w), turns)
			}()
		}
		others.Add(2)
		go func() {
			defer others.Done()
			followTail(t, l, durable, &stop)
		}()
		go func() {
			defer others.Done()
			readOld(t, l, &stop)
		}()
	}
	others.Add(1)
	go func() {
		defer others.Done()
		for !stop.Load() {
			if _, err := d.RunRetention(0); err != nil {
				t.Error(err)
			}
		}
	}()
	producers.Wait()
	if err := d.syncer.sync(d.openLogs()); err != nil {
		t.Error(err)
	}
	stop.Store(true)
	others.Wait()
	for _, l := range d.openLogs() {
		if l.DurableOffset() != l.LogEndOffset() || l.LogEndOffset() != writers*turns*3 {
			t.Errorf("log %s: end %d, durable %d", l.name, l.LogEndOffset(), l.DurableOffset())
		}
	}
}

// produce appends numbered batches, idempotently, and repeats some.
func produce(t *testing.T, l *Log, id int64, turns int) {
	for i := range turns {
		s := spec{values: values(fmt.Sprint("p", id, "-", i), 3), hasID: true, id: id, sequence: int32(3 * i)}
		a := []*Append{{Batch: s.build(t)}, {Batch: s.build(t)}}
		if err := l.Append(int64(i), 0, a); err != nil || a[0].Result.Err != nil || !a[1].Result.Duplicate ||
			a[1].Result.BaseOffset != a[0].Result.BaseOffset {
			t.Errorf("append: %v %+v %+v", err, a[0].Result, a[1].Result)
			return
		}
	}
}

// followTail reads what has become durable, and checks that offsets have no holes.
func followTail(t *testing.T, l *Log, durable <-chan int64, stop *atomic.Bool) {
	cursor := &Cursor{}
	next := int64(0)
	for {
		done := stop.Load()
		upTo := l.DurableOffset()
		for next < upTo {
			s, err := l.Read(next, 4000, upTo, true, cursor)
			if err != nil {
				t.Errorf("read at %d: %v", next, err)
				return
			}
			b, err := s.AppendTo(nil)
			s.Release()
			var got []record
			after, derr := decode(b, next, &got)
			if err != nil || derr != nil || after <= next || after > upTo || got[0].offset != next || int64(len(got)) != after-next {
				t.Errorf("read at %d up to %d: %d records, next %d, %v %v", next, upTo, len(got), after, err, derr)
				return
			}
			next = after
		}
		if done {
			return
		}
		select {
		case <-durable:
		default:
		}
	}
}

func readOld(t *testing.T, l *Log, stop *atomic.Bool) {
	rng := rand.New(rand.NewPCG(uint64(l.partition.Index), 9))
	for !stop.Load() {
		upTo := l.DurableOffset()
		if upTo == 0 {
			continue
		}
		from := rng.Int64N(upTo)
		s, err := l.Read(from, 500, upTo, true, nil)
		if err != nil {
			t.Errorf("read at %d: %v", from, err)
			return
		}
		b, err := s.AppendTo(nil)
		s.Release()
		var got []record
		if _, derr := decode(b, from, &got); err != nil || derr != nil || got[0].offset != from {
			t.Errorf("read at %d: %v %v", from, err, derr)
			return
		}
	}
}

func TestOneSyncServesManyLogs(t *testing.T) {
	// Given twenty dirty logs.
	mem := vfs.NewMemFS()
	var mu sync.Mutex
	var syncs []vfs.OpKind
	fs := vfs.Hook(mem, func(op vfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		if op.Kind == vfs.OpSync || op.Kind == vfs.OpSyncFS || op.Kind == vfs.OpSyncDir {
			syncs = append(syncs, op.Kind)
		}
		return nil
	})
	d := openDir(t, fs)
	defer closeDir(t, d)
	config := testConfig()
	config.Durability = DurabilityOS
	var logs []*Log
	for i := range int32(20) {
		l, err := d.OpenLog(Partition{Topic: "t", ID: TopicID{byte(i)}, Index: i}, config)
		if err != nil {
			t.Fatal(err)
		}
		appendOne(t, l, spec{values: []string{"a"}})
		logs = append(logs, l)
	}
	mu.Lock()
	syncs = nil
	mu.Unlock()
	// When they are synced together, it is by one sync of the file system; alone, by one of the file.
	if err := d.syncer.sync(logs); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(syncs, []vfs.OpKind{vfs.OpSyncFS}) {
		t.Errorf("twenty logs: %v", syncs)
	}
	syncs = nil
	appendOne(t, logs[3], spec{values: []string{"b"}})
	if err := d.syncer.sync(logs); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(syncs, []vfs.OpKind{vfs.OpSync}) {
		t.Errorf("one dirty log: %v", syncs)
	}
}

func TestWithoutSyncOfTheWholeFileSystem(t *testing.T) {
	fs := vfs.NewMemFS()
	fs.DisableSyncFS()
	d := openDir(t, fs)
	var logs []*Log
	for i := range int32(10) {
		l, err := d.OpenLog(Partition{Topic: "t", ID: TopicID{byte(i)}, Index: i}, testConfig())
		if err != nil {
			t.Fatal(err)
		}
		appendOne(t, l, spec{values: []string{"a"}})
		logs = append(logs, l)
	}
	if err := d.syncer.sync(logs); err != nil {
		t.Fatal(err)
	}
	crashed := fs.CrashClone(0, nil)
	closeDir(t, d)
	crashed.DisableSyncFS()
	d = openDir(t, crashed)
	defer closeDir(t, d)
	for i := range int32(10) {
		l, err := d.OpenLog(Partition{Topic: "t", ID: TopicID{byte(i)}, Index: i}, testConfig())
		if err != nil || l.LogEndOffset() != 1 || l.DurableOffset() != 1 {
			t.Errorf("log %d: %v", i, err)
		}
	}
}

func TestIntervalSyncsByItself(t *testing.T) {
	fs := vfs.NewMemFS()
	synced := make(chan struct{}, 1) // the first one counts
	hook := vfs.Hook(fs, func(op vfs.Op) error {
		if op.Kind == vfs.OpSync && op.Path == dataPath+"/orders-0/"+segmentName(0) || op.Kind == vfs.OpSyncFS {
			select {
			case synced <- struct{}{}:
			default:
			}
		}
		return nil
	})
	d := openDir(t, hook)
	defer closeDir(t, d)
	config := testConfig()
	config.Durability, config.FlushMs = DurabilityInterval, 1
	l := openLog(t, d, config)
	appendOne(t, l, spec{values: []string{"a"}})
	if l.DurableOffset() != 1 {
		t.Errorf("durable offset %d: the policy promises no more than the write", l.DurableOffset())
	}
	<-synced
}
