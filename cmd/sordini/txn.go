package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

func newTxnCommand() *cobra.Command {
	var flags clientFlags
	cmd := nounCommand("txn", "List, describe and end transactions of any Kafka", `  sordini txn list --state Ongoing
  sordini txn describe payments-1
  sordini txn find-hanging || echo 'consumers wait for a transaction that nobody will end'`,
		newTxnListCommand(&flags), newTxnDescribeCommand(&flags), newTxnAbortCommand(&flags), newTxnHangingCommand(&flags))
	flags.add(cmd)
	return cmd
}

// txnEntry is one transactional id of `txn list -o json`.
type txnEntry struct {
	TransactionalID string `json:"transactional_id"`
	ProducerID      int64  `json:"producer_id"`
	State           string `json:"state"`
	Coordinator     int32  `json:"coordinator"`
}

// txnDescription is one of `txn describe -o json`. What is not known is null.
type txnDescription struct {
	TransactionalID string            `json:"transactional_id"`
	State           string            `json:"state"`
	ProducerID      int64             `json:"producer_id"`
	ProducerEpoch   int16             `json:"producer_epoch"`
	TimeoutMs       int32             `json:"timeout_ms"`
	StartTimestamp  *int64            `json:"start_timestamp"`
	Coordinator     int32             `json:"coordinator"`
	Partitions      []topicPartitions `json:"partitions"`
}

func newTxnListCommand(flags *clientFlags) *cobra.Command {
	var out outputFlag
	var states []string
	var producers []int64
	var olderThan time.Duration
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List transactional ids",
		Long: `List transactional ids with the state of their transactions. A pipe gets id, producer id, state and coordinator with tabs between.
JSON is an array of {transactional_id, producer_id, state, coordinator}. Brokers before 3.0 cannot tell.`,
		Example: `  sordini txn list
  sordini txn list --state Ongoing,PrepareCommit,PrepareAbort
  sordini txn list --older-than 5m -o json | jq -r '.[].transactional_id'`,
		Args: noArguments,
		RunE: flags.command(&out, func(ctx context.Context, c *client, o *output, _ []string) error {
			txns, err := c.transactions(ctx, producers, states)
			if err == nil && olderThan > 0 {
				err = c.keepOlder(ctx, txns, olderThan)
			}
			if err != nil {
				return err
			}
			return listTransactions(o, txns)
		}),
	}
	out.add(cmd)
	cmd.Flags().StringSliceVar(&states, "state", nil,
		"list only transactions in these `STATE`s: Empty, Ongoing, PrepareCommit, PrepareAbort, CompleteCommit, CompleteAbort, Dead, PrepareEpochFence")
	cmd.Flags().Int64SliceVar(&producers, "producer-id", nil, "list only those of these producer `ID`s")
	cmd.Flags().DurationVar(&olderThan, "older-than", 0, "list only transactions that are open for longer than `TIME`, as 90s or 15m")
	return cmd
}

func listTransactions(o *output, txns kadm.ListedTransactions) error {
	entries := []txnEntry{}
	rows := [][]string{}
	for _, t := range txns.Sorted() {
		entries = append(entries, txnEntry{t.TxnID, t.ProducerID, t.State, t.Coordinator})
		rows = append(rows, []string{t.TxnID, number(t.ProducerID), dash(t.State), number(int64(t.Coordinator))})
	}
	if o.json {
		return o.document(entries)
	}
	return o.list([]string{"TRANSACTIONAL ID", "PRODUCER ID", "STATE", "COORDINATOR"}, rows)
}

// transactions asks every broker for the transactional ids it coordinates.
func (c *client) transactions(ctx context.Context, producers []int64, states []string) (kadm.ListedTransactions, error) {
	txns, err := c.admin.ListTransactions(ctx, producers, states)
	var shards *kadm.ShardErrors
	if errors.As(err, &shards) && !shards.AllFailed {
		err = nil // a broker that is down hides its own alone
	}
	return txns, c.explain(err)
}

// keepOlder leaves those of which a transaction is open for longer.
func (c *client) keepOlder(ctx context.Context, txns kadm.ListedTransactions, age time.Duration) error {
	if len(txns) == 0 {
		return nil // asking for none would ask for all
	}
	described, err := c.admin.DescribeTransactions(ctx, txns.TransactionalIDs()...)
	if err != nil {
		return c.explain(err)
	}
	before := time.Now().Add(-age).UnixMilli()
	for id := range txns {
		d := described[id]
		open := d.State == "Ongoing" || strings.HasPrefix(d.State, "Prepare")
		if d.Err != nil || !open || d.StartTimestamp < 0 || d.StartTimestamp > before {
			delete(txns, id)
		}
	}
	return nil
}

func newTxnDescribeCommand(flags *clientFlags) *cobra.Command {
	var out outputFlag
	cmd := &cobra.Command{
		Use:   "describe ID...",
		Short: "Show the transactions of transactional ids",
		Long: `Show producer, state, start and partitions of the transactions of transactional ids.
JSON is an array of {transactional_id, state, producer_id, producer_epoch, timeout_ms, start_timestamp, coordinator, partitions}; partitions are an array of {topic,
partitions}. While a transaction ends, they are those that have not heard of it yet.`,
		Example: `  sordini txn describe payments-1
  sordini txn describe payments-1 -o json | jq '.[0].partitions'`,
		Args:              atLeastOne("one or more transactional ids"),
		ValidArgsFunction: completeTransactions(flags),
		RunE: flags.command(&out, func(ctx context.Context, c *client, o *output, ids []string) error {
			described := []txnDescription{}
			for _, id := range ids {
				d, err := c.describeTransaction(ctx, id)
				if err != nil {
					return err
				}
				described = append(described, d)
			}
			return printTransactions(o, described)
		}),
	}
	out.add(cmd)
	return cmd
}

// describeTransaction ends with exitNotFound for an id that nobody used.
func (c *client) describeTransaction(ctx context.Context, id string) (txnDescription, error) {
	described, err := c.admin.DescribeTransactions(ctx, id)
	if err != nil {
		return txnDescription{}, c.explain(err)
	}
	d, ok := described[id]
	switch {
	case !ok || errors.Is(d.Err, kerr.TransactionalIDNotFound):
		txns, err := c.transactions(ctx, nil, nil)
		if err != nil {
			return txnDescription{}, err
		}
		return txnDescription{}, &exitError{code: exitNotFound, err: fmt.Errorf("there is no transactional id %s%s; `sordini txn list` shows what there is",
			printable(id), didYouMean(id, txns.TransactionalIDs()))}
	case d.Err != nil:
		return txnDescription{}, fmt.Errorf("transactional id %s: %s", printable(id), brokerError(d.Err, ""))
	}
	all := txnDescription{
		TransactionalID: id, State: d.State, ProducerID: d.ProducerID, ProducerEpoch: d.ProducerEpoch, TimeoutMs: d.TimeoutMillis,
		Coordinator: d.Coordinator, Partitions: []topicPartitions{},
	}
	if d.StartTimestamp >= 0 {
		all.StartTimestamp = &d.StartTimestamp
	}
	for _, t := range d.Topics.Sorted() {
		slices.Sort(t.Partitions)
		all.Partitions = append(all.Partitions, topicPartitions{t.Topic, t.Partitions})
	}
	return all, nil
}

func printTransactions(o *output, described []txnDescription) error {
	if o.json {
		return o.document(described)
	}
	for i, d := range described {
		if i > 0 {
			if _, err := o.w.Write([]byte("\n")); err != nil {
				return err
			}
		}
		started := "-"
		if d.StartTimestamp != nil {
			started = time.UnixMilli(*d.StartTimestamp).Format(time.RFC3339Nano)
		}
		err := o.summary([][]string{
			{"transactional id", d.TransactionalID}, {"state", d.State}, {"producer id", number(d.ProducerID)}, {"producer epoch", number(int64(d.ProducerEpoch))},
			{"coordinator", number(int64(d.Coordinator))}, {"timeout", (time.Duration(d.TimeoutMs) * time.Millisecond).String()}, {"started", started},
		})
		if err != nil {
			return err
		}
		rows := [][]string{}
		for _, t := range d.Partitions {
			rows = append(rows, []string{t.Topic, numbers(t.Partitions)})
		}
		if len(rows) == 0 {
			continue
		}
		if err := o.section([]string{"TOPIC", "PARTITIONS"}, rows); err != nil {
			return err
		}
	}
	return nil
}

// completeTransactions offers transactional ids to the shell.
func completeTransactions(flags *clientFlags) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		return flags.completions(cmd, args, func(ctx context.Context, c *client) ([]string, error) {
			txns, err := c.transactions(ctx, nil, nil)
			return txns.TransactionalIDs(), err
		})
	}
}

// partitionName is a partition as people and logs write it.
func partitionName(topic string, partition int32) string {
	return strings.Join([]string{printable(topic), strconv.Itoa(int(partition))}, "-")
}
