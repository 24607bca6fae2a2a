package broker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/protocol"
)

// A peer that does not speak Kafka's protocol, or more of it than is served here, is closed without a word, as in Kafka: only the log can tell the
// operator that it was a browser, a client with TLS, or a tool of another kind. What is logged is the kind alone, never bytes of the peer's.

// stranger is why a peer is not served.
type stranger struct {
	kind string // one of few, for the limit of warnings
	what string // what it looks like, with numbers at most
	hint string // what to do
}

// notServed is the error for an API or version that is not in the table.
type notServed struct{ key, version int16 }

// Error names the API.
func (e *notServed) Error() string {
	return fmt.Sprintf("%s (API %d) version %d is not served", KafkaName(kmsg.Key(e.key)), e.key, e.version)
}

// strangerOf recognizes a stranger by the error that closes the connection and by what it has sent and nobody has read.
func strangerOf(err error, unread []byte) (stranger, bool) {
	var unserved *notServed
	var large *frameError
	switch {
	case errors.As(err, &unserved):
		return stranger{"api " + KafkaName(kmsg.Key(unserved.key)), err.Error(), "docs/apis.md lists what is served; ApiVersions tells clients"}, true
	case errors.Is(err, protocol.ErrUnknownAPI):
		return stranger{"unknown api", err.Error(), "the peer is no Kafka client, or newer than this broker"}, true
	case errors.Is(err, protocol.ErrMalformed):
		return stranger{"malformed", err.Error(), "the peer is no Kafka client, or has an error"}, true
	case errors.As(err, &large), errors.Is(err, io.EOF):
		if s, ok := otherProtocol(unread); ok {
			return s, true
		}
	}
	switch {
	case large == nil:
		return stranger{}, false
	case large.size < 0:
		return stranger{"negative", fmt.Sprintf("a frame of %d bytes", large.size), "the peer is no Kafka client, or uses TLS or another protocol"}, true
	}
	return stranger{"size", fmt.Sprintf("a frame of %d bytes, over socket.request.max.bytes=%d", large.size, large.max), "raise socket.request.max.bytes if the peer is a Kafka client with large requests; else it speaks another protocol"}, true
}

// otherProtocol recognizes protocols by the four bytes that Kafka has for the size of a frame.
func otherProtocol(b []byte) (stranger, bool) {
	if len(b) < frameHeader {
		return stranger{}, false
	}
	switch string(b[:frameHeader]) {
	case "GET ", "HEAD", "POST", "PUT ", "DELE", "OPTI", "PATC", "TRAC", "CONN", "PRI ":
		return stranger{"http", "an HTTP request", "health and metrics are served at sordini.http.address"}, true
	case "PROX", "\r\n\r\n":
		return stranger{"proxy", "the PROXY protocol", "switch it off in the load balancer"}, true
	}
	const handshake, major = 0x16, 0x03 // the first bytes of TLS's record layer
	if binary.BigEndian.Uint16(b) == handshake<<8|major {
		return stranger{"tls", "a TLS ClientHello", "TLS is not supported yet; the client needs security.protocol=PLAINTEXT"}, true
	}
	return stranger{}, false
}

const (
	strangerPauseMs = 10 * 60_000 // between two warnings about the same host and kind
	maxStrangers    = 256         // hosts and kinds that are remembered
	otherStrangers  = "others"    // what further ones are counted as together
)

// strangers keeps warnings few: each host and kind has one at a time, and then their number with the next. It is a leaf: nobody is called with its lock.
type strangers struct {
	mu struct {
		sync.Mutex
		seen map[string]sighting
	}
}

// sighting is when a warning was given, and how often it would have been since.
type sighting struct {
	warnedMs int64
	since    int
}

// note reports whether this sighting is worth a warning, and how many were passed over before it.
func (s *strangers) note(host, kind string, nowMs int64) (warn bool, passedOver int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := host + " " + kind
	if _, known := s.mu.seen[key]; !known && len(s.mu.seen) >= maxStrangers {
		for old, sight := range s.mu.seen {
			if nowMs-sight.warnedMs >= strangerPauseMs {
				delete(s.mu.seen, old)
			}
		}
		if len(s.mu.seen) >= maxStrangers {
			key = otherStrangers
		}
	}
	last, known := s.mu.seen[key]
	if known && nowMs-last.warnedMs < strangerPauseMs {
		last.since++
		s.mu.seen[key] = last
		return false, 0
	}
	if s.mu.seen == nil {
		s.mu.seen = make(map[string]sighting)
	}
	s.mu.seen[key] = sighting{warnedMs: nowMs}
	return true, last.since
}

// warnStranger logs a peer that is closed because of what it sent. It reports whether the peer was one.
func (c *conn) warnStranger(err error) bool {
	s, ok := strangerOf(err, c.in.unread())
	if !ok {
		return false
	}
	warn, passedOver := c.server.strangers.note(c.facts.RemoteHost, s.kind, unixMs())
	if warn {
		c.logger.Warn("closed a connection that cannot be served", "looks_like", s.what, "hint", s.hint, "more_before", passedOver)
	}
	return warn
}
