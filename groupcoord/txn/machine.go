package txn

import (
	"math"
	"slices"
	"strings"
)

// Never is the time of a timer that is not set.
const Never = math.MaxInt64

// Record is one record of __transaction_state; a nil Value is a tombstone.
type Record struct {
	Key, Value []byte
}

// Reply is the answer to one request.
type Reply struct {
	To       Token
	Response any // the kind the event names

	// AfterCommit holds the answer back until every record applied so far is
	// committed. Only what a crash could not make wrong goes without: an error
	// that says "try again".
	AfterCommit bool
}

// Decision is what follows from one event. The slices are reused: valid until
// the next call of Decide. Effects leave when all that was applied is committed.
type Decision struct {
	Records []Record
	Replies []Reply
	Effects []Effect
}

// Machine holds the transactional ids of one partition. It is for one goroutine.
type Machine struct {
	cfg    Config
	txns   map[string]*transaction
	topics map[string]string // one copy of every topic name
	timers timers
	nowMs  int64
	baseMs int64 // the grid of the two intervals begins here
	live   bool  // Loaded was called
	ending uint64
	d      Decision
}

// transaction is one transactional id. The metadata is hard state and belongs
// to Apply.
type transaction struct {
	id string
	metadata

	// Soft state from here on.

	timer    timer // by state: timeout, next attempt at markers, expiry
	attempt  Attempt
	awaiting partitions // while preparing: no marker confirmed yet
	failures uint8      // attempts in a row of which something has to be repeated
}

// New returns an empty machine, ready for Apply.
func New(cfg Config) *Machine {
	return &Machine{cfg: cfg, txns: map[string]*transaction{}, topics: map[string]string{}}
}

// Decide handles one event. Time never goes back here: an earlier nowMs counts
// as the latest one.
func (m *Machine) Decide(nowMs int64, e Event) *Decision {
	m.nowMs = max(m.nowMs, nowMs)
	clear(m.d.Records)
	clear(m.d.Replies)
	clear(m.d.Effects)
	m.d.Records, m.d.Replies, m.d.Effects = m.d.Records[:0], m.d.Replies[:0], m.d.Effects[:0]
	switch e := e.(type) {
	case *InitProducerID:
		m.initProducerID(e)
	case *AddPartitions:
		m.addPartitions(e)
	case *Verify:
		m.verify(e)
	case *EndTxn:
		m.endTxn(e)
	case *AbortTimedOut:
		m.abortTimedOut(e)
	case *MarkersWritten:
		m.markersWritten(e)
	case *Describe:
		m.describe(e)
	case *List:
		m.list(e)
	case Tick:
		m.tick()
	}
	return &m.d
}

// write adds the record that makes md the metadata of the id.
func (m *Machine) write(id string, md *metadata) {
	m.d.Records = append(m.d.Records, m.record(id, md))
}

// answer replies at once: what says "try again" and depends on nothing.
func (m *Machine) answer(to Token, response any) {
	if to != 0 {
		m.d.Replies = append(m.d.Replies, Reply{To: to, Response: response})
	}
}

// answerAfterCommit replies when what the answer depends on is committed.
func (m *Machine) answerAfterCommit(to Token, response any) {
	if to != 0 {
		m.d.Replies = append(m.d.Replies, Reply{To: to, Response: response, AfterCommit: true})
	}
}

func (m *Machine) effect(e Effect) { m.d.Effects = append(m.d.Effects, e) }

// intern keeps one copy of each topic name.
func (m *Machine) intern(topic string) string {
	if kept, ok := m.topics[topic]; ok {
		return kept
	}
	kept := strings.Clone(topic)
	m.topics[kept] = kept
	return kept
}

func (m *Machine) sortedIDs() []string {
	ids := make([]string, 0, len(m.txns))
	for id := range m.txns {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
