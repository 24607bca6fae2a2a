package quorum

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"
)

func someState() hardState {
	return hardState{nodeID: 2, vote: 1, term: 1 << 40, commit: 77, voters: []int32{0, 2, 5}}
}

func TestHardStateReadsBackAndEveryFlippedBitIsSeen(t *testing.T) {
	want := someState()
	b := want.encode()
	got, err := decodeHardState(b)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v, %v", got, err)
	}
	for bit := range 8 * len(b) {
		bad := slices.Clone(b)
		bad[bit/8] ^= 1 << (bit % 8)
		if _, err := decodeHardState(bad); err == nil {
			t.Errorf("bit %d flipped and nobody saw", bit)
		}
	}
	for n := range b {
		if _, err := decodeHardState(b[:n]); err == nil {
			t.Errorf("%d of %d bytes were accepted", n, len(b))
		}
	}
}

func someCheckpoint(t testing.TB) []byte {
	var b bytes.Buffer
	h := checkpointHeader{index: 9, term: 3, voters: []int32{1, 4}}
	blocks := [][]byte{[]byte("first block"), {0}, bytes.Repeat([]byte("x"), 300)}
	if err := encodeCheckpoint(&b, &h, slices.Values(blocks)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func decodeAll(b []byte) (h checkpointHeader, blocks [][]byte, err error) {
	h, err = decodeCheckpoint(bytes.NewReader(b), int64(len(b)), func(block []byte) error {
		blocks = append(blocks, slices.Clone(block))
		return nil
	})
	return h, blocks, err
}

func TestCheckpointReadsBackAndEveryFlippedBitIsSeen(t *testing.T) {
	b := someCheckpoint(t)
	h, blocks, err := decodeAll(b)
	if err != nil || h.index != 9 || h.term != 3 || !slices.Equal(h.voters, []int32{1, 4}) || len(blocks) != 3 || len(blocks[2]) != 300 {
		t.Fatalf("%+v %q %v", h, blocks, err)
	}
	for bit := range 8 * len(b) {
		bad := slices.Clone(b)
		bad[bit/8] ^= 1 << (bit % 8)
		if _, _, err := decodeAll(bad); err == nil {
			t.Errorf("bit %d flipped and nobody saw", bit)
		}
	}
	for n := range b {
		if _, _, err := decodeAll(b[:n]); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%d of %d bytes: %v", n, len(b), err)
		}
	}
	if _, _, err := decodeAll(append(b, 0)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a byte behind the end: %v", err)
	}
}

func FuzzDecodeHardState(f *testing.F) {
	s := someState()
	f.Add(s.encode())
	f.Add([]byte(stateMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := decodeHardState(b)
		if err == nil && !bytes.Equal(s.encode(), b) {
			t.Fatalf("%x reads as %+v, which is %x", b, s, s.encode())
		}
	})
}

func FuzzDecodeCheckpoint(f *testing.F) {
	f.Add(someCheckpoint(f))
	f.Add([]byte(checkpointMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, blocks, err := decodeAll(b)
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := encodeCheckpoint(&again, &h, slices.Values(blocks)); err != nil || !bytes.Equal(again.Bytes(), b) {
			t.Fatalf("%x is written as %x: %v", b, again.Bytes(), err)
		}
	})
}
