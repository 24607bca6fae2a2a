package storage

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
	"github.com/sordini/sordini/storage/vfs"
)

// keyed is what a compacted log should say about its keys.
type keyed struct {
	latest map[string]string // without deleted keys
	offset map[string]int64  // of each key's last record
	next   int64
}

func compactedConfig() LogConfig {
	config := testConfig()
	config.Delete, config.Compact, config.SegmentBytes = false, true, 1500
	config.MinCleanableRatio, config.DeleteRetentionMs = 0, 1000
	return config
}

// appendKeyed appends a batch of random keys, some of them tombstones.
func (k *keyed) appendKeyed(t *testing.T, l *Log, rng *rand.Rand, nowMs int64) {
	t.Helper()
	opts := batch.Options{Codec: []codec.Codec{codec.None, codec.LZ4}[rng.IntN(2)]}
	if rng.IntN(2) == 0 {
		id := int64(rng.IntN(3))
		state, _ := l.ProducerState(id)
		opts.HasProducer, opts.ProducerID, opts.BaseSequence = true, id, state.LastSequence()+1
	}
	b := batch.NewBuilder(opts)
	for range 1 + rng.IntN(6) {
		key := fmt.Sprint("key", rng.IntN(20))
		value := []byte(fmt.Sprint("value", k.next))
		if rng.IntN(5) == 0 {
			value = nil
			delete(k.latest, key)
		} else {
			k.latest[key] = string(value)
		}
		k.offset[key] = k.next
		b.Add(nowMs, []byte(key), value, nil)
		k.next++
	}
	raw, err := b.Build(nil)
	if err != nil {
		t.Fatal(err)
	}
	a := &Append{Batch: raw}
	if err := l.Append(nowMs, 0, []*Append{a}); err != nil || a.Result.Err != nil {
		t.Fatal(err, a.Result.Err)
	}
}

// replay reads the whole log as a consumer that builds a table from it, and returns what it got and how
// many records it saw.
func replay(l *Log) (latest map[string]string, records int, err error) {
	latest = make(map[string]string)
	last := int64(-1)
	for from := l.LogStartOffset(); from < l.LogEndOffset(); {
		s, err := l.Read(from, 700, l.LogEndOffset(), true, nil)
		if err != nil {
			return nil, 0, err
		}
		raw, err := s.AppendTo(nil)
		s.Release()
		if err != nil {
			return nil, 0, err
		}
		if len(raw) == 0 {
			return nil, 0, fmt.Errorf("nothing at %d, the end is %d", from, l.LogEndOffset())
		}
		for {
			b, rest, err := batch.Next(raw)
			if err != nil {
				break
			}
			if !b.ValidCRC() {
				return nil, 0, fmt.Errorf("wrong checksum at %d", b.BaseOffset())
			}
			for rec, err := range batch.Records(b, 1<<20) {
				if err != nil || rec.Offset <= last {
					return nil, 0, fmt.Errorf("record at %d after %d: %w", rec.Offset, last, err)
				}
				last = rec.Offset
				records++
				if rec.Value == nil {
					delete(latest, string(rec.Key))
					continue
				}
				latest[string(rec.Key)] = string(rec.Value)
			}
			from, raw = b.NextOffset(), rest
		}
	}
	return latest, records, nil
}

func (k *keyed) check(t *testing.T, l *Log) int {
	t.Helper()
	latest, records, err := replay(l)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(latest) != fmt.Sprint(k.latest) {
		t.Fatalf("the log says\n%v\nwant\n%v", latest, k.latest)
	}
	if l.LogEndOffset() != k.next {
		t.Fatalf("log end %d, want %d", l.LogEndOffset(), k.next)
	}
	return records
}

func TestCompactionKeepsTheLastOfEachKey(t *testing.T) {
	for seed := range uint64(8) {
		t.Logf("seed %d", seed)
		rng := rand.New(rand.NewPCG(seed, 6))
		fs := vfs.NewMemFS()
		d := openDir(t, fs)
		l := openLog(t, d, compactedConfig())
		k := &keyed{latest: make(map[string]string), offset: make(map[string]int64)}
		nowMs := int64(10_000)
		for round := range 12 {
			for range 1 + rng.IntN(40) {
				k.appendKeyed(t, l, rng, nowMs)
			}
			if err := d.syncer.sync([]*Log{l}); err != nil {
				t.Fatal(err)
			}
			sequences := lastSequences(l)
			_, err := d.RunCompaction(context.Background(), nowMs)
			if err != nil {
				t.Fatal(err)
			}
			records := k.check(t, l)
			// Superseded records are left in the active segment only.
			facts := l.active().info()
			if limit := len(k.offset) + int(facts.NextOffset-facts.Base); records > limit {
				t.Errorf("%d records are left of %d, want at most %d", records, k.next, limit)
			}
			if round%3 == 2 {
				closeDir(t, d)
				if round%2 == 0 {
					if err := fs.RemoveAll(dataPath + "/" + indexDir); err != nil {
						t.Fatal(err)
					}
				}
				d = openDir(t, fs)
				l = openLog(t, d, compactedConfig())
				k.check(t, l)
				if got := lastSequences(l); got != sequences {
					t.Errorf("after reopening the producers are\n%swant\n%s", got, sequences)
				}
			}
			nowMs += int64(rng.IntN(3000))
		}
		closeDir(t, d)
	}
}

func lastSequences(l *Log) string {
	out := ""
	for _, p := range l.ActiveProducers() {
		out += fmt.Sprintln(p.ID, p.LastSequence())
	}
	return out
}

func TestTombstonesGoInTheEnd(t *testing.T) {
	d := openDir(t, vfs.NewMemFS())
	defer closeDir(t, d)
	config := compactedConfig()
	config.SegmentBytes = 100 // a segment per batch
	l := openLog(t, d, config)
	put := func(key string, value []byte) {
		t.Helper()
		b := batch.NewBuilder(batch.Options{})
		b.Add(1000, []byte(key), value, nil)
		raw, err := b.Build(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Append(1000, 0, []*Append{{Batch: raw}}); err != nil {
			t.Fatal(err)
		}
		if err := d.syncer.sync([]*Log{l}); err != nil {
			t.Fatal(err)
		}
	}
	compact := func(nowMs int64, want int) {
		t.Helper()
		put("other", []byte(fmt.Sprint(nowMs)))
		if _, err := d.RunCompaction(context.Background(), nowMs); err != nil {
			t.Fatal(err)
		}
		_, records, err := replay(l)
		if err != nil || records != want {
			t.Errorf("at %d: %d records, %v, want %d", nowMs, records, err, want)
		}
	}
	put("a", []byte("1"))
	put("a", nil)
	put("z", []byte("1"))
	compact(5000, 3)  // the tombstone, z, other
	compact(6000, 4)  // the tombstone is kept for delete.retention.ms; the older other is in a closed segment now
	compact(6001, 3)  // and goes then; of the others the last of the closed segments is left, and the new one
	compact(90000, 3) // z, and the same two of the others
}

func TestCrashDuringCompaction(t *testing.T) {
	for seed := range uint64(2) {
		t.Logf("seed %d", seed)
		crashInCompaction(t, seed)
	}
}

func crashInCompaction(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 7))
	crashes := rand.New(rand.NewPCG(seed, 8))
	mem := vfs.NewMemFS()
	armed, n := false, 0
	k := &keyed{latest: make(map[string]string), offset: make(map[string]int64)}
	fs := vfs.Hook(mem, func(op vfs.Op) error {
		if !armed || op.Kind == vfs.OpRead || op.Kind == vfs.OpOpen {
			return nil
		}
		n++
		clone := mem.CrashClone([]int{0, 30, 100}[crashes.IntN(3)], crashes)
		d := openDir(t, clone)
		l := openLog(t, d, compactedConfig())
		k.check(t, l)
		if _, err := d.RunCompaction(context.Background(), 1<<40); err != nil {
			t.Error(err)
		}
		k.check(t, l)
		closeDir(t, d)
		return nil
	})
	d := openDir(t, fs)
	l := openLog(t, d, compactedConfig())
	for range 3 {
		for range 60 {
			k.appendKeyed(t, l, rng, 1000)
		}
		if err := d.Checkpoint(); err != nil {
			t.Fatal(err)
		}
		d.work.wait()
		armed = true
		if _, err := d.RunCompaction(context.Background(), 5000); err != nil {
			t.Fatal(err)
		}
		armed = false
		k.check(t, l)
	}
	closeDir(t, d)
	t.Logf("seed %d: %d crashes", seed, n)
}
