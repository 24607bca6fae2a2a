package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

type topicCreate struct {
	partitions        int32
	replicationFactor int16
	configs           []string
	ifNotExists       bool
	dryRun            bool
}

// createdTopic is one topic of `topic create -o json`.
type createdTopic struct {
	Name              string `json:"name"`
	ID                string `json:"id,omitempty"`
	Partitions        int32  `json:"partitions,omitempty"`
	ReplicationFactor int16  `json:"replication_factor,omitempty"`
	Created           bool   `json:"created"`
	Exists            bool   `json:"exists"`
	Error             string `json:"error,omitempty"`
}

func newTopicCreateCommand(flags *clientFlags) *cobra.Command {
	var out outputFlag
	var create topicCreate
	cmd := &cobra.Command{
		Use:   "create TOPIC...",
		Short: "Create topics",
		Long: `Create topics. Without --partitions and --replication-factor the broker's defaults hold (which needs Kafka 2.4 or later).
With --dry-run the broker checks everything and creates nothing.
JSON is an array of {name, id, partitions, replication_factor, created, exists, error}.`,
		Example: `  sordini topic create orders --partitions 3
  sordini topic create sessions -p 6 -r 3 --config cleanup.policy=compact --config max.message.bytes=4194304
  sordini topic create orders --if-not-exists
  sordini topic create orders -p 3 --config retention.ms=86400000 --dry-run`,
		Args: atLeastOne("one or more topics"),
		RunE: clientCommand(func(ctx context.Context, cmd *cobra.Command, names []string) error {
			o, err := out.open(cmd)
			if err != nil {
				return err
			}
			configs, err := create.parseConfigs()
			if err != nil {
				return usageError(cmd, err)
			}
			c, err := flags.connect(ctx, cmd)
			if err != nil {
				return err
			}
			defer c.Close()
			return c.createTopics(ctx, o, create, configs, names)
		}),
	}
	out.add(cmd)
	cmd.Flags().Int32VarP(&create.partitions, "partitions", "p", -1, "number of partitions; -1 is the broker's default")
	cmd.Flags().Int16VarP(&create.replicationFactor, "replication-factor", "r", -1, "number of replicas of each partition; -1 is the broker's default")
	cmd.Flags().StringArrayVarP(&create.configs, "config", "c", nil, "topic config `key=value`; may be given often")
	cmd.Flags().BoolVar(&create.ifNotExists, "if-not-exists", false, "let a topic that is already there be no error")
	cmd.Flags().BoolVar(&create.dryRun, "dry-run", false, "let the broker check, and create nothing")
	return cmd
}

func (t topicCreate) parseConfigs() (map[string]*string, error) {
	switch {
	case t.partitions < 1 && t.partitions != -1:
		return nil, fmt.Errorf("--partitions %d: it takes at least 1", t.partitions)
	case t.replicationFactor < 1 && t.replicationFactor != -1:
		return nil, fmt.Errorf("--replication-factor %d: it takes at least 1", t.replicationFactor)
	}
	configs := map[string]*string{}
	for _, pair := range t.configs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("--config takes key=value, not %q", pair)
		}
		configs[key] = &value
	}
	return configs, nil
}

func (c *client) createTopics(ctx context.Context, o *output, create topicCreate, configs map[string]*string, names []string) error {
	send := c.admin.CreateTopics
	if create.dryRun {
		send = c.admin.ValidateCreateTopics
	}
	responses, err := send(ctx, create.partitions, create.replicationFactor, configs, names...)
	if err != nil {
		return c.explain(err)
	}
	created := []createdTopic{}
	var failed []error
	for _, r := range responses.Sorted() {
		entry := createdTopic{
			Name: r.Topic, ID: topicID(r.ID), Partitions: max(r.NumPartitions, 0), ReplicationFactor: max(r.ReplicationFactor, 0),
			Created: r.Err == nil && !create.dryRun, Exists: errors.Is(r.Err, kerr.TopicAlreadyExists),
		}
		if r.Err != nil && (!create.ifNotExists || !entry.Exists) {
			entry.Error = brokerError(r.Err, r.ErrMessage)
			failed = append(failed, createError(r, entry))
		}
		created = append(created, entry)
	}
	if o.json {
		err = o.document(created)
	} else {
		err = printCreated(o, created, create.dryRun)
	}
	return join(append(failed, err)...)
}

func createError(r kadm.CreateTopicResponse, entry createdTopic) error {
	if entry.Exists {
		return fmt.Errorf("topic %s is already there; --if-not-exists accepts that", printable(r.Topic))
	}
	return fmt.Errorf("topic %s was not created: %s", printable(r.Topic), entry.Error)
}

func printCreated(o *output, topics []createdTopic, dryRun bool) error {
	verb := "created"
	if dryRun {
		verb = "would create"
	}
	for _, t := range topics {
		line := verb + " " + t.Name
		switch {
		case t.Error != "":
			continue
		case t.Exists:
			line = t.Name + " is already there"
		case t.Partitions > 0:
			line += fmt.Sprintf(" with %s, replication factor %d", plural(int(t.Partitions), "partition"), t.ReplicationFactor)
		}
		if _, err := fmt.Fprintln(o.w, line); err != nil {
			return err
		}
	}
	return nil
}
