package broker

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// logText is a log that a test reads while others write.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// take returns what was logged since the last call.
func (l *logText) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.text.String()
	l.text.Reset()
	return text
}

// say sends bytes on a connection of its own and waits until the broker closes it.
func say(t *testing.T, address string, b []byte, hangUp bool) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
	if hangUp {
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
	}
	if answer, err := io.ReadAll(c); len(answer) > 0 {
		t.Errorf("%q was answered with %q, %v", b, answer, err)
	}
}

func request(key, version int16) []byte {
	req := kmsg.RequestForKey(key)
	req.SetVersion(version)
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID("me")).AppendRequest(nil, req, 1)
}

// An operator saw nothing at all when somebody came with a browser, with TLS or with garbage.
func TestWhoCannotBeServedIsNamedInTheLog(t *testing.T) {
	var log logText
	s := startServerWith(t, Options{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))}, t.TempDir(),
		"socket.request.max.bytes", "1000000000")
	for _, c := range []struct {
		name   string
		sent   []byte
		hangUp bool
		want   string
	}{
		{"HTTP", []byte("GET /secret HTTP/1.1\r\n\r\n"), false, "an HTTP request"},
		{"TLS, within the limit of frames", []byte("\x16\x03\x01\x02\x00\x01\x00secret"), true, "a TLS ClientHello"},
		{"PROXY protocol", []byte("PROXY TCP4 secret\r\n"), false, "the PROXY protocol"},
		{"too large", []byte{0x7f, 0, 0, 0, 's'}, false, "a frame of 2130706432 bytes, over socket.request.max.bytes="},
		{"negative", []byte{0xff, 0xff, 0xff, 0xff, 's'}, false, "a frame of -1 bytes"},
		{"an API of clusters", request(int16(kmsg.AlterPartition), 3), false, "AlterPartition (API 56) version 3 is not served"},
		{"no API", append([]byte{0, 0, 0, 10, 0x30, 0x39}, "\x00\x00secret"...), false, "unknown API key: 12345"},
		{"malformed", []byte{0, 0, 0, 10, 0, 3, 0, 1, 0, 0, 0, 1, 0x70, 0}, false, "malformed request"},
	} {
		for range 2 {
			say(t, s.address, c.sent, c.hangUp)
		}
		got := log.take()
		if strings.Count(got, "\n") != 1 || !strings.Contains(got, c.want) || !strings.Contains(got, "remote=127.0.0.1:") || strings.Contains(got, "secret") {
			t.Errorf("%s: logged\n%swant one line with %q", c.name, got, c.want)
		}
	}
	// What is no stranger: a health check that connects and goes, and a client that is cut off.
	say(t, s.address, nil, true)
	say(t, s.address, request(3, 1)[:9], true)
	if got := log.take(); got != "" {
		t.Errorf("logged %s", got)
	}
}

func TestStrangersAreNotedOnceInAWhile(t *testing.T) {
	var s strangers
	for i, c := range []struct {
		host, kind string
		atMs       int64
		warn       bool
		passed     int
	}{
		{"a", "http", 0, true, 0}, {"a", "http", 1, false, 0}, {"a", "tls", 2, true, 0}, {"b", "http", 3, true, 0}, {"a", "http", 4, false, 0},
		{"a", "http", strangerPauseMs, true, 2}, {"a", "http", strangerPauseMs + 1, false, 0},
	} {
		if warn, passed := s.note(c.host, c.kind, c.atMs); warn != c.warn || passed != c.passed {
			t.Errorf("%d: warned %t after %d", i, warn, passed)
		}
	}
}

func TestStrangersAreBounded(t *testing.T) {
	var s strangers
	warned := 0
	for i := range 10 * maxStrangers {
		if warn, _ := s.note(fmt.Sprint(i), "http", 0); warn {
			warned++
		}
	}
	if len(s.mu.seen) > maxStrangers+1 || warned != maxStrangers+1 {
		t.Errorf("%d are remembered, %d warnings", len(s.mu.seen), warned)
	}
	// Later there is room again.
	if warn, _ := s.note("new", "http", strangerPauseMs); !warn || len(s.mu.seen) != 1 {
		t.Errorf("%d are remembered", len(s.mu.seen))
	}
}
