package broker

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sordini/sordini/broker/api"
)

// plain is a TCP connection without encryption. It reads into a buffer that is borrowed only once there is something to read, and it sends
// file ranges with sendfile at explicit offsets, for segments are shared between connections.
//
// Both callbacks run on the connection's goroutine inside RawConn; they are bound once, so that a read or a send allocates nothing.
type plain struct {
	net.Conn
	raw syscall.RawConn

	readStep, sendStep func(fd uintptr) bool

	in   *input
	stop <-chan struct{} // ends the wait for memory
	err  error

	usedMs atomic.Int64 // when bytes last went in or out, for connections.max.idle.ms

	out  *api.Out
	at   int   // sent of out.Buf
	file int   // the range that is next
	sent int64 // sent of that range
}

// unsentBytes is how much the kernel takes from us before it has sent it. More does not make sending faster: what is sent and not yet
// acknowledged does not count. Less work is left over, for a large answer then goes out in pieces that are still in the cache when the
// receiver reads them (measured over the loopback with 1 MiB fetches: 0.13 instead of 0.39 CPU s/GB). It must not be smaller than the largest
// segment, that of the loopback, for a piece smaller than a segment may wait for more.
const unsentBytes = 64 << 10

func newPlain(c *net.TCPConn, in *input) (*plain, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	err = raw.Control(func(fd uintptr) { // best effort: without it only CPU is lost
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentBytes)
	})
	if err != nil {
		return nil, err
	}
	p := &plain{Conn: c, raw: raw, in: in}
	p.readStep, p.sendStep = p.readOnce, p.sendSome
	p.used()
	return p, nil
}

func (p *plain) used() { p.usedMs.Store(time.Now().UnixMilli()) }

// errNoRoom: the budget for read buffers is used up.
var errNoRoom = errors.New("no memory for the frame within queued.max.request.bytes")

// fill reads once what the socket has into the input, waiting for the first byte without a buffer where the input has none.
//
// It waits for memory outside of RawConn: Close waits for whoever is inside, so a wait there would hold up the one who closes the
// connection, be it for idleness or to stop the broker.
func (p *plain) fill() error {
	var freed <-chan struct{}
	for {
		if err := p.raw.Read(p.readStep); err != nil {
			return err
		}
		if p.err != errNoRoom {
			return p.err
		}
		if freed == nil {
			freed = p.in.pool.freed() // and once more, for a buffer may have come back just before
			continue
		}
		select {
		case <-freed:
			freed = nil
		case <-p.stop:
			return p.err
		}
	}
}

func (p *plain) readOnce(fd uintptr) bool {
	space := p.in.space()
	if len(space) == 0 {
		p.err = errNoRoom
		return true
	}
	for {
		n, err := unix.Read(int(fd), space)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			p.in.release()
			return false
		case err != nil:
			p.err = err
		case n == 0:
			p.err = io.EOF
		default:
			p.in.filled(n, len(space))
			p.used()
			p.err = nil
		}
		return true
	}
}

// send writes everything in out.
func (p *plain) send(out *api.Out) error {
	if len(out.Ranges) == 0 {
		_, err := p.Conn.Write(out.Buf)
		return err
	}
	p.out, p.at, p.file, p.sent, p.err = out, 0, 0, 0, nil
	err := p.raw.Write(p.sendStep)
	p.out = nil
	if err != nil {
		return err
	}
	return p.err
}

// sendSome goes on with out until all is sent, an error comes, or the socket is full (false: the runtime calls again when there is room).
func (p *plain) sendSome(fd uintptr) bool {
	p.used() // a slow reader of a large answer is not idle
	for {
		end, more := len(p.out.Buf), 0
		if p.file < len(p.out.Ranges) {
			end, more = p.out.Ranges[p.file].At, unix.MSG_MORE
		}
		if p.at < end {
			n, err := unix.SendmsgN(int(fd), p.out.Buf[p.at:end], nil, nil, more|unix.MSG_NOSIGNAL)
			if done, again := p.sendResult(err); !done {
				if again {
					continue
				}
				return false
			}
			if p.err != nil {
				return true
			}
			p.at += n
			continue
		}
		if p.file == len(p.out.Ranges) {
			return true
		}
		if waiting := p.sendRange(int(fd)); waiting {
			return false
		}
		if p.err != nil {
			return true
		}
	}
}

// sendRange sends the rest of the current range. It returns true when the socket is full.
func (p *plain) sendRange(fd int) (waiting bool) {
	r := &p.out.Ranges[p.file]
	for left := int64(r.Len()) - p.sent; left > 0; left = int64(r.Len()) - p.sent {
		n, err := p.sendOf(fd, r, int(left))
		if done, again := p.sendResult(err); !done {
			if again {
				continue
			}
			return true
		}
		if p.err == nil && n == 0 {
			p.err = errShortSegment
		}
		if p.err != nil {
			return false
		}
		p.sent += int64(n)
	}
	p.file, p.sent = p.file+1, 0
	return false
}

func (p *plain) sendOf(fd int, r *api.Range, left int) (int, error) {
	if r.Bytes != nil {
		return unix.SendmsgN(fd, r.Bytes[p.sent:], nil, nil, unix.MSG_NOSIGNAL)
	}
	offset := r.Slice.Pos() + p.sent
	file := r.Slice.File()
	if file == nil { // of a file system in memory: no descriptor
		piece := make([]byte, min(left, copyPiece))
		if n, err := r.Slice.ReadAt(piece, p.sent); n < len(piece) {
			return 0, err
		}
		return unix.SendmsgN(fd, piece, nil, nil, unix.MSG_NOSIGNAL)
	}
	return unix.Sendfile(fd, int(file.Fd()), &offset, left)
}

const copyPiece = 64 << 10

// errShortSegment: the file ended before the bytes that the log promised. The connection must go: the size of the answer is sent already.
var errShortSegment = errors.New("segment is shorter than its index says")

func (p *plain) sendResult(err error) (done, again bool) {
	switch {
	case errors.Is(err, unix.EINTR):
		return false, true
	case errors.Is(err, unix.EAGAIN):
		return false, false
	}
	p.err = err
	return true, false
}
