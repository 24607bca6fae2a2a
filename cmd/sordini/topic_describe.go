package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// topicDescription is one topic of `topic describe -o json`. Offsets that are not known are null.
type topicDescription struct {
	Name              string                 `json:"name"`
	ID                string                 `json:"id,omitempty"`
	Internal          bool                   `json:"internal"`
	ReplicationFactor int                    `json:"replication_factor"`
	Partitions        []partitionDescription `json:"partitions"`
	Configs           []configDescription    `json:"configs"`
}

type partitionDescription struct {
	Partition       int32   `json:"partition"`
	Leader          int32   `json:"leader"` // -1: none
	LeaderEpoch     int32   `json:"leader_epoch"`
	Replicas        []int32 `json:"replicas"`
	ISR             []int32 `json:"isr"`
	OfflineReplicas []int32 `json:"offline_replicas"`
	StartOffset     *int64  `json:"start_offset"`
	EndOffset       *int64  `json:"end_offset"`
	Error           string  `json:"error,omitempty"`
}

type configDescription struct {
	Name   string  `json:"name"`
	Value  *string `json:"value"`
	Source string  `json:"source"`
}

func newTopicDescribeCommand(flags *clientFlags) *cobra.Command {
	var out outputFlag
	var check, allConfigs bool
	cmd := &cobra.Command{
		Use:   "describe TOPIC...",
		Short: "Show partitions, replicas, offsets and configs of topics",
		Long: `Show partitions, replicas, offsets and configs of topics. Of the configs only those set for the topic are shown in text; --all-configs shows the rest.
JSON is an array of {name, id, internal, replication_factor, partitions, configs}; a partition is {partition, leader, leader_epoch, replicas, isr,
offline_replicas, start_offset, end_offset, error}, a config {name, value, source}.
With --check the exit code is 4 when a partition has no leader or fewer replicas in sync than it should have.`,
		Example: `  sordini topic describe orders
  sordini topic describe orders -o json | jq '.[0].partitions[].end_offset'
  sordini topic describe orders --check >/dev/null || echo 'orders is not well'`,
		Args:              atLeastOne("one or more topics"),
		ValidArgsFunction: completeTopics(flags, true),
		RunE: flags.command(&out, func(ctx context.Context, c *client, o *output, names []string) error {
			topics, err := c.describeTopics(ctx, names)
			if err != nil {
				return err
			}
			if err := printTopics(o, topics, allConfigs); err != nil || !check {
				return err
			}
			return checkTopics(topics)
		}),
	}
	out.add(cmd)
	cmd.Flags().BoolVar(&check, "check", false, "exit with 4 when a partition is not well")
	cmd.Flags().BoolVarP(&allConfigs, "all-configs", "a", false, "show configs that are at their default too")
	return cmd
}

func (c *client) describeTopics(ctx context.Context, names []string) ([]topicDescription, error) {
	details, err := c.topicsNamed(ctx, names)
	if err != nil {
		return nil, err
	}
	// Offsets that cannot be had for want of a leader do not prevent the description of the rest.
	starts, err := c.listOffsets(ctx, earliestOffset, false, details)
	if err != nil && anyLeader(details) {
		return nil, err
	}
	ends, err := c.listOffsets(ctx, latestOffset, false, details)
	if err != nil && anyLeader(details) {
		return nil, err
	}
	configs, err := c.admin.DescribeTopicConfigs(ctx, names...)
	if err != nil {
		configs = nil // brokers before 0.11 do not tell them
	}
	topics := []topicDescription{}
	for _, t := range details.Sorted() {
		topic := topicDescription{Name: t.Topic, ID: topicID(t.ID), Internal: t.IsInternal, ReplicationFactor: t.Partitions.NumReplicas(), Configs: []configDescription{}}
		for _, p := range t.Partitions.Sorted() {
			topic.Partitions = append(topic.Partitions, describePartition(p, starts, ends))
		}
		if rc, err := configs.On(t.Topic, nil); err == nil {
			topic.Configs = describeConfigs(rc.Configs)
		}
		topics = append(topics, topic)
	}
	return topics, nil
}

func anyLeader(topics kadm.TopicDetails) bool {
	for _, t := range topics {
		for _, p := range t.Partitions {
			if p.Leader >= 0 {
				return true
			}
		}
	}
	return false
}

func describePartition(p kadm.PartitionDetail, starts, ends kadm.ListedOffsets) partitionDescription {
	d := partitionDescription{
		Partition: p.Partition, Leader: p.Leader, LeaderEpoch: p.LeaderEpoch,
		Replicas: notNil(p.Replicas), ISR: notNil(p.ISR), OfflineReplicas: notNil(p.OfflineReplicas),
	}
	if p.Err != nil {
		d.Error = brokerError(p.Err, "")
	}
	known := func(listed kadm.ListedOffsets) *int64 {
		o, ok := listed.Lookup(p.Topic, p.Partition)
		if !ok || o.Err != nil {
			return nil
		}
		return &o.Offset
	}
	d.StartOffset, d.EndOffset = known(starts), known(ends)
	return d
}

// notNil lets JSON show an empty array instead of null.
func notNil(list []int32) []int32 {
	if list == nil {
		return []int32{}
	}
	return list
}

func describeConfigs(configs []kadm.Config) []configDescription {
	described := []configDescription{}
	for _, c := range configs {
		described = append(described, configDescription{Name: c.Key, Value: c.Value, Source: c.Source.String()})
	}
	slices.SortFunc(described, func(a, b configDescription) int { return strings.Compare(a.Name, b.Name) })
	return described
}

func printTopics(o *output, topics []topicDescription, allConfigs bool) error {
	if o.json {
		return o.document(topics)
	}
	for i, t := range topics {
		if i > 0 {
			if _, err := io.WriteString(o.w, "\n"); err != nil {
				return err
			}
		}
		if err := printTopic(o, t, allConfigs); err != nil {
			return err
		}
	}
	return nil
}

func printTopic(o *output, t topicDescription, allConfigs bool) error {
	summary := [][]string{{"topic", t.Name}}
	if t.ID != "" {
		summary = append(summary, []string{"id", t.ID})
	}
	if t.Internal {
		summary = append(summary, []string{"internal", "yes"})
	}
	summary = append(summary, []string{"partitions", strconv.Itoa(len(t.Partitions))}, []string{"replication factor", strconv.Itoa(t.ReplicationFactor)})
	if err := o.summary(summary); err != nil {
		return err
	}
	rows := [][]string{}
	for _, p := range t.Partitions {
		rows = append(rows, []string{strconv.Itoa(int(p.Partition)), number(int64(p.Leader)), number(int64(p.LeaderEpoch)),
			numbers(p.Replicas), numbers(p.ISR), optional(p.StartOffset), optional(p.EndOffset), p.problem()})
	}
	if err := o.section([]string{"PARTITION", "LEADER", "EPOCH", "REPLICAS", "ISR", "START", "END", "PROBLEM"}, rows); err != nil {
		return err
	}
	rows = rows[:0]
	for _, c := range t.Configs {
		if !allConfigs && c.Source != kmsg.ConfigSourceDynamicTopicConfig.String() {
			continue
		}
		value := "(hidden)"
		if c.Value != nil {
			value = *c.Value
		}
		rows = append(rows, []string{c.Name, value, c.Source})
	}
	if len(rows) == 0 {
		return nil
	}
	return o.section([]string{"CONFIG", "VALUE", "SOURCE"}, rows)
}

func optional(offset *int64) string {
	if offset == nil {
		return "-"
	}
	return number(*offset)
}

// problem says what is not well with a partition, or nothing.
func (p partitionDescription) problem() string {
	switch {
	case p.Leader < 0:
		return "no leader"
	case len(p.ISR) < len(p.Replicas):
		return fmt.Sprintf("%d of %d in sync", len(p.ISR), len(p.Replicas))
	}
	return p.Error
}

// checkTopics ends with exitUnhealthy when a partition has a problem.
func checkTopics(topics []topicDescription) error {
	var texts []string
	for _, t := range topics {
		for _, p := range t.Partitions {
			if problem := p.problem(); problem != "" {
				texts = append(texts, fmt.Sprintf("%s partition %d: %s", t.Name, p.Partition, problem))
			}
		}
	}
	if len(texts) == 0 {
		return nil
	}
	return &exitError{code: exitUnhealthy, err: fmt.Errorf("not healthy: %s", strings.Join(texts, "; "))}
}
