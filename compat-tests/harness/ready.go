package harness

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// awaitReady dials until the broker answers an ApiVersions request, for a listening socket alone proves little.
func awaitReady(p *process, addr string, patience time.Duration) error {
	deadline := time.Now().Add(patience)
	for {
		err := Probe(addr)
		if err == nil {
			return nil
		}
		if p.ended() {
			return fmt.Errorf("%s ended while starting: %v", p.name, p.err)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s is not ready after %v: %w", p.name, patience, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Probe asks a broker for its versions, once.
func Probe(addr string) error {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(2 * time.Second))

	const correlationID = 17
	frame := kmsg.NewRequestFormatter(kmsg.FormatterClientID("harness")).AppendRequest(nil, &kmsg.ApiVersionsRequest{}, correlationID)
	if _, err := conn.Write(frame); err != nil {
		return fmt.Errorf("send ApiVersions: %w", err)
	}
	var head [10]byte // length, correlation id, error code
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return fmt.Errorf("read the ApiVersions answer: %w", err)
	}
	if id := binary.BigEndian.Uint32(head[4:]); id != correlationID {
		return fmt.Errorf("ApiVersions answered with correlation id %d, want %d", id, correlationID)
	}
	if code := binary.BigEndian.Uint16(head[8:]); code != 0 {
		return fmt.Errorf("ApiVersions answered with error %d", code)
	}
	return nil
}

// FreePort finds a loopback port whose successor is free as well (a peer puts its controller there). Ports of the
// kernel's ephemeral range are not used: while a broker is down, a reconnecting client may be given that very port as
// its own source, connect to itself, and keep the broker from coming back.
func FreePort() (int, error) {
	first, last := 22000, 22299
	if s := os.Getenv("SORDINI_COMPAT_PORTS"); s != "" {
		if _, err := fmt.Sscanf(s, "%d-%d", &first, &last); err != nil || first >= last {
			return 0, fmt.Errorf("SORDINI_COMPAT_PORTS=%q: want FIRST-LAST", s)
		}
	}
	n := last - first
	start := rand.IntN(n)
	for i := range n {
		port := first + (start+i)%n
		if portFree(port) && portFree(port+1) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no two free ports in a row in %d-%d", first, last)
}

func portFree(port int) bool {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	l.Close()
	return true
}
