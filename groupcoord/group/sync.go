package group

import (
	"bytes"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// SyncGroup 0-5. 3: instance ids (KIP-345). 5: protocol type and name are named
// and must be the group's (KIP-559).
func (m *Machine) sync(e *Sync) {
	req := e.Req
	g := m.group(req.Group)
	mb, err := m.validateSync(g, req)
	if err != nil {
		m.answer(e.To, syncError(req.Version, err))
		return
	}
	if mb.awaitingSync.to != 0 { // asked again on another connection
		m.answer(mb.awaitingSync.to, syncError(mb.awaitingSync.version, kerr.RebalanceInProgress))
		mb.awaitingSync = waiting{}
	}
	m.synced(g, mb)
	if g.state == stable {
		m.answerAfterCommit(e.To, g.synced(mb, req.Version))
		return
	}
	mb.awaitingSync = waiting{e.To, req.Version}
	if g.isLeader(mb.id) {
		m.assign(g, req.GroupAssignment)
	}
}

func syncError(version int16, err *kerr.Error) *kmsg.SyncGroupResponse {
	resp := kmsg.NewPtrSyncGroupResponse()
	resp.Version = version
	resp.ErrorCode = err.Code
	return resp
}

func (m *Machine) validateSync(g *group, req *kmsg.SyncGroupRequest) (*member, *kerr.Error) {
	if req.Version >= 5 && (req.ProtocolType == nil || req.Protocol == nil) {
		return nil, kerr.InconsistentGroupProtocol
	}
	if req.Group == "" {
		return nil, kerr.InvalidGroupID
	}
	if g == nil || g.state == empty {
		return nil, kerr.UnknownMemberID
	}
	mb, err := g.validate(req.MemberID, req.InstanceID)
	if err != nil {
		return nil, err
	}
	if req.Generation != g.generation {
		return nil, kerr.IllegalGeneration
	}
	if req.Version >= 5 && (*req.ProtocolType != g.protocolType || g.hasProtocol && *req.Protocol != g.protocol) {
		return nil, kerr.InconsistentGroupProtocol
	}
	if g.state == preparingRebalance {
		return nil, kerr.RebalanceInProgress
	}
	return mb, nil
}

func (m *Machine) synced(g *group, mb *member) {
	if !mb.unsynced {
		return
	}
	mb.unsynced = false
	if g.unsynced--; g.unsynced == 0 {
		m.cancelTimer(&g.syncTimer)
	}
}

// assign takes the leader's assignment: written to the log, then told to all who
// wait. A member the leader forgot gets nothing.
func (m *Machine) assign(g *group, assignments []kmsg.SyncGroupRequestGroupAssignment) {
	for _, mb := range g.members {
		mb.assignment = nil
	}
	for i := range assignments {
		if mb := g.byID[assignments[i].MemberID]; mb != nil {
			mb.assignment = bytes.Clone(assignments[i].MemberAssignment)
		}
	}
	m.transition(g, stable)
	record := m.metadataRecord(g)
	if record.tooLarge(&m.cfg) {
		m.resetAssignments(g, kerr.UnknownServerError)
		m.prepareRebalance(g)
		return
	}
	m.write(record)
	for _, mb := range g.members {
		if w := mb.awaitingSync; w.to != 0 {
			mb.awaitingSync = waiting{}
			m.answerAfterCommit(w.to, g.synced(mb, w.version))
			m.touchSession(mb) // it may have run out while the member waited
		}
	}
}

// synced is the answer to a member of a stable group.
func (g *group) synced(mb *member, version int16) *kmsg.SyncGroupResponse {
	resp := kmsg.NewPtrSyncGroupResponse()
	resp.Version = version
	protocolType, protocol := g.protocolType, g.protocol
	resp.ProtocolType, resp.Protocol = &protocolType, &protocol
	resp.MemberAssignment = mb.assignment
	return resp
}
