package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func newTxnAbortCommand(flags *clientFlags) *cobra.Command {
	var id string
	var dryRun bool
	partition, start := int32(-1), int64(-1)
	cmd := &cobra.Command{
		Use:   "abort {TOPIC -p PARTITION --start-offset OFFSET | --id ID}",
		Short: "Abort a transaction",
		Long: `Abort a transaction. With --id it is the one of a transactional id, wherever it is open: the coordinator aborts it, and its producer is fenced. Otherwise it is
one that is open in a partition, by the offset it starts at, as find-hanging shows it: a marker is written there and nowhere else. That is for transactions
of which the coordinator does not know; one that it knows would be torn.`,
		Example: `  sordini txn abort --id payments-1
  sordini txn abort orders -p 3 --start-offset 47 --dry-run
  sordini txn abort orders -p 3 --start-offset 47`,
		Args: func(cmd *cobra.Command, args []string) error {
			byPlace := len(args) == 1 && partition >= 0 && start >= 0
			if id != "" && len(args) == 0 && partition < 0 && start < 0 || id == "" && byPlace {
				return nil
			}
			return usageError(cmd, errors.New("it takes a topic, -p and --start-offset, or --id alone"))
		},
		ValidArgsFunction: completeTopics(flags, false),
		RunE: clientCommand(func(ctx context.Context, cmd *cobra.Command, args []string) error {
			c, err := flags.connect(ctx, cmd)
			if err != nil {
				return err
			}
			defer c.Close()
			if id != "" {
				return c.abortID(ctx, cmd.OutOrStdout(), id, dryRun)
			}
			return c.abortAt(ctx, cmd.OutOrStdout(), args[0], partition, start, dryRun)
		}),
	}
	cmd.Flags().StringVar(&id, "id", "", "abort the transaction of this transactional `ID`")
	cmd.Flags().Int32VarP(&partition, "partition", "p", -1, "the `PARTITION` it is open in")
	cmd.Flags().Int64Var(&start, "start-offset", -1, "the `OFFSET` it starts at")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be aborted, and abort nothing")
	_ = cmd.RegisterFlagCompletionFunc("id", completeTransactions(flags))
	return cmd
}

// abortID makes itself the producer of the transactional id: what was open is aborted first, and who had it is fenced.
func (c *client) abortID(ctx context.Context, out io.Writer, id string, dryRun bool) error {
	d, err := c.describeTransaction(ctx, id)
	if err != nil {
		return err
	}
	if d.State != "Ongoing" {
		return fmt.Errorf("transactional id %s has no open transaction: its state is %s", printable(id), d.State)
	}
	what := fmt.Sprintf("the transaction of %s, producer %d", printable(id), d.ProducerID)
	if dryRun {
		_, err := fmt.Fprintf(out, "would abort %s, in %s\n", what, plural(countPartitions(d.Partitions), "partition"))
		return err
	}
	req := kmsg.NewPtrInitProducerIDRequest()
	req.TransactionalID, req.TransactionTimeoutMillis = &id, d.TimeoutMs
	for {
		resp, err := req.RequestWith(ctx, c.Client)
		if err != nil {
			return c.explain(err)
		}
		switch err := kerr.ErrorForCode(resp.ErrorCode); {
		case err == nil:
			_, err := fmt.Fprintf(out, "aborted %s\n", what)
			return err
		case !errors.Is(err, kerr.ConcurrentTransactions): // it is being aborted
			return fmt.Errorf("transactional id %s: %s", printable(id), brokerError(err, ""))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func countPartitions(topics []topicPartitions) int {
	n := 0
	for _, t := range topics {
		n += len(t.Partitions)
	}
	return n
}

// abortAt writes the marker that nobody else will write.
func (c *client) abortAt(ctx context.Context, out io.Writer, topic string, partition int32, start int64, dryRun bool) error {
	open, err := c.openTransactions(ctx, []string{topic})
	if err != nil {
		return err
	}
	for _, o := range open {
		if o.Partition == partition && o.StartOffset == start {
			return c.writeAbort(ctx, out, o, dryRun)
		}
	}
	return &exitError{code: exitNotFound, err: fmt.Errorf("no transaction starts at offset %d of %s", start, partitionName(topic, partition))}
}

func (c *client) writeAbort(ctx context.Context, out io.Writer, o openTransaction, dryRun bool) error {
	what := fmt.Sprintf("the transaction of producer %d at offset %d of %s", o.ProducerID, o.StartOffset, partitionName(o.Topic, o.Partition))
	if dryRun {
		_, err := fmt.Fprintf(out, "would abort %s\n", what)
		return err
	}
	var topics kadm.TopicsSet
	topics.Add(o.Topic, o.Partition)
	marker := kadm.TxnMarkers{
		ProducerID: o.ProducerID, ProducerEpoch: o.ProducerEpoch, Topics: topics,
		CoordinatorEpoch: max(o.CoordinatorEpoch, 0), // -1: no coordinator has written here yet
	}
	written, err := c.admin.WriteTxnMarkers(ctx, marker)
	if err != nil {
		return c.explain(err)
	}
	for _, p := range written.SortedPartitions() {
		if p.Err != nil {
			return fmt.Errorf("%s was not aborted: %s", what, brokerError(p.Err, ""))
		}
	}
	_, err = fmt.Fprintf(out, "aborted %s\n", what)
	return err
}
