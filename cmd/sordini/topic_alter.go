package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
)

type topicAlter struct {
	partitions    int
	configs       []string
	deleteConfigs []string
	dryRun        bool
}

func newTopicAlterCommand(flags *clientFlags) *cobra.Command {
	var alter topicAlter
	cmd := &cobra.Command{
		Use:   "alter TOPIC...",
		Short: "Change the configs and the number of partitions of topics",
		Long: `Change the configs and the number of partitions of topics; configs first. Configs that are not named stay as they are, which needs Kafka 2.3
or later. Partitions can only be added: records stay where they are, and from then on keys go to other partitions than before.
With --dry-run the broker checks everything and changes nothing.`,
		Example: `  sordini topic alter orders --config retention.ms=86400000
  sordini topic alter orders payments --config cleanup.policy=compact,delete --delete-config max.message.bytes
  sordini topic alter orders --partitions 6 --dry-run`,
		Args:              atLeastOne("one or more topics"),
		ValidArgsFunction: completeTopics(flags, true),
		RunE: clientCommand(func(ctx context.Context, cmd *cobra.Command, names []string) error {
			changes, err := alter.parse()
			if err != nil {
				return usageError(cmd, err)
			}
			c, err := flags.connect(ctx, cmd)
			if err != nil {
				return err
			}
			defer c.Close()
			return c.alterTopics(ctx, cmd.OutOrStdout(), alter, changes, names)
		}),
	}
	cmd.Flags().IntVarP(&alter.partitions, "partitions", "p", 0, "number of partitions there shall be")
	cmd.Flags().StringArrayVarP(&alter.configs, "config", "c", nil, "topic config `key=value` to set; may be given often")
	cmd.Flags().StringArrayVar(&alter.deleteConfigs, "delete-config", nil, "topic config `key` to set back to the broker's default; may be given often")
	cmd.Flags().BoolVar(&alter.dryRun, "dry-run", false, "let the broker check, and change nothing")
	return cmd
}

// parse returns the changes of configs.
func (a topicAlter) parse() ([]kadm.AlterConfig, error) {
	switch {
	case a.partitions < 0:
		return nil, fmt.Errorf("--partitions %d: it takes at least 1", a.partitions)
	case a.partitions == 0 && len(a.configs) == 0 && len(a.deleteConfigs) == 0:
		return nil, errors.New("nothing is to be changed; give --config, --delete-config or --partitions")
	}
	var changes []kadm.AlterConfig
	for _, pair := range a.configs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("--config takes key=value, not %q", pair)
		}
		changes = append(changes, kadm.AlterConfig{Op: kadm.SetConfig, Name: key, Value: &value})
	}
	for _, key := range a.deleteConfigs {
		if key == "" || strings.Contains(key, "=") {
			return nil, fmt.Errorf("--delete-config takes a key, not %q", key)
		}
		changes = append(changes, kadm.AlterConfig{Op: kadm.DeleteConfig, Name: key})
	}
	return changes, nil
}

func (c *client) alterTopics(ctx context.Context, out io.Writer, a topicAlter, changes []kadm.AlterConfig, names []string) error {
	// All names are checked before the first topic is changed.
	if _, err := c.topicsNamed(ctx, names); err != nil {
		return err
	}
	if len(changes) > 0 {
		if err := c.alterTopicConfigs(ctx, out, a, changes, names); err != nil {
			return err
		}
	}
	if a.partitions > 0 {
		return c.addPartitions(ctx, out, a, names)
	}
	return nil
}

func (c *client) alterTopicConfigs(ctx context.Context, out io.Writer, a topicAlter, changes []kadm.AlterConfig, names []string) error {
	send, verb := c.admin.AlterTopicConfigs, "changed"
	if a.dryRun {
		send, verb = c.admin.ValidateAlterTopicConfigs, "would change"
	}
	responses, err := send(ctx, changes, names...)
	if err != nil {
		return c.explain(err)
	}
	var failed []error
	for _, r := range responses {
		if r.Err != nil {
			failed = append(failed, fmt.Errorf("topic %s was not changed: %s", printable(r.Name), brokerError(r.Err, r.ErrMessage)))
			continue
		}
		if _, err := fmt.Fprintf(out, "%s the configs of %s\n", verb, r.Name); err != nil {
			return err
		}
	}
	return join(failed...)
}

func (c *client) addPartitions(ctx context.Context, out io.Writer, a topicAlter, names []string) error {
	send, verb := c.admin.UpdatePartitions, "has"
	if a.dryRun {
		send, verb = c.admin.ValidateUpdatePartitions, "would have"
	}
	responses, err := send(ctx, a.partitions, names...)
	if err != nil {
		return c.explain(err)
	}
	var failed []error
	for _, r := range responses.Sorted() {
		if r.Err != nil {
			failed = append(failed, fmt.Errorf("topic %s has as many partitions as before: %s", printable(r.Topic), brokerError(r.Err, r.ErrMessage)))
			continue
		}
		if _, err := fmt.Fprintf(out, "%s %s %s\n", r.Topic, verb, plural(a.partitions, "partition")); err != nil {
			return err
		}
	}
	return join(failed...)
}
