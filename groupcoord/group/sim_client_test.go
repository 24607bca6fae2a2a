package group

import (
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// simClient is a consumer as the clients are written: join, sync, heartbeat and
// commit, start over when told so.
type simClient struct {
	sim      *sim
	name     string
	instance *string
	version  int16
	txn      *simProducer // nil: commits without transactions

	up         bool
	life       int // one more with each crash: old answers and timers do not count
	phase      simPhase
	memberID   string
	generation int32
	assignment []byte
	attempt    int // of join or sync, so that the answer to an old one does not count
}

type simPhase string

const (
	simJoining simPhase = "joining"
	simStable  simPhase = "stable"
)

func (c *simClient) identity() string {
	if c.instance != nil {
		return *c.instance
	}
	return c.memberID
}

func (c *simClient) start() {
	if c.up {
		return
	}
	c.up = true
	c.life++
	c.memberID, c.generation, c.assignment = "", -1, nil
	c.sim.logf("%s starts", c.name)
	if c.txn != nil {
		c.txn.init()
	}
	c.join()
	c.every(3_000, c.heartbeat)
	c.every(2_000, c.commit)
	c.every(25_000, c.mischief)
}

func (c *simClient) every(ms int, do func()) {
	life := c.life
	c.sim.after(c.sim.ms(ms)+int64(ms)/2, func() {
		if c.up && c.life == life {
			do()
			if c.up && c.life == life {
				c.every(ms, do)
			}
		}
	})
}

// mischief crashes, leaves, or joins again for no reason.
func (c *simClient) mischief() {
	s := c.sim
	if !s.faults {
		return
	}
	switch s.rng.IntN(4) {
	case 0:
		s.logf("%s crashes", c.name)
		c.up = false
		s.after(s.ms(30_000), c.start)
	case 1:
		s.logf("%s leaves", c.name)
		req := kmsg.NewPtrLeaveGroupRequest()
		req.Version, req.Group = 3, "g"
		req.Members = []kmsg.LeaveGroupRequestMember{{MemberID: c.memberID, InstanceID: c.instance}}
		c.send(&Leave{Req: req}, func(any) {})
		c.up = false
		s.after(s.ms(30_000), c.start)
	case 2:
		c.join()
	}
}

// send lets the request arrive once, late, twice or never, and its answer too.
// answered gets nil for NOT_COORDINATOR and for a connection that broke.
func (c *simClient) send(e Event, answered func(any)) {
	life := c.life
	c.sim.send(c.name, e, func(response any) {
		if c.up && c.life == life {
			answered(response)
		}
	})
}

func (s *sim) send(from string, e Event, answered func(any)) { s.sendOnce(false, from, e, answered) }

// sendOnce, if once, does not let the request arrive again.
func (s *sim) sendOnce(once bool, from string, e Event, answered func(any)) {
	done := false
	answer := func(response any) {
		s.after(s.ms(20), func() {
			if !done {
				done = true
				answered(response)
			}
		})
	}
	if s.chance(3) {
		s.logf("%s: request is lost", from)
		s.after(5_000, func() { answer(nil) })
		return
	}
	if s.chance(3) {
		inner := answer
		answer = func(any) { s.after(5_000, func() { inner(nil) }) } // the answer is lost
	}
	deliver := func() {
		s.token++
		to := s.token
		s.waiting[to] = answer
		if asked, ok := e.(interface{ SetTo(Token) }); ok {
			asked.SetTo(to)
		}
		if join, ok := e.(*Join); ok {
			join.ID = fmt.Sprint(to) // fresh for each request that arrives
		}
		if s.tracing {
			s.logf("%s %d: %s", from, to, describeEvent(e))
		}
		s.decide(e)
	}
	s.after(s.ms(20), deliver)
	if once {
		return
	}
	if s.chance(2) {
		s.after(s.ms(2_000), deliver)
	}
}

func describeEvent(e Event) string {
	switch e := e.(type) {
	case *Join:
		return fmt.Sprintf("join v%d %q", e.Req.Version, e.Req.MemberID)
	case *Sync:
		return fmt.Sprintf("sync gen=%d %q, %d assignments", e.Req.Generation, e.Req.MemberID, len(e.Req.GroupAssignment))
	case *Heartbeat:
		return fmt.Sprintf("heartbeat gen=%d %q", e.Req.Generation, e.Req.MemberID)
	default:
		return fmt.Sprintf("%T", e)
	}
}

func (c *simClient) join() {
	c.phase, c.assignment = simJoining, nil
	c.attempt++
	attempt := c.attempt
	req := kmsg.NewPtrJoinGroupRequest()
	req.Version, req.Group, req.MemberID, req.InstanceID = c.version, "g", c.memberID, c.instance
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis, req.ProtocolType = 10_000, 20_000, "consumer"
	req.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range", Metadata: subscribeTo("t")}}
	e := &Join{Req: req, ClientID: c.name, ClientHost: "/h"}
	c.send(e, func(response any) {
		if c.attempt == attempt {
			c.joined(response)
		}
	})
}

func (c *simClient) joined(response any) {
	resp, ok := response.(*kmsg.JoinGroupResponse)
	if !ok {
		c.again()
		return
	}
	switch resp.ErrorCode {
	case 0:
	case 79:
		c.memberID = resp.MemberID
		c.join()
		return
	default:
		c.failed(resp.ErrorCode)
		return
	}
	c.memberID, c.generation = resp.MemberID, resp.Generation
	req := kmsg.NewPtrSyncGroupRequest()
	req.Version, req.Group, req.MemberID, req.InstanceID, req.Generation = 3, "g", c.memberID, c.instance, c.generation
	if resp.LeaderID == resp.MemberID && !resp.SkipAssignment {
		for i := range resp.Members {
			one := kmsg.NewSyncGroupRequestGroupAssignment()
			one.MemberID = resp.Members[i].MemberID
			for p := i; p < simPartitions; p += len(resp.Members) {
				one.MemberAssignment = append(one.MemberAssignment, byte(p))
			}
			req.GroupAssignment = append(req.GroupAssignment, one)
		}
	}
	attempt, lives := c.attempt, c.sim.lives
	c.send(&Sync{Req: req}, func(response any) {
		if c.attempt == attempt {
			c.synced(response, lives == c.sim.lives)
		}
	})
}

// synced: current, unless the group has been deleted since SyncGroup was sent.
func (c *simClient) synced(response any, current bool) {
	resp, ok := response.(*kmsg.SyncGroupResponse)
	switch {
	case !ok:
		c.again()
	case resp.ErrorCode != 0:
		c.failed(resp.ErrorCode)
	default:
		c.phase, c.assignment = simStable, slices.Clone(resp.MemberAssignment)
		c.sim.logf("%s owns %v in generation %d", c.name, c.assignment, c.generation)
		if current {
			c.sim.owns(c, c.generation, c.assignment)
		}
	}
}

// failed starts over, as far as the code demands.
func (c *simClient) failed(code int16) {
	switch code {
	case 25, 22:
		c.memberID, c.generation = "", -1
	case 82: // somebody else has the instance id now: give up, and be restarted
		c.up = false
		c.sim.after(c.sim.ms(2_000), c.start)
		return
	}
	c.again()
}

func (c *simClient) again() {
	c.phase, c.assignment = simJoining, nil
	c.attempt++
	attempt, life := c.attempt, c.life
	c.sim.after(50+c.sim.ms(100), func() {
		if c.up && c.life == life && c.attempt == attempt {
			c.join()
		}
	})
}

func (c *simClient) heartbeat() {
	if c.phase != simStable {
		return
	}
	req := kmsg.NewPtrHeartbeatRequest()
	req.Version, req.Group, req.MemberID, req.InstanceID, req.Generation = 3, "g", c.memberID, c.instance, c.generation
	generation, attempt := c.generation, c.attempt
	c.send(&Heartbeat{Req: req}, func(response any) {
		resp, ok := response.(*kmsg.HeartbeatResponse)
		if ok && resp.ErrorCode != 0 && c.generation == generation && c.attempt == attempt {
			c.failed(resp.ErrorCode)
		}
	})
}

func (c *simClient) commit() {
	if c.phase != simStable || len(c.assignment) == 0 {
		return
	}
	if c.txn != nil {
		c.txn.run()
		return
	}
	s := c.sim
	req, partition, offset := c.nextCommit()
	attempt := c.attempt
	c.send(&Commit{Req: req}, func(response any) {
		resp, ok := response.(*kmsg.OffsetCommitResponse)
		if !ok {
			return
		}
		if code := resp.Topics[0].Partitions[0].ErrorCode; code != 0 {
			if c.attempt == attempt && c.phase == simStable && code != 27 {
				c.failed(code)
			}
			return
		}
		s.acknowledged(partition, offset)
		s.fetch(c, partition)
	})
}

// nextCommit commits the next offset for one of the partitions owned.
func (c *simClient) nextCommit() (req *kmsg.OffsetCommitRequest, partition int32, offset int64) {
	s := c.sim
	partition, offset = int32(c.assignment[s.rng.IntN(len(c.assignment))]), s.offset
	s.offset++
	req = kmsg.NewPtrOffsetCommitRequest()
	req.Version, req.Group, req.MemberID, req.InstanceID, req.Generation = 7, "g", c.memberID, c.instance, c.generation
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Partition, p.Offset = partition, offset
	req.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: "t", Partitions: []kmsg.OffsetCommitRequestTopicPartition{p}}}
	return req, partition, offset
}

// simAdmin does now and then what administrators do.
type simAdmin struct{ sim *sim }

func (a *simAdmin) act() {
	s := a.sim
	if !s.faults {
		return
	}
	s.after(s.ms(30_000), a.act)
	switch s.rng.IntN(4) {
	case 0: // removes a static member
		req := kmsg.NewPtrLeaveGroupRequest()
		req.Version, req.Group = 3, "g"
		c := s.clients[s.rng.IntN(len(s.clients))]
		if c.instance == nil {
			return
		}
		req.Members = []kmsg.LeaveGroupRequestMember{{InstanceID: c.instance}}
		s.send("admin", &Leave{Req: req}, func(any) {})
	case 1:
		partition := int32(s.rng.IntN(simPartitions))
		req := kmsg.NewPtrOffsetDeleteRequest()
		req.Group = "g"
		req.Topics = []kmsg.OffsetDeleteRequestTopic{{Topic: "t", Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{Partition: partition}}}}
		s.send("admin", &OffsetDelete{Req: req}, func(any) {})
	default:
		s.send("admin", &DeleteGroups{Groups: []string{"g", "none"}}, func(any) {})
	}
}

// acknowledged: from now on nothing older may be seen. A request that was
// delivered twice counts as what was applied first.
func (s *sim) acknowledged(partition int32, offset int64) {
	for at, commit := range s.commits {
		if commit.partition == partition && commit.offset == offset {
			if before, ok := s.acked[partition]; !ok || at > before {
				s.acked[partition] = at
			}
			return
		}
	}
	s.errorf("partition %d: offset %d was acknowledged and never written", partition, offset)
}

// fetch reads the offset back: never older than what was acknowledged when asked.
func (s *sim) fetch(c *simClient, partition int32) {
	acked := s.acked[partition]
	req := kmsg.NewOffsetFetchRequestGroup()
	req.Group = "g"
	req.Topics = []kmsg.OffsetFetchRequestGroupTopic{{Topic: "t", Partitions: []int32{partition}}}
	c.send(&Fetch{Req: &req, RequireStable: s.rng.IntN(2) == 0}, func(response any) {
		resp, ok := response.(*kmsg.OffsetFetchResponseGroup)
		if !ok {
			return
		}
		got := resp.Topics[0].Partitions[0].Offset
		if resp.Topics[0].Partitions[0].ErrorCode == kerr.UnstableOffsetCommit.Code {
			return
		}
		if s.aborted[got] {
			s.errorf("partition %d: fetched %d of a transaction that was aborted", partition, got)
		}
		for at := acked; at < len(s.commits); at++ {
			if s.commits[at].partition == partition && s.commits[at].offset == got {
				return
			}
		}
		s.errorf("partition %d: fetched %d after %d was acknowledged", partition, got, s.commits[acked].offset)
	})
}
