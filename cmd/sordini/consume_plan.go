package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// place is one partition.
type place struct {
	topic     string
	partition int32
}

// plan is where a consumer starts and where it would end, by partition.
type plan struct {
	leaders map[place]int32
	starts  map[place]int64 // where to start without a group
	ends    map[place]int64 // end offsets when the command started
}

// plan looks up the offsets that the flags mean.
func (c *client) plan(ctx context.Context, f *consumeFlags, from offsetSpec, topics []string) (*plan, error) {
	details, err := c.topicsNamed(ctx, topics)
	if err != nil {
		return nil, err
	}
	// ListCommittedOffsets lists last stable offsets: with --read-committed nothing beyond them can be seen.
	listEnds := c.admin.ListEndOffsets
	if f.readCommitted {
		listEnds = c.admin.ListCommittedOffsets
	}
	ends, err := c.listed(listEnds(ctx, topics...))
	if err != nil {
		return nil, err
	}
	starts, err := c.listed(c.admin.ListStartOffsets(ctx, topics...))
	if err != nil {
		return nil, err
	}
	at := ends
	if from.kind == offsetTime {
		if at, err = c.listed(c.admin.ListOffsetsAfterMilli(ctx, from.n, topics...)); err != nil {
			return nil, err
		}
	}
	p := &plan{leaders: map[place]int32{}, starts: map[place]int64{}, ends: map[place]int64{}}
	for _, t := range details.Sorted() {
		for _, wanted := range f.partitions {
			if _, ok := t.Partitions[wanted]; !ok {
				return nil, noPartition(t.Topic, wanted, len(t.Partitions))
			}
		}
		for _, detail := range t.Partitions.Sorted() {
			if len(f.partitions) > 0 && !slices.Contains(f.partitions, detail.Partition) {
				continue
			}
			here := place{t.Topic, detail.Partition}
			start, end, found := starts[t.Topic][here.partition], ends[t.Topic][here.partition], at[t.Topic][here.partition]
			if err := errors.Join(start.Err, end.Err, found.Err); err != nil {
				return nil, fmt.Errorf("offsets of %s partition %d: %w", here.topic, here.partition, c.explain(err))
			}
			p.leaders[here] = detail.Leader
			p.starts[here] = from.resolve(bounds{start: start.Offset, end: end.Offset, atTime: found.Offset})
			p.ends[here] = end.Offset
		}
	}
	return p, nil
}

// listed passes a listing of which at least a part came; each partition then has its own error.
func (c *client) listed(offsets kadm.ListedOffsets, err error) (kadm.ListedOffsets, error) {
	var shards *kadm.ShardErrors
	if errors.As(err, &shards) && !shards.AllFailed {
		err = nil
	}
	return offsets, c.explain(err)
}

// offsets is the plan's starts as the client wants them.
func (p *plan) offsets() map[string]map[int32]kgo.Offset {
	offsets := map[string]map[int32]kgo.Offset{}
	for at, start := range p.starts {
		if offsets[at.topic] == nil {
			offsets[at.topic] = map[int32]kgo.Offset{}
		}
		offsets[at.topic][at.partition] = kgo.NewOffset().At(start)
	}
	return offsets
}
