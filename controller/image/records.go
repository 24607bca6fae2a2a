package image

import (
	"iter"
	"maps"
	"slices"

	"github.com/sordini/sordini/controller/record"
)

// Records yields the records that make this image out of an empty one: the content of a checkpoint. The order is
// always the same for equal images.
func (i *Image) Records() iter.Seq[record.Record] {
	return func(yield func(record.Record) bool) {
		_ = i.yieldCluster(yield) && i.yieldBrokers(yield) && i.yieldTopics(yield) && i.yieldConfigs(yield)
	}
}

func (i *Image) yieldCluster(yield func(record.Record) bool) bool {
	if i.ClusterID != "" && !yield(&record.Cluster{ClusterID: i.ClusterID}) {
		return false
	}
	return i.NextProducerID == 0 ||
		yield(&record.ProducerIDs{BrokerID: -1, BrokerEpoch: -1, Next: i.NextProducerID})
}

func (i *Image) yieldBrokers(yield func(record.Record) bool) bool {
	for b := range i.Brokers() {
		if !yield(&record.RegisterBroker{BrokerID: b.ID, BrokerEpoch: b.Epoch, Incarnation: b.Incarnation,
			Rack: b.Rack, Listeners: b.Listeners, Fenced: b.Fenced}) {
			return false
		}
	}
	return true
}

func (i *Image) yieldTopics(yield func(record.Record) bool) bool {
	for t := range i.Topics() {
		if !yield(&record.Topic{Name: t.Name, ID: t.ID}) {
			return false
		}
		for _, p := range t.Partitions {
			if !yield(&record.Partition{TopicID: t.ID, Index: p.Index, Leader: p.Leader, LeaderEpoch: p.LeaderEpoch,
				PartitionEpoch: p.PartitionEpoch, Replicas: p.Replicas, ISR: p.ISR}) {
				return false
			}
		}
	}
	return true
}

func (i *Image) yieldConfigs(yield func(record.Record) bool) bool {
	for res, configs := range i.AllConfigs() {
		for _, name := range slices.Sorted(maps.Keys(configs)) {
			value := configs[name]
			if !yield(&record.Config{ResourceType: int8(res.Type), ResourceName: res.Name, Name: name, Value: &value}) {
				return false
			}
		}
	}
	return true
}
