package group

import "fmt"

// check looks at the group's soft state from the outside of every rule: counts
// against what they count, waiting against the state.
func (g *group) check() error {
	awaiting, unsynced := 0, 0
	offered, size := map[string]int{}, 0
	for _, mb := range g.members {
		if g.byID[mb.id] != mb {
			return fmt.Errorf("member %s is not found by its id", mb.id)
		}
		if mb.instanceID != nil && g.static[*mb.instanceID] != mb.id {
			return fmt.Errorf("instance %s does not lead to member %s", *mb.instanceID, mb.id)
		}
		if mb.awaitingJoin.to != 0 {
			awaiting++
			if g.state != preparingRebalance {
				return fmt.Errorf("member %s waits in JoinGroup while %v", mb.id, g.state)
			}
		}
		if mb.awaitingSync.to != 0 && g.state != completingRebalance {
			return fmt.Errorf("member %s waits in SyncGroup while %v", mb.id, g.state)
		}
		if mb.unsynced {
			unsynced++
		}
		if mb.session.atMs == Never && mb.awaitingJoin.to == 0 && mb.awaitingSync.to == 0 {
			return fmt.Errorf("member %s has no session and waits for nothing", mb.id)
		}
		for _, p := range mb.protocols {
			offered[p.name]++
			size += protocolOverhead + len(p.name) + len(p.metadata)
		}
	}
	switch {
	case len(g.byID) != len(g.members):
		return fmt.Errorf("%d ids for %d members", len(g.byID), len(g.members))
	case awaiting != g.awaiting:
		return fmt.Errorf("awaiting %d, counted %d", g.awaiting, awaiting)
	case size != g.bytes:
		return fmt.Errorf("%d bytes offered, counted %d", g.bytes, size)
	case unsynced != g.unsynced:
		return fmt.Errorf("unsynced %d, counted %d", g.unsynced, unsynced)
	case fmt.Sprint(offered) != fmt.Sprint(map[string]int(g.offered)) && len(offered)+len(g.offered) > 0:
		return fmt.Errorf("offered %v, counted %v", g.offered, offered)
	case len(g.members) == 0 && g.state != empty && g.state != preparingRebalance:
		return fmt.Errorf("no members while %v", g.state)
	case len(g.members) > 0 && g.state == empty:
		return fmt.Errorf("%d members while Empty", len(g.members))
	case len(g.members) > 0 && g.byID[g.leader] == nil:
		return fmt.Errorf("leader %q is not a member", g.leader)
	case g.state == preparingRebalance && g.joinTimer.atMs == Never:
		return fmt.Errorf("nothing ends the join phase")
	case g.unsynced > 0 && g.syncTimer.atMs == Never:
		return fmt.Errorf("nothing ends the wait for SyncGroup")
	}
	for id, t := range g.pending {
		if t.atMs == Never {
			return fmt.Errorf("pending member %s never expires", id)
		}
	}
	return nil
}
