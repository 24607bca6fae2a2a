package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/IBM/sarama"

	"github.com/sordini/sordini/compat-tests/harness/goagent"
)

// adminOps are the admin calls that Sarama makes at its version.
func (c *client) adminOps() []string {
	if !c.atLeast(sarama.V0_10_2_0) {
		return nil
	}
	ops := []string{"create", "groups", "group", "committed", "drop"}
	if c.atLeast(sarama.V0_11_0_0) {
		ops = append(ops, "topics", "config", "alter", "truncate") // Sarama's list of topics comes with their configs
	}
	if c.atLeast(sarama.V1_0_0_0) {
		ops = append(ops, "grow")
	}
	if c.atLeast(sarama.V1_1_0_0) {
		ops = append(ops, "dropGroup")
	}
	return ops
}

func (c *client) Administer(op string, a goagent.Admin) (any, error) {
	admin, err := sarama.NewClusterAdmin(c.addrs, c.config())
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	switch op {
	case "create":
		detail := &sarama.TopicDetail{NumPartitions: a.Partitions, ReplicationFactor: 1, ConfigEntries: map[string]*string{}}
		for name, value := range a.Configs {
			detail.ConfigEntries[name] = &value
		}
		return nil, admin.CreateTopic(a.Topic, detail, false)
	case "topics":
		topics, err := admin.ListTopics()
		return slices.Collect(maps.Keys(topics)), err
	case "config":
		entries, err := admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: a.Topic, ConfigNames: []string{a.Name}})
		if err != nil || len(entries) != 1 {
			return nil, fmt.Errorf("%d entries, %w", len(entries), err)
		}
		return entries[0].Value, nil
	case "alter":
		return nil, c.alter(admin, a)
	case "grow":
		return nil, admin.CreatePartitions(a.Topic, a.Partitions, nil, false)
	case "truncate":
		return nil, admin.DeleteRecords(a.Topic, map[int32]int64{a.Partition: a.Offset})
	case "groups":
		groups, err := admin.ListConsumerGroups()
		return slices.Collect(maps.Keys(groups)), err
	case "group":
		groups, err := admin.DescribeConsumerGroups([]string{a.Group})
		if err != nil || len(groups) != 1 {
			return nil, fmt.Errorf("%d groups, %w", len(groups), err)
		}
		return groups[0].State, nil
	case "committed":
		offsets, err := admin.ListConsumerGroupOffsets(a.Group, map[string][]int32{a.Topic: {a.Partition}})
		if err != nil {
			return nil, err
		}
		return offsets.GetBlock(a.Topic, a.Partition).Offset, nil
	case "dropGroup":
		return nil, admin.DeleteConsumerGroup(a.Group)
	case "drop":
		return nil, admin.DeleteTopic(a.Topic)
	}
	return nil, fmt.Errorf("no admin op %q", op)
}

// alter sets one value and, where it can, leaves the others alone; before 2.3 there was only the call that replaces them all.
func (c *client) alter(admin sarama.ClusterAdmin, a goagent.Admin) error {
	if c.atLeast(sarama.V2_3_0_0) {
		entry := sarama.IncrementalAlterConfigsEntry{Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &a.Value}
		return admin.IncrementalAlterConfig(sarama.TopicResource, a.Topic, map[string]sarama.IncrementalAlterConfigsEntry{a.Name: entry}, false)
	}
	return admin.AlterConfig(sarama.TopicResource, a.Topic, map[string]*string{a.Name: &a.Value}, false)
}
