package image

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sordini/sordini/controller/record"
)

func (d *Delta) applyTopic(r *record.Topic) error {
	if r.Name == "" || d.next.Topic(r.Name) != nil || d.next.TopicByID(r.ID) != nil {
		return fmt.Errorf("%w: topic %q id %x", ErrImpossible, r.Name, r.ID)
	}
	t := &Topic{Name: r.Name, ID: r.ID}
	d.owned[t.ID] = t
	d.putTopic(t)
	if hasCollisionChars(t.Name) {
		d.next.collisions = d.next.collisions.put(strings.Compare, collisionKey(t.Name), t.Name)
	}
	return nil
}

func (d *Delta) putTopic(t *Topic) {
	d.topics[t.ID] = struct{}{}
	d.next.topics = d.next.topics.put(strings.Compare, t.Name, t)
	d.next.topicsByID = d.next.topicsByID.put(compareIDs, t.ID, t)
}

// ownTopic returns the topic as a copy that belongs to this delta; its partitions may be changed in place.
func (d *Delta) ownTopic(id TopicID) *Topic {
	if t := d.owned[id]; t != nil {
		return t
	}
	old := d.next.TopicByID(id)
	if old == nil {
		return nil
	}
	t := &Topic{Name: old.Name, ID: old.ID, Partitions: slices.Clone(old.Partitions)}
	d.owned[id] = t
	d.putTopic(t)
	return t
}

func (d *Delta) applyPartition(r *record.Partition) error {
	t := d.ownTopic(r.TopicID)
	if t == nil || int(r.Index) != len(t.Partitions) || len(r.Replicas) == 0 {
		return fmt.Errorf("%w: partition %d of topic id %x", ErrImpossible, r.Index, r.TopicID)
	}
	t.Partitions = append(t.Partitions, Partition{
		Index: r.Index, Leader: r.Leader, LeaderEpoch: r.LeaderEpoch, PartitionEpoch: r.PartitionEpoch,
		Replicas: slices.Clone(r.Replicas), ISR: slices.Clone(r.ISR),
	})
	d.next.partitions++
	return nil
}

func (d *Delta) applyPartitionChange(r *record.PartitionChange) error {
	p := d.ownTopic(r.TopicID).Partition(r.Index)
	if p == nil {
		return fmt.Errorf("%w: change of partition %d of topic id %x", ErrImpossible, r.Index, r.TopicID)
	}
	if r.SetLeader {
		p.Leader = r.Leader
		p.LeaderEpoch++
	}
	if r.ISR != nil {
		p.ISR = slices.Clone(r.ISR)
	}
	if r.Replicas != nil {
		p.Replicas = slices.Clone(r.Replicas)
	}
	p.PartitionEpoch++
	return nil
}

func (d *Delta) applyRemoveTopic(r *record.RemoveTopic) error {
	t := d.next.TopicByID(r.TopicID)
	if t == nil {
		return fmt.Errorf("%w: removal of topic id %x", ErrImpossible, r.TopicID)
	}
	delete(d.owned, t.ID)
	d.topics[t.ID] = struct{}{}
	d.next.topics = d.next.topics.remove(strings.Compare, t.Name)
	d.next.topicsByID = d.next.topicsByID.remove(compareIDs, t.ID)
	if name, ok := d.next.CollidingTopic(t.Name); ok && name == t.Name {
		d.next.collisions = d.next.collisions.remove(strings.Compare, collisionKey(t.Name))
	}
	d.next.partitions -= len(t.Partitions)
	res := Resource{ResourceTopic, t.Name}
	if _, had := d.next.configs.get(compareResources, res); had {
		d.configs[res] = struct{}{}
		d.next.configs = d.next.configs.remove(compareResources, res)
	}
	return nil
}
