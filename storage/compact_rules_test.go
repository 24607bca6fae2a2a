package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
	"github.com/sordini/sordini/storage/vfs"
)

// keyedBatch is one batch of key, value pairs; a value "" is a tombstone.
func keyedBatch(t testing.TB, opts batch.Options, ts int64, pairs ...string) batch.Batch {
	t.Helper()
	b := batch.NewBuilder(opts)
	for i := 0; i < len(pairs); i += 2 {
		var value []byte
		if pairs[i+1] != "" {
			value = []byte(pairs[i+1])
		}
		b.Add(ts, []byte(pairs[i]), value, nil)
	}
	raw, err := b.Build(nil)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func markerBatch(t testing.TB, id int64, commit bool) batch.Batch {
	t.Helper()
	kind := uint16(0)
	if commit {
		kind = 1
	}
	b := batch.NewBuilder(batch.Options{HasProducer: true, ProducerID: id, BaseSequence: -1, Transactional: true, Control: true})
	b.Add(1000, binary.BigEndian.AppendUint16([]byte{0, 0}, kind), []byte{0, 0, 0, 0, 0, 1}, nil)
	raw, err := b.Build(nil)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func mustAppend(t testing.TB, l *Log, origin Origin, b batch.Batch) {
	t.Helper()
	a := &Append{Batch: b, Origin: origin}
	if err := errors.Join(l.Append(1000, 0, []*Append{a}), a.Result.Err); err != nil {
		t.Fatal(err)
	}
	if err := l.dir.syncer.sync([]*Log{l}); err != nil {
		t.Fatal(err)
	}
}

// stored describes every batch of a log: its offset, its kind, whether it has a delete horizon, and its records.
func stored(t testing.TB, l *Log) string {
	t.Helper()
	var out []string
	for _, s := range *l.segments.Load() {
		err := l.walk(s, s.base, func(header batch.Batch, pos int64) error {
			h, err := s.acquire(&l.dir.files)
			if err != nil {
				return err
			}
			defer h.release()
			b, err := l.readBatch(h, s, pos, int64(binary.BigEndian.Uint32(header[posLength:]))+batch.LogOverhead)
			if err != nil {
				return err
			}
			text := fmt.Sprint(b.BaseOffset())
			if b.IsControl() {
				text += "marker"
			}
			if hasHorizon(b) {
				text += "!"
			}
			for rec, err := range batch.Records(b, 1<<20) {
				if err != nil {
					return err
				}
				if !b.IsControl() {
					text += fmt.Sprintf(" %s=%s", rec.Key, rec.Value)
				}
				if rec.Timestamp != 1000 {
					text += fmt.Sprintf("@%d", rec.Timestamp)
				}
			}
			out = append(out, text)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return strings.Join(out, ", ")
}

func compactAt(t testing.TB, d *Dir, nowMs int64) Compacted {
	t.Helper()
	sum, err := d.RunCompaction(context.Background(), nowMs)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// oneBatchSegments has a segment for every batch, and never merges them.
func oneBatchSegments() LogConfig {
	config := compactedConfig()
	config.SegmentBytes = 60
	return config
}

// Tombstones were timed by the segment they were in, which an index that was lost, or a merge, forgot. They carry their
// horizon themselves, as Kafka's do.
func TestTombstonesCarryTheirDeleteHorizon(t *testing.T) {
	for _, c := range []codec.Codec{codec.None, codec.LZ4, codec.Zstd} {
		mem := vfs.NewMemFS()
		d := openDir(t, mem)
		l := openLog(t, d, oneBatchSegments())
		mustAppend(t, l, Client, keyedBatch(t, batch.Options{Codec: c}, 1000, "a", "1", "b", "", "c", "3"))
		mustAppend(t, l, Client, keyedBatch(t, batch.Options{Codec: c}, 1000, "a", "4"))
		mustAppend(t, l, Client, keyedBatch(t, batch.Options{Codec: c}, 1000, "x", "5"))
		// When it is first compacted at 5000, the horizon is 6000, and timestamps stay.
		compactAt(t, d, 5000)
		if got, want := stored(t, l), "0! b= c=3, 3 a=4, 4 x=5"; got != want {
			t.Errorf("%v: got  %s\nwant %s", c, got, want)
		}
		closeDir(t, d)
		if err := mem.RemoveAll(dataPath + "/" + indexDir); err != nil {
			t.Fatal(err)
		}
		d = openDir(t, mem)
		l = openLog(t, d, oneBatchSegments())
		compactAt(t, d, 6000)
		mustAppend(t, l, Client, keyedBatch(t, batch.Options{Codec: c}, 1000, "y", "6"))
		if got, want := stored(t, l), "0! b= c=3, 3 a=4, 4 x=5, 5 y=6"; got != want {
			t.Errorf("%v: at 6000: got  %s\nwant %s", c, got, want)
		}
		compactAt(t, d, 6001)
		if got, want := stored(t, l), "0! c=3, 3 a=4, 4 x=5, 5 y=6"; got != want {
			t.Errorf("%v: at 6001: got  %s\nwant %s", c, got, want)
		}
		closeDir(t, d)
	}
}

// Records of transactions were kept for ever and superseded nothing, so that offsets committed in transactions grew without end.
func TestTransactionsAreCompacted(t *testing.T) {
	txn := func(id int64, sequence int32) batch.Options {
		return batch.Options{HasProducer: true, ProducerID: id, BaseSequence: sequence, Transactional: true}
	}
	d := openDir(t, vfs.NewMemFS())
	defer closeDir(t, d)
	l := openLog(t, d, oneBatchSegments())
	mustAppend(t, l, Client, keyedBatch(t, batch.Options{}, 1000, "a", "old", "b", "old")) // 0, 1
	mustAppend(t, l, Client, keyedBatch(t, txn(1, 0), 1000, "a", "aborted"))               // 2
	mustAppend(t, l, Client, keyedBatch(t, txn(2, 0), 1000, "b", "committed"))             // 3
	mustAppend(t, l, Coordinator, markerBatch(t, 1, false))                                // 4
	mustAppend(t, l, Coordinator, markerBatch(t, 2, true))                                 // 5
	mustAppend(t, l, Client, keyedBatch(t, txn(1, 1), 1000, "c", "committed"))             // 6
	mustAppend(t, l, Coordinator, markerBatch(t, 1, true))                                 // 7
	mustAppend(t, l, Client, keyedBatch(t, txn(3, 0), 1000, "a", "open"))                  // 8
	mustAppend(t, l, Client, keyedBatch(t, batch.Options{}, 1000, "x", "1"))               // 9
	// Given an open transaction at 8: what is below it is compacted.
	compactAt(t, d, 5000)
	// 2 and, later, 0 keep their offsets, as the ends of their segments.
	want := "0 a=old, 2, 3 b=committed, 4marker!, 5marker, 6 c=committed, 7marker, 8 a=open, 9 x=1"
	if got := stored(t, l); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	// When it was committed too, it supersedes.
	mustAppend(t, l, Coordinator, markerBatch(t, 3, true))                   // 10
	mustAppend(t, l, Client, keyedBatch(t, batch.Options{}, 1000, "x", "2")) // 11
	compactAt(t, d, 7000)
	want = "0, 2, 3 b=committed, 4marker!, 5marker, 6 c=committed, 7marker, 8 a=open, 9 x=1, 10marker, 11 x=2"
	if got := stored(t, l); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if l.LastStableOffset() != 12 {
		t.Errorf("last stable offset %d", l.LastStableOffset())
	}
}

// The index was removed after compaction, and transactions of which the marker had gone looked open for ever.
func TestNoTransactionIsOpenAfterItsMarkerWasCompacted(t *testing.T) {
	for seed := range uint64(9) {
		rng := rand.New(rand.NewPCG(seed, 11))
		mem := vfs.NewMemFS()
		d := openDir(t, mem)
		config := compactedConfig()
		config.SegmentBytes, config.DeleteRetentionMs = []int32{100, 600, 3000}[seed%3], 10
		l := openLog(t, d, config)
		want := make(map[string]string)
		for round := range int64(40) {
			id := rng.Int64N(3)
			state, _ := l.ProducerState(id)
			opts := batch.Options{HasProducer: true, ProducerID: id, BaseSequence: state.LastSequence() + 1, Transactional: true}
			if _, known := l.ProducerState(id); !known {
				opts.BaseSequence = 0
			}
			commit := rng.IntN(2) == 0
			for range 1 + rng.IntN(3) {
				key, value := fmt.Sprint("k", rng.IntN(6)), fmt.Sprint("v", round)
				mustAppend(t, l, Client, keyedBatch(t, opts, 1000, key, value))
				opts.BaseSequence++
				if commit {
					want[key] = value
				}
			}
			mustAppend(t, l, Coordinator, markerBatch(t, id, commit))
			if round%7 == 6 {
				compactAt(t, d, round*100)
			}
		}
		for i := range int64(3) {
			mustAppend(t, l, Client, keyedBatch(t, batch.Options{}, 1000, "end", strings.Repeat("x", 3000)))
			want["end"] = strings.Repeat("x", 3000)
			compactAt(t, d, 1<<40+i*1000)
		}
		for _, how := range []string{"kept", "removed"} {
			closeDir(t, d)
			if how == "removed" {
				if err := mem.RemoveAll(dataPath + "/" + indexDir); err != nil {
					t.Fatal(err)
				}
			}
			d = openDir(t, mem)
			l = openLog(t, d, config)
			if n := strings.Count(stored(t, l), "marker"); seed%3 == 2 && n > 15 {
				t.Errorf("seed %d: %d of 40 markers are left: %.1000s", seed, n, stored(t, l))
			}
			if l.LastStableOffset() != l.LogEndOffset() {
				t.Fatalf("seed %d, index %s: last stable offset %d, end %d: %s", seed, how, l.LastStableOffset(), l.LogEndOffset(), stored(t, l))
			}
			got, _, err := replay(l)
			if err != nil {
				t.Fatal(err)
			}
			for key, value := range want {
				if got[key] != value {
					t.Errorf("seed %d, index %s: %s is %.20s, want %.20s", seed, how, key, got[key], value)
				}
			}
		}
		closeDir(t, d)
	}
}

func TestSmallSegmentsAreMerged(t *testing.T) {
	mem := vfs.NewMemFS()
	d := openDir(t, mem)
	config := compactedConfig()
	config.SegmentBytes, config.Delete, config.RetentionBytes = 2000, true, -1
	l := openLog(t, d, config)
	for i := range 400 {
		mustAppend(t, l, Client, keyedBatch(t, batch.Options{}, 1000, fmt.Sprint("k", i%5), fmt.Sprint("v", i)))
	}
	before := l.Segments()
	if before < 15 {
		t.Fatalf("%d segments", before)
	}
	for round := range int64(4) {
		compactAt(t, d, 5000+round)
		for i := range 60 {
			mustAppend(t, l, Client, keyedBatch(t, batch.Options{}, 1000, fmt.Sprint("k", i%5), fmt.Sprint("w", i)))
		}
	}
	compactAt(t, d, 6000)
	if got := l.Segments(); got > 5 {
		t.Errorf("%d segments are left of %d: %s", got, before, dump(l))
	}
	files, err := mem.List(l.path)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(slices.DeleteFunc(files, func(name string) bool { return !strings.HasSuffix(name, logSuffix) })); n != l.Segments() {
		t.Errorf("%d files for %d segments", n, l.Segments())
	}
	for _, s := range *l.segments.Load() {
		if s.size.Load() > int64(config.SegmentBytes) {
			t.Errorf("segment %d has %d bytes", s.base, s.size.Load())
		}
	}
	end := l.LogEndOffset()
	want := stored(t, l)
	closeDir(t, d)
	d = openDir(t, mem)
	if l = openLog(t, d, config); l.LogEndOffset() != end || stored(t, l) != want {
		t.Errorf("reopened: end %d, %s", l.LogEndOffset(), stored(t, l))
	}
	closeDir(t, d)
}

// A segment with more keys than the buffer holds was begun again by every pass, and nothing behind it was ever compacted.
func TestMoreKeysThanFitAreCompactedInSeveralPasses(t *testing.T) {
	d := openDir(t, vfs.NewMemFS())
	defer closeDir(t, d)
	d.SetCleaner(CleanerConfig{DedupeBufferBytes: 1})
	config := compactedConfig()
	config.SegmentBytes = 1 << 20
	l := openLog(t, d, config)
	const keys = 3000
	for round := range 2 {
		for i := 0; i < keys; i += 100 {
			var pairs []string
			for k := range 100 {
				pairs = append(pairs, fmt.Sprint("key", i+k), fmt.Sprint("value", round))
			}
			mustAppend(t, l, Client, keyedBatch(t, batch.Options{}, 1000, pairs...))
		}
	}
	config.SegmentBytes = 100
	l.SetConfig(config)
	mustAppend(t, l, Client, keyedBatch(t, batch.Options{}, 1000, "end", "1"))
	passes := 0
	for ; passes < 20 && compactAt(t, d, 5000).Logs > 0; passes++ {
	}
	latest, records, err := replay(l)
	if err != nil || records != keys+1 || len(latest) != keys+1 || passes < 3 {
		t.Errorf("%d records, %d keys after %d passes, %v", records, len(latest), passes, err)
	}
}

func TestCompactionEndsWithItsContext(t *testing.T) {
	mem := vfs.NewMemFS()
	ctx, cancel := context.WithCancel(context.Background())
	reads := 0
	fs := vfs.Hook(mem, func(op vfs.Op) error {
		if op.Kind == vfs.OpWrite && strings.HasSuffix(op.Path, cleanedSuffix) {
			reads++
			cancel()
		}
		return nil
	})
	d := openDir(t, fs)
	defer closeDir(t, d)
	config := compactedConfig()
	config.SegmentBytes = 2000
	l := openLog(t, d, config)
	for i := range 200 {
		mustAppend(t, l, Client, keyedBatch(t, batch.Options{}, 1000, fmt.Sprint("k", i%5), fmt.Sprint("v", i)))
	}
	before := stored(t, l)
	if _, err := d.RunCompaction(ctx, 5000); !errors.Is(err, context.Canceled) || reads == 0 {
		t.Errorf("%v after %d writes", err, reads)
	}
	if got := stored(t, l); got != before {
		t.Errorf("half a compaction: %s", got)
	}
	// A throttle waits, and ends with its context too.
	d.SetCleaner(CleanerConfig{IOMaxBytesPerSecond: 1})
	if _, err := d.RunCompaction(ctx, 5000); !errors.Is(err, context.Canceled) {
		t.Errorf("throttled: %v", err)
	}
}

func FuzzNextRecord(f *testing.F) {
	f.Add([]byte(keyedBatch(f, batch.Options{}, 1000, "a", "1", "b", "")[batch.HeaderSize:]))
	f.Add([]byte{2, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		rec, rest, err := nextRecord(b)
		if err != nil {
			return
		}
		if len(rec.raw)+len(rest) != len(b) {
			t.Fatalf("%d and %d bytes of %d", len(rec.raw), len(rest), len(b))
		}
		again, rest, err := nextRecord(rec.appendShifted(nil, rec.timestamp+7))
		if err != nil || len(rest) != 0 || again.timestamp != rec.timestamp+7 || again.offset != rec.offset ||
			string(again.key) != string(rec.key) || again.hasValue != rec.hasValue || string(again.afterOffset) != string(rec.afterOffset) {
			t.Fatalf("%+v becomes %+v, %v", rec, again, err)
		}
	})
}
