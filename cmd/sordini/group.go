package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
)

func newGroupCommand() *cobra.Command {
	var flags clientFlags
	cmd := nounCommand("group", "List and describe consumer groups of any Kafka", `  sordini group list
  sordini group describe billing
  sordini group describe billing --max-lag 1000 >/dev/null || echo 'billing is behind'`,
		newGroupListCommand(&flags), newGroupDescribeCommand(&flags))
	flags.add(cmd)
	return cmd
}

// groupEntry is one group of `group list -o json`.
type groupEntry struct {
	Name         string `json:"name"`
	State        string `json:"state"`
	ProtocolType string `json:"protocol_type"`
	Coordinator  int32  `json:"coordinator"`
}

func newGroupListCommand(flags *clientFlags) *cobra.Command {
	var out outputFlag
	var states []string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List groups",
		Long: `List groups with their state. A pipe gets name, state, protocol type and coordinator with tabs between.
JSON is an array of {name, state, protocol_type, coordinator}. Brokers before 2.6 do not tell the state.`,
		Example: `  sordini group list
  sordini group list --state Empty
  sordini group list -o json | jq -r '.[].name'`,
		Args: noArguments,
		RunE: flags.command(&out, func(ctx context.Context, c *client, o *output, _ []string) error {
			groups, err := c.groups(ctx, states...)
			if err != nil {
				return err
			}
			return listGroups(o, groups)
		}),
	}
	out.add(cmd)
	cmd.Flags().StringSliceVar(&states, "state", nil, "list only groups in these `STATE`s: Stable, Empty, PreparingRebalance, CompletingRebalance, Dead")
	return cmd
}

func listGroups(o *output, groups kadm.ListedGroups) error {
	entries := []groupEntry{}
	rows := [][]string{}
	for _, g := range groups.Sorted() {
		entry := groupEntry{Name: g.Group, State: g.State, ProtocolType: g.ProtocolType, Coordinator: g.Coordinator}
		entries = append(entries, entry)
		rows = append(rows, []string{entry.Name, dash(entry.State), dash(entry.ProtocolType), number(int64(entry.Coordinator))})
	}
	if o.json {
		return o.document(entries)
	}
	return o.list([]string{"GROUP", "STATE", "TYPE", "COORDINATOR"}, rows)
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func (c *client) groups(ctx context.Context, states ...string) (kadm.ListedGroups, error) {
	groups, err := c.admin.ListGroups(ctx, states...)
	var shards *kadm.ShardErrors
	if errors.As(err, &shards) && !shards.AllFailed {
		err = nil // a broker that is down hides its own groups alone
	}
	if err != nil {
		return nil, c.explain(err)
	}
	// Brokers before 2.6 do not know the filter and list all.
	for name, g := range groups {
		if len(states) > 0 && g.State != "" && !slices.ContainsFunc(states, func(s string) bool { return strings.EqualFold(s, g.State) }) {
			delete(groups, name)
		}
	}
	return groups, nil
}

// completeGroups offers group names to the shell.
func completeGroups(flags *clientFlags) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		return flags.completions(cmd, args, func(ctx context.Context, c *client) ([]string, error) {
			groups, err := c.groups(ctx)
			return groups.Groups(), err
		})
	}
}
