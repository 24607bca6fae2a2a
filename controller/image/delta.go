package image

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sordini/sordini/controller/record"
)

// ErrImpossible says that a record does not fit the image it was applied to. From a log that means damage.
var ErrImpossible = errors.New("metadata record does not fit the metadata before it")

// Delta applies records on top of an image and remembers what they touched. Use: NewDelta, Apply..., Image,
// and from then on only the methods that ask.
type Delta struct {
	base   *Image
	next   Image
	sealed bool

	owned   map[TopicID]*Topic // topics copied by this delta, which it may therefore still change
	topics  map[TopicID]struct{}
	brokers map[int32]struct{}
	configs map[Resource]struct{} // touched; the map in next is a copy if the resource is in here
}

// TopicChange is a topic that was there before and is there now, with different partitions.
type TopicChange struct {
	Before, After *Topic
}

// NewDelta begins a delta on top of base.
func NewDelta(base *Image) *Delta {
	return &Delta{
		base: base, next: *base,
		owned: map[TopicID]*Topic{}, topics: map[TopicID]struct{}{},
		brokers: map[int32]struct{}{}, configs: map[Resource]struct{}{},
	}
}

// Base returns the image that the delta started from.
func (d *Delta) Base() *Image { return d.base }

// SetOffset says which entry of the log the image includes.
func (d *Delta) SetOffset(offset int64) { d.next.Offset = offset }

// ClusterID returns the cluster's name as it is now, "" before its record.
func (d *Delta) ClusterID() string { return d.next.ClusterID }

// Image seals the delta and returns the image with everything applied.
func (d *Delta) Image() *Image {
	d.sealed = true
	return &d.next
}

// Empty says that no record was applied that touches topics, brokers or configs.
func (d *Delta) Empty() bool {
	return len(d.topics) == 0 && len(d.brokers) == 0 && len(d.configs) == 0
}

// CreatedTopics returns the topics that are new since the base image, by name.
func (d *Delta) CreatedTopics() []*Topic { return d.changes().created }

// DeletedTopics returns the topics of the base image that are gone, by name. A topic that was created again
// under the same name is both deleted and created.
func (d *Delta) DeletedTopics() []*Topic { return d.changes().deleted }

// ChangedTopics returns the topics that are in both images and differ, by name.
func (d *Delta) ChangedTopics() []TopicChange { return d.changes().changed }

// ChangedBrokers returns the ids of brokers that were registered, changed or forgotten.
func (d *Delta) ChangedBrokers() []int32 { return slices.Sorted(maps.Keys(d.brokers)) }

// ChangedConfigs returns the resources whose configurations were set or deleted, by type and name.
func (d *Delta) ChangedConfigs() []Resource {
	return slices.SortedFunc(maps.Keys(d.configs), compareResources)
}

type topicChanges struct {
	created, deleted []*Topic
	changed          []TopicChange
}

func (d *Delta) changes() (c topicChanges) {
	for id := range d.topics {
		before, after := d.base.TopicByID(id), d.next.TopicByID(id)
		switch {
		case before == nil && after != nil:
			c.created = append(c.created, after)
		case before != nil && after == nil:
			c.deleted = append(c.deleted, before)
		case before != nil:
			c.changed = append(c.changed, TopicChange{before, after})
		}
	}
	byName := func(a, b *Topic) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(c.created, byName)
	slices.SortFunc(c.deleted, byName)
	slices.SortFunc(c.changed, func(a, b TopicChange) int { return byName(a.After, b.After) })
	return c
}

// Apply applies one record. It fails only for a record that this program would not have written; the delta is
// then good for nothing.
func (d *Delta) Apply(r record.Record) error {
	if d.sealed {
		panic(fmt.Sprintf("image: record of type %d applied after Image", r.Type()))
	}
	switch r := r.(type) {
	case *record.Cluster:
		return d.applyCluster(r)
	case *record.RegisterBroker:
		d.putBroker(&Broker{ID: r.BrokerID, Epoch: r.BrokerEpoch, Incarnation: r.Incarnation, Rack: r.Rack,
			Listeners: slices.Clone(r.Listeners), Fenced: r.Fenced})
		return nil
	case *record.FenceBroker:
		return d.applyFence(r)
	case *record.UnregisterBroker:
		return d.applyUnregister(r)
	case *record.Topic:
		return d.applyTopic(r)
	case *record.Partition:
		return d.applyPartition(r)
	case *record.PartitionChange:
		return d.applyPartitionChange(r)
	case *record.RemoveTopic:
		return d.applyRemoveTopic(r)
	case *record.Config:
		d.applyConfig(r)
		return nil
	case *record.ProducerIDs:
		if r.Next < d.next.NextProducerID {
			return fmt.Errorf("%w: next producer id %d after %d", ErrImpossible, r.Next, d.next.NextProducerID)
		}
		d.next.NextProducerID = r.Next
		return nil
	}
	return fmt.Errorf("%w: type %d", ErrImpossible, r.Type())
}

func (d *Delta) applyCluster(r *record.Cluster) error {
	if d.next.ClusterID != "" && d.next.ClusterID != r.ClusterID {
		return fmt.Errorf("%w: cluster %q becomes %q", ErrImpossible, d.next.ClusterID, r.ClusterID)
	}
	d.next.ClusterID = r.ClusterID
	return nil
}

func (d *Delta) putBroker(b *Broker) {
	d.brokers[b.ID] = struct{}{}
	d.next.brokers = d.next.brokers.put(cmp.Compare[int32], b.ID, b)
}

func (d *Delta) applyFence(r *record.FenceBroker) error {
	old := d.next.Broker(r.BrokerID)
	if old == nil || old.Epoch != r.BrokerEpoch {
		return fmt.Errorf("%w: fence of broker %d epoch %d", ErrImpossible, r.BrokerID, r.BrokerEpoch)
	}
	b := *old
	b.Fenced = r.Fenced
	d.putBroker(&b)
	return nil
}

func (d *Delta) applyUnregister(r *record.UnregisterBroker) error {
	if old := d.next.Broker(r.BrokerID); old == nil || old.Epoch != r.BrokerEpoch {
		return fmt.Errorf("%w: end of broker %d epoch %d", ErrImpossible, r.BrokerID, r.BrokerEpoch)
	}
	d.brokers[r.BrokerID] = struct{}{}
	d.next.brokers = d.next.brokers.remove(cmp.Compare[int32], r.BrokerID)
	return nil
}

func (d *Delta) applyConfig(r *record.Config) {
	res := Resource{ResourceType(r.ResourceType), r.ResourceName}
	c, _ := d.next.configs.get(compareResources, res)
	if _, mine := d.configs[res]; !mine {
		c = maps.Clone(c)
		d.configs[res] = struct{}{}
	}
	if r.Value == nil {
		delete(c, r.Name)
		if len(c) == 0 {
			d.next.configs = d.next.configs.remove(compareResources, res)
			return
		}
	} else {
		if c == nil {
			c = map[string]string{}
		}
		c[r.Name] = *r.Value
	}
	d.next.configs = d.next.configs.put(compareResources, res, c)
}
