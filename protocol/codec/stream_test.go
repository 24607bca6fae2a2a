package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/golang/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// readStream is everything of a stream; most stops it.
func readStream(s *Stream, most int) (out []byte, err error) {
	defer s.Close()
	for {
		piece, err := s.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if len(piece) == 0 {
			return nil, errors.New("an empty piece")
		}
		if out = append(out, piece...); len(out) > most {
			return nil, ErrTooLarge
		}
	}
}

func TestStreamsAndWritersAreTheInverseOfEachOther(t *testing.T) {
	for c := None; c <= Zstd; c++ {
		for i, src := range append(samples(), bytes.Repeat([]byte("0123456789"), 300_000)) {
			var first []byte
			for _, step := range []int{1 << 30, 1000, 65536, 100_000} {
				w, err := NewWriter([]byte("mine"), c, DefaultLevel)
				if err != nil {
					t.Fatal(err)
				}
				for rest := src; len(rest) > 0; {
					n := min(step, len(rest))
					if m, err := w.Write(rest[:n]); err != nil || m != n {
						t.Fatal(m, err)
					}
					rest = rest[n:]
				}
				packed, err := w.Close()
				if err != nil || string(packed[:4]) != "mine" {
					t.Fatal(err)
				}
				packed = packed[4:]
				if first == nil {
					first = packed
				}
				if !bytes.Equal(first, packed) {
					t.Fatalf("%v sample %d: depends on how it is cut", c, i)
				}
				for _, open := range []func([]byte, Codec) *Stream{Open, OpenAsJava} {
					if got, err := readStream(open(packed, c), 1<<30); err != nil || !bytes.Equal(got, src) {
						t.Fatalf("%v sample %d: %d bytes of %d: %v", c, i, len(got), len(src), err)
					}
				}
				s := Open(packed, c)
				s.pieces = true
				if got, err := readStream(s, 1<<30); err != nil || !bytes.Equal(got, src) {
					t.Fatalf("%v sample %d in pieces: %d bytes of %d: %v", c, i, len(got), len(src), err)
				}
				if got, err := Decompress(nil, packed, c, len(src)); err != nil || !bytes.Equal(got, src) {
					t.Fatalf("%v sample %d: %v", c, i, err)
				}
			}
		}
	}
	if _, err := NewWriter(nil, 5, 0); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
}

// large is 12 MiB that compress, but not to nothing, with matches of all distances.
func large() []byte {
	rnd := rand.New(rand.NewPCG(3, 4))
	out := make([]byte, 0, 12<<20)
	for len(out) < 12<<20 {
		if back := rnd.IntN(1 << 20); rnd.IntN(4) > 0 && back < len(out) && back > 0 {
			n := min(rnd.IntN(2000)+1, back)
			out = append(out, out[len(out)-back:][:n]...)
			continue
		}
		for range rnd.IntN(300) {
			out = append(out, byte(rnd.Uint32()))
		}
	}
	return out[:12<<20]
}

func TestLargeContentOfEveryShapeIsStreamed(t *testing.T) {
	src := large()
	zstdOf := func(opts ...zstd.EOption) []byte {
		ze, err := zstd.NewWriter(nil, append(opts, zstd.WithEncoderConcurrency(1))...)
		if err != nil {
			t.Fatal(err)
		}
		defer ze.Close()
		return ze.EncodeAll(src, nil)
	}
	lz4Of := func(opts ...lz4.Option) []byte {
		var b bytes.Buffer
		w := lz4.NewWriter(&b)
		if err := w.Apply(append(opts, lz4.ConcurrencyOption(1))...); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(src); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	gz, err := Compress(nil, src, Gzip, 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		c      Codec
		packed []byte
	}{
		"gzip":               {Gzip, gz},
		"zstd":               {Zstd, zstdOf()},
		"zstd single":        {Zstd, zstdOf(zstd.WithSingleSegment(true), zstd.WithWindowSize(1<<20))},
		"zstd declares much": {Zstd, wide(zstdOf(zstd.WithWindowSize(1 << 20)))},
		"lz4":                {LZ4, lz4Of()},
		"lz4 4 MiB":          {LZ4, lz4Of(lz4.BlockSizeOption(lz4.Block4Mb), lz4.BlockChecksumOption(true), lz4.SizeOption(uint64(len(src))))},
		"snappy raw":         {Snappy, snappy.Encode(nil, src)},
	} {
		if got, err := readStream(Open(tc.packed, tc.c), len(src)); err != nil || !bytes.Equal(got, src) {
			t.Errorf("%s: %d bytes: %v", name, len(got), err)
		}
		for _, n := range []int{len(tc.packed) / 2, len(tc.packed) - 1} {
			if _, err := readStream(Open(tc.packed[:n], tc.c), 1<<30); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s cut at %d: %v", name, n, err)
			}
		}
	}
}

// No consumer allocates more than 128 MiB for a window: that ours is narrower than a frame declares does not make it readable.
func TestZstdWindowThatNoConsumerTakesIsRefused(t *testing.T) {
	ze, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	defer ze.Close()
	frame := wide(ze.EncodeAll(large(), nil))
	if _, err := readStream(Open(frame, Zstd), 1<<30); err != nil {
		t.Error(err)
	}
	frame[5]++
	if _, err := readStream(Open(frame, Zstd), 1<<30); !errors.Is(err, ErrCorrupt) {
		t.Error(err)
	}
}

// wide makes a zstd frame declare a window of 128 MiB.
func wide(frame []byte) []byte {
	if frame[4]&(1<<5) != 0 {
		panic("a single segment has no window")
	}
	frame[5] = (27 - 10) << 3
	return frame
}

// A block of raw snappy with matches further back than any piece, and some that overlap what they make.
func TestSnappyMatchesReachAcrossPieces(t *testing.T) {
	var want, block []byte
	literal := func(b []byte) {
		want = append(want, b...)
		block = append(block, 62<<2, byte(len(b)-1), byte((len(b)-1)>>8), byte((len(b)-1)>>16))
		block = append(block, b...)
	}
	match := func(offset, n int) {
		block = append(block, byte(n-1)<<2|3)
		block = binary.LittleEndian.AppendUint32(block, uint32(offset))
		for range n {
			want = append(want, want[len(want)-offset])
		}
	}
	rnd := rand.New(rand.NewPCG(8, 8))
	noise := make([]byte, 5<<20)
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	literal(noise)
	for len(want) < 12<<20 {
		match(1+rnd.IntN(min(len(want), streamWindow)), 1+rnd.IntN(64))
		match(1+rnd.IntN(5), 64)
	}
	whole := append(binary.AppendUvarint(nil, uint64(len(want))), block...)
	if ref, err := snappy.Decode(nil, whole); err != nil || !bytes.Equal(ref, want) {
		t.Fatal("the test is wrong:", err)
	}
	got, err := readStream(Open(whole, Snappy), 1<<30)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d bytes of %d: %v", len(got), len(want), err)
	}
	for name, bad := range map[string][]byte{
		"too far back": append(bytes.Clone(whole[:len(whole)-5]), 63<<2|3, 1, 0, 0x80, 0),
		"torn":         whole[:len(whole)-3],
		"too long":     append(bytes.Clone(whole), 0, 'x'),
		"offset 0":     append(bytes.Clone(whole[:len(whole)-5]), 63<<2|3, 0, 0, 0, 0),
	} {
		if _, err := readStream(Open(bad, Snappy), 1<<30); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Kafka's own reader of LZ4 frames refuses dependent blocks and does not look behind the first frame. What it cannot read
// must not get into a log.
func TestWhatJavaCannotReadIsRefusedForIt(t *testing.T) {
	one, err := Compress(nil, []byte("one frame"), LZ4, 0)
	if err != nil {
		t.Fatal(err)
	}
	dependent := bytes.Clone(one)
	dependent[4] &^= lz4Independent
	dependent[6] = byte(xxh32(dependent[4:6]) >> 8)
	for name, b := range map[string][]byte{
		"dependent blocks": dependent,
		"two frames":       append(bytes.Clone(one), one...),
		"skippable frame":  append([]byte{0x50, 0x2A, 0x4D, 0x18, 0, 0, 0, 0}, one...),
	} {
		if _, err := readStream(Open(b, LZ4), 1000); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := readStream(OpenAsJava(b, LZ4), 1000); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s, as Java: %v", name, err)
		}
	}
}

// The reference decoder, and so Java's and librdkafka's, fails at a block that does not end with five literals.
func TestLZ4BlockThatEndsWithAMatchIsRefused(t *testing.T) {
	frame := func(block string) []byte {
		out := binary.LittleEndian.AppendUint32(appendLZ4Header(nil, false), uint32(len(block)))
		return append(append(out, block...), 0, 0, 0, 0)
	}
	good := frame("\x10a\x01\x00\x50bcdef")
	if got, err := readStream(OpenAsJava(good, LZ4), 100); err != nil || string(got) != "aaaaabcdef" {
		t.Errorf("%q %v", got, err)
	}
	for _, block := range []string{"\x10a\x01\x00", "\x10a\x01\x00\x40bcde", "\x10a\x01\x00\x00"} {
		if _, err := readStream(Open(frame(block), LZ4), 100); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%q: %v", block, err)
		}
		if _, err := Decompress(nil, frame(block), LZ4, 100); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%q: %v", block, err)
		}
	}
}

func TestSnappyFramingOfAnUnknownVersionIsRefusedForJava(t *testing.T) {
	b, err := Compress(nil, []byte("snappy"), Snappy, 0)
	if err != nil {
		t.Fatal(err)
	}
	b[11] = 0
	if _, err := readStream(Open(b, Snappy), 100); err != nil {
		t.Error(err)
	}
	if _, err := readStream(OpenAsJava(b, Snappy), 100); !errors.Is(err, ErrCorrupt) {
		t.Error(err)
	}
}

func TestDigestInPieces(t *testing.T) {
	src := large()[:5000]
	for _, n := range []int{0, 1, 15, 16, 17, 31, 32, 33, 100, 5000} {
		for _, step := range []int{1, 3, 16, 17, 1000} {
			var d xxh32Digest
			d.reset()
			for rest := src[:n]; len(rest) > 0; {
				m := min(step, len(rest))
				d.write(rest[:m])
				rest = rest[m:]
			}
			if d.sum() != xxh32(src[:n]) {
				t.Fatalf("%d bytes in steps of %d", n, step)
			}
		}
	}
}

// A bomb costs time in proportion to what is taken from it, and no memory in proportion to anything.
func TestStreamedBombsTakeLittleMemory(t *testing.T) {
	const total = 128 << 20
	for c := Gzip; c <= Zstd; c++ {
		packed := bombOf(t, c, total)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		s := Open(packed, c)
		n := 0
		for {
			piece, err := s.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(c, err)
			}
			n += len(piece)
		}
		s.Close()
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; n != total || got > 3*streamWindow {
			t.Errorf("%v: %d bytes, of which %d were allocated", c, n, got)
		}
	}
}

func bombOf(tb testing.TB, c Codec, total int) []byte {
	w, err := NewWriter(nil, c, 1)
	if err != nil {
		tb.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range total >> 20 {
		if _, err := w.Write(zeros); err != nil {
			tb.Fatal(err)
		}
	}
	out, err := w.Close()
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func TestSmallStreamsDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("pools do not keep everything")
	}
	for c := None; c <= Zstd; c++ {
		packed, err := Compress(nil, bytes.Repeat([]byte("sixteen bytes ..."), 1000), c, 0)
		if err != nil {
			t.Fatal(err)
		}
		got := testing.AllocsPerRun(200, func() {
			s := OpenAsJava(packed, c)
			for {
				if _, err := s.Next(); err != nil {
					break
				}
			}
			s.Close()
		})
		if got > 0.5 { // the pools may be emptied in between
			t.Errorf("%v: %v allocations", c, got)
		}
	}
}

func BenchmarkStream(b *testing.B) {
	src := large()
	for c := Gzip; c <= Zstd; c++ {
		packed, err := Compress(nil, src, c, 1)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(c), func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				s := Open(packed, c)
				for {
					if _, err := s.Next(); err != nil {
						break
					}
				}
				s.Close()
			}
		})
	}
}
