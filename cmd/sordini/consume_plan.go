package main

import (
	"context"
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
	// With --read-committed the end is the last stable offset: nothing beyond it can be seen.
	ends, err := c.listOffsets(ctx, latestOffset, f.readCommitted, details)
	if err != nil {
		return nil, err
	}
	starts, err := c.listOffsets(ctx, earliestOffset, false, details)
	if err != nil {
		return nil, err
	}
	at := ends
	if from.kind == offsetTime {
		if at, err = c.listOffsets(ctx, from.n, f.readCommitted, details); err != nil {
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
			for _, listed := range []kadm.ListedOffset{start, end, found} {
				if listed.Err != nil {
					return nil, fmt.Errorf("offsets of %s partition %d: %w", here.topic, here.partition, c.explain(listed.Err))
				}
			}
			if found.Offset < 0 {
				found.Offset = end.Offset // no record is as late
			}
			p.leaders[here] = detail.Leader
			p.starts[here] = from.resolve(bounds{start: start.Offset, end: end.Offset, atTime: found.Offset})
			p.ends[here] = end.Offset
		}
	}
	return p, nil
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
