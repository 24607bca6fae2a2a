package codec

import (
	"bytes"
	stdgzip "compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// samples are inputs of every awkward size, compressible and not.
func samples() [][]byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	out := [][]byte{nil}
	for _, n := range []int{1, 2, 15, 100, 4096, xerialBlockSize, xerialBlockSize + 1, lz4BlockSize, lz4BlockSize + 1, 300_000} {
		noise := make([]byte, n)
		for i := range noise {
			noise[i] = byte(rnd.Uint32())
		}
		text := bytes.Repeat([]byte("a record like any other, "), n/25+1)[:n]
		for i := 0; i < n; i += 97 {
			text[i] = byte(rnd.Uint32())
		}
		out = append(out, noise, text, make([]byte, n))
	}
	return out
}

func TestRoundTrip(t *testing.T) {
	levels := map[Codec][]int{None: {0}, Gzip: {0, -1, 1, 6, 9, 77}, Snappy: {0}, LZ4: {0, 1, 9, 17}, Zstd: {0, -5, 1, 3, 9, 22}}
	for c := None; c <= Zstd; c++ {
		for _, level := range levels[c] {
			for i, src := range samples() {
				packed, err := Compress([]byte("before"), src, c, level)
				if err != nil || !bytes.HasPrefix(packed, []byte("before")) {
					t.Fatalf("%v level %d sample %d: %v", c, level, i, err)
				}
				got, err := Decompress([]byte("mine"), packed[6:], c, len(src))
				if err != nil || string(got[:4]) != "mine" || !bytes.Equal(got[4:], src) {
					t.Fatalf("%v level %d sample %d: %d bytes became %d: %v", c, level, i, len(src), len(got)-4, err)
				}
				if len(src) == 0 {
					continue
				}
				kept, err := Decompress([]byte("mine"), packed[6:], c, len(src)-1)
				if !errors.Is(err, ErrTooLarge) || string(kept) != "mine" {
					t.Fatalf("%v level %d sample %d: one byte over the limit: %d bytes, %v", c, level, i, len(kept), err)
				}
			}
		}
	}
}

func TestUnknownCodec(t *testing.T) {
	for c := Zstd + 1; c <= Mask; c++ {
		if _, err := Decompress(nil, []byte("x"), c, 10); !errors.Is(err, ErrUnknown) {
			t.Error(c, err)
		}
		if _, err := Compress(nil, []byte("x"), c, 0); !errors.Is(err, ErrUnknown) || c.Known() {
			t.Error(c, err)
		}
	}
}

// What we write is read by other implementations.
func TestOthersReadOurs(t *testing.T) {
	src := bytes.Repeat([]byte("the quick brown fox "), 20_000)
	gz, _ := Compress(nil, src, Gzip, 0)
	zr, err := stdgzip.NewReader(bytes.NewReader(gz))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(zr); err != nil || !bytes.Equal(got, src) {
		t.Error("gzip", len(got), err)
	}
	l4, _ := Compress(nil, src, LZ4, 0)
	if got, err := io.ReadAll(lz4.NewReader(bytes.NewReader(l4))); err != nil || !bytes.Equal(got, src) {
		t.Error("lz4", len(got), err)
	}
}

// What others write, with every option of their frames, is read by us.
func TestWeReadOthers(t *testing.T) {
	src := bytes.Repeat([]byte("the quick brown fox "), 20_000)
	options := map[string][]lz4.Option{
		"plain":            {lz4.BlockSizeOption(lz4.Block64Kb)},
		"4 MiB blocks":     {lz4.BlockSizeOption(lz4.Block4Mb)},
		"block checksums":  {lz4.BlockChecksumOption(true)},
		"content checksum": {lz4.ChecksumOption(true)},
		"content size":     {lz4.SizeOption(uint64(len(src)))},
	}
	for name, opts := range options {
		var buf bytes.Buffer
		zw := lz4.NewWriter(&buf)
		if err := zw.Apply(append(opts, lz4.ConcurrencyOption(1))...); err != nil {
			t.Fatal(name, err)
		}
		zw.Write(src)
		zw.Close()
		if got, err := Decompress(nil, buf.Bytes(), LZ4, len(src)); err != nil || !bytes.Equal(got, src) {
			t.Error("lz4 with", name, len(got), err)
		}
		for i := 7; i < min(buf.Len(), 4000); i += 131 { // every checksum notices
			bad := bytes.Clone(buf.Bytes())
			bad[i] ^= 0x10
			if got, err := Decompress(nil, bad, LZ4, 2*len(src)); err == nil && bytes.Equal(got, src) {
				t.Error("lz4 with", name, "did not notice damage at", i)
			}
		}
	}

	// A streaming zstd writer, as Java's, does not know the content size when it writes the frame header.
	var buf bytes.Buffer
	zw, _ := zstd.NewWriter(&buf, zstd.WithEncoderConcurrency(1))
	zw.Write(src[:1000])
	zw.Flush()
	zw.Write(src[1000:])
	zw.Close()
	if got, err := Decompress([]byte("x"), buf.Bytes(), Zstd, len(src)); err != nil || !bytes.Equal(got[1:], src) {
		t.Error("streamed zstd", len(got), err)
	}
}

func TestConcatenatedStreamsAreOne(t *testing.T) {
	for c := Gzip; c <= Zstd; c++ {
		a, _ := Compress(nil, []byte("first "), c, 0)
		both, _ := Compress(a, []byte("second"), c, 0)
		if got, err := Decompress(nil, both, c, 12); err != nil || string(got) != "first second" {
			t.Errorf("%v: %q %v", c, got, err)
		}
		if _, err := Decompress(nil, both, c, 11); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%v: the limit is for all of them: %v", c, err)
		}
	}
}

func TestRawSnappyIsRead(t *testing.T) {
	framed, _ := Compress(nil, []byte("hello hello hello hello"), Snappy, 0)
	raw := framed[xerialHeaderSize+4:]
	if got, err := Decompress(nil, raw, Snappy, 100); err != nil || string(got) != "hello hello hello hello" {
		t.Fatalf("%q %v", got, err)
	}
}

// KIP-57: the frame header inside format 0 is written with the checksum of its time, and read with either.
func TestLegacyLZ4(t *testing.T) {
	src := bytes.Repeat([]byte("old "), 50)
	old, err := CompressLegacyLZ4(nil, src, 0)
	if err != nil {
		t.Fatal(err)
	}
	proper, _ := Compress(nil, src, LZ4, 0)
	if want := []byte{0x04, 0x22, 0x4D, 0x18, 0x60, 0x40, 0x82}; !bytes.Equal(proper[:7], want) {
		t.Errorf("header % x, want % x", proper[:7], want)
	}
	if old[6] == proper[6] || !bytes.Equal(old[7:], proper[7:]) {
		t.Errorf("only the header checksum differs: % x, % x", old[:7], proper[:7])
	}
	for _, packed := range [][]byte{old, proper} {
		if got, err := DecompressLegacyLZ4(nil, packed, len(src)); err != nil || !bytes.Equal(got, src) {
			t.Error(len(got), err)
		}
	}
	if _, err := Decompress(nil, old, LZ4, len(src)); !errors.Is(err, ErrCorrupt) {
		t.Error("the strict reader took the old checksum:", err)
	}
}

func TestLZ4DependentBlocksAreRead(t *testing.T) {
	frame := binary.LittleEndian.AppendUint32(nil, lz4Magic)
	frame = append(frame, lz4Version, 4<<4)
	frame = append(frame, byte(xxh32(frame[4:])>>8))
	first := []byte("0123456789abcdef")
	frame = append(binary.LittleEndian.AppendUint32(frame, uint32(len(first))|lz4Stored), first...)
	// No literals, a match of 4+8 bytes at distance 16, in the block before; then five literals.
	second := []byte{0x08, 16, 0, 0x50, 'v', 'w', 'x', 'y', 'z'}
	frame = append(binary.LittleEndian.AppendUint32(frame, uint32(len(second))), second...)
	frame = append(frame, 0, 0, 0, 0)
	if got, err := Decompress([]byte("!"), frame, LZ4, 100); err != nil || string(got) != "!0123456789abcdef0123456789abvwxyz" {
		t.Fatalf("%q %v", got, err)
	}
}

func TestXXH32(t *testing.T) {
	for in, want := range map[string]uint32{
		"": 0x02CC5D05, "a": 0x550D7456, "abc": 0x32D153FF, "Nobody inspects the spammish repetition": 0xE2293B2F,
	} {
		if got := xxh32([]byte(in)); got != want {
			t.Errorf("%q: %08x, want %08x", in, got, want)
		}
	}
}

// A bomb stops at the limit, and so does the memory it gets.
func TestBombsStopAtTheLimit(t *testing.T) {
	const limit = 100_000
	for c := Gzip; c <= Zstd; c++ {
		bomb, err := Compress(nil, make([]byte, 32<<20), c, 0)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decompress(make([]byte, 0, 16), bomb, c, limit)
		if !errors.Is(err, ErrTooLarge) || cap(got) > 4*limit {
			t.Errorf("%v: %v, capacity %d", c, err, cap(got))
		}
	}
}

// Claims are compared with what the bytes could hold before anything is allocated.
func TestClaimsAreNotBelieved(t *testing.T) {
	claims := map[string]struct {
		c  Codec
		in []byte
	}{
		"snappy length":          {Snappy, append(binary.AppendUvarint(nil, 1<<31), 0)},
		"xerial block":           {Snappy, append(bytes.Clone(xerialHeader[:]), 0x7F, 0xFF, 0xFF, 0xFF)},
		"xerial negative block":  {Snappy, append(bytes.Clone(xerialHeader[:]), 0xFF, 0xFF, 0xFF, 0xFF)},
		"zstd content size":      {Zstd, []byte{0x28, 0xB5, 0x2F, 0xFD, 0xA0, 0, 0, 0, 0x70, 1, 0, 0}},
		"zstd skippable":         {Zstd, []byte{0x50, 0x2A, 0x4D, 0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0}},
		"lz4 block":              {LZ4, []byte{0x04, 0x22, 0x4D, 0x18, 0x60, 0x40, 0x82, 0xFF, 0xFF, 0, 0, 1}},
		"lz4 skippable":          {LZ4, []byte{0x50, 0x2A, 0x4D, 0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0}},
		"gzip of nothing":        {Gzip, nil},
		"zstd of nothing":        {Zstd, nil},
		"lz4 of nothing":         {LZ4, nil},
		"snappy of nothing":      {Snappy, nil},
		"gzip, magic only":       {Gzip, []byte{0x1F, 0x8B}},
		"zstd, reserved block":   {Zstd, []byte{0x28, 0xB5, 0x2F, 0xFD, 0x20, 0, 7, 0, 0}},
		"lz4 with a dictionary":  {LZ4, []byte{0x04, 0x22, 0x4D, 0x18, 0x61, 0x40, 1, 2, 3, 4, 5}},
		"zstd with a dictionary": {Zstd, []byte{0x28, 0xB5, 0x2F, 0xFD, 0x21, 9, 0, 1, 0, 0}},
	}
	for name, tc := range claims {
		got, err := Decompress(nil, tc.in, tc.c, 1<<30)
		if !errors.Is(err, ErrCorrupt) || cap(got) > 4096 {
			t.Errorf("%s: %v, capacity %d", name, err, cap(got))
		}
	}
}

func TestTruncationsFail(t *testing.T) {
	src := bytes.Repeat([]byte("the quick brown fox "), 500)
	for c := Gzip; c <= Zstd; c++ {
		packed, _ := Compress(nil, src, c, 0)
		for n := range packed {
			got, err := Decompress(nil, packed[:n], c, 2*len(src))
			if err == nil && bytes.Equal(got, src) {
				t.Errorf("%v: %d of %d bytes were enough", c, n, len(packed))
			}
		}
	}
}

// Small batches are the common case. They must reuse what the pools hold.
func TestSmallDecompressionDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("pools do not keep everything")
	}
	if testing.CoverMode() != "" {
		t.Skip("coverage allocates")
	}
	dst := make([]byte, 0, 4096)
	for c := Gzip; c <= Zstd; c++ {
		packed, _ := Compress(nil, bytes.Repeat([]byte("record "), 30), c, 0)
		got := testing.AllocsPerRun(100, func() {
			if _, err := Decompress(dst, packed, c, fuzzLimit); err != nil {
				t.Fatal(err)
			}
		})
		if got > 0.5 {
			t.Errorf("%v: %v allocations", c, got)
		}
	}
}
