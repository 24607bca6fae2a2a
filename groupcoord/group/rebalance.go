package group

import (
	"math"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The rebalance itself: prepare (members join), complete (the leader is told who
// is there), stable (the leader's assignment is written). As in Kafka's
// GroupMetadataManager.

func (m *Machine) transition(g *group, to state) {
	g.previous, g.state, g.stateMs = g.state, to, m.nowMs
}

func (m *Machine) touchSession(mb *member) {
	m.setTimer(&mb.session, m.nowMs+int64(mb.sessionMs))
}

// rebalanceOrComplete starts a rebalance, or, in one, checks whether the member
// that joined or left was the last that was waited for.
func (m *Machine) rebalanceOrComplete(g *group) {
	if g.state == preparingRebalance {
		m.maybeCompleteJoin(g)
		return
	}
	m.prepareRebalance(g)
}

func (m *Machine) prepareRebalance(g *group) {
	if g.state == completingRebalance {
		m.resetAssignments(g, kerr.RebalanceInProgress)
	}
	m.clearUnsynced(g)
	initial := g.state == empty
	m.transition(g, preparingRebalance)
	if initial {
		g.memberAdded = false
		g.delayMs = int64(m.cfg.InitialRebalanceDelayMs)
		g.remainingMs = max(g.rebalanceTimeoutMs()-g.delayMs, 0)
		g.joinTimer.kind = initialTimer
		m.setTimer(&g.joinTimer, m.nowMs+g.delayMs)
		return
	}
	if g.allJoined() {
		m.completeJoin(g)
		return
	}
	m.waitForMembers(g)
}

func (m *Machine) waitForMembers(g *group) {
	g.joinTimer.kind = joinTimer
	m.setTimer(&g.joinTimer, m.nowMs+g.rebalanceTimeoutMs())
}

// initialDelayOver extends the delay if somebody came while it ran.
func (m *Machine) initialDelayOver(g *group) {
	if !g.memberAdded || g.remainingMs == 0 {
		m.completeJoin(g)
		return
	}
	g.memberAdded = false
	g.delayMs, g.remainingMs = min(int64(m.cfg.InitialRebalanceDelayMs), g.remainingMs), max(g.remainingMs-g.delayMs, 0)
	m.setTimer(&g.joinTimer, m.nowMs+g.delayMs)
}

// nobodyCameMs is at least how long a join phase in which nobody came is
// prolonged.
const nobodyCameMs = 1_000

// maybeCompleteJoin ends the join phase when nobody is missing. A new group's
// first one lasts its delay in any case.
func (m *Machine) maybeCompleteJoin(g *group) {
	if g.state == preparingRebalance && g.previous != empty && g.allJoined() {
		m.completeJoin(g)
	}
}

// completeJoin ends the join phase: dynamic members that did not come are out,
// static ones keep their place until their session ends. The generation begins
// and everybody who waits is told; or the group is empty, and that is written.
func (m *Machine) completeJoin(g *group) {
	m.cancelTimer(&g.joinTimer)
	late := make([]*member, 0, len(g.members))
	for _, mb := range g.members {
		if mb.awaitingJoin.to == 0 && mb.instanceID == nil {
			late = append(late, mb)
		}
	}
	for _, mb := range late {
		m.removeMember(g, mb)
	}
	if len(g.members) > 0 && !g.electJoinedLeader() {
		// Nobody came; sessions will remove the silent static members. Their
		// rebalance timeout may be 0, and that must not fire again at once.
		g.joinTimer.kind = joinTimer
		m.setTimer(&g.joinTimer, m.nowMs+max(g.rebalanceTimeoutMs(), nobodyCameMs))
		return
	}

	g.generation = nextGeneration(g.generation)
	if len(g.members) == 0 {
		g.hasProtocol, g.protocol, g.leader = false, "", ""
		g.setSubscribed()
		m.transition(g, empty)
		m.write(m.metadataRecord(g))
		return
	}
	g.hasProtocol, g.protocol = true, g.selectProtocol()
	g.setSubscribed()
	m.transition(g, completingRebalance)
	for _, mb := range g.members {
		m.completeMember(g, mb, false)
		m.touchSession(mb)
		mb.isNew = false
		if !mb.unsynced {
			mb.unsynced = true
			g.unsynced++
		}
	}
	m.setTimer(&g.syncTimer, m.nowMs+g.rebalanceTimeoutMs())
}

// nextGeneration never gets negative: -1 means "no generation" on the wire.
func nextGeneration(generation int32) int32 {
	if generation == math.MaxInt32 {
		return 1
	}
	return generation + 1
}

// electJoinedLeader keeps the leader if it is there, else takes the first
// member that is.
func (g *group) electJoinedLeader() bool {
	if leader := g.byID[g.leader]; leader != nil && leader.awaitingJoin.to != 0 {
		return true
	}
	for _, mb := range g.members {
		if mb.awaitingJoin.to != 0 {
			g.leader = mb.id
			return true
		}
	}
	return false
}

// completeMember answers the member's JoinGroup with the generation.
func (m *Machine) completeMember(g *group, mb *member, skipAssignment bool) {
	w := g.takeAwaitingJoin(mb)
	if w.to == 0 {
		return
	}
	m.answerAfterCommit(w.to, g.joined(mb, w.version, g.leader, skipAssignment))
}

func (g *group) takeAwaitingJoin(mb *member) waiting {
	w := mb.awaitingJoin
	if w.to != 0 {
		mb.awaitingJoin = waiting{}
		g.awaiting--
	}
	return w
}

// joined is the answer to a member of the current generation. Only the leader
// sees the members.
func (g *group) joined(mb *member, version int16, leader string, skipAssignment bool) *kmsg.JoinGroupResponse {
	resp := kmsg.NewPtrJoinGroupResponse()
	resp.Version = version
	resp.Generation = g.generation
	protocolType, protocol := g.protocolType, g.protocol
	resp.ProtocolType = &protocolType
	if g.hasProtocol {
		resp.Protocol = &protocol
	}
	resp.LeaderID = leader
	resp.MemberID = mb.id
	resp.SkipAssignment = skipAssignment
	if leader != mb.id {
		return resp
	}
	resp.Members = make([]kmsg.JoinGroupResponseMember, 0, len(g.members))
	for _, each := range g.members {
		one := kmsg.NewJoinGroupResponseMember()
		one.MemberID, one.InstanceID, one.ProtocolMetadata = each.id, each.instanceID, each.metadata(g.protocol)
		resp.Members = append(resp.Members, one)
	}
	return resp
}

// removeMember takes a member out. What it waits for is answered with
// UNKNOWN_MEMBER_ID, so that a client that is still there starts over.
func (m *Machine) removeMember(g *group, mb *member) {
	if w := g.takeAwaitingJoin(mb); w.to != 0 {
		m.answer(w.to, joinError(w.version, "", kerr.UnknownMemberID))
	}
	if w := mb.awaitingSync; w.to != 0 {
		mb.awaitingSync = waiting{}
		m.answer(w.to, syncError(w.version, kerr.UnknownMemberID))
	}
	m.cancelTimer(&mb.session)
	g.remove(mb)
}

func (m *Machine) removePending(g *group, id string) {
	if t := g.pending[id]; t != nil {
		m.cancelTimer(t)
		delete(g.pending, id)
	}
}

func (m *Machine) sessionExpired(g *group, mb *member) {
	if g.byID[mb.id] != mb {
		return
	}
	// A member that waits shows that it is alive by waiting; its session starts
	// again with the answer. Not a new one: it may be a connection that
	// was given up, and the client has no member id to leave with.
	if !mb.isNew && (mb.awaitingJoin.to != 0 || mb.awaitingSync.to != 0) {
		return
	}
	m.removeMember(g, mb)
	m.rebalanceOrComplete(g)
}

func (m *Machine) pendingExpired(g *group, id string) {
	delete(g.pending, id)
	m.maybeCompleteJoin(g)
	m.dropIfGone(g)
}

// syncExpired removes the members that were told of the generation and never
// asked for their assignment.
func (m *Machine) syncExpired(g *group) {
	if g.unsynced == 0 || g.state != completingRebalance && g.state != stable {
		return
	}
	var silent []*member
	for _, mb := range g.members {
		if mb.unsynced {
			silent = append(silent, mb)
		}
	}
	for _, mb := range silent {
		m.removeMember(g, mb)
	}
	m.prepareRebalance(g)
}

func (m *Machine) clearUnsynced(g *group) {
	m.cancelTimer(&g.syncTimer)
	if g.unsynced == 0 {
		return
	}
	for _, mb := range g.members {
		mb.unsynced = false
	}
	g.unsynced = 0
}

// resetAssignments fails the members that wait in SyncGroup.
func (m *Machine) resetAssignments(g *group, err *kerr.Error) {
	for _, mb := range g.members {
		mb.assignment = nil
		if w := mb.awaitingSync; w.to != 0 {
			mb.awaitingSync = waiting{}
			m.answer(w.to, syncError(w.version, err))
			m.touchSession(mb)
		}
	}
}

func (g *group) setSubscribed() {
	g.subscribed, g.subscribedKnown = nil, false
	if g.protocolType != consumerProtocolType {
		return
	}
	for _, mb := range g.members {
		topics, err := subscribedTopics(mb.metadata(g.protocol))
		if err != nil {
			g.subscribed = nil
			return
		}
		g.subscribed = append(g.subscribed, topics...)
	}
	g.subscribed, g.subscribedKnown = sortedSet(g.subscribed), true
}
