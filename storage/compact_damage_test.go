package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/storage/vfs"
)

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
