package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	maxAnswer    = 64 << 20
	answerWithin = 60 * time.Second // of one request; a broker that is slower than this has hung
)

// conn is one blocking connection. Its answers share one buffer: each is good until the next is read.
type conn struct {
	c   net.Conn
	r   *bufio.Reader
	buf []byte
}

func dial(addr string) (*conn, error) {
	c, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return &conn{c: c, r: bufio.NewReaderSize(c, 256<<10)}, nil
}

func (c *conn) Close() error { return c.c.Close() }

// deadline covers everything up to the next call: setting it per request would be one more timer in the measured loop.
func (c *conn) deadline(d time.Duration) error { return c.c.SetDeadline(time.Now().Add(d)) }

func (c *conn) send(frame []byte) error {
	_, err := c.c.Write(frame)
	return err
}

// receive returns the next answer's bytes after its size.
func (c *conn) receive() ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > maxAnswer || size < 4 {
		return nil, fmt.Errorf("answer of %d bytes", size)
	}
	if int(size) > cap(c.buf) {
		c.buf = make([]byte, size)
	}
	c.buf = c.buf[:size]
	_, err := io.ReadFull(c.r, c.buf)
	return c.buf, err
}

// ask sends one request and decodes its answer into the response of its kind.
func (c *conn) ask(r kmsg.Request) (kmsg.Response, error) {
	if err := c.deadline(answerWithin); err != nil {
		return nil, err
	}
	if err := c.send(encodeRequest(r)); err != nil {
		return nil, err
	}
	b, err := c.receive()
	if err != nil {
		return nil, err
	}
	resp := r.ResponseKind()
	b = b[4:]
	if resp.IsFlexible() && r.Key() != 18 {
		if len(b) == 0 || b[0] != 0 {
			return nil, fmt.Errorf("unexpected tags in a response header")
		}
		b = b[1:]
	}
	return resp, resp.ReadFrom(b)
}

func codeError(what string, code int16, message *string) error {
	err := kerr.ErrorForCode(code)
	if message != nil {
		return fmt.Errorf("%s: %w (%s)", what, err, *message)
	}
	return fmt.Errorf("%s: %w", what, err)
}
