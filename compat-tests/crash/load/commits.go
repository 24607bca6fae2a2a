package load

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// committer commits rising offsets of several groups, which live on different partitions of __consumer_offsets.
type committer struct {
	topic string
	mu    struct {
		sync.Mutex
		tried, acked map[string]int64
	}
}

const groups = 5

func newCommitter(topic string) *committer {
	c := &committer{topic: topic}
	c.mu.tried, c.mu.acked = map[string]int64{}, map[string]int64{}
	return c
}

func (c *committer) run(ctx context.Context, cl *kgo.Client, fail func(string, ...any)) {
	adm := kadm.NewClient(cl)
	for i := 0; ctx.Err() == nil; i++ {
		group := fmt.Sprintf("ledger-%d", i%groups)
		c.mu.Lock()
		at := c.mu.tried[group] + 1
		c.mu.tried[group] = at
		c.mu.Unlock()
		var offsets kadm.Offsets
		offsets.AddOffset(c.topic, 0, at, -1)
		resp, err := adm.CommitOffsets(ctx, group, offsets)
		if err == nil {
			err = resp.Error()
		}
		switch {
		case err == nil:
			c.mu.Lock()
			c.mu.acked[group] = at
			c.mu.Unlock()
		case ctx.Err() == nil && errors.As(err, new(*kerr.Error)) && !kerr.IsRetriable(err):
			fail("commit of %s: %v", group, err)
		}
	}
}

// judge asks for what was committed. What was acknowledged is there, or what was tried later.
func (c *committer) judge(ctx context.Context, cl *kgo.Client) (faults []string, err error) {
	adm := kadm.NewClient(cl)
	c.mu.Lock()
	defer c.mu.Unlock()
	for group, acked := range c.mu.acked {
		resp, err := adm.FetchOffsets(ctx, group)
		if err == nil {
			err = resp.Error()
		}
		if err != nil {
			return faults, fmt.Errorf("fetch the offsets of %s: %w", group, err)
		}
		at := int64(0)
		if o, ok := resp.Lookup(c.topic, 0); ok {
			at = o.At
		}
		if at < acked || at > c.mu.tried[group] {
			faults = append(faults, fmt.Sprintf("group %s: offset %d was acknowledged, %d was tried, and now it is %d", group, acked, c.mu.tried[group], at))
		}
		c.mu.acked[group] = max(acked, at) // what was found stays found
	}
	return faults, nil
}
