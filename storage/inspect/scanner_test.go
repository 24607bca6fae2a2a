package inspect

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
)

func good(first, last int64, pos int) string {
	return fmt.Sprintf("batch %d-%d at %d valid=true", first, last, pos)
}

func bad(first, last int64, pos int) string {
	return fmt.Sprintf("batch %d-%d at %d valid=false", first, last, pos)
}

func gap(pos, end int, torn bool, from int64) string {
	return fmt.Sprintf("gap %d-%d torn=%t from %d", pos, end, torn, from)
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n  %q\nwant\n  %q", got, want)
	}
}

func TestAScannerFindsTheNextGoodBatchBehindDamage(t *testing.T) {
	first, second, third := plainBatch(t, 10, 3), plainBatch(t, 13, 2), plainBatch(t, 15, 1)
	a, b := len(first), len(first)+len(second)
	for name, c := range map[string]struct {
		damage func(segment []byte) []byte
		want   []string
	}{
		"none": {func(s []byte) []byte { return s }, []string{good(10, 12, 0), good(13, 14, a), good(15, 15, b)}},
		"a flipped bit": {func(s []byte) []byte { s[a+70] ^= 4; return s },
			[]string{good(10, 12, 0), bad(13, 14, a), good(15, 15, b)}},
		"a length that is too small": {func(s []byte) []byte { binary.BigEndian.PutUint32(s[a+8:], 3); return s },
			[]string{good(10, 12, 0), gap(a, b, false, 13), good(15, 15, b)}},
		"a length beyond the file": {func(s []byte) []byte { binary.BigEndian.PutUint32(s[a+8:], 1<<30); return s },
			[]string{good(10, 12, 0), gap(a, b, false, 13), good(15, 15, b)}},
		"a length that is plausible": {func(s []byte) []byte { binary.BigEndian.PutUint32(s[a+8:], 80); return s },
			[]string{good(10, 12, 0), gap(a, b, false, 13), good(15, 15, b)}},
		"an unknown magic": {func(s []byte) []byte { s[a+16] = 9; return s },
			[]string{good(10, 12, 0), gap(a, b, false, 13), good(15, 15, b)}},
		"lost bytes": {func(s []byte) []byte { return slices.Delete(s, a+20, a+30) },
			[]string{good(10, 12, 0), gap(a, b-10, false, 13), good(15, 15, b-10)}},
		"a torn tail": {func(s []byte) []byte { return s[:b+30] },
			[]string{good(10, 12, 0), good(13, 14, a), gap(b, b+30, true, 15)}},
		"a few bytes more": {func(s []byte) []byte { return append(s, 0, 0, 1) },
			[]string{good(10, 12, 0), good(13, 14, a), good(15, 15, b), gap(b+len(third), b+len(third)+3, true, 16)}},
		"reserved room": {func(s []byte) []byte { return append(s, make([]byte, 5000)...) },
			[]string{good(10, 12, 0), good(13, 14, a), good(15, 15, b), gap(b+len(third), b+len(third)+5000, true, 16)}},
		"a torn batch in reserved room": {func(s []byte) []byte { return append(s[:b+40], make([]byte, 5000)...) },
			[]string{good(10, 12, 0), good(13, 14, a), gap(b, b+5040, true, 15)}},
		"rubbish at the end": {func(s []byte) []byte { return append(s, bytes.Repeat([]byte{0xab}, 100)...) },
			[]string{good(10, 12, 0), good(13, 14, a), good(15, 15, b), gap(b+len(third), b+len(third)+100, false, 16)}},
	} {
		t.Run(name, func(t *testing.T) {
			segment := c.damage(join(first, second, third))
			wantLines(t, steps(t, segment, Options{Base: 10}), c.want...)
		})
	}
}

func TestASegmentWithoutAnythingHasNoSteps(t *testing.T) {
	wantLines(t, steps(t, nil, Options{}))
}

// A batch that lies in the value of a record is not taken for one of the log unless it fits there.
func TestABatchWithinARecordIsNotFound(t *testing.T) {
	inside := plainBatch(t, 3, 2)
	segment := join(bytes.Repeat([]byte{0xff}, 40), inside, plainBatch(t, 20, 1))
	wantLines(t, steps(t, segment, Options{Base: 10}), gap(0, 40+len(inside), false, 10), good(20, 20, 40+len(inside)))
}

func TestABatchAboveTheLimitIsCheckedInPieces(t *testing.T) {
	segment := join(plainBatch(t, 0, 5000), plainBatch(t, 5000, 1))
	big := len(plainBatch(t, 0, 5000))
	limits := Limits{BatchBytes: 1000, DecompressedBytes: 1000}
	wantLines(t, steps(t, segment, Options{Limits: limits}), good(0, 4999, 0), good(5000, 5000, big))
	segment[big-1] ^= 1
	wantLines(t, steps(t, segment, Options{Limits: limits}), bad(0, 4999, 0), good(5000, 5000, big))
}

func TestHeadersAloneTellTheSameBatches(t *testing.T) {
	var segment []byte
	var want []string
	for i := range int64(300) {
		want = append(want, "batch")
		segment = append(segment, plainBatch(t, i*10, 10)...)
	}
	s := NewScanner(bytes.NewReader(segment), int64(len(segment)), Options{HeadersOnly: true})
	n := 0
	for s.Next() {
		if s.Gap() != nil || s.Batch().BaseOffset != int64(n)*10 {
			t.Fatalf("step %d: gap %v, base offset %d", n, s.Gap(), s.Batch().BaseOffset)
		}
		n++
	}
	if n != len(want) || s.Err() != nil {
		t.Errorf("%d batches, want %d: %v", n, len(want), s.Err())
	}
}
