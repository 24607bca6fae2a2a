package group

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxPending bounds the member ids of one group that were given out and have
// not been used.
const maxPending = 100_000

// JoinGroup 0-9. Version 0 has no rebalance timeout: the session timeout serves.
// 4: a first join is sent back with a member id (KIP-394), so that a client that
// gives up while it waits leaves no ghost. 5: static members (KIP-345). 7: the
// protocol type is answered. 8: reasons (KIP-800), not kept. 9: a static leader
// that comes back is told to skip the assignment (KIP-814).
func (m *Machine) join(e *Join) {
	req := e.Req
	fail := func(memberID string, err *kerr.Error) { m.answer(e.To, joinError(req.Version, memberID, err)) }
	if req.Group == "" || len(req.Group) > maxText {
		fail(req.MemberID, kerr.InvalidGroupID)
		return
	}
	if req.SessionTimeoutMillis < m.cfg.MinSessionTimeoutMs || req.SessionTimeoutMillis > m.cfg.MaxSessionTimeoutMs {
		fail(req.MemberID, kerr.InvalidSessionTimeout)
		return
	}
	if !writable(req) {
		fail(req.MemberID, kerr.InvalidRequest)
		return
	}
	g := m.group(req.Group)
	if g == nil && req.MemberID != "" {
		fail(req.MemberID, kerr.UnknownMemberID)
		return
	}
	if g != nil && !m.accepts(g, req.MemberID) {
		m.refuseJoin(g, req.MemberID)
		fail("", kerr.GroupMaxSizeReached)
		return
	}
	if !g.supports(req.ProtocolType, req.Protocols) {
		fail(req.MemberID, kerr.InconsistentGroupProtocol)
		return
	}
	if !g.holds(req.MemberID, req.Protocols, offeredRecords*m.cfg.MaxRecordBytes) {
		fail(req.MemberID, kerr.GroupMaxSizeReached)
		return
	}
	if req.MemberID == "" {
		m.joinNew(e, g)
		return
	}
	m.joinKnown(e, g)
}

// offeredRecords bounds what the members of a group offer, as a multiple of the
// largest record.
const offeredRecords = 16

// writable reports whether the group's record can hold the request's names.
func writable(req *kmsg.JoinGroupRequest) bool {
	if len(req.ProtocolType) > maxText || req.InstanceID != nil && len(*req.InstanceID) > maxName {
		return false
	}
	for i := range req.Protocols {
		if len(req.Protocols[i].Name) > maxText {
			return false
		}
	}
	return true
}

// maxName is what a client or instance id may add to a member id, which ends
// with a UUID.
const maxName = maxText - 1_000

func joinError(version int16, memberID string, err *kerr.Error) *kmsg.JoinGroupResponse {
	resp := kmsg.NewPtrJoinGroupResponse()
	resp.Version = version
	resp.ErrorCode = err.Code
	resp.MemberID = strings.Clone(memberID)
	return resp
}

// accepts holds group.max.size. While members join, those who wait count and
// not those who are known, so that a lowered limit leaves out the last to rejoin.
func (m *Machine) accepts(g *group, memberID string) bool {
	limit := int(m.cfg.MaxSize)
	mb := g.byID[memberID]
	switch g.state {
	case empty:
		return len(g.pending) < maxPending
	case preparingRebalance:
		return mb != nil && mb.awaitingJoin.to != 0 || g.awaiting < limit && len(g.pending) < maxPending
	default:
		return mb != nil || len(g.members) < limit && len(g.pending) < maxPending
	}
}

// refuseJoin forgets the member that found the group full.
func (m *Machine) refuseJoin(g *group, memberID string) {
	m.removePending(g, memberID)
	if mb := g.byID[memberID]; mb != nil {
		m.removeMember(g, mb)
	}
	m.maybeCompleteJoin(g)
}

// joinNew is a join without a member id. g is nil if there is no such group yet.
func (m *Machine) joinNew(e *Join, g *group) {
	req := e.Req
	if g == nil {
		// Written before anything else, so that the group is there after a
		// restart and ages like any empty group.
		g = m.createGroup(req.Group)
		m.transition(g, empty)
		m.write(m.metadataRecord(g))
	}
	if req.InstanceID != nil {
		id := *req.InstanceID + "-" + e.ID
		if old := g.byID[g.static[*req.InstanceID]]; old != nil {
			m.replaceStatic(e, g, old, id)
			return
		}
		m.addMember(e, g, id)
		return
	}
	id := e.ClientID[:min(len(e.ClientID), maxName)] + "-" + e.ID
	if req.Version >= 4 {
		if g.pending == nil {
			g.pending = map[string]*timer{}
		}
		t := &timer{kind: pendingTimer, atMs: Never, group: g, id: id}
		g.pending[id] = t
		m.setTimer(t, m.nowMs+int64(req.SessionTimeoutMillis))
		m.answer(e.To, joinError(req.Version, id, kerr.MemberIDRequired))
		return
	}
	m.addMember(e, g, id)
}

func (m *Machine) joinKnown(e *Join, g *group) {
	req := e.Req
	if g.pending[req.MemberID] != nil && req.InstanceID == nil {
		m.removePending(g, req.MemberID)
		m.addMember(e, g, strings.Clone(req.MemberID))
		return
	}
	mb, err := g.validate(req.MemberID, req.InstanceID)
	if err != nil {
		m.answer(e.To, joinError(req.Version, req.MemberID, err))
		return
	}
	same := mb.offers(req.Protocols)
	switch g.state {
	case preparingRebalance:
		m.updateMember(e, g, mb)
		m.maybeCompleteJoin(g)
	case completingRebalance:
		if same { // its answer was lost
			m.answerAfterCommit(e.To, g.joined(mb, req.Version, g.leader, false))
			return
		}
		m.updateMember(e, g, mb)
		m.prepareRebalance(g)
	case stable:
		// The leader rejoins when it has seen something that matters, such as
		// new partitions, without a change of its own metadata.
		if same && !g.isLeader(mb.id) {
			m.answerAfterCommit(e.To, g.joined(mb, req.Version, g.leader, false))
			return
		}
		m.updateMember(e, g, mb)
		m.prepareRebalance(g)
	default:
		m.answer(e.To, joinError(req.Version, req.MemberID, kerr.UnknownMemberID))
	}
}

// validate finds the member; for a static one it must be the current holder of
// the instance id.
func (g *group) validate(memberID string, instanceID *string) (*member, *kerr.Error) {
	if instanceID != nil {
		current, ok := g.static[*instanceID]
		if !ok {
			return nil, kerr.UnknownMemberID
		}
		if current != memberID {
			return nil, kerr.FencedInstanceID
		}
	}
	mb := g.byID[memberID]
	if mb == nil {
		return nil, kerr.UnknownMemberID
	}
	return mb, nil
}

func rebalanceTimeout(req *kmsg.JoinGroupRequest) int32 {
	if req.Version == 0 {
		return req.SessionTimeoutMillis
	}
	return max(req.RebalanceTimeoutMillis, 0)
}

func (m *Machine) addMember(e *Join, g *group, id string) {
	req := e.Req
	mb := &member{
		id:           id,
		instanceID:   cloneString(req.InstanceID),
		clientID:     strings.Clone(e.ClientID[:min(len(e.ClientID), maxText)]),
		clientHost:   strings.Clone(e.ClientHost),
		rebalanceMs:  rebalanceTimeout(req),
		sessionMs:    req.SessionTimeoutMillis,
		protocols:    copyProtocols(req.Protocols),
		isNew:        true,
		awaitingJoin: waiting{e.To, req.Version},
	}
	mb.session = timer{kind: sessionTimer, atMs: Never, group: g, member: mb}
	if len(g.members) == 0 {
		g.protocolType = strings.Clone(req.ProtocolType)
	}
	if g.state == preparingRebalance && g.previous == empty {
		g.memberAdded = true
	}
	g.add(mb)
	// It cannot heartbeat without knowing its id, and a connection that breaks
	// while it waits is not noticed: the wait itself is limited.
	m.setTimer(&mb.session, saturatingAdd(m.nowMs, m.cfg.NewMemberJoinTimeoutMs))
	m.rebalanceOrComplete(g)
}

// updateMember takes over what a known member offers now and lets it wait.
func (m *Machine) updateMember(e *Join, g *group, mb *member) {
	req := e.Req
	g.offer(mb.protocols, -1)
	mb.protocols = copyProtocols(req.Protocols)
	g.offer(mb.protocols, 1)
	mb.rebalanceMs, mb.sessionMs = rebalanceTimeout(req), req.SessionTimeoutMillis
	if w := g.takeAwaitingJoin(mb); w.to != 0 {
		// The same member again, on another connection: the first is not left
		// to wait for ever.
		m.answer(w.to, joinError(w.version, mb.id, kerr.RebalanceInProgress))
	}
	mb.awaitingJoin = waiting{e.To, req.Version}
	g.awaiting++
}
