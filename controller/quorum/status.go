package quorum

import (
	"slices"

	"go.etcd.io/raft/v3"
)

// Status is what DescribeQuorum tells.
type Status struct {
	NodeID       int32
	LeaderID     int32 // -1: not known
	Term         uint64
	CommitIndex  uint64
	FirstIndex   uint64
	LastIndex    uint64
	Voters       []VoterStatus // by node id
	Checkpointed uint64        // the last entry in the checkpoint
}

// VoterStatus is a voter as this node sees it. Only a leader knows how far the others are.
type VoterStatus struct {
	NodeID    int32
	LastIndex uint64 // 0: not known
}

// Status returns the present state.
func (n *Node) Status() Status {
	r := n.raft.Status()
	s := Status{
		NodeID: n.cfg.NodeID, LeaderID: nodeID(r.Lead), Term: r.HardState.GetTerm(), CommitIndex: r.HardState.GetCommit(),
		FirstIndex: n.cfg.Log.FirstIndex(), LastIndex: n.cfg.Log.LastIndex(), Checkpointed: n.store.base.index,
	}
	for _, id := range n.state.voters {
		v := VoterStatus{NodeID: id}
		if p, ok := r.Progress[raftID(id)]; ok && r.RaftState == raft.StateLeader {
			v.LastIndex = p.Match
		}
		s.Voters = append(s.Voters, v)
	}
	slices.SortFunc(s.Voters, func(a, b VoterStatus) int { return int(a.NodeID) - int(b.NodeID) })
	return s
}
