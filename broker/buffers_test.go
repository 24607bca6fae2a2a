package broker

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// A connection that reads a large frame grows its buffer while it holds the old one. With the budget used up it must not wait for itself.
func TestAFrameLargerThanTheBudgetIsRead(t *testing.T) {
	pool := newBufferPool(1)
	var old *buffer
	for size := minBuffer; size <= 16<<20; size *= 4 {
		bigger := pool.lend(size, old)
		if bigger == nil {
			t.Fatalf("no buffer of %d bytes for the one who exceeds the budget already", size)
		}
		if old != nil {
			pool.put(old)
		}
		old = bigger
	}
	pool.put(old)
	if pool.mu.used != 0 || pool.mu.overdraft {
		t.Errorf("all buffers are back, and %d bytes are in use (overdraft %v)", pool.mu.used, pool.mu.overdraft)
	}
}

func TestTheBudgetHoldsOthersBackUntilABufferReturns(t *testing.T) {
	pool := newBufferPool(256 << 10)
	first := pool.lend(256<<10, nil)
	over := pool.lend(256<<10, nil) // the one that may exceed it
	if b := pool.lend(256<<10, nil); b != nil {
		t.Fatal("a third buffer was lent, over the budget")
	}
	freed := pool.freed()
	select {
	case <-freed:
		t.Fatal("nothing came back, and yet a waiting connection is woken")
	default:
	}
	pool.put(over)
	<-freed
	third := pool.lend(256<<10, nil)
	if third == nil {
		t.Fatal("a buffer came back and the waiting connection got none")
	}
	pool.put(first)
	pool.put(third)
	if pool.mu.used != 0 || pool.mu.overdraft {
		t.Errorf("all buffers are back, and %d bytes are in use (overdraft %v)", pool.mu.used, pool.mu.overdraft)
	}
}

func TestWhatIsOnlyFasterWaitsForNoMemory(t *testing.T) {
	pool := newBufferPool(1)
	if b := pool.lendUpTo(streamBuffer); len(b.b) != minBuffer || pool.mu.used != 0 || pool.mu.overdraft {
		t.Errorf("got %d bytes with the budget used up; %d are charged", len(b.b), pool.mu.used)
	}
}

func TestTheLargestFrameFitsIntoTheLargestBuffer(t *testing.T) {
	if step := bufferStep(frameHeader + maxFrameBytes); step != bufferSteps-1 {
		t.Errorf("a frame of %d bytes needs a buffer of step %d, the largest is %d", maxFrameBytes, step, bufferSteps-1)
	}
}

// halfAFrame opens a connection that has sent so much of a large frame that it needs a buffer within the budget, and then nothing more.
func halfAFrame(t *testing.T, s *testServer) net.Conn {
	t.Helper()
	c := dialRaw(t, s.address)
	frame := appendFrame(nil, make([]byte, 4<<20))
	if _, err := c.conn.Write(frame[:1<<20]); err != nil {
		t.Fatal(err)
	}
	return c.conn
}

// The wait for memory was once inside RawConn.Read. Close waits for whoever is in there, so the stop hung in the Close of the first connection
// that waited, and the reaper in that of an idle one, until somebody gave memory back: the reaper for ever, for it would have had to close the
// one that held it.
func TestAConnectionThatWaitsForMemoryCanBeClosed(t *testing.T) {
	t.Run("by the stop", func(t *testing.T) {
		s := startServer(t, t.TempDir(), "queued.max.request.bytes", "1")
		for range 10 {
			halfAFrame(t, s)
		}
		began := time.Now()
		s.stop()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("the stop took %v", took)
		}
	})
	t.Run("for idleness", func(t *testing.T) {
		s := startServer(t, t.TempDir(), "queued.max.request.bytes", "1", "connections.max.idle.ms", "200")
		var conns []net.Conn
		for range 10 {
			conns = append(conns, halfAFrame(t, s))
		}
		for _, c := range conns {
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
			if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the connection is not closed: %v", err)
			}
		}
	})
}

func TestOneConnectionPerAddressButMoreForSome(t *testing.T) {
	refuses := func(s *testServer) bool {
		c := dialRaw(t, s.address).conn
		_ = c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		_, err := c.Read(make([]byte, 1))
		return !errors.Is(err, os.ErrDeadlineExceeded)
	}
	s := startServer(t, t.TempDir(), "max.connections.per.ip", "1")
	if first, second := refuses(s), refuses(s); first || !second {
		t.Errorf("max.connections.per.ip=1: refused %v and %v, want only the second connection", first, second)
	}
	s = startServer(t, t.TempDir(), "max.connections.per.ip", "1", "max.connections.per.ip.overrides", "127.0.0.1:2")
	if first, second, third := refuses(s), refuses(s), refuses(s); first || second || !third {
		t.Errorf("with an override of 2: refused %v, %v and %v, want only the third connection", first, second, third)
	}
}
