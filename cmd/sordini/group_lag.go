package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// describeGroup asks for one group by the protocol that it follows, and for its offsets.
func (c *client) describeGroup(ctx context.Context, name string) (groupDescription, error) {
	described, err := c.admin.DescribeGroups(ctx, name)
	classic, ok := described[name]
	if !ok {
		if err == nil {
			err = errors.New("the broker left the group out of its answer")
		}
		return groupDescription{}, c.explain(err)
	}
	g := classicGroup(classic)
	// A group of the newer protocol is "not found" or "Dead" to the older API, as is a group that does not exist. Brokers before 4.0 refuse the newer API.
	missing := errors.Is(classic.Err, kerr.GroupIDNotFound) || classic.Err == nil && classic.State == "Dead"
	if missing {
		newer, err := c.admin.DescribeConsumerGroups(ctx, name)
		if n, ok := newer[name]; err == nil && ok && n.Err == nil {
			g, missing = consumerGroup(n), false
		}
	} else if classic.Err != nil {
		return g, fmt.Errorf("group %s: %s", printable(name), brokerError(classic.Err, classic.ErrMessage))
	}
	commits, err := c.admin.FetchOffsets(ctx, name)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return g, c.explain(err)
	}
	if missing && len(commits) == 0 {
		groups, err := c.groups(ctx)
		if err != nil {
			return g, err
		}
		return g, notFound("group", name, groups.Groups())
	}
	topics := g.topics(commits)
	if len(topics) == 0 {
		return g, nil
	}
	// Topics that are gone have no end; their commits are shown without a lag.
	details, err := c.topics(ctx)
	if err != nil {
		return g, err
	}
	maps.DeleteFunc(details, func(topic string, t kadm.TopicDetail) bool { return t.Err != nil || !slices.Contains(topics, topic) })
	ends := kadm.ListedOffsets{}
	if len(details) > 0 {
		if ends, err = c.listOffsets(ctx, latestOffset, false, details); err != nil {
			return g, err
		}
	}
	g.measure(commits, ends)
	return g, nil
}

func classicGroup(d kadm.DescribedGroup) groupDescription {
	g := groupDescription{
		Name: d.Group, Type: "classic", State: d.State, ProtocolType: d.ProtocolType, Assignor: d.Protocol, Coordinator: d.Coordinator.NodeID,
		Members: []groupMember{}, Partitions: []groupPartition{},
	}
	for _, m := range d.Members {
		member := groupMember{MemberID: m.MemberID, InstanceID: m.InstanceID, ClientID: m.ClientID, Host: m.ClientHost, Assignment: []topicPartitions{}}
		if assigned, ok := m.Assigned.AsConsumer(); ok {
			set := kadm.TopicsSet{}
			for _, t := range assigned.Topics {
				set.Add(t.Topic, t.Partitions...)
			}
			member.Assignment = assignment(set)
		}
		g.Members = append(g.Members, member)
	}
	return g
}

func consumerGroup(d kadm.DescribedConsumerGroup) groupDescription {
	g := groupDescription{
		Name: d.Group, Type: "consumer", State: d.State, ProtocolType: "consumer", Assignor: d.AssignorName, Coordinator: d.Coordinator.NodeID,
		Members: []groupMember{}, Partitions: []groupPartition{},
	}
	for _, m := range d.Members {
		g.Members = append(g.Members, groupMember{MemberID: m.MemberID, InstanceID: m.InstanceID, ClientID: m.ClientID, Host: m.ClientHost, Assignment: assignment(m.Assignment)})
	}
	return g
}

func assignment(set kadm.TopicsSet) []topicPartitions {
	list := []topicPartitions{}
	for _, t := range set.Sorted() {
		list = append(list, topicPartitions{Topic: t.Topic, Partitions: t.Partitions})
	}
	return list
}

// topics returns the topics that the group has committed in or consumes.
func (g *groupDescription) topics(commits kadm.OffsetResponses) []string {
	set := map[string]bool{}
	for topic := range commits {
		set[topic] = true
	}
	for _, m := range g.Members {
		for _, t := range m.Assignment {
			set[t.Topic] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// measure fills in the partitions: every one that has a commit or a member.
func (g *groupDescription) measure(commits kadm.OffsetResponses, ends kadm.ListedOffsets) {
	type place struct {
		topic     string
		partition int32
	}
	owners := map[place]*groupMember{}
	set := kadm.TopicsSet{}
	commits.Each(func(o kadm.OffsetResponse) {
		if o.Err == nil && o.At >= 0 {
			set.Add(o.Topic, o.Partition)
		}
	})
	for i := range g.Members {
		for _, t := range g.Members[i].Assignment {
			set.Add(t.Topic, t.Partitions...)
			for _, p := range t.Partitions {
				owners[place{t.Topic, p}] = &g.Members[i]
			}
		}
	}
	for _, t := range set.Sorted() {
		for _, partition := range t.Partitions {
			p := groupPartition{Topic: t.Topic, Partition: partition}
			if end, ok := ends.Lookup(t.Topic, partition); ok && end.Err == nil {
				p.EndOffset = &end.Offset
			}
			if commit, ok := commits.Lookup(t.Topic, partition); ok && commit.Err == nil && commit.At >= 0 {
				p.CommittedOffset, p.Metadata = &commit.At, commit.Metadata
			}
			if p.EndOffset != nil && p.CommittedOffset != nil {
				lag := max(*p.EndOffset-*p.CommittedOffset, 0)
				p.Lag = &lag
				g.Lag += lag
			}
			if m := owners[place{t.Topic, partition}]; m != nil {
				p.MemberID, p.ClientID, p.Host = &m.MemberID, &m.ClientID, &m.Host
			}
			g.Partitions = append(g.Partitions, p)
		}
	}
}
