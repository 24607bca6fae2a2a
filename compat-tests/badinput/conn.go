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

	"github.com/sordini/sordini/compat-tests/harness"
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
	return harness.Decode(frame, r.Key(), r.GetVersion(), id)
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
