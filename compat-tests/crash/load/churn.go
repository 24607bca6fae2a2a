package load

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// churn creates and deletes topics, one after the other, and puts a record into each.
type churn struct {
	mu struct {
		sync.Mutex
		next   int
		topics map[string]*churned
	}
}

type churned struct {
	there, gone bool // acknowledged
	doomed      bool // its deletion was asked for
	id          kadm.TopicID
	acked       bool // its record
}

const (
	churnPrefix = "churn-"
	churnAlive  = 6 // topics that are there at a time
)

func newChurn() *churn {
	c := &churn{}
	c.mu.topics = map[string]*churned{}
	return c
}

func (c *churn) run(ctx context.Context, cl *kgo.Client, fail func(string, ...any)) {
	adm := kadm.NewClient(cl)
	for ctx.Err() == nil {
		var err error
		if victim := c.victim(); victim != "" {
			err = c.remove(ctx, adm, victim)
		} else {
			err = c.create(ctx, cl, adm)
		}
		if err != nil && ctx.Err() == nil && errors.As(err, new(*kerr.Error)) && !kerr.IsRetriable(err) {
			fail("churn: %v", err)
		}
	}
}

// victim is the oldest topic when there are enough.
func (c *churn) victim() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	alive, oldest := 0, ""
	for i := range c.mu.next {
		name := fmt.Sprint(churnPrefix, i)
		if t := c.mu.topics[name]; t.there && !t.doomed {
			alive++
			if oldest == "" {
				oldest = name
			}
		}
	}
	if alive < churnAlive {
		return ""
	}
	return oldest
}

func (c *churn) create(ctx context.Context, cl *kgo.Client, adm *kadm.Client) error {
	c.mu.Lock()
	name := fmt.Sprint(churnPrefix, c.mu.next)
	c.mu.next++
	t := &churned{}
	c.mu.topics[name] = t
	c.mu.Unlock()
	resp, err := adm.CreateTopic(ctx, 2, 1, nil, name)
	if err == nil {
		err = resp.Err
	}
	if err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	c.mu.Lock()
	t.there, t.id = true, resp.ID
	c.mu.Unlock()
	r := &kgo.Record{Topic: name, Partition: 1, Value: []byte(name)}
	if err := cl.ProduceSync(ctx, r).FirstErr(); err != nil {
		return nil // the client's own business: it retries as long as the broker lives
	}
	c.mu.Lock()
	t.acked = true
	c.mu.Unlock()
	return nil
}

func (c *churn) remove(ctx context.Context, adm *kadm.Client, name string) error {
	c.mu.Lock()
	t := c.mu.topics[name]
	t.doomed = true
	c.mu.Unlock()
	resp, err := adm.DeleteTopic(ctx, name)
	if err == nil {
		err = resp.Err
	}
	if err != nil {
		return fmt.Errorf("delete %s: %w", name, err)
	}
	c.mu.Lock()
	t.gone = true
	c.mu.Unlock()
	return nil
}

// judge compares the topics with what was acknowledged, and takes what it finds for the truth.
func (c *churn) judge(ctx context.Context, cl *kgo.Client) (faults []string, err error) {
	listed, err := kadm.NewClient(cl).ListTopics(ctx)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for name := range listed {
		if strings.HasPrefix(name, churnPrefix) && c.mu.topics[name] == nil {
			faults = append(faults, fmt.Sprintf("topic %s is there and was never created", name))
		}
	}
	for name, t := range c.mu.topics {
		is, there := listed[name]
		switch {
		case t.there && !t.doomed && !there:
			faults = append(faults, fmt.Sprintf("topic %s is gone; its creation was acknowledged", name))
		case t.gone && there:
			faults = append(faults, fmt.Sprintf("topic %s is back; its deletion was acknowledged", name))
		case t.there && there && is.ID != t.id:
			faults = append(faults, fmt.Sprintf("topic %s has id %v, and had %v", name, is.ID, t.id))
		}
		if there {
			faults = append(faults, t.contents(ctx, cl, name, is.ID)...)
			t.there, t.id = true, is.ID
			t.doomed = t.gone
		} else {
			t.gone, t.doomed = true, true
		}
	}
	return faults, nil
}

// contents: both partitions are served, and the record is there if it was acknowledged.
func (t *churned) contents(ctx context.Context, cl *kgo.Client, name string, id kadm.TopicID) (faults []string) {
	for partition := range int32(2) {
		f, err := readLog(ctx, cl, name, id, partition)
		switch {
		case err != nil:
			faults = append(faults, err.Error())
		case partition == 1 && t.acked && (len(f.Records) != 1 || string(f.Records[0].Value) != name):
			faults = append(faults, fmt.Sprintf("topic %s has %d records; one was acknowledged", name, len(f.Records)))
		case partition == 1 && len(f.Records) == 1:
			t.acked = true
		}
	}
	return faults
}
