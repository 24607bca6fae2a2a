package broker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
)

func newTestInput(maxFrame int) *input {
	return &input{pool: newBufferPool(1 << 30), maxFrame: maxFrame, moved: new(atomic.Int64)}
}

func appendFrame(dst, body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(body))), body...)
}

// feed plays a socket: it puts up to chunk bytes of the stream into the input and returns the rest.
func feed(in *input, stream []byte, chunk int) []byte {
	space := in.space()
	n := copy(space[:min(len(space), chunk)], stream)
	in.filled(n, len(space))
	return stream[n:]
}

func TestInputReturnsTheFramesThatWereSent(t *testing.T) {
	const seed = 42
	rng := rand.New(rand.NewPCG(seed, 0))
	for round := range 200 {
		var frames [][]byte
		var stream []byte
		for range 1 + rng.IntN(20) {
			size := rng.IntN(3000)
			if rng.IntN(10) == 0 {
				size = rng.IntN(700_000)
			}
			body := make([]byte, size)
			for i := range body {
				body[i] = byte(rng.Uint32())
			}
			frames = append(frames, body)
			stream = appendFrame(stream, body)
		}
		in := newTestInput(1 << 20)
		for len(stream) > 0 {
			stream = feed(in, stream, 1+rng.IntN(200_000))
			for {
				frame, ok, err := in.next()
				if err != nil {
					t.Fatalf("seed %d round %d: %v", seed, round, err)
				}
				if !ok {
					break
				}
				if !bytes.Equal(frame, frames[0]) {
					t.Fatalf("seed %d round %d: a frame of %d bytes came out as %d bytes, or changed", seed, round, len(frames[0]), len(frame))
				}
				frames = frames[1:]
			}
			in.release()
		}
		if len(frames) != 0 {
			t.Fatalf("seed %d round %d: %d frames did not come out", seed, round, len(frames))
		}
		if in.buf != nil {
			t.Fatalf("seed %d round %d: an idle input holds a buffer", seed, round)
		}
	}
}

func TestInputMovesNoByteOfFramesThatComeWhole(t *testing.T) {
	for _, size := range []int{100, 16_500, 60_000} {
		in := newTestInput(1 << 20)
		body := make([]byte, size)
		for range 50 {
			stream := appendFrame(nil, body)
			for len(stream) > 0 {
				stream = feed(in, stream, len(stream))
			}
			if _, ok, err := in.next(); !ok || err != nil {
				t.Fatalf("%d bytes: frame not there: %v", size, err)
			}
			in.release()
		}
		if moved := in.moved.Load(); moved != 0 {
			t.Errorf("%d bytes: %d bytes were copied", size, moved)
		}
	}
}

func TestInputMovesOnlyTheFirstOfLargeFrames(t *testing.T) {
	in := newTestInput(4 << 20)
	body := make([]byte, 1_000_100)
	read := func() {
		stream := appendFrame(nil, body)
		for {
			if _, ok, _ := in.next(); ok {
				break
			}
			stream = feed(in, stream, 64<<10)
		}
		in.release()
	}
	read()
	first := in.moved.Load()
	if first > int64(len(body)) {
		t.Errorf("the first frame of %d bytes moved %d bytes", len(body), first)
	}
	for range 20 {
		read()
	}
	if moved := in.moved.Load() - first; moved != 0 {
		t.Errorf("later frames moved %d bytes", moved)
	}
}

func TestInputBelievesASizeOnlyAsFarAsBytesCome(t *testing.T) {
	in := newTestInput(100 << 20)
	claim := binary.BigEndian.AppendUint32(nil, 100<<20)
	feed(in, append(claim, "ten bytes."...), 14)
	if _, ok, err := in.next(); ok || err != nil {
		t.Fatalf("got a frame or %v", err)
	}
	in.space()
	if n := len(in.buf.b); n > minBuffer {
		t.Errorf("a claim of 100 MiB with ten bytes holds a buffer of %d bytes", n)
	}
}

func TestInputRefusesSizes(t *testing.T) {
	for _, size := range []uint32{0xffffffff, 0x80000000, 1<<20 + 1, 0x47455420 /* "GET " */, 0x16030100 /* TLS */} {
		in := newTestInput(1 << 20)
		feed(in, binary.BigEndian.AppendUint32(nil, size), 4)
		if _, _, err := in.next(); !errors.As(err, new(*frameError)) {
			t.Errorf("size %#x: %v", size, err)
		}
	}
}

func TestBufferStep(t *testing.T) {
	for _, c := range []struct{ size, step int }{{0, 0}, {minBuffer, 0}, {minBuffer + 1, 1}, {256 << 10, 1}, {256<<10 + 1, 2}, {1 << 20, 2}, {1<<20 + 1, 3}, {100 << 20, 6}} {
		if got := bufferStep(c.size); got != c.step || bufferSize(got) < c.size {
			t.Errorf("a buffer for %d bytes is of step %d (%d bytes), want %d", c.size, got, bufferSize(got), c.step)
		}
	}
}

func FuzzInput(f *testing.F) {
	f.Add(appendFrame(appendFrame(nil, []byte("one")), []byte("two")), uint16(3))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff}, uint16(1))
	f.Add(binary.BigEndian.AppendUint32(nil, 90_000), uint16(4))
	f.Fuzz(func(t *testing.T, stream []byte, chunk uint16) {
		in := newTestInput(1 << 20)
		for len(stream) > 0 {
			stream = feed(in, stream, int(chunk)+1)
			for {
				_, ok, err := in.next()
				if err != nil {
					return
				}
				if !ok {
					break
				}
			}
			in.release()
		}
	})
}
