package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
)

func newTopicCommand() *cobra.Command {
	var flags clientFlags
	cmd := nounCommand("topic", "List, describe, create, alter and delete topics of any Kafka", `  sordini topic list
  sordini topic create orders --partitions 3
  sordini topic describe orders -o json`,
		newTopicListCommand(&flags), newTopicDescribeCommand(&flags), newTopicCreateCommand(&flags), newTopicAlterCommand(&flags), newTopicDeleteCommand(&flags))
	flags.add(cmd)
	return cmd
}

// topicEntry is one topic of `topic list -o json`.
type topicEntry struct {
	Name              string `json:"name"`
	ID                string `json:"id,omitempty"`
	Internal          bool   `json:"internal"`
	Partitions        int    `json:"partitions"`
	ReplicationFactor int    `json:"replication_factor"`
}

func newTopicListCommand(flags *clientFlags) *cobra.Command {
	var out outputFlag
	var internal bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List topics",
		Long: `List topics with their numbers of partitions and replicas. A pipe gets name, partitions and replication factor with tabs between.
JSON is an array of {name, id, internal, partitions, replication_factor}.`,
		Example: `  sordini topic list
  sordini topic list --internal -o json
  sordini topic list | cut -f1`,
		Args: noArguments,
		RunE: flags.command(&out, func(ctx context.Context, c *client, o *output, _ []string) error {
			topics, err := c.topics(ctx)
			if err != nil {
				return err
			}
			return listTopics(o, topics, internal)
		}),
	}
	out.add(cmd)
	cmd.Flags().BoolVarP(&internal, "internal", "i", false, "list the cluster's own topics too")
	return cmd
}

func listTopics(o *output, topics kadm.TopicDetails, internal bool) error {
	entries := []topicEntry{}
	rows := [][]string{}
	for _, t := range topics.Sorted() {
		if t.IsInternal && !internal {
			continue
		}
		entry := topicEntry{Name: t.Topic, ID: topicID(t.ID), Internal: t.IsInternal, Partitions: len(t.Partitions), ReplicationFactor: t.Partitions.NumReplicas()}
		entries = append(entries, entry)
		rows = append(rows, []string{entry.Name, strconv.Itoa(entry.Partitions), strconv.Itoa(entry.ReplicationFactor)})
	}
	if o.json {
		return o.document(entries)
	}
	return o.list([]string{"TOPIC", "PARTITIONS", "REPLICAS"}, rows)
}

// topicID prints an id as Kafka's tools do; brokers before 2.8 have none.
func topicID(id kadm.TopicID) string {
	if id == (kadm.TopicID{}) {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// topics returns all topics there are. It asks for all and not by name, because old brokers create a topic that is asked for by name.
func (c *client) topics(ctx context.Context) (kadm.TopicDetails, error) {
	topics, err := c.admin.ListTopicsWithInternal(ctx)
	if err != nil {
		return nil, c.explain(err)
	}
	return topics, nil
}

// topicsNamed returns the topics with these names; the error for one that is not there says what it could have been.
func (c *client) topicsNamed(ctx context.Context, names []string) (kadm.TopicDetails, error) {
	all, err := c.topics(ctx)
	if err != nil {
		return nil, err
	}
	named := kadm.TopicDetails{}
	for _, name := range names {
		t, ok := all[name]
		if !ok {
			return nil, notFound("topic", name, all.Names())
		}
		if t.Err != nil {
			return nil, fmt.Errorf("topic %s: %s", name, brokerError(t.Err, ""))
		}
		named[name] = t
	}
	return named, nil
}

// completeTopics offers topic names to the shell.
func completeTopics(flags *clientFlags, many bool) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 && !many {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return flags.completions(cmd, args, func(ctx context.Context, c *client) ([]string, error) {
			topics, err := c.topics(ctx)
			return topics.Names(), err
		})
	}
}

// completions asks the cluster for names, quickly or not at all, and leaves out those that already stand on the command line.
func (f *clientFlags) completions(cmd *cobra.Command, args []string, names func(context.Context, *client) ([]string, error)) ([]string, cobra.ShellCompDirective) {
	quick := clientFlags{brokers: f.brokers, settings: append(slices.Clone(f.settings), "request.timeout.ms=1500")}
	ctx := context.Background()
	c, err := quick.connect(ctx, cmd)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer c.Close()
	all, err := names(ctx, c)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return slices.DeleteFunc(all, func(name string) bool { return slices.Contains(args, name) }), cobra.ShellCompDirectiveNoFileComp
}

func newTopicDeleteCommand(flags *clientFlags) *cobra.Command {
	var ifExists, dryRun bool
	cmd := &cobra.Command{
		Use:   "delete TOPIC...",
		Short: "Delete topics with all their records",
		Example: `  sordini topic delete orders
  sordini topic delete orders payments --if-exists
  sordini topic delete orders --dry-run`,
		Args:              atLeastOne("one or more topics"),
		ValidArgsFunction: completeTopics(flags, true),
		RunE: clientCommand(func(ctx context.Context, cmd *cobra.Command, names []string) error {
			c, err := flags.connect(ctx, cmd)
			if err != nil {
				return err
			}
			defer c.Close()
			return c.deleteTopics(ctx, cmd, names, ifExists, dryRun)
		}),
	}
	cmd.Flags().BoolVar(&ifExists, "if-exists", false, "let a topic that is not there be no error")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be deleted, and delete nothing")
	return cmd
}

func (c *client) deleteTopics(ctx context.Context, cmd *cobra.Command, names []string, ifExists, dryRun bool) error {
	all, err := c.topics(ctx)
	if err != nil {
		return err
	}
	// All names are checked before the first topic is gone.
	there := []string{}
	for _, name := range names {
		switch _, ok := all[name]; {
		case ok:
			there = append(there, name)
		case !ifExists:
			return notFound("topic", name, all.Names())
		}
	}
	if len(there) == 0 {
		return nil
	}
	out := cmd.OutOrStdout()
	if dryRun {
		for _, name := range there {
			if _, err := fmt.Fprintf(out, "would delete %s with %s\n", name, plural(len(all[name].Partitions), "partition")); err != nil {
				return err
			}
		}
		return nil
	}
	responses, err := c.admin.DeleteTopics(ctx, there...)
	if err != nil {
		return c.explain(err)
	}
	var failed []error
	for _, r := range responses.Sorted() {
		if r.Err != nil {
			failed = append(failed, fmt.Errorf("topic %s was not deleted: %s", r.Topic, brokerError(r.Err, r.ErrMessage)))
			continue
		}
		if _, err := fmt.Fprintf(out, "deleted %s\n", r.Topic); err != nil {
			return err
		}
	}
	return join(failed...)
}
