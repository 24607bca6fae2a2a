package group

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
)

// replaceStatic lets a static member that came back without its member id take
// its old place (KIP-345): same assignment, new id, and whoever still uses
// the old id is fenced. In a stable group nobody else notices, unless the
// group's protocol would change.
func (m *Machine) replaceStatic(e *Join, g *group, mb *member, id string) {
	req, leaderBefore := e.Req, g.leader
	m.renameStatic(e, g, mb, id)
	m.touchSession(mb)
	m.updateMember(e, g, mb)

	switch {
	case g.state == preparingRebalance:
		m.maybeCompleteJoin(g)
	case g.state == stable && g.selectProtocol() == g.protocol:
		record := m.metadataRecord(g)
		if record.tooLarge(&m.cfg) {
			m.prepareRebalance(g)
			return
		}
		m.write(record)
		g.setSubscribed()
		w := g.takeAwaitingJoin(mb)
		m.touchSession(mb)
		if req.Version >= 9 {
			m.answerAfterCommit(w.to, g.joined(mb, w.version, g.leader, g.isLeader(mb.id)))
			return
		}
		// Before KIP-814 a leader would compute a new assignment: it is told
		// that its old self leads, so it takes itself for a follower.
		m.answerAfterCommit(w.to, g.joined(mb, w.version, leaderBefore, false))
	default:
		// Completing: the leader may be assigning to the old id just now.
		m.prepareRebalance(g)
	}
}

// renameStatic fences what waits under the old member id and gives the member
// its new one.
func (m *Machine) renameStatic(e *Join, g *group, mb *member, id string) {
	if w := g.takeAwaitingJoin(mb); w.to != 0 {
		m.answer(w.to, joinError(w.version, mb.id, kerr.FencedInstanceID))
	}
	if w := mb.awaitingSync; w.to != 0 {
		mb.awaitingSync = waiting{}
		m.answer(w.to, syncError(w.version, kerr.FencedInstanceID))
	}
	delete(g.byID, mb.id)
	if g.leader == mb.id {
		g.leader = id
	}
	mb.id, mb.isNew = id, false
	mb.clientID, mb.clientHost = strings.Clone(e.ClientID[:min(len(e.ClientID), maxText)]), strings.Clone(e.ClientHost)
	g.byID[id] = mb
	g.static[*mb.instanceID] = id
}
