package quorum_test

import (
	"slices"
	"testing"

	"github.com/sordini/sordini/controller/quorum"
	"github.com/sordini/sordini/controller/quorum/quorumtest"
)

// router carries messages between the voters of a test, in order, except to those that are cut off.
type router struct {
	queue []routed
	cut   map[int32]bool
}

type routed struct {
	from, to int32
	message  []byte
}

type endpoint struct {
	router *router
	id     int32
}

func (e endpoint) Send(to int32, message []byte) {
	if !e.router.cut[e.id] && !e.router.cut[to] {
		e.router.queue = append(e.router.queue, routed{e.id, to, message})
	}
}

// TestThreeVotersAgreeOverATransport has no clock: elections happen when the test says so.
func TestThreeVotersAgreeOverATransport(t *testing.T) {
	// Given three voters,
	r := &router{cut: map[int32]bool{}}
	voters := []int32{0, 1, 2}
	var nodes []*quorum.Node
	var lists []*list
	for _, id := range voters {
		sm := &list{}
		n, err := quorum.Open(quorum.Config{NodeID: id, Voters: voters, FS: quorumtest.NewCrashFS(dir), Dir: dir,
			Log: quorumtest.NewMemLog(), Transport: endpoint{r, id}}, sm)
		must(t, err)
		nodes, lists = append(nodes, n), append(lists, sm)
	}
	settle := func() {
		for {
			for _, n := range nodes {
				must(t, n.Turn())
			}
			if len(r.queue) == 0 {
				return
			}
			m := r.queue[0]
			r.queue = r.queue[1:]
			must(t, nodes[m.to].Step(m.message))
		}
	}
	if _, err := nodes[0].Propose([]byte("x")); err != quorum.ErrNotLeader {
		t.Fatal(err)
	}
	// when one is elected and proposes, all apply.
	must(t, nodes[0].Campaign())
	settle()
	propose(t, nodes[0], "a", "b")
	settle()
	for id := range lists {
		if !slices.Equal(lists[id].entries, []string{"a", "b"}) {
			t.Fatalf("node %d has %q", id, lists[id].entries)
		}
	}
	// When the leader is cut off, what it proposes is not committed,
	r.cut[0] = true
	propose(t, nodes[0], "lost")
	settle()
	for range 30 { // the others forget that they have heard of a leader
		nodes[1].Tick()
		nodes[2].Tick()
	}
	settle()
	must(t, nodes[1].Campaign())
	settle()
	leader := slices.IndexFunc(nodes[1:], (*quorum.Node).Leader) + 1
	propose(t, nodes[leader], "c")
	settle()
	// and when it returns, it takes the entries of the new leader instead.
	r.cut[0] = false
	for range 3 {
		nodes[leader].Tick()
		settle()
	}
	for id := range lists {
		if !slices.Equal(lists[id].entries, []string{"a", "b", "c"}) {
			t.Fatalf("node %d has %q, led by %d", id, lists[id].entries, leader)
		}
	}
	if nodes[0].Leader() {
		t.Fatal("two leaders")
	}
}
