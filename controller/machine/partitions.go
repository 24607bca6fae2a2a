package machine

import (
	"slices"

	"github.com/sordini/sordini/controller/image"
	"github.com/sordini/sordini/controller/record"
)

// election finds what the coming or going of one broker means for the partitions.
//
// A broker that goes leaves the in-sync replicas and the leadership; but the last in-sync replica stays in, without
// a leader, because only it is known to have everything. A broker that returns takes over what nobody leads and
// it is in sync with. A leader that was away cleanly finds its partitions as they were: same leader epoch.
type election struct {
	m       *Machine
	broker  int32
	records []record.Record
}

// leave takes the broker out of what it leads and is in sync with.
func (e *election) leave() {
	for t := range e.m.img.Topics() {
		for i := range t.Partitions {
			p := &t.Partitions[i]
			if p.Leader != e.broker && !slices.Contains(p.ISR, e.broker) {
				continue
			}
			e.change(t, p, e.withoutBroker(p))
		}
	}
}

func (e *election) withoutBroker(p *image.Partition) *record.PartitionChange {
	c := &record.PartitionChange{}
	if len(p.ISR) > 1 {
		c.ISR = slices.DeleteFunc(slices.Clone(p.ISR), func(id int32) bool { return id == e.broker })
	}
	if p.Leader != e.broker {
		return c
	}
	c.SetLeader, c.Leader = true, record.NoLeader
	for _, id := range p.Replicas { // in order of preference
		if b := e.m.img.Broker(id); slices.Contains(c.ISR, id) && b != nil && !b.Fenced {
			c.Leader = id
			break
		}
	}
	return c
}

// returned lets the broker lead what nobody leads. If its last run ended uncleanly, what it still leads gets a new
// leader epoch.
func (e *election) returned(unclean bool) {
	for t := range e.m.img.Topics() {
		for i := range t.Partitions {
			p := &t.Partitions[i]
			vacant := p.Leader == record.NoLeader && slices.Contains(p.ISR, e.broker)
			if vacant || unclean && p.Leader == e.broker {
				e.change(t, p, &record.PartitionChange{SetLeader: true, Leader: e.broker})
			}
		}
	}
}

// change adds a record unless it would say nothing.
func (e *election) change(t *image.Topic, p *image.Partition, c *record.PartitionChange) {
	if !c.SetLeader && c.ISR == nil && c.Replicas == nil {
		return
	}
	c.TopicID, c.Index = t.ID, p.Index
	e.records = append(e.records, c)
}
