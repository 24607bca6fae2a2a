package broker

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"
)

// input is the receiving side of a connection: it turns bytes from the socket into frames.
//
// It borrows a buffer when bytes are there and gives it back when all of them are used. Frames stay where the socket put them: the record
// bytes of a produce request go from here to the segment file without a copy in between. Two cases move bytes, and count them: a frame that
// began at the end of a full buffer, and a frame that turns out larger than the connection's frames so far. What a frame claims to be is
// believed only as far as bytes have come: the buffer grows with them, so a claim of 100 MB costs nothing.
type input struct {
	pool     *bufferPool
	maxFrame int
	moved    *atomic.Int64

	buf        *buffer
	start, end int  // the unread bytes in buf
	largest    int  // the largest frame of late, for the next buffer's size
	streaming  bool // the last reads filled their buffer: the next one is larger
}

// frameError closes the connection: the peer does not speak Kafka, or exceeds socket.request.max.bytes.
type frameError struct{ size, max int }

// Error names the limit.
func (e *frameError) Error() string {
	return fmt.Sprintf("bad frame size: %d bytes (socket.request.max.bytes=%d)", e.size, e.max)
}

const frameHeader = 4

// next returns the next complete frame without its size, or false when more bytes are needed. The frame is valid until release or space.
func (in *input) next() (frame []byte, ok bool, err error) {
	size, known := in.frameSize()
	if !known {
		return nil, false, nil
	}
	if size < 0 || size > in.maxFrame {
		return nil, false, &frameError{size, in.maxFrame}
	}
	if in.end-in.start < frameHeader+size {
		return nil, false, nil
	}
	frame = in.buf.b[in.start+frameHeader : in.start+frameHeader+size : in.start+frameHeader+size]
	in.start += frameHeader + size
	in.largest = max(frameHeader+size, in.largest-in.largest/16)
	return frame, true, nil
}

func (in *input) frameSize() (int, bool) {
	if in.end-in.start < frameHeader {
		return 0, false
	}
	return int(int32(binary.BigEndian.Uint32(in.buf.b[in.start:]))), true
}

// unread is what was read from the socket and is not used yet.
func (in *input) unread() []byte {
	if in.buf == nil {
		return nil
	}
	return in.buf.b[in.start:in.end]
}

// release gives the buffer back when nothing unread is in it. Called between turns, before the wait for more.
func (in *input) release() {
	if in.buf != nil && in.start == in.end {
		in.pool.put(in.buf)
		in.buf, in.start, in.end = nil, 0, 0
	}
}

// streamBuffer is the buffer of a connection that sends faster than it is read: more frames a turn make larger writes.
const streamBuffer = 256 << 10

// filled takes in the n bytes that were read into space.
func (in *input) filled(n, space int) {
	in.end += n
	in.streaming = n == space && space >= minBuffer || in.streaming && n >= minBuffer/2
}

// close gives the buffer back whatever is in it.
func (in *input) close() {
	if in.buf != nil {
		in.pool.put(in.buf)
		in.buf, in.start, in.end = nil, 0, 0
	}
}

// space returns where the next bytes go: an empty slice only while the budget of all connections has no room for a frame as large as
// this one. It never waits.
func (in *input) space() []byte {
	if in.buf == nil {
		size := in.largest
		if in.streaming {
			size = max(size, streamBuffer)
		}
		in.buf = in.pool.lendUpTo(size)
		return in.buf.b[:in.step()]
	}
	have := in.end - in.start
	want := frameHeader
	if size, known := in.frameSize(); known {
		want += size
	}
	free := len(in.buf.b) - in.end
	switch {
	case want-have <= free:
		// The rest of the frame fits in behind what is there. Of a large frame no byte more is read, so that the next one starts afresh.
		if want > minBuffer {
			return in.buf.b[in.end : in.start+want]
		}
		return in.buf.b[in.end:]
	case free > 0 && have < len(in.buf.b)/2 && want > len(in.buf.b):
		return in.buf.b[in.end:] // not yet proven by bytes: fill this buffer first
	case want <= len(in.buf.b):
		in.move(in.buf)
	default:
		bigger := in.pool.lend(min(want, max(4*have, len(in.buf.b)+1)), in.buf)
		if bigger == nil {
			return nil
		}
		old := in.buf
		in.move(bigger)
		in.pool.put(old)
	}
	return in.space()
}

// step is how much of a fresh buffer is filled with one read: all of it, but for frames so large that one fills it.
func (in *input) step() int {
	if in.largest > minBuffer {
		return min(in.largest, len(in.buf.b))
	}
	return len(in.buf.b)
}

// move brings the unread bytes to the front of a buffer.
func (in *input) move(to *buffer) {
	n := copy(to.b, in.buf.b[in.start:in.end])
	in.moved.Add(int64(n))
	in.buf, in.start, in.end = to, 0, n
}
