package harness

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Patience is how long a raw connection waits for an answer.
const Patience = 15 * time.Second

// Conn is one raw connection; what goes over it is encoded and decoded by kmsg and nothing else.
type Conn struct {
	c        net.Conn
	clientID string
	id       int32
}

// Dial connects under a client id.
func Dial(addr, clientID string) (*Conn, error) {
	c, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return &Conn{c: c, clientID: clientID}, nil
}

// Close may be called more than once.
func (c *Conn) Close() { _ = c.c.Close() }

// Send writes a request and returns its correlation id.
func (c *Conn) Send(r kmsg.Request) (int32, error) {
	c.id++
	if err := c.c.SetWriteDeadline(time.Now().Add(Patience)); err != nil {
		return c.id, err
	}
	_, err := c.c.Write(kmsg.NewRequestFormatter(kmsg.FormatterClientID(c.clientID)).AppendRequest(nil, r, c.id))
	return c.id, err
}

// Receive reads the answer to the request r. io.EOF stands for any kind of close.
func (c *Conn) Receive(r kmsg.Request, id int32) (kmsg.Response, error) {
	if err := c.c.SetReadDeadline(time.Now().Add(Patience)); err != nil {
		return nil, io.EOF // only a connection that is closed refuses it
	}
	var head [4]byte
	if n, err := io.ReadFull(c.c, head[:]); err != nil {
		if n == 0 && !errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, io.EOF
		}
		return nil, fmt.Errorf("read the answer's size: %w", err)
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > 64<<20 {
		return nil, fmt.Errorf("an answer claims %d bytes", size)
	}
	frame := make([]byte, size)
	if _, err := io.ReadFull(c.c, frame); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return Decode(frame, r.Key(), r.GetVersion(), id)
}

// Ask sends a request and reads its answer.
func (c *Conn) Ask(r kmsg.Request) (kmsg.Response, error) {
	id, err := c.Send(r)
	if err != nil {
		return nil, io.EOF
	}
	return c.Receive(r, id)
}

// Decode reads an answer to a request of that key and version, and demands that it is exactly as long as what is in it.
func Decode(frame []byte, key, version int16, id int32) (kmsg.Response, error) {
	if len(frame) < 4 || int32(binary.BigEndian.Uint32(frame)) != id {
		return nil, fmt.Errorf("the answer begins with %x, want the correlation id %d", frame[:min(len(frame), 4)], id)
	}
	resp, body := kmsg.ResponseForKey(key), frame[4:]
	if resp == nil {
		return nil, fmt.Errorf("an answer to the unknown key %d", key)
	}
	resp.SetVersion(version)
	isApiVersions := key == int16(kmsg.ApiVersions)
	if isApiVersions && len(body) >= 2 && binary.BigEndian.Uint16(body) == 35 {
		resp.SetVersion(0) // the one exception of the protocol
	}
	if resp.IsFlexible() && !isApiVersions {
		if len(body) == 0 || body[0] != 0 {
			return nil, fmt.Errorf("the answer's header has tags, or is none: %x", body[:min(len(body), 8)])
		}
		body = body[1:]
	}
	if err := resp.ReadFrom(body); err != nil {
		return nil, fmt.Errorf("unreadable answer: %w", err)
	}
	if again := resp.AppendTo(nil); len(again) != len(body) {
		return resp, fmt.Errorf("the answer has %d bytes, its content %d", len(body), len(again))
	}
	return resp, nil
}

// AskRaw sends a bare frame and returns the answer's, without its size.
func (c *Conn) AskRaw(frame []byte) ([]byte, error) {
	if err := c.c.SetDeadline(time.Now().Add(Patience)); err != nil {
		return nil, io.EOF // only a connection that is closed refuses it
	}
	if _, err := c.c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...)); err != nil {
		return nil, io.EOF
	}
	var head [4]byte
	if n, err := io.ReadFull(c.c, head[:]); err != nil {
		if n == 0 && !errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, io.EOF
		}
		return nil, fmt.Errorf("read the answer's size: %w", err)
	}
	answer := make([]byte, min(binary.BigEndian.Uint32(head[:]), 64<<20))
	_, err := io.ReadFull(c.c, answer)
	return answer, err
}
