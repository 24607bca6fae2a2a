package index

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sordini/sordini/storage/vfs"
)

func openDB(t testing.TB, fs vfs.FS) *DB {
	t.Helper()
	if err := fs.MkdirAll("/index", 0o755); err != nil {
		t.Fatal(err)
	}
	d, err := Open(Config{FS: fs, Path: "/index", OnFatal: func(err error) { t.Errorf("fatal: %v", err) }})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func closeDB(t testing.TB, d *DB) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

func commit(t testing.TB, b *Batch, sync bool) {
	t.Helper()
	if err := b.Commit(sync); err != nil {
		t.Fatal(err)
	}
}

func entriesOf(n int) []Entry {
	out := make([]Entry, n)
	for i := range out {
		out[i] = Entry{Rel: uint32(10 * (i + 1)), Pos: uint32(4096 * (i + 1)), MaxTimestamp: int64(1000 + 3*i)}
	}
	return out
}

func TestSyncedBatchSurvivesACrash(t *testing.T) {
	// Given chunks that were committed without sync, and a checkpoint after them with.
	fs := vfs.NewMemFS()
	d := openDB(t, fs)
	defer closeDB(t, d)
	k := Key{ID: [16]byte{1}, Partition: 3}
	b := d.NewBatch()
	b.PutChunks(k, 100, entriesOf(600))
	commit(t, b, false)
	b = d.NewBatch()
	b.PutState(k, &LogState{LogStart: 5, RecoveryPoint: 900, Epochs: []Epoch{{0, 0}, {4, 700}}})
	b.PutSegment(k, &Segment{Base: 100, NextOffset: 900, Size: 5000, MaxTimestamp: 77, FirstTimestamp: 1, MaxTimestampPos: 10})
	b.PutSnapshot(k, Snapshot{900, []byte("producers")}, 0)
	commit(t, b, true)
	if err := fs.SyncDir("/"); err != nil {
		t.Fatal(err)
	}
	// When everything that was not synced is lost.
	d2 := openDB(t, fs.CrashClone(0, nil))
	defer closeDB(t, d2)
	// Then both are there.
	got, err := d2.Load(k)
	if err != nil || got.State == nil || got.State.RecoveryPoint != 900 || len(got.State.Epochs) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	if len(got.Segments) != 1 || got.Segments[0].Size != 5000 || len(got.Snapshots) != 1 || string(got.Snapshots[0].Bytes) != "producers" {
		t.Fatalf("%+v", got)
	}
	chunk, err := d2.Chunk(nil, k, 100, 10*300)
	if err != nil || len(chunk) != ChunkEntries || chunk[0].Rel != 10*257 {
		t.Fatalf("%d entries, %v", len(chunk), err)
	}
}

func TestLookups(t *testing.T) {
	d := openDB(t, vfs.NewMemFS())
	defer closeDB(t, d)
	// Given chunks of two segments of two neighbouring partitions.
	all := entriesOf(700)
	for _, k := range []Key{{Partition: 1}, {Partition: 2}} {
		for _, base := range []int64{0, 50} {
			b := d.NewBatch()
			b.PutChunks(k, base, all)
			commit(t, b, false)
		}
	}
	k := Key{Partition: 2}
	for rel := range uint32(7100) {
		got, err := d.Chunk(nil, k, 50, rel)
		if err != nil {
			t.Fatal(err)
		}
		if i := int(rel)/10 - 1; i >= 0 {
			if want := all[min(i, len(all)-1)]; !slices.Contains(got, want) {
				t.Fatalf("relative offset %d: the chunk lacks %+v", rel, want)
			}
		} else if len(got) != 0 {
			t.Fatalf("relative offset %d: %d entries", rel, len(got))
		}
	}
	for _, ts := range []int64{0, 1000, 1001, 1500, 2000, 5000} {
		got, err := d.ChunkBefore(nil, k, 0, ts)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(all, func(e Entry) bool { return e.MaxTimestamp >= ts })
		if i < 0 {
			i = len(all)
		}
		if i > 0 && !slices.Contains(got, all[i-1]) || i == 0 && len(got) > 0 {
			t.Fatalf("timestamp %d: the chunk lacks %+v", ts, all[max(i-1, 0)])
		}
	}
}

func TestDeletions(t *testing.T) {
	d := openDB(t, vfs.NewMemFS())
	defer closeDB(t, d)
	k, other := Key{Partition: 1}, Key{Partition: 2}
	for _, key := range []Key{k, other} {
		b := d.NewBatch()
		b.PutState(key, &LogState{})
		for _, base := range []int64{0, 10, 20} {
			b.PutSegment(key, &Segment{Base: base, NextOffset: base + 10})
			b.PutChunks(key, base, entriesOf(3))
			b.PutSnapshot(key, Snapshot{base, nil}, 0)
		}
		commit(t, b, false)
	}
	b := d.NewBatch()
	b.DeleteSegment(k, 10)
	commit(t, b, false)
	check := func(key Key, bases []int64) {
		t.Helper()
		got, err := d.Load(key)
		if err != nil {
			t.Fatal(err)
		}
		var have []int64
		for _, s := range got.Segments {
			have = append(have, s.Base)
		}
		if !slices.Equal(have, bases) {
			t.Fatalf("segments %v, want %v", have, bases)
		}
		for _, base := range []int64{0, 10, 20} {
			chunk, err := d.Chunk(nil, key, base, 1<<32-1)
			if err != nil || (len(chunk) > 0) != slices.Contains(bases, base) {
				t.Fatalf("segment %d has %d entries, %v", base, len(chunk), err)
			}
		}
	}
	check(k, []int64{0, 20})
	b = d.NewBatch()
	b.DeleteSegmentsFrom(k, 20)
	commit(t, b, false)
	check(k, []int64{0})
	b = d.NewBatch()
	b.DeletePartition(k)
	commit(t, b, true)
	check(k, nil)
	if got, _ := d.Load(k); got.State != nil || got.Snapshots != nil {
		t.Errorf("%+v is left", got)
	}
	check(other, []int64{0, 10, 20})
}

func TestCleanMark(t *testing.T) {
	d := openDB(t, vfs.NewMemFS())
	defer closeDB(t, d)
	for _, want := range []bool{true, false} {
		b := d.NewBatch()
		b.SetClean(want)
		commit(t, b, true)
		if got, err := d.Clean(); err != nil || got != want {
			t.Errorf("clean %v, %v", got, err)
		}
	}
}

func TestManyCommitsCompact(t *testing.T) {
	// Given enough commits for many flushes and compactions, with the scheduler of our own.
	d := openDB(t, vfs.NewMemFS())
	defer closeDB(t, d)
	rng := rand.New(rand.NewPCG(1, 1))
	value := bytes.Repeat([]byte("x"), 10_000)
	for i := range 3000 {
		b := d.NewBatch()
		k := Key{Partition: int32(rng.IntN(50))}
		b.PutSnapshot(k, Snapshot{int64(i), value}, int64(i)-1)
		commit(t, b, false)
	}
	for p := range int32(50) {
		got, err := d.Load(Key{Partition: p})
		if err != nil || len(got.Snapshots) > 2 {
			t.Fatalf("partition %d has %d snapshots, %v", p, len(got.Snapshots), err)
		}
	}
	if m := d.db.Metrics(); m.Compact.Count == 0 {
		t.Errorf("no compaction ran")
	}
}

func FuzzChunk(f *testing.F) {
	f.Add(appendChunk(nil, entriesOf(1)))
	f.Add(appendChunk(nil, entriesOf(5)))
	f.Add([]byte{1, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, err := decodeChunk(nil, b)
		if err != nil {
			return
		}
		again, err := decodeChunk(nil, appendChunk(nil, entries))
		if err != nil || !slices.Equal(again, entries) {
			t.Fatalf("%v becomes %v, %v", entries, again, err)
		}
		for i := 1; i < len(entries); i++ {
			if a, b := entries[i-1], entries[i]; b.Rel <= a.Rel || b.Pos <= a.Pos || b.MaxTimestamp < a.MaxTimestamp {
				t.Fatalf("entries fall: %+v %+v", a, b)
			}
		}
	})
}

func FuzzValues(f *testing.F) {
	f.Add(appendState(nil, &LogState{LogStart: 1, RecoveryPoint: 10, Epochs: []Epoch{{1, 2}, {3, 4}}}))
	f.Add(appendState(nil, &LogState{RecoveryPoint: 10, AbortedEnd: 7}))
	f.Add(appendSegment(nil, &Segment{Base: 0, NextOffset: 5, Size: 10, MaxTimestamp: -1}))
	f.Add(appendAborted(nil, []Aborted{{ProducerID: 1, First: 2, Last: 9, Stable: 10}, {ProducerID: 0, First: 3, Last: 12, Stable: 5}}))
	f.Add(appendScrub(nil, ScrubPosition{DoneMs: 1, Base: 2, Log: "orders-0"}))
	f.Add(appendDamage(nil, &Damage{EndPos: 100, FirstOffset: 7, NextOffset: 9, Reason: "wrong checksum"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := decodeState(b); err == nil {
			again, err := decodeState(appendState(nil, s))
			if err != nil || fmt.Sprint(again) != fmt.Sprint(s) {
				t.Fatalf("%+v becomes %+v, %v", s, again, err)
			}
		}
		var aborted []Aborted
		if _, err := eachAborted(b, func(a Aborted) bool { aborted = append(aborted, a); return true }); err == nil {
			var again []Aborted
			_, err := eachAborted(appendAborted(nil, aborted), func(a Aborted) bool { again = append(again, a); return true })
			if err != nil || !slices.Equal(again, aborted) {
				t.Fatalf("%+v becomes %+v, %v", aborted, again, err)
			}
		}
		if s, err := decodeSegment(7, b); err == nil {
			again, err := decodeSegment(7, appendSegment(nil, &s))
			if err != nil || again != s {
				t.Fatalf("%+v becomes %+v, %v", s, again, err)
			}
		}
		if p, err := decodeScrub(b); err == nil {
			if again, err := decodeScrub(appendScrub(nil, p)); err != nil || again != p {
				t.Fatalf("%+v becomes %+v, %v", p, again, err)
			}
		}
		place := make([]byte, 16)
		if d, err := decodeDamage(place, b); err == nil {
			if again, err := decodeDamage(place, appendDamage(nil, &d)); err != nil || (again != d && len(d.Reason) <= maxReason) {
				t.Fatalf("%+v becomes %+v, %v", d, again, err)
			}
		}
	})
}

func TestAbortedTransactionsAreFoundByOffset(t *testing.T) {
	// Given 600 transactions of ten offsets, one behind the other, in three values.
	d := openDB(t, vfs.NewMemFS())
	defer closeDB(t, d)
	k := Key{ID: [16]byte{1}}
	var all []Aborted
	for i := range int64(600) {
		all = append(all, Aborted{ProducerID: i % 5, First: 10 * i, Last: 10*i + 9, Stable: 10*i + 10})
	}
	b := d.NewBatch()
	b.PutAborted(k, all[:500])
	b.PutAborted(k, all[500:])
	commit(t, b, false)
	find := func(from, to int64) []Aborted {
		t.Helper()
		got, err := d.Aborted(k, from, to)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	// When some of them are asked for, then they come, and no others.
	for _, c := range []struct{ from, to, first, last int64 }{{0, 1, 0, 1}, {9, 11, 0, 2}, {10, 11, 1, 2}, {2_555, 2_570, 255, 257}, {4_995, 6_000, 499, 600}} {
		if got := find(c.from, c.to); !slices.Equal(got, all[c.first:c.last]) {
			t.Errorf("from %d to %d: %+v", c.from, c.to, got)
		}
	}
	if got := find(6_000, 7_000); got != nil {
		t.Errorf("behind all: %+v", got)
	}
	// And when what lies below an offset is deleted, the rest stays.
	b = d.NewBatch()
	if err := b.DeleteAbortedBelow(k, 5_100); err != nil {
		t.Fatal(err)
	}
	commit(t, b, false)
	if got := find(0, 6_000); !slices.Equal(got, all[500:]) {
		t.Errorf("%d are left, from %+v on", len(got), got[0])
	}
}
