package api

import (
	"strings"
	"sync/atomic"

	"github.com/sordini/sordini/protocol"
)

// Seen is what a connection shows of its client: who it says it is, and what it asks. The connection's goroutine writes, and whoever wants to
// know which clients are still old reads, without a lock between them.
type Seen struct {
	clientID atomic.Pointer[string]
	software atomic.Pointer[Software]
	newest   [96]atomic.Int32 // by API key: the largest version asked, plus one

	Requests                       atomic.Int64
	UpConversions, DownConversions atomic.Int64 // record sets
}

// Software is what ApiVersions 3+ says of a client.
type Software struct{ Name, Version string }

// Note takes one request's header in. The API is one that is served.
func (s *Seen) Note(h *protocol.RequestHeader) {
	s.Requests.Add(1)
	if known := s.clientID.Load(); known == nil || *known != h.ClientID {
		id := strings.Clone(h.ClientID)
		s.clientID.Store(&id)
	}
	if newest := &s.newest[h.Key]; newest.Load() <= int32(h.Version) {
		newest.Store(int32(h.Version) + 1)
	}
}

// ClientID is the one of the last request.
func (s *Seen) ClientID() string {
	if id := s.clientID.Load(); id != nil {
		return *id
	}
	return ""
}

// Software is empty for clients older than ApiVersions 3 (Kafka 2.4).
func (s *Seen) Software() Software {
	if known := s.software.Load(); known != nil {
		return *known
	}
	return Software{}
}

// Newest calls fn for every API that was asked, with the largest version.
func (s *Seen) Newest(fn func(key, version int16)) {
	for key := range s.newest {
		if v := s.newest[key].Load(); v > 0 {
			fn(int16(key), int16(v-1))
		}
	}
}
