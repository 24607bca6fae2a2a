package badinput

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

const (
	patience = 10 * time.Second       // for whatever must come: an answer or a close
	silence  = 700 * time.Millisecond // after which nothing more is expected
)

// errNothing says that the connection is open and nothing came.
var errNothing = errors.New("nothing came")

// conn is one raw connection.
type conn struct{ c net.Conn }

func dial(addr string) (*conn, error) {
	c, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return &conn{c}, nil
}

func (c *conn) close() { _ = c.c.Close() }

// write ignores errors: a broker may close before it has read all, and reading then shows it.
func (c *conn) write(b []byte) {
	_ = c.c.SetWriteDeadline(time.Now().Add(patience))
	_, _ = c.c.Write(b)
}

// read returns the next frame without its size. io.EOF stands for any kind of close.
func (c *conn) read(wait time.Duration) ([]byte, error) {
	_ = c.c.SetReadDeadline(time.Now().Add(wait))
	var head [4]byte
	n, err := io.ReadFull(c.c, head[:])
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) && n == 0:
		return nil, errNothing
	case err != nil && n == 0:
		return nil, io.EOF // a reset too: what was unread when the broker closed makes one of a close
	case err != nil:
		return nil, fmt.Errorf("the connection ended within a frame: %w", err)
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > 64<<20 {
		return nil, fmt.Errorf("an answer claims %d bytes", size)
	}
	frame := make([]byte, size)
	if _, err := io.ReadFull(c.c, frame); err != nil {
		return nil, fmt.Errorf("the connection ended within a frame: %w", err)
	}
	return frame, nil
}

// ask sends a good request and decodes its answer.
func (c *conn) ask(r kmsg.Request) (kmsg.Response, error) {
	const id = 4711
	c.write(frameOf(r, id))
	frame, err := c.read(patience)
	if err != nil {
		return nil, fmt.Errorf("%s v%d: %w", kmsg.NameForKey(r.Key()), r.GetVersion(), err)
	}
	return decode(frame, r.Key(), r.GetVersion(), id)
}

// alive tells whether the connection still serves requests.
func (c *conn) alive() error {
	_, err := c.ask(kmsg.NewPtrApiVersionsRequest())
	return err
}

// frameOf is a whole, good frame.
func frameOf(r kmsg.Request, id int32) []byte {
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID("bad")).AppendRequest(nil, r, id)
}

// decode reads an answer to a request of that key and version.
func decode(frame []byte, key, version int16, id int32) (kmsg.Response, error) {
	if len(frame) < 4 {
		return nil, fmt.Errorf("an answer of %d bytes", len(frame))
	}
	if got := int32(binary.BigEndian.Uint32(frame)); got != id {
		return nil, fmt.Errorf("correlation id %d, want %d", got, id)
	}
	resp := kmsg.ResponseForKey(key)
	if resp == nil {
		return nil, fmt.Errorf("an answer to the unknown key %d", key)
	}
	body := frame[4:]
	if key == 18 {
		return resp, decodeApiVersions(resp.(*kmsg.ApiVersionsResponse), body, version)
	}
	resp.SetVersion(version)
	if resp.IsFlexible() {
		if len(body) == 0 || body[0] != 0 {
			return nil, fmt.Errorf("the answer's header has tags or none at all: %x", body[:min(len(body), 8)])
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

// decodeApiVersions knows the one exception of the protocol: an unsupported version is answered in the shape of version 0.
func decodeApiVersions(r *kmsg.ApiVersionsResponse, body []byte, version int16) error {
	if len(body) >= 2 && binary.BigEndian.Uint16(body) == 35 {
		version = 0
	}
	r.SetVersion(version)
	return r.ReadFrom(body)
}
