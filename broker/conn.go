package broker

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/broker/api"
	"github.com/sordini/sordini/broker/replica"
	"github.com/sordini/sordini/protocol"
)

// conn is one client connection. Everything in it belongs to its goroutine but for what is atomic.
type conn struct {
	server  *Server
	tcp     *plain
	facts   api.Conn
	sinceMs int64 // when it was accepted
	in      input
	held    []byte // the frame of a request that may wait, so that the read buffer does not wait with it
	out     api.Out
	turn    *api.ProduceTurn

	ctx, pollCtx context.Context // both end with the connection; pollCtx, for long waits, already when the broker drains
	cancel       context.CancelFunc
	logger       *slog.Logger
}

func newConn(s *Server, l *listener, nc *net.TCPConn, id int64) (*conn, error) {
	remote, known := nc.RemoteAddr().(*net.TCPAddr)
	local, ok := nc.LocalAddr().(*net.TCPAddr)
	if !known || !ok {
		return nil, errNoAddress
	}
	c := &conn{server: s, sinceMs: unixMs()}
	c.in = input{pool: s.buffers, maxFrame: s.limits.maxFrame, moved: &s.metrics.BytesMoved}
	tcp, err := newPlain(nc, &c.in)
	if err != nil {
		return nil, err
	}
	c.tcp = tcp
	ctx, cancel := context.WithCancel(context.Background())
	pollCtx, cancelPoll := context.WithCancel(s.drainCtx)
	c.ctx, c.pollCtx, c.cancel = ctx, pollCtx, func() { cancel(); cancelPoll() }
	c.tcp.stop = c.pollCtx.Done()
	c.facts = api.Conn{
		ID: id, Listener: l.name, RemoteHost: "/" + remote.IP.String(), LocalHost: local.IP.String(), LocalPort: int32(local.Port),
		Stop: c.pollCtx.Done(), Gone: c.ctx.Done(), Waiter: replica.NewWaiter(), Rest: c.restBeforeWait,
	}
	c.logger = s.logger.With("connection", id, "remote", remote.String(), "listener", l.name)
	return c, nil
}

// errNoAddress: the peer went before the system could say who it was.
var errNoAddress = errors.New("the connection has no address")

// serve is the connection's goroutine.
func (c *conn) serve() {
	defer c.end()
	for {
		if err := c.tcp.fill(); err != nil {
			c.logEnd(err)
			return
		}
		if err := c.takeTurn(); err != nil {
			c.logEnd(err)
			return
		}
		c.tcp.used()
		if c.pollCtx.Err() != nil {
			return // the broker drains, and what was asked is answered
		}
	}
}

// close ends the connection from another goroutine: a read, a send or a wait of its own returns.
func (c *conn) close() {
	c.cancel()
	_ = c.tcp.Close()
}

// drain lets the connection answer what it is at and then end: a wait for the next request ends now, long polls with pollCtx.
func (c *conn) drain() { _ = c.tcp.SetReadDeadline(time.Unix(1, 0)) }

func (c *conn) end() {
	c.close()
	c.out.Reset()
	c.in.close()
	if c.turn != nil {
		c.server.putTurn(c.turn)
	}
}

// logEnd says why a connection ends: what clients do is for debugging only, what the disk does is not.
func (c *conn) logEnd(err error) {
	if errors.Is(err, errShortSegment) || errors.Is(err, syscall.EIO) {
		c.logger.Error("records could not be sent from the log", "error", err)
		return
	}
	if c.warnStranger(err) {
		return
	}
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, api.ErrClose) {
		c.logger.Debug("connection closed", "reason", err)
		return
	}
	c.logger.Debug("connection dropped", "reason", err)
}

// takeTurn handles every complete frame that was read and answers them. An error closes the connection, after the requests before the
// one that failed are answered.
func (c *conn) takeTurn() error {
	var failed error
	for failed == nil {
		frame, ok, err := c.in.next()
		if err != nil {
			failed = err
			break
		}
		if !ok {
			break
		}
		failed = c.handle(c.hold(frame))
	}
	if err := c.flush(); err != nil {
		return err
	}
	if failed == nil {
		c.rest()
	}
	return failed
}

// heldFrame is the size up to which the frame of a request that may wait is copied. Consumers wait nearly all the time, and their frames
// are small: without the copy each would hold a read buffer meanwhile.
const heldFrame = 4 << 10

// hold moves the frame out of the read buffer, and gives that back, where the request may wait and nothing else is in the buffer.
func (c *conn) hold(frame []byte) []byte {
	if len(frame) < 2 || len(frame) > heldFrame || c.in.start != c.in.end || c.turn != nil && c.turn.Pending() {
		return frame
	}
	if r := routeOf(int16(binary.BigEndian.Uint16(frame))); r == nil || !r.waits {
		return frame
	}
	c.held = append(c.held[:0], frame...)
	c.in.release()
	return c.held
}

// restBeforeWait sends what earlier requests of the turn have to say, and gives back what a request that waits does not need.
func (c *conn) restBeforeWait() error {
	if err := c.flush(); err != nil {
		return err
	}
	if c.turn != nil {
		c.server.putTurn(c.turn)
		c.turn = nil
	}
	if cap(c.out.Buf) > firstAnswer {
		c.server.putBytes(c.out.Buf)
		c.out.Buf = make([]byte, 0, firstAnswer)
	}
	return nil
}

// rest gives back what an idle connection does not need.
func (c *conn) rest() {
	c.in.release()
	if c.in.buf == nil {
		if c.turn != nil {
			c.server.putTurn(c.turn)
			c.turn = nil
		}
		if cap(c.out.Buf) > 0 {
			c.server.putBytes(c.out.Buf)
			c.out.Buf = nil
		}
	}
}

func (c *conn) handle(frame []byte) error {
	header, body, err := protocol.ParseRequestHeader(frame)
	if err != nil {
		return err
	}
	r := routeOf(header.Key)
	if r == nil {
		return &notServed{header.Key, header.Version}
	}
	if r.serves(header.Version) {
		c.facts.Seen.Note(&header)
	}
	if c.out.Buf == nil {
		c.out.Buf = c.server.getBytes()
	}
	if header.Key == int16(kmsg.Produce) && r.serves(header.Version) {
		return c.addProduce(&header, body)
	}
	if err := c.commitProduce(); err != nil {
		return err
	}
	req := &api.Request{RequestHeader: header, Conn: &c.facts}
	if !r.serves(header.Version) {
		if header.Key != int16(kmsg.ApiVersions) {
			return &notServed{header.Key, header.Version}
		}
		c.server.handlers.UnsupportedApiVersions(req, &c.out)
		return nil
	}
	c.server.metrics.Request(header.Key)
	if header.Key == int16(kmsg.Fetch) {
		if err := c.server.handlers.Fetch(req, body, &c.out); err != nil {
			return err
		}
		return c.flushIfLarge()
	}
	return c.ask(r, req, body)
}

// ask is the way of every API that goes through kmsg.
func (c *conn) ask(r *route, req *api.Request, body []byte) error {
	if err := protocol.CheckShape(req.Key, req.Version, body); err != nil {
		return err
	}
	decoded := kmsg.RequestForKey(req.Key)
	decoded.SetVersion(req.Version)
	if err := decoded.ReadFrom(body); err != nil {
		return err
	}
	ctx := c.ctx
	if r.waits {
		ctx = c.pollCtx
		if err := c.restBeforeWait(); err != nil {
			return err
		}
	}
	resp := r.answer(c.server.handlers, ctx, req, decoded)
	if resp == nil {
		return &notServed{req.Key, req.Version}
	}
	resp.SetVersion(req.Version)
	m := c.out.Begin(&req.RequestHeader)
	c.out.Buf = resp.AppendTo(c.out.Buf)
	c.out.End(m)
	return c.flushIfLarge()
}

func (c *conn) addProduce(header *protocol.RequestHeader, body []byte) error {
	if c.turn == nil {
		c.turn = c.server.getTurn()
	}
	c.server.metrics.Request(header.Key)
	if c.turn.Full() {
		if err := c.commitProduce(); err != nil {
			return err
		}
	}
	return c.turn.Add(c.server.handlers, &c.facts, header, body)
}

func (c *conn) commitProduce() error {
	if c.turn == nil || !c.turn.Pending() {
		return nil
	}
	return c.turn.Commit(c.ctx, c.server.handlers, &c.facts, &c.out)
}

// largeAnswer is from when on answers are sent before the turn is over.
const largeAnswer = 256 << 10

func (c *conn) flushIfLarge() error {
	if c.out.Len() < largeAnswer {
		return nil
	}
	return c.flush()
}

// flush commits what was produced and sends every answer there is.
func (c *conn) flush() error {
	failed := c.commitProduce()
	if !c.out.Empty() {
		if err := c.tcp.send(&c.out); err != nil {
			c.out.Reset()
			return err
		}
		c.out.Reset()
	}
	return failed
}
