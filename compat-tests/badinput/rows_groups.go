package badinput

import "github.com/twmb/franz-go/pkg/kmsg"

// groupMax is group.max.size of the brokers under test.
const groupMax = 2

// groupRows are about requests that reach a coordinator without a member behind them.
func groupRows() []row {
	join := func(edit func(*kmsg.JoinGroupRequest)) func(e *env) kmsg.Request {
		return func(e *env) kmsg.Request {
			r := joinRequest(3, e.newName("group"), "", "range")
			edit(r)
			return r
		}
	}
	timeout := func(ms int32) func(e *env) kmsg.Request {
		return join(func(r *kmsg.JoinGroupRequest) { r.SessionTimeoutMillis = ms })
	}
	find := func(version int16, kind int8, keys ...string) func(e *env) kmsg.Request {
		return func(*env) kmsg.Request {
			r := kmsg.NewPtrFindCoordinatorRequest()
			r.Version, r.CoordinatorType = version, kind
			if version >= 4 {
				r.CoordinatorKeys = keys
				return r
			}
			r.CoordinatorKey = keys[0]
			return r
		}
	}
	return []row{
		request("join: empty group id", "top 24", join(func(r *kmsg.JoinGroupRequest) { r.Group = "" })),
		request("join: session timeout of 1 ms", "top 26", timeout(1)),
		request("join: session timeout of 2^31-1 ms", "top 26", timeout(1<<31-1)),
		request("join: session timeout of -1 ms", "top 26", timeout(-1)),
		request("join: no protocols", "top 23", join(func(r *kmsg.JoinGroupRequest) { r.Protocols = nil })),
		request("join: no protocol type", "top 23", join(func(r *kmsg.JoinGroupRequest) { r.ProtocolType = "" })),
		request("join: unknown member of a new group", "top 25", join(func(r *kmsg.JoinGroupRequest) { r.MemberID = "ghost" })),
		request("join: the first time without an id in v4", "top 79", join(func(r *kmsg.JoinGroupRequest) { r.Version = 4 })),
		request("sync: empty group id", "top 24", func(*env) kmsg.Request { return syncRequest(3, "", "m", 1) }),
		request("sync: unknown group", "top 25", func(*env) kmsg.Request { return syncRequest(3, "nobody", "m", 1) }),
		request("heartbeat: empty group id", "top 24", func(*env) kmsg.Request { return heartbeatRequest(3, "", "m", 1) }),
		request("heartbeat: unknown group", "top 25", func(*env) kmsg.Request { return heartbeatRequest(3, "nobody", "m", 1) }),
		request("leave: empty group id", "top 24", func(*env) kmsg.Request { return leaveRequest(2, "", "m") }),
		request("leave: unknown group", "top 25", func(*env) kmsg.Request { return leaveRequest(2, "nobody", "m") }),
		request("leave: unknown group in v4", "Members 25", func(*env) kmsg.Request { return leaveRequest(4, "nobody", "m") }),
		request("describe: unknown group", ok, func(*env) kmsg.Request { return describeGroup(5, "nobody") }),
		request("describe: unknown group in v6", "Groups 69", func(*env) kmsg.Request { return describeGroup(6, "nobody") }).kafka(closed, ""),
		request("list: a state nobody knows", ok, func(*env) kmsg.Request {
			r := kmsg.NewPtrListGroupsRequest()
			r.Version, r.StatesFilter = 4, []string{"Dreaming"}
			return r
		}),
		request("find: unknown type", "top -1 | top 42", find(3, 9, "g")),
		request("find: unknown type in v4", "top -1 | top 42 | Coordinators -1 | Coordinators 42", find(4, 9, "g")),
		request("find: share group before v6", "top 42", find(3, 2, "g")),
		request("find: no keys in v4", ok, find(4, 0)),
		request("find: the group without a name", ok, find(3, 0, "")),
	}
}

func describeGroup(version int16, group string) *kmsg.DescribeGroupsRequest {
	r := kmsg.NewPtrDescribeGroupsRequest()
	r.Version, r.Groups = version, []string{group}
	return r
}

// joined makes a group with one member, which leads it, and returns its id and generation.
func joined(e *env, c *conn, group string, edit func(*kmsg.JoinGroupRequest)) (member string, generation int32) {
	e.t.Helper()
	r := joinRequest(3, group, "", "range")
	if edit != nil {
		edit(r)
	}
	resp, err := c.ask(r)
	if err != nil {
		e.t.Errorf("join %s: %v", group, err)
		return "", 0
	}
	j := resp.(*kmsg.JoinGroupResponse)
	if j.ErrorCode != 0 {
		e.t.Errorf("join %s: error %d", group, j.ErrorCode)
		return "", 0
	}
	s := syncRequest(3, group, j.MemberID, j.Generation)
	if r.InstanceID != nil {
		s.InstanceID = r.InstanceID
	}
	a := kmsg.NewSyncGroupRequestGroupAssignment()
	a.MemberID, a.MemberAssignment = j.MemberID, []byte{0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}
	s.GroupAssignment = append(s.GroupAssignment, a)
	if resp, err := c.ask(s); err != nil || codes(resp) != ok {
		e.t.Errorf("sync %s: %v, %v", group, resp, err)
	}
	return j.MemberID, j.Generation
}

// memberRows are about groups that have a member.
func memberRows() []row {
	with := func(name, want string, then func(e *env, group, member string, generation int32) kmsg.Request) row {
		return row{name: name, want: want, send: func(e *env, c *conn) []byte {
			group := e.newName("group")
			member, generation := joined(e, c, group, nil)
			return frameOf(then(e, group, member, generation), rowID)
		}}
	}
	static := func(r *kmsg.JoinGroupRequest) { r.Version, r.InstanceID = 5, kmsg.StringPtr("one") }
	replaced := func(name, want string, then func(group, member string, generation int32) kmsg.Request) row {
		return row{name: name, want: want, send: func(e *env, c *conn) []byte {
			group := e.newName("group")
			old, generation := joined(e, c, group, static)
			again := joinRequest(5, group, "", "range")
			again.InstanceID = kmsg.StringPtr("one")
			if resp, err := c.ask(again); err != nil || codes(resp) != ok {
				e.t.Errorf("join again: %v, %v", resp, err)
			}
			return frameOf(then(group, old, generation), rowID)
		}}
	}
	return []row{
		with("heartbeat: good", ok, func(_ *env, g, m string, n int32) kmsg.Request { return heartbeatRequest(3, g, m, n) }),
		with("heartbeat: old generation", "top 22", func(_ *env, g, m string, n int32) kmsg.Request { return heartbeatRequest(3, g, m, n-1) }),
		with("heartbeat: future generation", "top 22", func(_ *env, g, m string, n int32) kmsg.Request { return heartbeatRequest(3, g, m, n+1) }),
		with("heartbeat: unknown member", "top 25", func(_ *env, g, _ string, n int32) kmsg.Request { return heartbeatRequest(3, g, "ghost", n) }),
		with("sync: old generation", "top 22", func(_ *env, g, m string, n int32) kmsg.Request { return syncRequest(3, g, m, n-1) }),
		with("sync: unknown member", "top 25", func(_ *env, g, _ string, n int32) kmsg.Request { return syncRequest(3, g, "ghost", n) }),
		with("sync: another protocol", "top 23", func(_ *env, g, m string, n int32) kmsg.Request {
			r := syncRequest(5, g, m, n)
			r.ProtocolType, r.Protocol = kmsg.StringPtr("consumer"), kmsg.StringPtr("roundrobin")
			return r
		}),
		with("join: unknown member", "top 25", func(_ *env, g, _ string, _ int32) kmsg.Request { return joinRequest(3, g, "ghost", "range") }),
		with("join: other protocols", "top 23", func(_ *env, g, _ string, _ int32) kmsg.Request { return joinRequest(3, g, "", "mine") }),
		with("join: another protocol type", "top 23", func(_ *env, g, _ string, _ int32) kmsg.Request {
			r := joinRequest(3, g, "", "range")
			r.ProtocolType = "connect"
			return r
		}),
		with("leave: unknown member", "top 25", func(_ *env, g, _ string, _ int32) kmsg.Request { return leaveRequest(2, g, "ghost") }),
		with("leave: unknown member in v4", "Members 25", func(_ *env, g, _ string, _ int32) kmsg.Request { return leaveRequest(4, g, "ghost") }),
		with("commit: old generation", "Partitions 22", func(e *env, g, m string, n int32) kmsg.Request {
			return commitRequest(7, g, m, n-1, e.plain, 0, 1, "")
		}),
		with("commit: unknown member", "Partitions 25", func(e *env, g, _ string, n int32) kmsg.Request {
			return commitRequest(7, g, "ghost", n, e.plain, 0, 1, "")
		}),
		with("commit: from outside into a living group", "Partitions 25", func(e *env, g, _ string, _ int32) kmsg.Request {
			return commitRequest(7, g, "", -1, e.plain, 0, 1, "")
		}),
		with("delete: living group's offsets stay", ok, func(_ *env, g, m string, n int32) kmsg.Request { return heartbeatRequest(0, g, m, n) }),
		replaced("heartbeat: another instance took over", "top 82", func(g, m string, n int32) kmsg.Request {
			r := heartbeatRequest(3, g, m, n)
			r.InstanceID = kmsg.StringPtr("one")
			return r
		}),
		replaced("sync: another instance took over", "top 82", func(g, m string, n int32) kmsg.Request {
			r := syncRequest(3, g, m, n)
			r.InstanceID = kmsg.StringPtr("one")
			return r
		}),
		replaced("join: another instance took over", "top 82", func(g, m string, _ int32) kmsg.Request {
			r := joinRequest(5, g, m, "range")
			r.InstanceID = kmsg.StringPtr("one")
			return r
		}),
		replaced("heartbeat: unknown instance", "top 25", func(g, m string, n int32) kmsg.Request {
			r := heartbeatRequest(3, g, m, n)
			r.InstanceID = kmsg.StringPtr("two")
			return r
		}),
		fullGroup(),
	}
}

// fullGroup: two members, as many as may be, make a group; the next one is one too many.
func fullGroup() row {
	return row{name: "join: group is full", want: "top 81", send: func(e *env, c *conn) []byte {
		group := e.newName("group")
		first, _ := joined(e, c, group, nil)
		second, err := dial(e.addr)
		if err != nil {
			e.t.Error(err)
			return nil
		}
		e.t.Cleanup(second.close)
		second.write(frameOf(joinRequest(3, group, "", "range"), rowID))
		if _, err := second.read(silence); err != errNothing {
			e.t.Errorf("a second member was answered before the first joined again: %v", err)
		}
		if resp, err := c.ask(joinRequest(3, group, first, "range")); err != nil || codes(resp) != ok {
			e.t.Errorf("the first member joins again: %v, %v", resp, err)
		}
		return frameOf(joinRequest(3, group, "", "range"), rowID)
	}}
}

func commitRows() []row {
	commit := func(version int16, edit func(e *env, r *kmsg.OffsetCommitRequest)) func(e *env) kmsg.Request {
		return func(e *env) kmsg.Request {
			r := commitRequest(version, e.newName("group"), "", -1, e.plain, 0, 1, "")
			edit(e, r)
			return r
		}
	}
	metadata := func(n int) func(e *env) kmsg.Request {
		return commit(8, func(_ *env, r *kmsg.OffsetCommitRequest) {
			r.Topics[0].Partitions[0].Metadata = kmsg.StringPtr(string(bytesOf('m', n)))
		})
	}
	generation := func(version int16) func(e *env) kmsg.Request {
		return commit(version, func(_ *env, r *kmsg.OffsetCommitRequest) { r.MemberID, r.Generation = "ghost", 3 })
	}
	fetch := func(version int16, groups ...string) func(e *env) kmsg.Request {
		return func(e *env) kmsg.Request {
			r := kmsg.NewPtrOffsetFetchRequest()
			r.Version = version
			if version < 8 {
				t := kmsg.NewOffsetFetchRequestTopic()
				t.Topic, t.Partitions = e.plain, []int32{0, 99}
				r.Group, r.Topics = groups[0], append(r.Topics, t)
				return r
			}
			for _, name := range groups {
				t := kmsg.NewOffsetFetchRequestGroupTopic()
				t.Topic, t.Partitions = e.plain, []int32{0, 99}
				g := kmsg.NewOffsetFetchRequestGroup()
				g.Group, g.Topics = name, append(g.Topics, t)
				r.Groups = append(r.Groups, g)
			}
			return r
		}
	}
	return []row{
		request("metadata of 4,096 bytes", ok, metadata(4096)),
		request("metadata of 4,097 bytes", "Partitions 12", metadata(4097)),
		request("unknown topic", "Partitions 3", commit(8, func(_ *env, r *kmsg.OffsetCommitRequest) { r.Topics[0].Topic = "nowhere" })),
		request("unknown partition", "Partitions 3", commit(8, func(_ *env, r *kmsg.OffsetCommitRequest) { r.Topics[0].Partitions[0].Partition = 99 })),
		request("generation of an unknown group", "Partitions 22", generation(8)),
		request("generation of an unknown group in v9", "Partitions 22 | Partitions 69", generation(9)),
		request("the group without a name", ok, commit(8, func(_ *env, r *kmsg.OffsetCommitRequest) { r.Group = "" })),
		request("a partition twice", ok, commit(8, func(_ *env, r *kmsg.OffsetCommitRequest) {
			r.Topics[0].Partitions = append(r.Topics[0].Partitions, r.Topics[0].Partitions[0])
		})),
		request("no topics", ok, commit(8, func(_ *env, r *kmsg.OffsetCommitRequest) { r.Topics = nil })),
		request("unknown topic id", "Partitions 100", commit(10, func(_ *env, r *kmsg.OffsetCommitRequest) {
			r.Topics[0].Topic, r.Topics[0].TopicID = "", [16]byte{4, 4}
		})).kafka(closed, ""), // 3.9.1 has no OffsetCommit 10
		request("fetch: unknown group", ok, fetch(7, "nobody")).check(minusOne),
		request("fetch: unknown group in v1", ok, fetch(1, "nobody")).check(minusOne),
		request("fetch: unknown group in v8", ok, fetch(8, "nobody")),
		request("fetch: no groups in v8", ok, fetch(8)).kafka(hung, ""),
		request("fetch: the group without a name", ok, fetch(7, "")),
		request("fetch: a group twice in v8", ok, fetch(8, "nobody", "nobody")),
	}
}

// minusOne: nothing committed is no error.
func minusOne(_ *env, resp kmsg.Response) string {
	for _, t := range resp.(*kmsg.OffsetFetchResponse).Topics {
		for _, p := range t.Partitions {
			if p.Offset != -1 {
				return "want offset -1 where nothing was committed"
			}
		}
	}
	return ""
}

// otherRows are the rest of the APIs.
func otherRows() []row {
	initID := func(edit func(*kmsg.InitProducerIDRequest)) func(*env) kmsg.Request {
		return func(*env) kmsg.Request {
			r := kmsg.NewPtrInitProducerIDRequest()
			r.Version, r.TransactionTimeoutMillis, r.ProducerID, r.ProducerEpoch = 3, 60_000, -1, -1
			edit(r)
			return r
		}
	}
	describe := func(kind kmsg.ConfigResourceType, name string) func(*env) kmsg.Request {
		return func(*env) kmsg.Request {
			res := kmsg.NewDescribeConfigsRequestResource()
			res.ResourceType, res.ResourceName = kind, name
			r := kmsg.NewPtrDescribeConfigsRequest()
			r.Version = 4
			r.Resources = append(r.Resources, res)
			return r
		}
	}
	return []row{
		request("producer id: empty transactional id", "top 42", initID(func(r *kmsg.InitProducerIDRequest) { r.TransactionalID = kmsg.StringPtr("") })),
		request("producer id: id without epoch", "top 42", initID(func(r *kmsg.InitProducerIDRequest) { r.ProducerID = 5 })),
		request("producer id: epoch without id", "top 42", initID(func(r *kmsg.InitProducerIDRequest) { r.ProducerEpoch = 5 })),
		request("producer id: good", ok, func(e *env) kmsg.Request {
			r := initID(func(*kmsg.InitProducerIDRequest) {})(e)
			e.must(r) // Kafka answers the very first one with "loading"
			return r
		}),
		request("configs: unknown kind of resource", "Resources 42", describe(99, "x")),
		request("configs: unknown topic", "Resources 3", describe(kmsg.ConfigResourceTypeTopic, "nowhere")),
		request("configs: illegal topic name", "Resources 17", describe(kmsg.ConfigResourceTypeTopic, "no/where")),
		request("configs: broker that is no number", "Resources 42", describe(kmsg.ConfigResourceTypeBroker, "one")),
		request("configs: another broker", "Resources 42", describe(kmsg.ConfigResourceTypeBroker, "77")),
		request("cluster: unknown kind of endpoint", "top 115 | top 42 | top 114", func(*env) kmsg.Request {
			r := kmsg.NewPtrDescribeClusterRequest()
			r.Version, r.EndpointType = 1, 9
			return r
		}),
	}
}
