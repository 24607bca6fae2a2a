// Package quorum keeps the metadata log: it drives a Raft node (go.etcd.io/raft) so that entries get the same order
// on all voters, and files away the term, the vote and the checkpoint. A single node is a quorum of one and runs
// the same code.
//
// controller.Service owns the one Node and calls it from its loop goroutine only; nothing here starts a goroutine,
// reads a clock or takes a lock. The owner proposes entries and calls Turn; Turn persists, then sends, then applies,
// until Raft has nothing more to do. All entries proposed since the last Turn are one append and one sync.
//
// What must always hold: an entry is applied only when it is durable on a majority; the term and the vote never go
// back, also over a crash; after an error of the disk nothing is written or applied any more. A full disk is no such
// error: nothing new is taken, and each Turn tries again to write what was proposed.
//
// A quorum of one needs no ticks, sends nothing, and is leader as soon as its vote for itself is on disk.
package quorum

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"syscall"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/sordini/sordini/storage/vfs"
)

// Limits of what Raft holds in memory.
const (
	maxMessageBytes     = 1 << 20
	maxApplyBytes       = 8 << 20
	maxUncommittedBytes = 64 << 20
	maxInflightMessages = 256
	electionTicks       = 10
	heartbeatTicks      = 1
)

// Config is what a Node is made of.
type Config struct {
	NodeID    int32
	Voters    []int32 // nil: this node alone, or what the files say
	FS        vfs.FS
	Dir       string // holds the files quorum-state and checkpoint; must exist
	Log       Log
	Transport Transport // nil for a quorum of one
	Logger    *slog.Logger
}

// Transport carries messages to other voters. Send must not block; what it loses is sent again.
type Transport interface {
	Send(to int32, message []byte)
}

// StateMachine is what the entries are for.
type StateMachine interface {
	// Restore gets the blocks of the checkpoint, in order, before anything is applied. It does not keep them.
	Restore(block []byte) error
	// Restored says that the checkpoint is complete and goes up to index; 0: there was none.
	Restored(index uint64) error
	// Apply gets each committed entry once, in order. data is empty for entries that Raft made for itself.
	Apply(index uint64, data []byte) error
}

// Node is one member of the quorum. It is not safe for concurrent use.
type Node struct {
	cfg   Config
	log   *slog.Logger
	sm    StateMachine
	raft  *raft.RawNode
	store *store
	state hardState // as in the file

	proposed    uint64      // entries proposed since the last Turn
	ready       *raft.Ready // taken from Raft and not on disk yet; kept over Turns only while the disk is full
	applied     uint64
	appliedTerm uint64
	err         error // the first failure; final
}

// Open loads the checkpoint and the log. Entries are applied by later Turns, as they turn out to be committed.
func Open(cfg Config, sm StateMachine) (*Node, error) {
	n := &Node{cfg: cfg, sm: sm, log: cfg.Logger}
	if n.log == nil {
		n.log = slog.New(slog.DiscardHandler)
	}
	n.cfg.Voters = slices.Sorted(slices.Values(cfg.Voters))
	header, found, err := readCheckpoint(cfg.FS, cfg.Dir, sm.Restore)
	if err != nil {
		return nil, err
	}
	if err := sm.Restored(header.index); err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.FS.PathJoin(cfg.Dir, checkpointFile), err)
	}
	if err := checkLog(cfg.Log, &header); err != nil {
		return nil, err
	}
	n.applied, n.appliedTerm = header.index, header.term
	if err := n.loadState(&header, found); err != nil {
		return nil, err
	}
	n.store = newStore(cfg.Log, &header, &n.state)
	n.raft, err = raft.NewRawNode(&raft.Config{
		ID:                        raftID(cfg.NodeID),
		ElectionTick:              electionTicks,
		HeartbeatTick:             heartbeatTicks,
		Storage:                   n.store,
		Applied:                   n.applied,
		MaxSizePerMsg:             maxMessageBytes,
		MaxCommittedSizePerReady:  maxApplyBytes,
		MaxUncommittedEntriesSize: maxUncommittedBytes,
		MaxInflightMsgs:           maxInflightMessages,
		CheckQuorum:               true,
		PreVote:                   true,
		DisableProposalForwarding: true,
		Logger:                    &raftLogger{n.log},
	})
	if err != nil {
		return nil, fmt.Errorf("start raft: %w", err)
	}
	return n, nil
}

// checkLog compares the log with the checkpoint.
func checkLog(log Log, h *checkpointHeader) error {
	first, last := log.FirstIndex(), log.LastIndex()
	if first > h.index+1 {
		return fmt.Errorf("%w: the checkpoint ends with entry %d, but the log begins with %d", ErrCorrupt, h.index, first)
	}
	if last < h.index {
		return fmt.Errorf("%w: the checkpoint ends with entry %d, but the log already with %d", ErrCorrupt, h.index, last)
	}
	return nil
}

// loadState reads quorum-state. Without the file a new log begins, or the log of a quorum of one goes on: its
// last entry has the last term in which anything was written.
func (n *Node) loadState(h *checkpointHeader, haveCheckpoint bool) error {
	s, err := readHardState(n.cfg.FS, n.cfg.Dir)
	if err != nil {
		return err
	}
	last := n.cfg.Log.LastIndex()
	lastTerm := h.term
	if last > h.index {
		if lastTerm, err = n.cfg.Log.Term(last); err != nil {
			return fmt.Errorf("term of entry %d: %w", last, err)
		}
	}
	if s == nil {
		voters := n.cfg.Voters
		if haveCheckpoint {
			voters = h.voters
		}
		if len(voters) == 0 {
			voters = []int32{n.cfg.NodeID}
		}
		s = &hardState{nodeID: n.cfg.NodeID, vote: -1, term: lastTerm, voters: voters}
		if last > 0 && !slices.Equal(voters, []int32{n.cfg.NodeID}) {
			return fmt.Errorf("%w: %s is missing beside a log of %d entries; a voter that forgot its vote must not vote",
				ErrCorrupt, n.cfg.FS.PathJoin(n.cfg.Dir, stateFile), last)
		}
		if last > 0 {
			n.log.Warn("the file quorum-state is missing and is made again from the log", "term", lastTerm, "entries", last)
		}
	}
	switch {
	case s.nodeID != n.cfg.NodeID:
		return fmt.Errorf("the metadata in %s belongs to node %d, not to node %d", n.cfg.Dir, s.nodeID, n.cfg.NodeID)
	case len(n.cfg.Voters) > 0 && !slices.Equal(n.cfg.Voters, s.voters):
		return fmt.Errorf("the voters in %s are %v, not %v", n.cfg.Dir, s.voters, n.cfg.Voters)
	case !slices.Contains(s.voters, n.cfg.NodeID):
		return fmt.Errorf("node %d is not one of the voters %v in %s", n.cfg.NodeID, s.voters, n.cfg.Dir)
	case s.commit > last:
		return fmt.Errorf("%w: entry %d was committed, but the log ends with %d", ErrCorrupt, s.commit, last)
	case s.term < lastTerm && len(s.voters) == 1:
		return fmt.Errorf("%w: the log has term %d, quorum-state only %d", ErrCorrupt, lastTerm, s.term)
	}
	s.commit = max(s.commit, h.index)
	n.state = *s
	return nil
}

// Alone says that this node is the only voter: it needs no ticks and no messages.
func (n *Node) Alone() bool { return len(n.state.voters) == 1 }

// Leader says if proposals are taken.
func (n *Node) Leader() bool { return n.raft.BasicStatus().RaftState == raft.StateLeader }

// Campaign tries to become leader without waiting for a timeout. A quorum of one is leader after the next Turn.
func (n *Node) Campaign() error { return n.raft.Campaign() }

// Tick tells a node with other voters that a tenth of the election timeout has passed.
func (n *Node) Tick() { n.raft.Tick() }

// Step takes a message that another voter's Transport has sent.
func (n *Node) Step(message []byte) error {
	m := &raftpb.Message{}
	if err := proto.Unmarshal(message, m); err != nil {
		return fmt.Errorf("raft message: %w", err)
	}
	return n.raft.Step(m)
}

// NextIndex is the index that the next proposal will get.
func (n *Node) NextIndex() uint64 { return n.cfg.Log.LastIndex() + n.proposed + 1 }

// Applied is the index of the last applied entry.
func (n *Node) Applied() uint64 { return n.applied }

// Propose adds an entry, which the next Turn writes. The node keeps data.
func (n *Node) Propose(data []byte) (index uint64, err error) {
	if n.err != nil {
		return 0, n.err
	}
	if n.Stuck() {
		return 0, ErrDiskFull
	}
	index = n.NextIndex()
	err = n.raft.Propose(data)
	if errors.Is(err, raft.ErrProposalDropped) {
		return 0, ErrNotLeader
	}
	if err != nil {
		return 0, fmt.Errorf("propose: %w", err)
	}
	n.proposed++
	return index, nil
}

// Stuck says that there was no room for what the last Turn had to write.
func (n *Node) Stuck() bool { return n.ready != nil }

// Turn does everything that is to do now. A quorum of one has applied all proposals when it returns nil. ErrDiskFull
// says that the next Turn will try again. After another error the node is dead: what was proposed may or may not be
// found in the log at the next start.
func (n *Node) Turn() (err error) {
	if n.err != nil {
		return n.err
	}
	defer func() {
		// Raft has no way to be told of an error of its storage except by a panic of its own.
		if p := recover(); p != nil {
			if n.store.err == nil {
				panic(p)
			}
			err = n.store.err
		}
		if isDiskFull(err) && n.Stuck() {
			err = fmt.Errorf("%w: %w", ErrDiskFull, err)
			return
		}
		n.err = err
	}()
	for n.Stuck() || n.raft.HasReady() {
		if n.ready == nil {
			rd := n.raft.Ready()
			n.ready = &rd
		}
		rd := *n.ready
		if err := n.persist(&rd); err != nil {
			return err
		}
		n.ready = nil
		n.send(rd.Messages)
		if err := n.apply(rd.CommittedEntries); err != nil {
			return err
		}
		n.raft.Advance(rd)
	}
	return nil
}

func (n *Node) persist(rd *raft.Ready) error {
	if !raft.IsEmptySnap(rd.Snapshot) {
		return errors.New("a snapshot from another voter cannot be taken yet")
	}
	if len(rd.Entries) > 0 {
		if err := n.store.append(rd.Entries); err != nil {
			return err
		}
		n.proposed = 0
	}
	if raft.IsEmptyHardState(rd.HardState) {
		return nil
	}
	next := n.state
	next.term, next.vote = rd.HardState.GetTerm(), nodeID(rd.HardState.GetVote())
	next.commit = rd.HardState.GetCommit()
	if next.term == n.state.term && next.vote == n.state.vote {
		return nil // the commit index alone is found again without the file
	}
	if next.term < n.state.term || next.term == n.state.term && n.state.vote >= 0 {
		panic(fmt.Sprintf("quorum: term %d vote %d becomes term %d vote %d",
			n.state.term, n.state.vote, next.term, next.vote))
	}
	if err := writeHardState(n.cfg.FS, n.cfg.Dir, &next); err != nil {
		return err
	}
	n.state = next
	return nil
}

func (n *Node) send(messages []*raftpb.Message) {
	for _, m := range messages {
		if n.cfg.Transport == nil {
			continue
		}
		b, err := proto.Marshal(m)
		if err != nil {
			n.log.Error("a raft message cannot be encoded", "error", err)
			continue
		}
		n.cfg.Transport.Send(nodeID(m.GetTo()), b)
	}
}

func (n *Node) apply(entries []*raftpb.Entry) error {
	for _, e := range entries {
		if e.GetType() != raftpb.EntryNormal {
			return fmt.Errorf("%w: entry %d changes the voters, which this version cannot", ErrCorrupt, e.GetIndex())
		}
		if e.GetIndex() != n.applied+1 {
			panic(fmt.Sprintf("quorum: entry %d applied after %d", e.GetIndex(), n.applied))
		}
		if err := n.sm.Apply(e.GetIndex(), e.GetData()); err != nil {
			return fmt.Errorf("apply entry %d of term %d: %w", e.GetIndex(), e.GetTerm(), err)
		}
		n.applied, n.appliedTerm = e.GetIndex(), e.GetTerm()
	}
	n.store.dropTail(n.applied)
	return nil
}

// Checkpoint files away the state of the state machine as of Applied, and lets the log forget what is in it. After
// ErrDiskFull there is the checkpoint that was there before, and the node goes on.
func (n *Node) Checkpoint(blocks iter.Seq[[]byte]) error {
	if n.err != nil {
		return n.err
	}
	if n.applied == n.store.base.index {
		return nil
	}
	h := checkpointHeader{index: n.applied, term: n.appliedTerm, voters: n.state.voters}
	err := writeCheckpoint(n.cfg.FS, n.cfg.Dir, &h, blocks)
	if err == nil {
		n.store.base = h
		if err = n.cfg.Log.Compact(h.index + 1); err != nil {
			err = fmt.Errorf("compact the metadata log below %d: %w", h.index+1, err)
		}
	}
	if isDiskFull(err) {
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	n.err = err
	return err
}

func isDiskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// raftID maps a node id, which may be 0, to Raft's, which may not.
func raftID(node int32) uint64 { return uint64(node) + 1 }

func nodeID(id uint64) int32 { return int32(id) - 1 }
