package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// groupDescription is one group of `group describe -o json`. What is not known is null.
type groupDescription struct {
	Name         string           `json:"name"`
	Type         string           `json:"type"` // classic or consumer
	State        string           `json:"state"`
	ProtocolType string           `json:"protocol_type"`
	Assignor     string           `json:"assignor"`
	Coordinator  int32            `json:"coordinator"`
	Lag          int64            `json:"lag"` // sum of the partitions whose lag is known
	Members      []groupMember    `json:"members"`
	Partitions   []groupPartition `json:"partitions"`
}

type groupMember struct {
	MemberID   string            `json:"member_id"`
	InstanceID *string           `json:"instance_id"`
	ClientID   string            `json:"client_id"`
	Host       string            `json:"host"`
	Assignment []topicPartitions `json:"assignment"`
}

type topicPartitions struct {
	Topic      string  `json:"topic"`
	Partitions []int32 `json:"partitions"`
}

type groupPartition struct {
	Topic           string  `json:"topic"`
	Partition       int32   `json:"partition"`
	CommittedOffset *int64  `json:"committed_offset"`
	EndOffset       *int64  `json:"end_offset"`
	Lag             *int64  `json:"lag"`
	Metadata        string  `json:"metadata,omitempty"`
	MemberID        *string `json:"member_id"`
	ClientID        *string `json:"client_id"`
	Host            *string `json:"host"`
}

func newGroupDescribeCommand(flags *clientFlags) *cobra.Command {
	var out outputFlag
	maxLag := int64(-1)
	cmd := &cobra.Command{
		Use:   "describe GROUP...",
		Short: "Show members, committed offsets and lag of groups",
		Long: `Show members, committed offsets and lag of groups, of the classic and of the consumer (KIP-848) protocol.
JSON is an array of {name, type, state, protocol_type, assignor, coordinator, lag, members, partitions}; a member is {member_id, instance_id, client_id,
host, assignment}, a partition {topic, partition, committed_offset, end_offset, lag, metadata, member_id, client_id, host}.
With --max-lag the exit code is 4 when a group is further behind than that.`,
		Example: `  sordini group describe billing
  sordini group describe billing -o json | jq '.[0].lag'
  sordini group describe billing --max-lag 1000 >/dev/null || echo 'billing is behind'`,
		Args:              atLeastOne("one or more groups"),
		ValidArgsFunction: completeGroups(flags),
		RunE: flags.command(&out, func(ctx context.Context, c *client, o *output, names []string) error {
			groups := []groupDescription{}
			for _, name := range names {
				g, err := c.describeGroup(ctx, name)
				if err != nil {
					return err
				}
				groups = append(groups, g)
			}
			if err := printGroups(o, groups); err != nil || maxLag < 0 {
				return err
			}
			return checkLag(groups, maxLag)
		}),
	}
	out.add(cmd)
	cmd.Flags().Int64Var(&maxLag, "max-lag", -1, "exit with 4 when a group is more than `N` records behind")
	return cmd
}

// checkLag ends with exitUnhealthy when a group is too far behind.
func checkLag(groups []groupDescription, maxLag int64) error {
	var texts []string
	for _, g := range groups {
		if g.Lag > maxLag {
			texts = append(texts, fmt.Sprintf("group %s is %d records behind", printable(g.Name), g.Lag))
		}
	}
	if len(texts) == 0 {
		return nil
	}
	return &exitError{code: exitUnhealthy, err: errors.New(strings.Join(texts, "; "))}
}

func printGroups(o *output, groups []groupDescription) error {
	if o.json {
		return o.document(groups)
	}
	for i, g := range groups {
		if i > 0 {
			if _, err := io.WriteString(o.w, "\n"); err != nil {
				return err
			}
		}
		if err := printGroup(o, g); err != nil {
			return err
		}
	}
	return nil
}

func printGroup(o *output, g groupDescription) error {
	err := o.summary([][]string{
		{"group", g.Name}, {"type", g.Type}, {"state", g.State}, {"protocol", dash(g.ProtocolType)}, {"assignor", dash(g.Assignor)},
		{"coordinator", number(int64(g.Coordinator))}, {"members", strconv.Itoa(len(g.Members))}, {"lag", number(g.Lag)},
	})
	if err != nil {
		return err
	}
	rows := [][]string{}
	for _, p := range g.Partitions {
		rows = append(rows, []string{p.Topic, strconv.Itoa(int(p.Partition)), optional(p.CommittedOffset), optional(p.EndOffset), optional(p.Lag),
			optionalText(p.MemberID), optionalText(p.ClientID), optionalText(p.Host)})
	}
	if len(rows) > 0 {
		if err := o.section([]string{"TOPIC", "PARTITION", "COMMITTED", "END", "LAG", "MEMBER", "CLIENT", "HOST"}, rows); err != nil {
			return err
		}
	}
	idle := slices.DeleteFunc(slices.Clone(g.Members), func(m groupMember) bool { return len(m.Assignment) > 0 })
	rows = [][]string{}
	for _, m := range idle {
		rows = append(rows, []string{m.MemberID, dash(m.ClientID), dash(m.Host)})
	}
	if len(rows) == 0 {
		return nil
	}
	return o.section([]string{"MEMBER WITHOUT PARTITIONS", "CLIENT", "HOST"}, rows)
}

func optionalText(text *string) string {
	if text == nil {
		return "-"
	}
	return dash(*text)
}
