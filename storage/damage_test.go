package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/storage/index"
	"github.com/sordini/sordini/storage/vfs"
)

// damagedBatch is the one that the tests damage: the fourth of a segment.
func damagedBatch(t *testing.T, l *Log, s *segment) (at end, length int64) {
	t.Helper()
	n := 0
	if err := l.walk(s, s.base, func(b batch.Batch, pos int64) error {
		if n++; n == 4 {
			at = end{b.BaseOffset(), pos}
		} else if n == 5 {
			length = pos - at.pos
		}
		return nil
	}); err != nil || length == 0 {
		t.Fatal(err, length)
	}
	return at, length
}

func xor(t *testing.T, fs *vfs.MemFS, path string, at int64, mask byte) {
	t.Helper()
	f, err := fs.OpenLogFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= mask
	if _, err := f.WriteVAt([][]byte{b[:]}, at); err != nil {
		t.Fatal(err)
	}
}

// readOne reads the batch with an offset as a consumer does, who compares the checksum.
func readOne(l *Log, offset int64) error {
	slice, err := l.Read(offset, 10_000, l.LogEndOffset(), true, nil)
	if err != nil {
		return err
	}
	raw, err := slice.AppendTo(nil)
	slice.Release()
	if err != nil {
		return err
	}
	b, _, err := batch.Next(raw)
	if err != nil {
		return err
	}
	if !b.ValidCRC() {
		return fmt.Errorf("%w: a consumer sees a wrong checksum", ErrCorrupt)
	}
	if b.BaseOffset() > offset || b.LastOffset() < offset {
		return fmt.Errorf("asked for %d, got %d to %d", offset, b.BaseOffset(), b.LastOffset())
	}
	return nil
}

// TestEveryBitOfABatch flips each bit of a batch in turn, in a closed segment and in the active one. Reads that come across it fail for the
// records in question alone, once the background has looked; and a scrub finds the place whatever reads have seen.
func TestEveryBitOfABatch(t *testing.T) {
	for _, closed := range []bool{true, false} {
		_, _, l, _ := scrubbedLog(t)
		_, length := damagedBatch(t, l, (*l.segments.Load())[1])
		closeDir(t, l.dir)
		for bit := range 8 * length {
			if leaderEpoch := bit/8 >= 12 && bit/8 < 16; leaderEpoch {
				continue // it is not in the checksum, and any value may be right
			}
			mem, d, l, reports := scrubbedLog(t)
			s := (*l.segments.Load())[1]
			if !closed {
				s = l.active()
				for s.info().NextOffset-s.base < 15 {
					appendOne(t, l, spec{values: values("w", 3), ts: 1000})
					s = l.active()
				}
			}
			checkDamage(t, mem, d, l, s, bit, reports)
			closeDir(t, d)
		}
	}
}

func checkDamage(t *testing.T, mem *vfs.MemFS, d *Dir, l *Log, s *segment, bit int64, reports *[]*CorruptError) {
	t.Helper()
	// Given one wrong bit.
	bad, _ := damagedBatch(t, l, s)
	xor(t, mem, s.path, bad.pos+bit/8, 1<<(bit%8))
	// When everything is read, then no read takes the log for lost.
	for offset := range l.LogEndOffset() {
		if err := readOne(l, offset); err != nil && errors.Is(err, ErrOffline) {
			t.Fatalf("bit %d: read at %d: %v", bit, offset, err)
		}
	}
	// And what was noticed is narrowed down to the batch.
	d.work.wait()
	if sum, err := d.RunScrub(t.Context(), 0); err != nil || sum.Damaged != 1 {
		t.Fatalf("bit %d: %+v, %v", bit, sum, err)
	}
	for offset := range l.LogEndOffset() {
		err := readOne(l, offset)
		inside := offset >= bad.offset && offset < bad.offset+3
		if !inside && err != nil || inside && (!errors.Is(err, ErrCorrupt) || errors.Is(err, ErrOffline)) {
			t.Fatalf("bit %d: read at %d, damaged from %d on: %v", bit, offset, bad.offset, err)
		}
	}
	// And it was reported once.
	if len(*reports) != 1 {
		t.Fatalf("bit %d: %v", bit, *reports)
	}
	if e := (*reports)[0]; e.Topic != "orders" || e.Position != bad.pos || e.FirstOffset != bad.offset || e.NextOffset != bad.offset+3 || e.Segment != segmentName(s.base) || e.Dir != l.path {
		t.Errorf("bit %d: %+v, want position %d, offset %d", bit, e, bad.pos, bad.offset)
	}
}

func TestWhatAScrubFoundIsKnownAfterARestart(t *testing.T) {
	mem, d, l, _ := scrubbedLog(t)
	s := (*l.segments.Load())[1]
	bad, _ := damagedBatch(t, l, s)
	xor(t, mem, s.path, bad.pos+70, 1)
	if _, err := d.RunScrub(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	before := l.Damaged()
	config := l.Config()
	closeDir(t, d)
	// When the broker starts anew, then the place is known without another scrub, and reads of it fail.
	var reports []*CorruptError
	d, err := OpenDir(DirConfig{Path: dataPath, FS: mem, OnCorruption: func(e *CorruptError) { reports = append(reports, e) }})
	if err != nil {
		t.Fatal(err)
	}
	l = openLog(t, d, config)
	if after := l.Damaged(); len(before) != 1 || len(after) != 1 || *after[0] != *before[0] {
		t.Fatalf("before %+v, after %+v", before, after)
	}
	if err := readOne(l, bad.offset+1); !errors.Is(err, ErrCorrupt) {
		t.Fatal(err)
	}
	// And the next scrub does not call it new.
	if sum, err := d.RunScrub(t.Context(), 0); err != nil || sum.Damaged != 1 || len(reports) != 0 {
		t.Fatalf("%+v, %v, %v", sum, err, reports)
	}
	// When somebody has put the right bytes back, then the scrub notices.
	xor(t, mem, (*l.segments.Load())[1].path, bad.pos+70, 1)
	if sum, err := d.RunScrub(t.Context(), 0); err != nil || sum.Damaged != 0 || len(l.Damaged()) != 0 {
		t.Fatalf("%+v, %v, %v", sum, err, l.Damaged())
	}
	if err := readOne(l, bad.offset+1); err != nil {
		t.Fatal(err)
	}
	closeDir(t, d)
	d = openDir(t, mem)
	l = openLog(t, d, config)
	if len(l.Damaged()) != 0 {
		t.Error("the repaired place came back")
	}
	// And what is known of a segment goes with it.
	xor(t, mem, (*l.segments.Load())[1].path, bad.pos+70, 1)
	if sum, err := d.RunScrub(t.Context(), 0); err != nil || sum.Damaged != 1 {
		t.Fatalf("%+v, %v", sum, err)
	}
	if err := l.DeleteRecords((*l.segments.Load())[2].base); err != nil {
		t.Fatal(err)
	}
	if len(l.Damaged()) != 0 {
		t.Error("deleted records are still damaged")
	}
	closeDir(t, d)
}

func TestScrubIsDueAfterTheInterval(t *testing.T) {
	mem := vfs.NewMemFS()
	d := openDir(t, mem)
	defer closeDir(t, d)
	due := func() int64 {
		t.Helper()
		at, err := d.ScrubDueMs(500)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	if due() > 1000 {
		t.Error("a directory that was never scrubbed waits")
	}
	if _, err := d.RunScrub(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if at := due(); at != 1500 {
		t.Error(at)
	}
	if at, err := d.ScrubDueMs(1<<63 - 1); err != nil || at != 1<<63-1 {
		t.Error(at, err)
	}
	// A pass that did not end goes on at once.
	openLog(t, d, testConfig())
	l := d.openLogs()[0]
	for range 2 {
		appendOne(t, l, spec{values: []string{"a"}, ts: 1})
		if err := l.DeleteRecords(0); err != nil {
			t.Fatal(err)
		}
	}
	b := d.index.NewBatch()
	b.SetScrubPosition(index.ScrubPosition{Log: l.name, Base: 0})
	if err := b.Commit(true); err != nil {
		t.Fatal(err)
	}
	if due() > 1000 {
		t.Error("an interrupted pass waits")
	}
}

// Compaction of a log stopped for ever at the first batch that was damaged, with the same error at each pass.
func TestDamageDoesNotStopCompaction(t *testing.T) {
	for _, header := range []bool{true, false} {
		mem := vfs.NewMemFS()
		d := openDir(t, mem)
		config := compactedConfig()
		config.SegmentBytes = 400
		l := openLog(t, d, config)
		for i := range 30 {
			mustAppend(t, l, Client, keyedBatch(t, batch.Options{}, 1000, "a", fmt.Sprint("value", i), fmt.Sprint("only", i), "x"))
		}
		// Given a damaged batch in the third segment.
		s := (*l.segments.Load())[2]
		base, next := s.base, s.info().NextOffset
		at := int64(70)
		if header {
			at = 7
		}
		xor(t, mem, s.path, at, 0x80)
		// When the log is compacted.
		sum, err := d.RunCompaction(context.Background(), 5000)
		if err != nil || sum.Logs == 0 || sum.BytesNow >= sum.BytesBefore {
			t.Fatalf("%+v, %v", sum, err)
		}
		// Then the segment is as it was, the others are compacted, and the place is known.
		if !slices.Contains(*l.segments.Load(), s) {
			t.Fatal("the damaged segment was replaced")
		}
		if len(l.Damaged()) != 1 {
			t.Error(l.Damaged())
		}
		values := map[string]int{}
		for offset := int64(0); offset < l.LogEndOffset(); {
			slice, err := l.Read(offset, 1, l.LogEndOffset(), true, nil)
			if errors.Is(err, ErrCorrupt) && offset >= base && offset < next {
				offset++
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			raw, err := slice.AppendTo(nil)
			slice.Release()
			b, _, err2 := batch.Next(raw)
			if err := errors.Join(err, err2); err != nil {
				t.Fatal(err)
			}
			for r, err := range batch.Records(b, 1<<20) {
				if err != nil {
					t.Fatal(err)
				}
				if r.Offset >= offset {
					values[string(r.Key)]++
				}
			}
			offset = b.NextOffset()
		}
		inDamaged := int(next-base) / 2
		active := int(l.LogEndOffset()-l.active().base) / 2
		if values["a"] > 1+inDamaged+active {
			t.Errorf("the key has %d records, %d of them in the damaged segment and %d in the active one", values["a"], inDamaged, active)
		}
		for i := range 30 {
			if n := values[fmt.Sprint("only", i)]; n != 1 && (int64(2*i) < base || int64(2*i) >= next) {
				t.Errorf("record %d is there %d times", i, n)
			}
		}
		// And the next pass has nothing to do.
		if sum, err := d.RunCompaction(context.Background(), 6000); err != nil || sum.Logs != 0 {
			t.Errorf("again: %+v, %v", sum, err)
		}
		closeDir(t, d)
	}
}

// A batch whose checksum is right and whose records cannot be taken apart is no damage of the disk, and reads give it as ever.
func TestCompactionLeavesWhatItCannotUnpack(t *testing.T) {
	mem := vfs.NewMemFS()
	d := openDir(t, mem)
	config := compactedConfig()
	config.SegmentBytes = 400
	l := openLog(t, d, config)
	for i := range 20 {
		b := keyedBatch(t, batch.Options{}, 1000, "a", fmt.Sprint("value", i))
		if i == 5 {
			b[batch.HeaderSize] = 0xff // a record's length
			b[batch.HeaderSize+1] = 0xff
			b.RecomputeCRC()
		}
		mustAppend(t, l, Client, b)
	}
	first, err := d.RunCompaction(context.Background(), 5000)
	if err != nil || first.Logs == 0 || first.BytesNow >= first.BytesBefore {
		t.Fatalf("%+v, %v", first, err)
	}
	if len(l.Damaged()) != 0 {
		t.Error(l.Damaged())
	}
	if err := readOne(l, 5); err != nil {
		t.Error(err)
	}
	if again, err := d.RunCompaction(context.Background(), 6000); err != nil || again.Logs != 0 {
		t.Errorf("%+v, %v", again, err)
	}
	closeDir(t, d)
}

// Where a marker cannot be read, the next one of the producer must not be taken for that of both transactions: what the first one committed would be
// gone.
func TestDamagedMarkerDoesNotUndoATransaction(t *testing.T) {
	mem := vfs.NewMemFS()
	d := openDir(t, mem)
	config := compactedConfig()
	config.SegmentBytes = 200
	l := openLog(t, d, config)
	inTxn := func(sequence int32, pairs ...string) {
		mustAppend(t, l, Client, keyedBatch(t, batch.Options{HasProducer: true, ProducerID: 7, BaseSequence: sequence, Transactional: true}, 1000, pairs...))
	}
	inTxn(0, "a", "committed")
	inTxn(1, "b", "committed")
	mustAppend(t, l, Coordinator, markerBatch(t, 7, true))
	inTxn(2, "a", "aborted")
	mustAppend(t, l, Coordinator, markerBatch(t, 7, false))
	for i := range 6 {
		mustAppend(t, l, Client, keyedBatch(t, batch.Options{}, 1000, "c", fmt.Sprint(i)))
	}
	// Given that the commit's marker is damaged.
	var marker end
	var in *segment
	for _, s := range *l.segments.Load() {
		if err := l.walk(s, s.base, func(b batch.Batch, pos int64) error {
			if b.IsControl() && in == nil {
				in, marker = s, end{b.BaseOffset(), pos}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if in == l.active() || in == (*l.segments.Load())[0] {
		t.Fatal("the marker has to be in a closed segment that is not the first")
	}
	xor(t, mem, in.path, marker.pos+70, 1)
	// When the log is compacted, twice so that horizons pass.
	for _, now := range []int64{5000, 50_000} {
		if _, err := d.RunCompaction(context.Background(), now); err != nil {
			t.Fatal(err)
		}
	}
	// Then the committed records are there.
	for offset := range int64(2) {
		if err := readOne(l, offset); err != nil {
			t.Error(err)
		}
	}
	closeDir(t, d)
}

func TestIntervalBytesSync(t *testing.T) {
	mem := vfs.NewMemFS()
	if err := FormatDir(mem, dataPath, Meta{ClusterID: "c", NodeID: 1}); err != nil {
		t.Fatal(err)
	}
	synced := make(chan string, 100)
	fs := vfs.Hook(mem, func(op vfs.Op) error {
		if op.Kind == vfs.OpSync || op.Kind == vfs.OpSyncFS {
			synced <- op.Path
		}
		return nil
	})
	d, err := OpenDir(DirConfig{Path: dataPath, FS: fs, SyncIntervalMs: 3600_000, SyncIntervalBytes: 1000})
	if err != nil {
		t.Fatal(err)
	}
	config := testConfig()
	config.Durability = DurabilityInterval
	l := openLog(t, d, config)
	for len(synced) > 0 {
		<-synced
	}
	// Given a policy that syncs every hour, or every 1000 bytes.
	for l.Size() < 900 {
		appendOne(t, l, spec{values: []string{"abc"}})
		if l.DurableOffset() != l.LogEndOffset() {
			t.Fatal("the policy waits for no sync")
		}
	}
	if l.durable.flushed.Load() != 0 {
		t.Fatal("synced too early")
	}
	// When the bytes are reached, then it syncs.
	appendOne(t, l, spec{values: values("many", 20)})
	end := l.LogEndOffset()
	<-synced
	closeDir(t, d)
	if got := l.durable.flushed.Load(); got != end {
		t.Errorf("synced up to %d of %d", got, end)
	}
}

func TestRetentionWaitsForFileDeleteDelay(t *testing.T) {
	mem := vfs.NewMemFS()
	d := openDir(t, mem)
	config := testConfig()
	config.SegmentBytes, config.RetentionMs, config.FileDeleteDelayMs = 200, 100, 3600_000
	l := openLog(t, d, config)
	for i := range 10 {
		appendOne(t, l, spec{values: []string{"value"}, ts: int64(i)})
	}
	if err := d.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	first := (*l.segments.Load())[0].path
	// When retention drops segments, then their files are there for a while.
	if r, err := d.RunRetention(10_000); err != nil || r.Segments == 0 {
		t.Fatal(r, err)
	}
	d.work.wait()
	if _, err := mem.Stat(first); err != nil {
		t.Error(err)
	}
	// And a start in between removes them.
	closeDir(t, d)
	d = openDir(t, mem)
	openLog(t, d, config)
	d.work.wait()
	if _, err := mem.Stat(first); err == nil {
		t.Error("the file of a segment below the log start is there after a start")
	}
	closeDir(t, d)
}

func TestKeyMapStaysWithinItsMemory(t *testing.T) {
	for _, most := range []int64{1, 24 << 10, 1 << 20, 10_000_000} {
		m := newKeyMap(most)
		peak, n := 0, 0
		for ; ; n++ {
			before := len(m.slots)
			if !m.put(fmt.Append(nil, n), int64(n)) {
				break
			}
			if now := len(m.slots); now != before {
				peak = max(peak, before+now)
			}
		}
		if limit := max(most, keyMapMinSlots*keySlotBytes); int64(peak)*keySlotBytes > limit {
			t.Errorf("%d bytes: %d at the peak", most, peak*keySlotBytes)
		}
		if most > 1<<16 && int64(n)*keySlotBytes < most/2 {
			t.Errorf("%d bytes: only %d keys fit", most, n)
		}
		for i := range n {
			if offset, ok := m.get(fmt.Append(nil, i)); !ok || offset != int64(i) {
				t.Fatalf("key %d: %d, %t", i, offset, ok)
			}
		}
	}
}
