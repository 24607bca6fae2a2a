package group

import (
	"math"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Never is the time of a timer that is not set.
const Never = math.MaxInt64

// Token names a request that waits for its answer; 0 is none.
type Token uint64

// Record is one record of __consumer_offsets; a nil Value is a tombstone.
type Record struct {
	Key, Value []byte
}

// Reply is the answer to one request.
type Reply struct {
	To Token

	// Response is the kind the event names.
	Response any

	// AfterCommit holds the answer back until every record applied so far is
	// committed. Without it, the answer says nothing that a crash could undo:
	// errors and heartbeats, which a slow disk must not delay.
	AfterCommit bool
}

// Decision is what follows from one event. It is reused: valid until the next
// call of Decide.
type Decision struct {
	Records []Record
	Replies []Reply
	Txn     *Txn // nil: Records are of no transaction
}

// Machine holds the groups of one partition. It is for one goroutine.
type Machine struct {
	cfg    Config
	groups map[string]*group
	txns   map[int64]*transaction    // open ones, by producer id: hard state
	guards map[int64]map[*Guard]bool // by producer id: verifications under way
	topics map[string]string         // one copy of every topic name
	timers timerHeap
	nowMs  int64
	d      Decision
	sweep  sweep
}

// New returns a machine without groups, ready for Apply.
func New(cfg Config) *Machine {
	m := &Machine{
		cfg: cfg, groups: map[string]*group{}, txns: map[int64]*transaction{}, guards: map[int64]map[*Guard]bool{},
		topics: map[string]string{},
	}
	m.sweep.timer = timer{kind: sweepTimer, atMs: Never}
	return m
}

// Decide handles one event. Time never goes back here: an earlier nowMs counts
// as the latest one.
func (m *Machine) Decide(nowMs int64, e Event) *Decision {
	m.nowMs = max(m.nowMs, nowMs)
	clear(m.d.Records)
	clear(m.d.Replies)
	m.d.Records, m.d.Replies, m.d.Txn = m.d.Records[:0], m.d.Replies[:0], nil
	switch e := e.(type) {
	case *Join:
		m.join(e)
	case *Sync:
		m.sync(e)
	case *Heartbeat:
		m.heartbeat(e)
	case *Leave:
		m.leave(e)
	case *Commit:
		m.commit(e)
	case *TxnCommit:
		m.txnCommit(e)
	case *Unguard:
		m.unguard(e.Guard)
		m.answer(e.To, Done{})
	case *Marker:
		m.marker(e)
	case *Fetch:
		m.fetch(e)
	case *Describe:
		m.describe(e)
	case *List:
		m.list(e)
	case *DeleteGroups:
		m.deleteGroups(e)
	case *OffsetDelete:
		m.offsetDelete(e)
	case *TopicsDeleted:
		m.topicsDeleted(e.Topics)
	case *TopicsRetained:
		m.topicsRetained(e)
	case Tick:
		m.tick()
	}
	return &m.d
}

func (m *Machine) write(r Record) { m.d.Records = append(m.d.Records, r) }

// answer replies at once: for errors and heartbeats.
func (m *Machine) answer(to Token, response any) {
	if to != 0 {
		m.d.Replies = append(m.d.Replies, Reply{To: to, Response: response})
	}
}

// answerAfterCommit replies when what has been written is committed.
func (m *Machine) answerAfterCommit(to Token, response any) {
	if to != 0 {
		m.d.Replies = append(m.d.Replies, Reply{To: to, Response: response, AfterCommit: true})
	}
}

// group returns the group, or nil.
func (m *Machine) group(id string) *group { return m.groups[id] }

// createGroup returns the group, which it makes, empty, if there is none.
func (m *Machine) createGroup(id string) *group {
	if g := m.groups[id]; g != nil {
		return g
	}
	g := newGroup(id)
	m.groups[g.id] = g
	if m.sweep.timer.atMs == Never {
		m.setTimer(&m.sweep.timer, saturatingAdd(m.nowMs, m.cfg.OffsetsRetentionCheckMs))
	}
	return g
}

// dropIfGone forgets a group that has neither hard nor soft state left.
func (m *Machine) dropIfGone(g *group) {
	if g.meta == nil && len(g.offsets) == 0 && len(g.unstable) == 0 && len(g.members) == 0 && len(g.pending) == 0 {
		m.cancelTimer(&g.joinTimer)
		m.cancelTimer(&g.syncTimer)
		delete(m.groups, g.id)
	}
}

// Event is one of the structs of this file, of delete.go and of txncommit.go.
// Requests are read during Decide only: what is kept is copied.
type Event interface{ event() }

// Caller is who asks.
type Caller struct{ To Token }

// SetTo names the caller.
func (c *Caller) SetTo(to Token) { c.To = to }

// Join is a JoinGroup; the answer is a *kmsg.JoinGroupResponse.
type Join struct {
	Caller
	Req                  *kmsg.JoinGroupRequest
	ClientID, ClientHost string
	ID                   string // fresh, for the member id, if the request has none
}

// Sync is a SyncGroup; the answer is a *kmsg.SyncGroupResponse.
type Sync struct {
	Caller
	Req *kmsg.SyncGroupRequest
}

// Heartbeat is a Heartbeat; the answer is a *kmsg.HeartbeatResponse.
type Heartbeat struct {
	Caller
	Req *kmsg.HeartbeatRequest
}

// Leave is a LeaveGroup; the answer is a *kmsg.LeaveGroupResponse.
type Leave struct {
	Caller
	Req *kmsg.LeaveGroupRequest
}

// Commit is an OffsetCommit in which every topic has its name and exists. The
// answer is a *kmsg.OffsetCommitResponse with the topics in the same order.
type Commit struct {
	Caller
	Req *kmsg.OffsetCommitRequest
}

// Fetch is the OffsetFetch of one group, in the batched form, topics by name;
// nil Topics are all. The answer is a *kmsg.OffsetFetchResponseGroup.
type Fetch struct {
	Caller
	Req           *kmsg.OffsetFetchRequestGroup
	RequireStable bool // KIP-447
}

// Describe is the DescribeGroups of one group; the answer is a
// *kmsg.DescribeGroupsResponseGroup.
type Describe struct {
	Caller
	Group   string
	Version int16
}

// List is a ListGroups; the answer is a []kmsg.ListGroupsResponseGroup in the
// order of the names.
type List struct {
	Caller
	States, Types []string // nil or empty: all
}

// TopicsDeleted removes the offsets of topics that are gone; no answer.
type TopicsDeleted struct {
	Topics []string
}

// TopicsRetained removes the offsets of all topics but those that exist; no answer.
type TopicsRetained struct {
	Exists func(topic string) bool // of the metadata as they were at one time
}

// Tick fires one timer that is due. The caller repeats it while NextTimerMs is
// not later than now.
type Tick struct{}

func (*Join) event()           {}
func (*Sync) event()           {}
func (*Heartbeat) event()      {}
func (*Leave) event()          {}
func (*Commit) event()         {}
func (*Fetch) event()          {}
func (*Describe) event()       {}
func (*List) event()           {}
func (*TopicsDeleted) event()  {}
func (*TopicsRetained) event() {}
func (Tick) event()            {}
