package group

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Heartbeat 0-4. 3: instance ids. REBALANCE_IN_PROGRESS only while members are
// to join: in CompletingRebalance a heartbeat is as good as in Stable.
func (m *Machine) heartbeat(e *Heartbeat) {
	resp := kmsg.NewPtrHeartbeatResponse()
	resp.Version = e.Req.Version
	if err := m.beat(e.Req); err != nil {
		resp.ErrorCode = err.Code
	}
	m.answer(e.To, resp)
}

func (m *Machine) beat(req *kmsg.HeartbeatRequest) *kerr.Error {
	if req.Group == "" {
		return kerr.InvalidGroupID
	}
	g := m.group(req.Group)
	if g == nil {
		return kerr.UnknownMemberID
	}
	mb, err := g.validate(req.MemberID, req.InstanceID)
	if err != nil {
		return err
	}
	if req.Generation != g.generation {
		return kerr.IllegalGeneration
	}
	m.touchSession(mb)
	if g.state == preparingRebalance {
		return kerr.RebalanceInProgress
	}
	return nil
}

// LeaveGroup 0-5. 3: several members at once, also by instance id alone, which
// is how an administrator removes a static member; their errors are their own.
// 5: reasons (KIP-800), not kept.
func (m *Machine) leave(e *Leave) {
	req := e.Req
	resp := kmsg.NewPtrLeaveGroupResponse()
	resp.Version = req.Version
	if req.Group == "" {
		resp.ErrorCode = kerr.InvalidGroupID.Code
		m.answer(e.To, resp)
		return
	}
	g := m.group(req.Group)
	before := 0
	if g != nil {
		before = len(g.members)
	}
	if req.Version < 3 {
		if err := m.leaveOne(g, req.MemberID, nil); err != nil {
			resp.ErrorCode = err.Code
		}
	} else {
		for i := range req.Members {
			one := kmsg.NewLeaveGroupResponseMember()
			one.MemberID, one.InstanceID = strings.Clone(req.Members[i].MemberID), cloneString(req.Members[i].InstanceID)
			if err := m.leaveOne(g, one.MemberID, one.InstanceID); err != nil {
				one.ErrorCode = err.Code
			}
			resp.Members = append(resp.Members, one)
		}
	}
	if g != nil {
		if len(g.members) < before {
			m.rebalanceOrComplete(g)
		} else {
			m.maybeCompleteJoin(g) // a pending member may have been what was waited for
		}
		m.dropIfGone(g)
	}
	m.answerAfterCommit(e.To, resp)
}

func (m *Machine) leaveOne(g *group, memberID string, instanceID *string) *kerr.Error {
	if g == nil {
		return kerr.UnknownMemberID
	}
	if memberID == "" {
		if instanceID == nil || g.byID[g.static[*instanceID]] == nil {
			return kerr.UnknownMemberID
		}
		m.removeMember(g, g.byID[g.static[*instanceID]])
		return nil
	}
	if g.pending[memberID] != nil {
		m.removePending(g, memberID)
		return nil
	}
	mb, err := g.validate(memberID, instanceID)
	if err != nil {
		return err
	}
	m.removeMember(g, mb)
	return nil
}
