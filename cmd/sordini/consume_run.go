package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	fetchMaxWait  = 500 * time.Millisecond
	maxPoll       = 10_000 // records between two writes to stdout
	commitTimeout = 5 * time.Second
)

// consuming is one run of consume.
type consuming struct {
	flags  *consumeFlags
	from   offsetSpec
	write  recordWriter
	out    io.Writer
	errOut io.Writer
	left   int64 // records still to print with -n

	client *client
	plan   *plan
	end    *endWatch // nil without -e
	buffer []byte
}

func (r *consuming) consume(ctx context.Context, cmd *cobra.Command, topics []string) error {
	// Offsets are looked up with a client of its own, because a consumer must know its start when it is made.
	lookup, err := r.flags.connect(ctx, cmd)
	if err != nil {
		return err
	}
	defer lookup.Close()
	if r.plan, err = lookup.plan(ctx, r.flags, r.from, topics); err != nil {
		return err
	}
	opts := []kgo.Opt{kgo.FetchMaxWait(fetchMaxWait)}
	if r.flags.readCommitted {
		opts = append(opts, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	if r.flags.exitAtEnd {
		r.end = newEndWatch(r.plan, r.flags.group == "")
		// Markers of transactions have offsets too, and may be what a partition ends with.
		opts = append(opts, kgo.WithHooks(r.end), kgo.KeepControlRecords())
		if r.end.reached() {
			return nil
		}
	}
	if r.flags.group == "" {
		opts = append(opts, kgo.ConsumePartitions(r.plan.offsets()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	} else {
		opts = append(opts, r.groupOptions(topics)...)
	}
	if r.client, err = r.flags.connect(ctx, cmd, opts...); err != nil {
		return err
	}
	err = r.poll(ctx)
	return join(err, r.leave())
}

func (r *consuming) groupOptions(topics []string) []kgo.Opt {
	opts := []kgo.Opt{
		kgo.ConsumerGroup(r.flags.group), kgo.ConsumeTopics(topics...), kgo.ConsumeStartOffset(r.from.reset()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		// Only what was printed is committed, and a partition is not given away between printing and committing.
		kgo.AutoCommitMarks(), kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsRevoked(func(ctx context.Context, c *kgo.Client, revoked map[string][]int32) {
			_ = c.CommitMarkedOffsets(ctx) // if it fails, the next owner prints these records again
			r.end.remove(revoked)
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, lost map[string][]int32) { r.end.remove(lost) }),
	}
	if r.end == nil {
		return opts
	}
	return append(opts, kgo.OnPartitionsAssigned(func(ctx context.Context, c *kgo.Client, assigned map[string][]int32) {
		r.end.add(assigned, committed(ctx, c, r.flags.group))
	}))
}

// poll prints records until it is enough.
func (r *consuming) poll(ctx context.Context) error {
	for {
		limit := maxPoll
		if r.flags.count > 0 {
			limit = int(min(r.left, maxPoll))
		}
		waiting, cancel := ctx, func() {}
		if r.end != nil {
			waiting, cancel = context.WithTimeout(ctx, fetchMaxWait)
		}
		fetches := r.client.PollRecords(waiting, limit)
		cancel()
		done, err := r.print(fetches)
		r.client.AllowRebalance()
		if err != nil || done {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		if err := r.fatal(fetches); err != nil {
			return err
		}
	}
}

// print writes what was fetched, and says whether it was all that was asked for.
func (r *consuming) print(fetches kgo.Fetches) (done bool, err error) {
	r.buffer = r.buffer[:0]
	var printed []*kgo.Record
	for records := fetches.RecordIter(); !records.Done(); {
		record := records.Next()
		if !r.end.within(record) || record.Attrs.IsControl() {
			continue
		}
		r.buffer = r.write(r.buffer, record)
		printed = append(printed, record)
		r.left--
	}
	if len(r.buffer) > 0 {
		if _, err := r.out.Write(r.buffer); err != nil {
			return true, err
		}
	}
	if r.flags.group != "" {
		r.client.MarkCommitRecords(printed...)
	}
	if r.end != nil && fetches.NumRecords() > 0 {
		r.end.progress()
	}
	return r.flags.count > 0 && r.left <= 0 || r.end != nil && r.end.reached(), nil
}

// fatal returns an error that will not go away by itself; others are warned of, for the client tries again.
func (r *consuming) fatal(fetches kgo.Fetches) error {
	for _, failure := range fetches.Errors() {
		err := failure.Err
		var loss *kgo.ErrDataLoss
		var session *kgo.ErrGroupSession
		switch {
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		case errors.As(err, &loss):
			fmt.Fprintln(r.errOut, "sordini: warning: "+loss.Error())
		case errors.As(err, &session) && (kerr.IsRetriable(session.Err) || !isKafka(session.Err)):
			fmt.Fprintln(r.errOut, "sordini: warning: "+r.client.explain(session.Err).Error()+"; trying again")
		case failure.Topic != "":
			return fmt.Errorf("%s partition %d: %w", failure.Topic, failure.Partition, r.client.explain(err))
		default:
			return r.client.explain(err)
		}
	}
	return nil
}

func isKafka(err error) bool {
	var code *kerr.Error
	return errors.As(err, &code)
}

// leave commits what was printed and leaves the group, so that the others need not wait for a time-out.
func (r *consuming) leave() error {
	defer r.client.CloseAllowingRebalance()
	if r.flags.group == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	if err := r.client.CommitMarkedOffsets(ctx); err != nil {
		return fmt.Errorf("what was printed last is not committed: %w", r.client.explain(err))
	}
	return nil
}
