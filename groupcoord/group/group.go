package group

import (
	"bytes"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// state is Kafka's classic group state. Dead is not one here: a group that is
// gone is not in the map.
type state uint8

const (
	empty state = iota
	preparingRebalance
	completingRebalance
	stable
)

func (s state) String() string {
	switch s {
	case preparingRebalance:
		return "PreparingRebalance"
	case completingRebalance:
		return "CompletingRebalance"
	case stable:
		return "Stable"
	default:
		return "Empty"
	}
}

type topicPartition struct {
	topic     string
	partition int32
}

// group is one group. The first fields are hard state and belong to Apply.
type group struct {
	id string

	meta    []byte // value of the last group metadata record, nil if none
	offsets map[topicPartition]offset

	// unstable are the offsets of open transactions, for each partition in the
	// order of the log.
	unstable map[topicPartition][]pendingOffset

	// Soft state from here on.

	state    state
	previous state
	stateMs  int64 // when the state began; -1 if a record does not say

	generation   int32
	protocolType string // "" until the first member joins
	protocol     string // of the generation, valid if hasProtocol
	hasProtocol  bool
	leader       string // member id, "" if there are no members

	members  []*member // in the order they joined
	byID     map[string]*member
	static   map[string]string // instance id to member id
	pending  map[string]*timer // member ids given out by MEMBER_ID_REQUIRED
	offered  map[string]int    // protocol to how many members offer it
	bytes    int               // of all that members offer
	awaiting int               // members that wait in JoinGroup
	unsynced int               // members that have not sent SyncGroup in this generation

	// subscribed are the topics of a "consumer" group's generation; known only
	// if every member's metadata could be read.
	subscribed      []string
	subscribedKnown bool

	// The first generation of a group waits for more members: delayMs at a
	// time while they keep coming, until remainingMs is used up.
	memberAdded          bool
	delayMs, remainingMs int64

	joinTimer timer // initialTimer or joinTimer
	syncTimer timer
}

type protocol struct {
	name     string
	metadata []byte
}

type member struct {
	id           string
	instanceID   *string
	clientID     string
	clientHost   string
	rebalanceMs  int32
	sessionMs    int32
	protocols    []protocol // in the member's order of preference
	assignment   []byte
	isNew        bool // has never been told its member id by a completed join
	unsynced     bool
	session      timer
	awaitingJoin waiting
	awaitingSync waiting
}

// waiting is a request that waits, by its token and version.
type waiting struct {
	to      Token
	version int16
}

func newGroup(id string) *group {
	g := &group{id: strings.Clone(id), stateMs: -1}
	g.joinTimer = timer{atMs: Never, group: g}
	g.syncTimer = timer{kind: syncTimer, atMs: Never, group: g}
	return g
}

func (g *group) isLeader(id string) bool { return id != "" && g.leader == id }

// allJoined reports whether the join phase has nobody left to wait for.
func (g *group) allJoined() bool { return g.awaiting == len(g.members) && len(g.pending) == 0 }

func (g *group) rebalanceTimeoutMs() int64 {
	var longest int32
	for _, mb := range g.members {
		longest = max(longest, mb.rebalanceMs)
	}
	return int64(longest)
}

func (g *group) add(mb *member) {
	if g.byID == nil {
		g.byID, g.static, g.offered = map[string]*member{}, map[string]string{}, map[string]int{}
	}
	if mb.instanceID != nil {
		g.static[*mb.instanceID] = mb.id
	}
	if g.leader == "" {
		g.leader = mb.id
	}
	g.members = append(g.members, mb)
	g.byID[mb.id] = mb
	g.offer(mb.protocols, 1)
	if mb.awaitingJoin.to != 0 {
		g.awaiting++
	}
}

// remove takes the member out; the caller has answered what it waited for.
func (g *group) remove(mb *member) {
	g.members = slices.DeleteFunc(g.members, func(other *member) bool { return other == mb })
	delete(g.byID, mb.id)
	g.offer(mb.protocols, -1)
	if mb.instanceID != nil {
		delete(g.static, *mb.instanceID)
	}
	if mb.unsynced {
		mb.unsynced = false
		g.unsynced--
	}
	if g.leader != mb.id {
		return
	}
	g.leader = ""
	if len(g.members) > 0 {
		g.leader = g.members[0].id
	}
}

func (g *group) offer(protocols []protocol, n int) {
	for i := range protocols {
		name := protocols[i].name
		g.bytes += n * (protocolOverhead + len(name) + len(protocols[i].metadata))
		if g.offered[name] += n; g.offered[name] == 0 {
			delete(g.offered, name)
		}
	}
}

// protocolOverhead is about what a protocol takes in memory beside its bytes.
const protocolOverhead = 64

// holds reports whether there is room for what the member would offer. Only one
// protocol of each member goes into the group's record; what is more
// than a few times as much as a record takes is never of use. A nil group has room.
func (g *group) holds(memberID string, protocols []kmsg.JoinGroupRequestProtocol, limit int) bool {
	size := 0
	for i := range protocols {
		size += protocolOverhead + len(protocols[i].Name) + len(protocols[i].Metadata)
	}
	if g == nil {
		return size <= limit
	}
	if mb := g.byID[memberID]; mb != nil {
		for i := range mb.protocols {
			size -= protocolOverhead + len(mb.protocols[i].name) + len(mb.protocols[i].metadata)
		}
	}
	return size <= 0 || g.bytes+size <= limit
}

// supports reports whether a member with these protocols can be in the group:
// one of them must be offered by everybody. A nil or empty group takes any.
func (g *group) supports(protocolType string, protocols []kmsg.JoinGroupRequestProtocol) bool {
	if g == nil || g.state == empty {
		return protocolType != "" && len(protocols) > 0
	}
	if g.protocolType != protocolType {
		return false
	}
	for i := range protocols {
		if g.offered[protocols[i].Name] == len(g.members) {
			return true
		}
	}
	return false
}

// selectProtocol lets every member vote for the first of its protocols that all
// members offer. Most votes win; of equals, the one that was voted for first.
func (g *group) selectProtocol() string {
	votes := map[string]int{}
	var order []string
	for _, mb := range g.members {
		for i := range mb.protocols {
			name := mb.protocols[i].name
			if g.offered[name] != len(g.members) {
				continue
			}
			if votes[name]++; votes[name] == 1 {
				order = append(order, name)
			}
			break
		}
	}
	var best string
	for _, name := range order {
		if votes[name] > votes[best] {
			best = name
		}
	}
	return best
}

// metadata is what the member said for the protocol.
func (mb *member) metadata(name string) []byte {
	for i := range mb.protocols {
		if mb.protocols[i].name == name {
			return mb.protocols[i].metadata
		}
	}
	return nil
}

// offers reports whether the request repeats what the member offered before.
func (mb *member) offers(protocols []kmsg.JoinGroupRequestProtocol) bool {
	if len(protocols) != len(mb.protocols) {
		return false
	}
	for i := range protocols {
		p := &mb.protocols[i]
		if p.name != protocols[i].Name || !bytes.Equal(p.metadata, protocols[i].Metadata) {
			return false
		}
	}
	return true
}

// copyProtocols copies a request's protocols, each name once.
func copyProtocols(protocols []kmsg.JoinGroupRequestProtocol) []protocol {
	out := make([]protocol, 0, len(protocols))
	seen := make(map[string]struct{}, len(protocols))
	for i := range protocols {
		p := &protocols[i]
		if _, twice := seen[p.Name]; twice {
			continue
		}
		seen[p.Name] = struct{}{}
		out = append(out, protocol{name: strings.Clone(p.Name), metadata: bytes.Clone(p.Metadata)})
	}
	return out
}

func cloneString(s *string) *string {
	if s == nil {
		return nil
	}
	c := strings.Clone(*s)
	return &c
}
