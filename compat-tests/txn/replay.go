package txn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// replayer is a proxy in front of a broker that says again, late and on another connection, what producers have said: as a network does
// that loses an acknowledgement and delivers the packet after all, when its sender has given up and gone on (KAFKA-17754).
type replayer struct {
	listener net.Listener
	broker   atomic.Pointer[string]
	again    atomic.Int64 // frames that were said again
	answered atomic.Int64 // and answered

	wg sync.WaitGroup
	mu struct {
		sync.Mutex
		conns  map[net.Conn]bool
		rng    *rand.Rand
		closed bool
	}
}

const (
	replayOneIn  = 8
	replayWithin = 3 * time.Second
	maxFrame     = 16 << 20
)

// replayed are the requests that make, write and end transactions. InitProducerId is not among them: said again it is another producer.
var replayed = map[kmsg.Key]bool{
	kmsg.Produce: true, kmsg.AddPartitionsToTxn: true, kmsg.AddOffsetsToTxn: true, kmsg.TxnOffsetCommit: true, kmsg.EndTxn: true,
}

func startReplayer(port int, seed uint64) (*replayer, error) {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, err
	}
	r := &replayer{listener: l}
	r.mu.conns, r.mu.rng = map[net.Conn]bool{}, rand.New(rand.NewPCG(seed, 9))
	r.wg.Go(r.accept)
	return r, nil
}

func (r *replayer) addr() string { return r.listener.Addr().String() }

func (r *replayer) accept() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		broker, err := r.dial()
		if err != nil { // it is being killed
			client.Close()
			continue
		}
		if !r.keep(client) {
			broker.Close()
			return
		}
		r.wg.Go(func() {
			defer r.drop(client, broker)
			r.requests(client, broker)
		})
		r.wg.Go(func() {
			defer r.drop(client, broker)
			_, _ = io.Copy(client, broker) // until one of the two is closed
		})
	}
}

var errNoBroker = errors.New("there is no broker yet")

func (r *replayer) dial() (net.Conn, error) {
	addr := r.broker.Load()
	if addr == nil {
		return nil, errNoBroker
	}
	conn, err := net.DialTimeout("tcp", *addr, time.Second)
	if err == nil && !r.keep(conn) {
		err = net.ErrClosed
	}
	return conn, err
}

// keep remembers a connection for close; a replayer that is closed closes it at once.
func (r *replayer) keep(conn net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mu.closed {
		conn.Close()
		return false
	}
	r.mu.conns[conn] = true
	return true
}

func (r *replayer) drop(conns ...net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, conn := range conns {
		conn.Close()
		delete(r.mu.conns, conn)
	}
}

// requests hands frames on, and chooses some to be said again.
func (r *replayer) requests(client, broker net.Conn) {
	for {
		frame, err := readFrame(client)
		if err != nil {
			return
		}
		if _, err := broker.Write(frame); err != nil {
			return
		}
		if len(frame) < 8 || !replayed[kmsg.Key(binary.BigEndian.Uint16(frame[4:]))] {
			continue
		}
		r.mu.Lock()
		chosen, wait := r.mu.rng.IntN(replayOneIn) == 0, time.Duration(r.mu.rng.Int64N(int64(replayWithin)))
		if chosen && !r.mu.closed {
			r.wg.Go(func() { r.sayAgain(frame, wait) })
		}
		r.mu.Unlock()
	}
}

func (r *replayer) sayAgain(frame []byte, wait time.Duration) {
	time.Sleep(wait)
	broker, err := r.dial()
	if err != nil {
		return
	}
	defer r.drop(broker)
	if _, err := broker.Write(frame); err != nil {
		return
	}
	r.again.Add(1)
	_ = broker.SetReadDeadline(time.Now().Add(5 * time.Second)) // a produce with acks=0 has no answer
	if _, err := readFrame(broker); err == nil {
		r.answered.Add(1)
	}
}

// readFrame reads a request or an answer with its length.
func readFrame(conn net.Conn) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxFrame {
		return nil, fmt.Errorf("a frame of %d bytes", n)
	}
	frame := make([]byte, 4+n)
	copy(frame, size[:])
	_, err := io.ReadFull(conn, frame[4:])
	return frame, err
}

func (r *replayer) close() {
	r.mu.Lock()
	r.mu.closed = true
	for conn := range r.mu.conns {
		conn.Close()
	}
	r.mu.Unlock()
	r.listener.Close()
	r.wg.Wait()
}
