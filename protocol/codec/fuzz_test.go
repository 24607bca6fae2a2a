package codec

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

const fuzzLimit = 1 << 20

// fuzzDecompress holds any input against what must hold for all: no panic, no byte over the limit, dst untouched, and
// the same answer with another dst.
func fuzzDecompress(f *testing.F, c Codec, open func([]byte) *Stream, decompress func(dst, src []byte, limit int) ([]byte, error), other func([]byte) ([]byte, error)) {
	for _, src := range samples()[:16] {
		packed, err := Compress(nil, src, c, 0)
		if err != nil {
			f.Fatal(err)
		}
		if len(packed) < 6000 {
			f.Add(packed)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		got, err := decompress([]byte("mine"), src, fuzzLimit)
		if len(got) < 4 || string(got[:4]) != "mine" || len(got)-4 > fuzzLimit {
			t.Fatalf("%d bytes", len(got))
		}
		again, err2 := decompress(make([]byte, 0, 1<<16), src, fuzzLimit)
		if (err == nil) != (err2 == nil) || !bytes.Equal(again, got[4:]) {
			t.Fatalf("%v with one dst, %v with another", err, err2)
		}
		streamed, serr := readStream(open(src), fuzzLimit)
		if (err == nil) != (serr == nil) || err == nil && !bytes.Equal(streamed, again) {
			t.Fatalf("%d bytes, %v; streamed %d bytes, %v", len(again), err, len(streamed), serr)
		}
		// What is in pieces may refuse more: references beyond the window. What it takes is the same.
		small := open(src)
		small.pieces = true
		if pieced, perr := readStream(small, fuzzLimit); perr == nil && (err != nil || !bytes.Equal(pieced, again)) {
			t.Fatalf("%d bytes, %v; in pieces %d bytes", len(again), err, len(pieced))
		}
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrTooLarge) {
				t.Fatalf("an error without a kind: %v", err)
			}
			return
		}
		if other != nil {
			if want, err := other(src); err == nil && !bytes.Equal(want, again) {
				t.Fatalf("%d bytes, another decoder has %d", len(again), len(want))
			}
		}
		packed, err := Compress(nil, again, c, 0)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := Decompress(nil, packed, c, len(again)); err != nil || !bytes.Equal(back, again) {
			t.Fatalf("does not survive its own compression: %v", err)
		}
	})
}

func of(c Codec) func(dst, src []byte, limit int) ([]byte, error) {
	return func(dst, src []byte, limit int) ([]byte, error) { return Decompress(dst, src, c, limit) }
}

func opener(c Codec) func([]byte) *Stream { return func(b []byte) *Stream { return Open(b, c) } }

func FuzzGzip(f *testing.F)   { fuzzDecompress(f, Gzip, opener(Gzip), of(Gzip), nil) }
func FuzzSnappy(f *testing.F) { fuzzDecompress(f, Snappy, opener(Snappy), of(Snappy), nil) }

func FuzzLZ4(f *testing.F) {
	fuzzDecompress(f, LZ4, opener(LZ4), of(LZ4), func(src []byte) ([]byte, error) {
		return io.ReadAll(io.LimitReader(lz4.NewReader(bytes.NewReader(src)), 2*fuzzLimit))
	})
}

func FuzzLegacyLZ4(f *testing.F) { fuzzDecompress(f, LZ4, OpenLegacyLZ4, DecompressLegacyLZ4, nil) }

func FuzzZstd(f *testing.F) {
	zd, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(2*fuzzLimit))
	if err != nil {
		f.Fatal(err)
	}
	fuzzDecompress(f, Zstd, opener(Zstd), of(Zstd), func(src []byte) ([]byte, error) { return zd.DecodeAll(src, nil) })
}
