package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
)

// openTransaction is one of `txn find-hanging -o json`: a transaction that is open in a partition, and of which no coordinator
// knows.
type openTransaction struct {
	Topic            string `json:"topic"`
	Partition        int32  `json:"partition"`
	ProducerID       int64  `json:"producer_id"`
	ProducerEpoch    int16  `json:"producer_epoch"`
	CoordinatorEpoch int32  `json:"coordinator_epoch"`
	StartOffset      int64  `json:"start_offset"`
	LastTimestamp    int64  `json:"last_timestamp"`
}

func newTxnHangingCommand(flags *clientFlags) *cobra.Command {
	var out outputFlag
	olderThan := 15 * time.Minute
	cmd := &cobra.Command{
		Use:   "find-hanging [TOPIC...]",
		Short: "Find transactions that are open in a partition and that nobody will end",
		Long: `Find transactions that are open in a partition although no coordinator knows of them (KIP-664): consumers with isolation.level=read_committed stop in front of them
for ever. Without topics all partitions are looked at. A transaction that wrote something within --older-than may be a young one, and is left out; let it be
transaction.max.timeout.ms of the brokers, or more. The exit code is 4 when there is one.
JSON is an array of {topic, partition, producer_id, producer_epoch, coordinator_epoch, start_offset, last_timestamp}. Brokers before 3.0 cannot tell.`,
		Example: `  sordini txn find-hanging
  sordini txn find-hanging orders --older-than 1h
  sordini txn abort orders -p 3 --start-offset 47`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeTopics(flags, true),
		RunE: flags.command(&out, func(ctx context.Context, c *client, o *output, topics []string) error {
			open, err := c.openTransactions(ctx, topics)
			if err != nil {
				return err
			}
			hanging, err := c.hanging(ctx, open, time.Now().Add(-olderThan))
			if err != nil {
				return err
			}
			if err := printHanging(o, hanging); err != nil || len(hanging) == 0 {
				return err
			}
			first := hanging[0]
			return &exitError{code: exitUnhealthy, err: fmt.Errorf("%s found; the first ends with `sordini txn abort %s -p %d --start-offset %d`",
				plural(len(hanging), "hanging transaction"), printable(first.Topic), first.Partition, first.StartOffset)}
		}),
	}
	out.add(cmd)
	cmd.Flags().DurationVar(&olderThan, "older-than", olderThan, "look at those that wrote nothing for `TIME`, as 90s or 1h")
	return cmd
}

// openTransactions are all that are open in the partitions of topics; of no topics, in all partitions.
func (c *client) openTransactions(ctx context.Context, names []string) ([]openTransaction, error) {
	topics, err := c.topics(ctx)
	if len(names) > 0 && err == nil {
		topics, err = c.topicsNamed(ctx, names)
	}
	if err != nil {
		return nil, err
	}
	if len(topics) == 0 {
		return nil, nil
	}
	producers, err := c.admin.DescribeProducers(ctx, topics.TopicsSet())
	if err != nil {
		return nil, c.explain(err)
	}
	var open []openTransaction
	for _, p := range producers.SortedPartitions() {
		if p.Err != nil {
			return nil, fmt.Errorf("partition %s: %s", partitionName(p.Topic, p.Partition), brokerError(p.Err, p.ErrMessage))
		}
		for _, producer := range p.ActiveProducers.Sorted() {
			if producer.CurrentTxnStartOffset >= 0 {
				open = append(open, openTransaction{p.Topic, p.Partition, producer.ProducerID, producer.ProducerEpoch, producer.CoordinatorEpoch,
					producer.CurrentTxnStartOffset, producer.LastTimestamp})
			}
		}
	}
	return open, nil
}

// hanging leaves those that have been quiet since, and that their coordinator does not know: it has another producer for the transactional id, or the
// partition is not in its transaction.
func (c *client) hanging(ctx context.Context, open []openTransaction, since time.Time) ([]openTransaction, error) {
	hanging := []openTransaction{}
	var producers []int64
	for _, o := range open {
		if o.LastTimestamp < since.UnixMilli() {
			hanging, producers = append(hanging, o), append(producers, o.ProducerID)
		}
	}
	if len(hanging) == 0 {
		return hanging, nil
	}
	// A coordinator that does not answer may know them all.
	txns, err := c.admin.ListTransactions(ctx, producers, nil)
	if err != nil {
		return nil, c.explain(err)
	}
	known := map[int64]kadm.DescribedTransaction{}
	if len(txns) > 0 {
		described, err := c.admin.DescribeTransactions(ctx, txns.TransactionalIDs()...)
		if err != nil {
			return nil, c.explain(err)
		}
		for _, d := range described {
			if d.Err != nil {
				return nil, fmt.Errorf("transactional id %s: %s", printable(d.TxnID), brokerError(d.Err, ""))
			}
			known[d.ProducerID] = d
		}
	}
	left := []openTransaction{}
	for _, o := range hanging {
		if d, ok := known[o.ProducerID]; !ok || !d.Topics.Lookup(o.Topic, o.Partition) {
			left = append(left, o)
		}
	}
	return left, nil
}

func printHanging(o *output, hanging []openTransaction) error {
	if o.json {
		return o.document(hanging)
	}
	rows := [][]string{}
	for _, h := range hanging {
		rows = append(rows, []string{h.Topic, number(int64(h.Partition)), number(h.ProducerID), number(int64(h.ProducerEpoch)), number(h.StartOffset),
			time.UnixMilli(h.LastTimestamp).Format(time.RFC3339)})
	}
	return o.list([]string{"TOPIC", "PARTITION", "PRODUCER ID", "EPOCH", "START OFFSET", "LAST WRITE"}, rows)
}
