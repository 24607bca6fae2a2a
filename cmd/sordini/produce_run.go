package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const maxUnsentBytes = 64 << 20

func (f *produceFlags) run(ctx context.Context, cmd *cobra.Command, topic string) error {
	if err := f.check(); err != nil {
		return usageError(cmd, err)
	}
	t, err := f.template(time.Now())
	if err != nil {
		return usageError(cmd, err)
	}
	opts, err := f.options()
	if err != nil {
		return usageError(cmd, err)
	}
	var report recordWriter
	if f.format != "" {
		if report, err = newRecordFormat(f.format); err != nil {
			return usageError(cmd, err)
		}
	}
	c, err := f.connect(ctx, cmd, opts...)
	if err != nil {
		return err
	}
	defer c.Close()
	p := &producing{client: c, flags: f, template: t, topic: topic, deliveries: &deliveries{out: cmd.OutOrStdout(), format: report}}
	// Not under ctx: an interrupt must not take back what was accepted.
	sending, stop := p.deliveries.watch(context.WithoutCancel(ctx), deliveryTimeout)
	defer stop()
	if !f.autoCreate {
		if p.topics, err = c.topics(ctx); err != nil {
			return err
		}
		if topic != "" {
			if err := p.checkPlace(topic, f.partition); err != nil {
				return err
			}
		}
	}
	if !f.hasValue && !f.tombstone && isTerminal(cmd.InOrStdin()) {
		fmt.Fprintln(cmd.ErrOrStderr(), "each line becomes a record; Ctrl-D ends")
	}
	err = p.send(ctx, sending, f.source(cmd.InOrStdin(), t))
	return p.deliveries.result(c, err)
}

// producing is one run of produce.
type producing struct {
	client     *client
	flags      *produceFlags
	template   template
	topic      string            // empty: that of each record
	topics     kadm.TopicDetails // nil with --auto-create
	deliveries *deliveries
}

// read is what a source returned.
type read struct {
	record *kgo.Record
	err    error
}

// send writes all that the source has, and returns when everything that was read is acknowledged or has failed. ctx ends the reading,
// sending ends the writing.
func (p *producing) send(ctx, sending context.Context, source recordSource) error {
	reads := make(chan read, 64) // so that the reader runs a little ahead
	stop := make(chan struct{})
	defer close(stop)
	// A read from a terminal or pipe cannot be interrupted, so this goroutine may outlive the command, by the moment until the process ends.
	go func() {
		for {
			r, err := source()
			select {
			case reads <- read{r, err}:
			case <-stop:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	err := p.sendAll(ctx, sending, reads)
	// Also after an interrupt, what was read is written; a second signal ends the process.
	_ = p.client.Flush(context.WithoutCancel(ctx)) // each record has its own error
	return err
}

func (p *producing) sendAll(ctx, sending context.Context, reads <-chan read) error {
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return errors.New("interrupted before the end of the input")
		case next := <-reads:
			switch {
			case errors.Is(next.err, io.EOF):
				return nil
			case next.err != nil:
				return next.err
			}
			if err := p.fill(next.record); err != nil {
				return addContext(err, fmt.Sprintf("record %d: ", n), "")
			}
			p.client.Produce(sending, next.record, p.deliveries.deliver(n))
		}
		if p.deliveries.ended() {
			return nil // the first failure is reported with the count
		}
	}
}

// fill adds what the flags say to a record.
func (p *producing) fill(r *kgo.Record) error {
	if p.topic != "" {
		r.Topic = p.topic
	}
	if r.Topic == "" {
		return errors.New("it names no topic, and neither does the command line")
	}
	switch {
	case p.flags.partition >= 0:
		r.Partition = p.flags.partition
	case p.flags.keepPartition && r.Partition < 0:
		return errors.New("it names no partition, and --keep-partition needs one")
	case !p.flags.keepPartition:
		r.Partition = -1
	}
	if err := p.checkPlace(r.Topic, r.Partition); err != nil {
		return err
	}
	r.Headers = append(r.Headers, p.template.headers...)
	if !p.template.timestamp.IsZero() {
		r.Timestamp = p.template.timestamp
	}
	return nil
}

// checkPlace refuses what the client would retry for long: a topic or partition that is not there.
func (p *producing) checkPlace(topic string, partition int32) error {
	if p.topics == nil {
		return nil
	}
	t, ok := p.topics[topic]
	if !ok {
		return &exitError{code: exitNotFound, err: fmt.Errorf("there is no topic %s%s; `sordini topic create %s` or --auto-create makes it",
			printable(topic), didYouMean(topic, p.topics.Names()), printable(topic))}
	}
	if _, ok := t.Partitions[partition]; partition >= 0 && !ok {
		return noPartition(topic, partition, len(t.Partitions))
	}
	return nil
}

func noPartition(topic string, partition int32, count int) error {
	return &exitError{code: exitNotFound, err: fmt.Errorf("topic %s has %s, counted from 0; there is no partition %d", topic, plural(count, "partition"), partition)}
}
