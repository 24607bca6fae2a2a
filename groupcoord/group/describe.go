package group

import (
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// describe answers DescribeGroups 0-6 for one group. A group that is not there
// is Dead; from version 6 on also an error. What members offered for the
// protocol is shown in Stable only, when there is one protocol.
func (m *Machine) describe(e *Describe) {
	resp := kmsg.NewDescribeGroupsResponseGroup()
	resp.Group = strings.Clone(e.Group)
	g := m.group(e.Group)
	if g == nil {
		resp.State = "Dead"
		if e.Version >= 6 {
			message := "Group " + e.Group + " not found."
			resp.ErrorCode, resp.ErrorMessage = kerr.GroupIDNotFound.Code, &message
		}
		m.answerAfterCommit(e.To, &resp)
		return
	}
	resp.State, resp.ProtocolType = g.state.String(), g.protocolType
	if g.state == stable {
		resp.Protocol = g.protocol
	}
	for _, mb := range g.members {
		one := kmsg.NewDescribeGroupsResponseGroupMember()
		one.MemberID, one.InstanceID, one.ClientID, one.ClientHost = mb.id, mb.instanceID, mb.clientID, mb.clientHost
		one.MemberAssignment = mb.assignment
		if g.state == stable {
			one.ProtocolMetadata = mb.metadata(g.protocol)
		}
		resp.Members = append(resp.Members, one)
	}
	m.answerAfterCommit(e.To, &resp)
}

const groupType = "classic"

// list answers ListGroups. Filters do not mind case (KIP-518, KIP-848).
func (m *Machine) list(e *List) {
	groups := []kmsg.ListGroupsResponseGroup{}
	if matches(e.Types, groupType) {
		for _, id := range m.sortedGroups() {
			g := m.groups[id]
			if !matches(e.States, g.state.String()) {
				continue
			}
			one := kmsg.NewListGroupsResponseGroup()
			one.Group, one.ProtocolType, one.GroupState, one.GroupType = id, g.protocolType, g.state.String(), groupType
			groups = append(groups, one)
		}
	}
	m.answerAfterCommit(e.To, groups)
}

func matches(filter []string, value string) bool {
	return len(filter) == 0 || slices.ContainsFunc(filter, func(f string) bool { return strings.EqualFold(f, value) })
}
