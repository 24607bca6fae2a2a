package storage

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
	"github.com/sordini/sordini/storage/index"
	"github.com/sordini/sordini/storage/vfs"
)

func TestOffsetForTimestampIsTheFirstRecord(t *testing.T) {
	// Given records whose timestamps go up and down, in compressed and plain batches, in several segments.
	fs := vfs.NewMemFS()
	config := testConfig()
	config.SegmentBytes, config.IndexIntervalBytes = 1500, 200
	d := openDir(t, fs)
	l := openLog(t, d, config)
	var stamps []int64
	for i := range 60 {
		opts := batch.Options{}
		if i%3 == 0 {
			opts.Codec = codec.Zstd
		}
		b := batch.NewBuilder(opts)
		for j := range 4 {
			ts := int64(i*100 + j*30 - (i%7)*150)
			b.Add(ts, nil, []byte(fmt.Sprint("value", i, j)), nil)
			stamps = append(stamps, ts)
		}
		raw, err := b.Build(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Append(0, 3, []*Append{{Batch: raw}}); err != nil {
			t.Fatal(err)
		}
	}
	check := func(l *Log, start, upTo int64) {
		t.Helper()
		for ts := int64(-1000); ts < 6500; ts += 17 {
			want := int64(-1)
			for o := start; o < upTo; o++ {
				if stamps[o] >= ts {
					want = o
					break
				}
			}
			offset, timestamp, epoch, found, err := l.OffsetForTimestamp(ts, upTo)
			if err != nil || found != (want >= 0) {
				t.Fatalf("timestamp %d: found %v, %v, want offset %d", ts, found, err, want)
			}
			if found && (offset != want || timestamp != stamps[want] || epoch != 3) {
				t.Fatalf("timestamp %d: offset %d timestamp %d epoch %d, want offset %d", ts, offset, timestamp, epoch, want)
			}
		}
	}
	end := int64(len(stamps))
	check(l, 0, end)
	check(l, 0, 100)
	offset, timestamp, _, found, err := l.MaxTimestamp()
	newest := slices.Max(stamps)
	if err != nil || !found || timestamp != newest || offset != int64(slices.Index(stamps, newest)) {
		t.Errorf("max timestamp %d at %d, %v %v; want %d", timestamp, offset, found, err, newest)
	}
	// The same from stored indexes, and above a log start.
	if err := d.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	check(l, 0, end)
	if err := l.DeleteRecords(101); err != nil {
		t.Fatal(err)
	}
	check(l, 101, end)
	closeDir(t, d)
	d = openDir(t, fs)
	defer closeDir(t, d)
	check(openLog(t, d, config), 101, end)
}

func TestEmptyLogHasNoTimestamps(t *testing.T) {
	d := openDir(t, vfs.NewMemFS())
	defer closeDir(t, d)
	l := openLog(t, d, testConfig())
	if _, _, _, found, err := l.OffsetForTimestamp(0, 100); found || err != nil {
		t.Errorf("offset for timestamp: %v, %v", found, err)
	}
	if _, _, _, found, err := l.MaxTimestamp(); found || err != nil {
		t.Errorf("max timestamp: %v, %v", found, err)
	}
	if got := l.LegacyOffsetsBefore(-1, 10, 0); !slices.Equal(got, []int64{0}) {
		t.Errorf("latest %v", got)
	}
}

func TestLegacyOffsetsBefore(t *testing.T) {
	// Given segments that begin at 0, 10, 20, 30 and were written at 100, 200, 300, 400.
	d := openDir(t, vfs.NewMemFS())
	defer closeDir(t, d)
	config := testConfig()
	config.SegmentBytes = 150
	l := openLog(t, d, config)
	for i := range int64(4) {
		appendOne(t, l, spec{values: values("v", 10), ts: 100 * (i + 1)})
	}
	tests := []struct {
		ts   int64
		max  int
		upTo int64
		want []int64
	}{
		{-1, 1, 40, []int64{40}},
		{-1, 10, 40, []int64{40, 30, 20, 10, 0}},
		{-2, 10, 40, []int64{0}},
		{250, 10, 40, []int64{10, 0}},
		{250, 1, 40, []int64{10}},
		{99, 10, 40, nil},
		{1000, 2, 40, []int64{40, 30}}, // the clock of the test stands at 1000
		{-1, 10, 25, []int64{25, 20, 10, 0}},
		{-1, 1, 25, []int64{25}},
		{-1, 0, 40, nil},
	}
	for _, test := range tests {
		if got := l.LegacyOffsetsBefore(test.ts, test.max, test.upTo); !slices.Equal(got, test.want) {
			t.Errorf("before %d, at most %d, up to %d: %v, want %v", test.ts, test.max, test.upTo, got, test.want)
		}
	}
}

func TestEpochEndOffset(t *testing.T) {
	fs := vfs.NewMemFS()
	d := openDir(t, fs)
	config := testConfig()
	config.SegmentBytes = 200
	l := openLog(t, d, config)
	if epoch, end := l.EpochEndOffset(0); epoch != -1 || end != -1 || l.LatestEpoch() != -1 {
		t.Errorf("an empty log knows epoch %d, %d", epoch, end)
	}
	// Given epochs 2, 5 and 9, that begin at 0, 10 and 30.
	for _, epoch := range []int32{2, 5, 5, 9} {
		if err := l.Append(0, epoch, []*Append{{Batch: spec{values: values("v", 10)}.build(t)}}); err != nil {
			t.Fatal(err)
		}
	}
	type answer struct {
		asked, epoch int32
		end          int64
	}
	check := func(l *Log, want ...answer) {
		t.Helper()
		for _, w := range want {
			if epoch, end := l.EpochEndOffset(w.asked); epoch != w.epoch || end != w.end {
				t.Errorf("epoch %d: %d ends at %d, want %d at %d", w.asked, epoch, end, w.epoch, w.end)
			}
		}
	}
	all := []answer{{-1, -1, -1}, {0, 0, 0}, {2, 2, 10}, {3, 2, 10}, {5, 5, 30}, {8, 5, 30}, {9, 9, 40}, {10, -1, -1}}
	check(l, all...)
	closeDir(t, d)
	d = openDir(t, fs)
	defer closeDir(t, d)
	l = openLog(t, d, config)
	check(l, all...)
	// When epoch 9 is truncated away, then 5 is the latest again.
	if err := l.Truncate(30); err != nil {
		t.Fatal(err)
	}
	check(l, answer{5, 5, 30}, answer{9, -1, -1}, answer{2, 2, 10})
	// When the log starts inside of epoch 5, then nothing older is known.
	if err := l.DeleteRecords(15); err != nil {
		t.Fatal(err)
	}
	check(l, answer{2, 2, 15}, answer{5, 5, 30})
}

func TestAssignEpochDoesNotTouchOldReaders(t *testing.T) {
	old := []index.Epoch{{Epoch: 1, Start: 0}}
	a := assignEpoch(old, 2, 10)
	b := assignEpoch(old, 3, 20)
	if a[1].Epoch != 2 || b[1].Epoch != 3 || len(old) != 1 {
		t.Errorf("%v %v %v", old, a, b)
	}
	if got := epochAt(b, 15); got != 1 {
		t.Errorf("epoch at 15 is %d", got)
	}
}

func TestReplicaBatchesKeepTheirOffsets(t *testing.T) {
	d := openDir(t, vfs.NewMemFS())
	defer closeDir(t, d)
	l := openLog(t, d, testConfig())
	build := func(offset int64, epoch int32) *Append {
		b := spec{values: values("v", 5), hasID: true, id: 1, sequence: 77}.build(t)
		b.SetBaseOffset(offset)
		b.SetPartitionLeaderEpoch(epoch)
		return &Append{Batch: b, Origin: Replica}
	}
	// Given batches with a gap, as a leader's compacted log has them.
	a := []*Append{build(3, 4), build(20, 6)}
	if err := l.Append(0, 99, a); err != nil {
		t.Fatal(err)
	}
	if a[0].Result.BaseOffset != 3 || a[1].Result.BaseOffset != 20 || l.LogEndOffset() != 25 || l.LatestEpoch() != 6 {
		t.Fatalf("%+v %+v, end %d, epoch %d", a[0].Result, a[1].Result, l.LogEndOffset(), l.LatestEpoch())
	}
	// A batch that the log has already is refused.
	again := build(20, 6)
	if err := l.Append(0, 99, []*Append{again}); err != nil || again.Result.Err == nil {
		t.Errorf("%v %+v", err, again.Result)
	}
	// Reads inside of the gap go on behind it.
	if got := mustReadAll(t, l, 10, 1000); len(got) != 5 || got[0].offset != 20 {
		t.Errorf("read in the gap: %v", got)
	}
}

func TestLogAppendTime(t *testing.T) {
	d := openDir(t, vfs.NewMemFS())
	defer closeDir(t, d)
	config := testConfig()
	config.LogAppendTime = true
	l := openLog(t, d, config)
	s := spec{values: values("v", 3), ts: 5, hasID: true, id: 1}
	a := &Append{Batch: s.build(t)}
	if err := l.Append(777, 0, []*Append{a}); err != nil {
		t.Fatal(err)
	}
	if a.Result.LogAppendTimeMs != 777 || !a.Batch.ValidCRC() || a.Batch.MaxTimestamp() != 777 {
		t.Errorf("%+v, valid %v", a.Result, a.Batch.ValidCRC())
	}
	// A duplicate is answered with the time of the original.
	again := &Append{Batch: s.build(t)}
	if err := l.Append(999, 0, []*Append{again}); err != nil || !again.Result.Duplicate || again.Result.LogAppendTimeMs != 777 {
		t.Errorf("%v %+v", err, again.Result)
	}
	if offset, ts, _, found, err := l.OffsetForTimestamp(700, 10); offset != 0 || ts != 777 || !found || err != nil {
		t.Errorf("offset %d, timestamp %d, %v %v", offset, ts, found, err)
	}
}

func TestLastStableOffset(t *testing.T) {
	fs := vfs.NewMemFS()
	d := openDir(t, fs)
	l := openLog(t, d, testConfig())
	appendOne(t, l, spec{values: values("a", 2)})
	appendOne(t, l, spec{values: values("b", 2), hasID: true, id: 5, txn: true})
	appendOne(t, l, spec{values: values("c", 2)})
	if got := l.LastStableOffset(); got != 2 {
		t.Errorf("last stable offset %d, want 2", got)
	}
	closeDir(t, d)
	d = openDir(t, fs)
	defer closeDir(t, d)
	if got := openLog(t, d, testConfig()).LastStableOffset(); got != 2 {
		t.Errorf("last stable offset %d after reopening, want 2", got)
	}
}

// A record that was larger than what a lookup would hold of a compressed batch made the log look damaged, although only its time was asked.
func TestLookupByTimePassesLargeRecords(t *testing.T) {
	config := testConfig()
	config.MaxDecompressedBytes = 1000
	l := openLog(t, openDir(t, vfs.NewMemFS()), config)
	b := batch.NewBuilder(batch.Options{Codec: codec.Gzip})
	for ts := range int64(4) {
		b.Add(ts, nil, make([]byte, 200_000*(ts%2)), nil)
	}
	raw, err := b.Build(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Append(0, 0, []*Append{{Batch: raw}}); err != nil {
		t.Fatal(err)
	}
	for ts := range int64(4) {
		if offset, at, _, found, err := l.OffsetForTimestamp(ts, 4); offset != ts || at != ts || !found || err != nil {
			t.Errorf("time %d: offset %d, time %d, %v, %v", ts, offset, at, found, err)
		}
	}
	if offset, _, _, found, err := l.MaxTimestamp(); offset != 3 || !found || err != nil {
		t.Errorf("largest time: offset %d, %v, %v", offset, found, err)
	}
}
