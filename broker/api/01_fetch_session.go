package api

import (
	"math"
	"math/rand/v2"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/protocol"
	"github.com/sordini/sordini/storage"
)

// Incremental fetch sessions (KIP-227). The broker remembers the partitions a consumer reads and what it told about them; the consumer then
// sends only what changes, and so do we. A session also remembers where each read ended in the segment file, so that a fetch at the
// tail looks nothing up.

const (
	sessionless     = 0
	initialEpoch    = 0
	finalEpoch      = -1
	evictAfterMs    = 120_000   // min.incremental.fetch.session.eviction.ms: an idle session may be given up for a new one
	maxSessionParts = 100_000   // of one session
	maxAllParts     = 1_000_000 // of all: each takes some 300 bytes for as long as its session lives
)

// FetchSessions is the broker's table of sessions. It holds at most limit of them; when it is full of live ones, new consumers are served
// without a session, which is a legal answer.
type FetchSessions struct {
	limit    int
	maxParts int // maxAllParts

	mu struct {
		sync.Mutex
		byID  map[int32]*fetchSession
		parts int // of all sessions
	}
}

// NewFetchSessions returns an empty table for limit sessions (max.incremental.fetch.session.cache.slots).
func NewFetchSessions(limit int) *FetchSessions {
	s := &FetchSessions{limit: limit, maxParts: maxAllParts}
	s.mu.byID = map[int32]*fetchSession{}
	return s
}

// fetchSession is one consumer's set of partitions. Whoever answers a fetch of it holds mu, also while the fetch waits; so nobody waits for mu. A
// consumer has one fetch at a time: a second one is a mistake, or comes from a connection whose first one was cut off, and gets
// INVALID_FETCH_SESSION_EPOCH, upon which the consumer begins a new session.
type fetchSession struct {
	id       int32
	topicIDs bool
	usedMs   int64 // guarded by FetchSessions.mu
	counted  int   // of its partitions in FetchSessions.mu.parts, which guards it

	mu    sync.Mutex
	epoch int32 // of the next request
	fresh bool  // the request at hand is the first: answer every partition
	order []*sessionPartition
	byKey map[sessionKey]*sessionPartition
}

type sessionKey struct {
	topic     string
	id        storage.TopicID
	partition int32
}

// sessionPartition is a partition of a session: what the consumer wants, what it was last told.
type sessionPartition struct {
	want   protocol.FetchRequestPartition
	cursor storage.Cursor
	gone   bool

	toldHighWatermark, toldLogStart int64
}

// begin finds or makes the session that a request speaks of, applies the request to it and returns it locked. No session and no code is a
// plain fetch.
func (s *FetchSessions) begin(version int16, r *protocol.FetchRequest, nowMs int64) (*fetchSession, int16) {
	if version < fetchSessionsFrom {
		return nil, 0
	}
	if r.SessionEpoch == initialEpoch || r.SessionEpoch == finalEpoch {
		if r.SessionID != sessionless {
			s.remove(r.SessionID)
		}
		if r.SessionEpoch == finalEpoch || len(r.Partitions) > maxSessionParts {
			return nil, 0
		}
		session := s.create(version >= fetchTopicIDsFrom, len(r.Partitions), nowMs)
		if session != nil {
			session.want(r)
		}
		return session, 0
	}
	session := s.find(r.SessionID, nowMs)
	if session == nil {
		return nil, kerr.FetchSessionIDNotFound.Code
	}
	if !session.mu.TryLock() {
		return nil, kerr.InvalidFetchSessionEpoch.Code
	}
	if code := session.check(version, r); code != 0 {
		session.mu.Unlock()
		return nil, code
	}
	session.fresh = false
	before := len(session.order)
	session.want(r)
	session.forget(r)
	if after := len(session.order); after != before && !s.resize(session, after) {
		session.mu.Unlock()
		return nil, kerr.FetchSessionIDNotFound.Code // the client begins again, without a session
	}
	if len(session.order) == 0 {
		session.mu.Unlock()
		s.remove(session.id) // nothing is left to remember; the place is for others, and the client sees that the session is over
		return nil, 0
	}
	return session, 0
}

func (s *FetchSessions) find(id int32, nowMs int64) *fetchSession {
	s.mu.Lock()
	defer s.mu.Unlock()
	session := s.mu.byID[id]
	if session != nil {
		session.usedMs = nowMs
	}
	return session
}

func (s *FetchSessions) remove(id int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if session := s.mu.byID[id]; session != nil {
		s.dropLocked(session)
	}
}

func (s *FetchSessions) dropLocked(session *fetchSession) {
	delete(s.mu.byID, session.id)
	s.mu.parts -= session.counted
	session.counted = 0
}

// resize notes how many partitions a session has now. False: that are too many for the table, and the session is no longer in it.
func (s *FetchSessions) resize(session *fetchSession, parts int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.byID[session.id] != session {
		return true // somebody has ended it; this is its last answer
	}
	grows := parts > session.counted
	s.mu.parts += parts - session.counted
	session.counted = parts
	if grows && s.mu.parts > s.maxParts {
		s.dropLocked(session)
		return false
	}
	return true
}

// Count is the number of sessions in the table.
func (s *FetchSessions) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.mu.byID)
}

// create returns a new session, locked, or nil when there is no place for it.
func (s *FetchSessions) create(topicIDs bool, parts int, nowMs int64) *fetchSession {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.mu.byID) >= s.limit || s.mu.parts+parts > s.maxParts {
		if !s.evictLocked(nowMs) {
			return nil
		}
	}
	session := &fetchSession{topicIDs: topicIDs, usedMs: nowMs, epoch: 1, fresh: true, byKey: map[sessionKey]*sessionPartition{}}
	session.mu.Lock()
	for session.id == sessionless || s.mu.byID[session.id] != nil {
		session.id = rand.Int32N(math.MaxInt32) // not guessable in order, so that one consumer's mistake does not hit another's session
	}
	s.mu.byID[session.id] = session
	s.mu.parts, session.counted = s.mu.parts+parts, parts
	return session
}

// evictLocked gives up the session that was idle for longest, if that is long enough.
func (s *FetchSessions) evictLocked(nowMs int64) bool {
	var oldest *fetchSession
	for _, session := range s.mu.byID {
		if oldest == nil || session.usedMs < oldest.usedMs {
			oldest = session
		}
	}
	if oldest == nil || nowMs-oldest.usedMs < evictAfterMs {
		return false
	}
	s.dropLocked(oldest)
	return true
}

func (s *fetchSession) check(version int16, r *protocol.FetchRequest) int16 {
	switch {
	case r.SessionEpoch != s.epoch:
		return kerr.InvalidFetchSessionEpoch.Code
	case s.topicIDs != (version >= fetchTopicIDsFrom):
		return kerr.FetchSessionTopicIDError.Code
	case len(s.order)+len(r.Partitions) > maxSessionParts:
		return kerr.FetchSessionIDNotFound.Code // the client starts again, with a full fetch
	}
	if s.epoch++; s.epoch <= 0 {
		s.epoch = 1
	}
	return 0
}

// want adds and changes partitions as the request says.
func (s *fetchSession) want(r *protocol.FetchRequest) {
	for i := range r.Partitions {
		want := &r.Partitions[i]
		key := sessionKey{want.Topic, want.TopicID, want.Partition}
		p := s.byKey[key]
		if p == nil {
			p = &sessionPartition{toldHighWatermark: -1, toldLogStart: -1}
			key.topic = strings.Clone(want.Topic) // the request's strings live in the read buffer
			s.byKey[key] = p
			s.order = append(s.order, p)
			p.want.Topic = key.topic
		}
		topic := p.want.Topic
		p.want = *want
		p.want.Topic = topic
	}
}

// forget takes out the partitions that the client no longer wants. Only an incremental request can have some: a full one begins with nothing.
func (s *fetchSession) forget(r *protocol.FetchRequest) {
	forgotten := false
	for i := range r.Forgotten {
		key := sessionKey{r.Forgotten[i].Topic, r.Forgotten[i].TopicID, r.Forgotten[i].Partition}
		if p := s.byKey[key]; p != nil {
			p.gone, forgotten = true, true
			delete(s.byKey, key)
		}
	}
	if !forgotten {
		return
	}
	kept := s.order[:0]
	for _, p := range s.order {
		if !p.gone {
			kept = append(kept, p)
		}
	}
	clear(s.order[len(kept):])
	s.order = kept
}

func (s *fetchSession) parts(into []fetchPart) []fetchPart {
	for _, p := range s.order {
		into = append(into, fetchPart{want: &p.want, topic: p.want.Topic, cursor: &p.cursor, member: p})
	}
	return into
}

// changed keeps the partitions that the answer must show: those with records, an error, or a watermark that the consumer has not heard. Those
// that had records go to the back of the line, so that a busy partition cannot starve the ones behind it.
func (s *fetchSession) changed(parts []fetchPart) []fetchPart {
	kept := parts[:0]
	var back []*sessionPartition
	reorder := len(s.order) > 1
	for i := range parts {
		part := parts[i]
		a, p := &part.answer, part.member
		hasRecords := a.RecordsLen > 0
		if reorder && hasRecords {
			back = append(back, p)
		}
		if !s.fresh && !hasRecords && a.ErrorCode == 0 && !a.DivergingEpoch.Set && a.HighWatermark == p.toldHighWatermark && a.LogStartOffset == p.toldLogStart {
			part.slice.Release()
			continue
		}
		p.toldHighWatermark, p.toldLogStart = a.HighWatermark, a.LogStartOffset
		if a.ErrorCode != 0 {
			p.toldHighWatermark = -1 // an error is told again until it is over, and its end too
		}
		kept = append(kept, part)
	}
	if len(back) > 0 && len(back) < len(s.order) {
		s.order = append(s.withoutRecords(back), back...)
	}
	return kept
}

// withoutRecords returns the partitions that are not in back, in their order.
func (s *fetchSession) withoutRecords(back []*sessionPartition) []*sessionPartition {
	front := make([]*sessionPartition, 0, len(s.order))
	next := 0
	for _, p := range s.order { // back is a subsequence of order
		if next < len(back) && back[next] == p {
			next++
			continue
		}
		front = append(front, p)
	}
	return front
}
