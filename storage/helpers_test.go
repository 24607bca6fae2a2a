package storage

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/storage/vfs"
)

var testPartition = Partition{Topic: "orders", ID: TopicID{1, 2, 3}, Index: 0}

const dataPath = "/data"

// testClock is a clock that a test moves.
type testClock struct{ ms atomic.Int64 }

func (c *testClock) now() int64 { return c.ms.Load() }

// testLogger discards; a test that fails can be run with its own.
func testLogger() *slog.Logger { return slog.New(slog.DiscardHandler) }

func testConfig() LogConfig {
	c := DefaultLogConfig()
	c.SegmentBytes, c.IndexIntervalBytes, c.FileDeleteDelayMs = 1<<20, 256, 0
	c.RetentionMs, c.RetentionBytes = -1, -1
	return c
}

// openDir formats the directory if needed and opens it.
func openDir(t testing.TB, fs vfs.FS) *Dir {
	t.Helper()
	d, err := tryOpenDir(fs)
	if err != nil {
		t.Fatalf("open directory: %v", err)
	}
	return d
}

func tryOpenDir(fs vfs.FS) (*Dir, error) { return tryOpenDirTimed(fs, nil) }

// tryOpenDirTimed opens a directory that measures its syncs.
func tryOpenDirTimed(fs vfs.FS, monotonic func() time.Duration) (*Dir, error) {
	if _, err := ReadMeta(fs, dataPath); err != nil {
		if err := FormatDir(fs, dataPath, Meta{ClusterID: "c", NodeID: 1, DirectoryID: "d"}); err != nil {
			return nil, err
		}
	}
	clock := &testClock{}
	clock.ms.Store(1000)
	return OpenDir(DirConfig{Path: dataPath, FS: fs, Clock: clock.now, Logger: testLogger(), FDCacheSize: 4, Monotonic: monotonic})
}

func closeDir(t testing.TB, d *Dir) {
	t.Helper()
	if err := d.Close(context.Background()); err != nil {
		t.Fatalf("close directory: %v", err)
	}
}

func openLog(t testing.TB, d *Dir, config LogConfig) *Log {
	t.Helper()
	l, err := d.OpenLog(testPartition, config)
	if err != nil {
		t.Fatalf("open log: %v", err)
	}
	return l
}

// spec describes a batch to build.
type spec struct {
	values   []string
	ts       int64 // of the first record; each next one is a millisecond later
	id       int64 // producer id, with hasID
	hasID    bool
	epoch    int16
	sequence int32
	txn      bool
	keyed    bool // keys are keyOf the values
}

// keyOf spreads values over a few keys.
func keyOf(value string) string {
	sum := 0
	for _, c := range []byte(value) {
		sum += int(c)
	}
	return fmt.Sprint("key", sum%7)
}

func (s spec) build(t testing.TB) batch.Batch {
	t.Helper()
	b := batch.NewBuilder(batch.Options{
		HasProducer: s.hasID, ProducerID: s.id, ProducerEpoch: s.epoch, BaseSequence: s.sequence, Transactional: s.txn,
	})
	for i, v := range s.values {
		var key []byte
		if s.keyed {
			key = []byte(keyOf(v))
		}
		b.Add(s.ts+int64(i), key, []byte(v), nil)
	}
	out, err := b.Build(nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func values(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s-%d", prefix, i)
	}
	return out
}

// appendOne appends one batch and returns its base offset.
func appendOne(t testing.TB, l *Log, s spec) int64 {
	t.Helper()
	a := &Append{Batch: s.build(t)}
	if err := l.Append(s.ts, 0, []*Append{a}); err != nil {
		t.Fatalf("append: %v", err)
	}
	if a.Result.Err != nil {
		t.Fatalf("append: %v", a.Result.Err)
	}
	return a.Result.BaseOffset
}

// record is what a test compares.
type record struct {
	offset int64
	value  string
}

func (r record) String() string { return fmt.Sprintf("%d=%s", r.offset, r.value) }

// readAll reads records from an offset on up to the log end, by Reads of maxBytes, and checks every checksum.
func readAll(l *Log, from int64, maxBytes int) ([]record, error) {
	var out []record
	cursor := &Cursor{}
	for from < l.LogEndOffset() {
		s, err := l.Read(from, maxBytes, l.LogEndOffset(), true, cursor)
		if err != nil {
			return out, fmt.Errorf("read at %d: %w", from, err)
		}
		b, err := s.AppendTo(nil)
		s.Release()
		if err != nil {
			return out, fmt.Errorf("read at %d: %w", from, err)
		}
		next, err := decode(b, from, &out)
		if err != nil {
			return out, err
		}
		if next == from {
			return out, fmt.Errorf("no progress at %d, the end is %d, %d bytes\n%s", from, l.LogEndOffset(), len(b), dump(l))
		}
		from = next
	}
	return out, nil
}

// decode appends the records at and above from.
func decode(b []byte, from int64, out *[]record) (int64, error) {
	for {
		first, rest, err := batch.Next(b)
		if err != nil {
			return from, nil // the rest is torn by maxBytes
		}
		if !first.ValidCRC() {
			return from, fmt.Errorf("wrong checksum at %d", first.BaseOffset())
		}
		for r, err := range batch.Records(first, 1<<20) {
			if err != nil {
				return from, err
			}
			if r.Offset >= from {
				*out = append(*out, record{r.Offset, string(r.Value)})
			}
		}
		from, b = max(from, first.NextOffset()), rest
	}
}

func mustReadAll(t testing.TB, l *Log, from int64, maxBytes int) []record {
	t.Helper()
	got, err := readAll(l, from, maxBytes)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// dump describes a log for the message of a failed test.
func dump(l *Log) string {
	out := fmt.Sprintf("start %d end %d durable %d recovery %d\n", l.start.Load(), l.end.Load(), l.durable.offset.Load(), l.mu.recovery)
	for _, s := range *l.segments.Load() {
		h := s.handle.Load()
		n := int32(-1)
		if h != nil {
			n = h.n.Load()
		}
		out += fmt.Sprintf("  seg %d size %d synced %d facts %+v entries %v ondisk %v refs %d\n", s.base, s.size.Load(), s.synced.Load(), s.mu.facts, s.mu.entries, s.mu.onDisk, n)
	}
	return out
}
