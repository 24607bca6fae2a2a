// Package image is the cluster's metadata as of one offset of the metadata log: an immutable Image, and the
// Delta that leads from one to the next.
//
// The controller's machine decides on an Image, every broker publishes one behind an atomic pointer, and request
// handlers read it without locks. An Image never changes after Delta.Image returned it; two versions share what
// did not change between them.
//
// What must always hold: an Image is a function of the records applied, in their order; its walks are in key
// order, so that nothing depends on Go's map order; applying Image.Records to an empty image gives an equal one.
//
// PURE: no I/O, no clocks, no randomness.
package image

import (
	"bytes"
	"cmp"
	"iter"
	"strings"

	"github.com/sordini/sordini/controller/record"
)

// TopicID is a topic's UUID.
type TopicID = [16]byte

// Image is the metadata of the cluster. Read only.
type Image struct {
	Offset         int64 // offset of the last applied entry; -1 when nothing has been applied
	ClusterID      string
	NextProducerID int64

	topics     tree[string, *Topic]
	topicsByID tree[TopicID, *Topic]
	collisions tree[string, string] // name with '.' as '_' -> the topic of that shape
	brokers    tree[int32, *Broker]
	configs    tree[Resource, map[string]string]
	partitions int
}

// Topic is a topic and its partitions, which lie at their index. Read only.
type Topic struct {
	Name       string
	ID         TopicID
	Partitions []Partition
}

// Partition is the state of one partition. Read only.
type Partition struct {
	Index          int32
	Leader         int32 // record.NoLeader: nobody
	LeaderEpoch    int32
	PartitionEpoch int32
	Replicas       []int32
	ISR            []int32
}

// Broker is a registered broker. Read only.
type Broker struct {
	ID          int32
	Epoch       int64
	Incarnation [16]byte
	Rack        string
	Listeners   []Listener
	Fenced      bool
}

// Listener is one address of a broker.
type Listener = record.Listener

// ResourceType is Kafka's number for what a configuration belongs to.
type ResourceType int8

// The kinds of resources that have configurations in the metadata.
const (
	ResourceTopic         ResourceType = 2
	ResourceBroker        ResourceType = 4 // the name is the broker's id, or empty for the default of all brokers
	ResourceClientMetrics ResourceType = 16
	ResourceGroup         ResourceType = 32
)

// Resource names something that has configurations.
type Resource struct {
	Type ResourceType
	Name string
}

// Empty returns the image before the first record.
func Empty() *Image { return &Image{Offset: -1} }

// Topic returns the topic of a name, or nil.
func (i *Image) Topic(name string) *Topic {
	t, _ := i.topics.get(strings.Compare, name)
	return t
}

// TopicByID returns the topic of an id, or nil.
func (i *Image) TopicByID(id TopicID) *Topic {
	t, _ := i.topicsByID.get(compareIDs, id)
	return t
}

// TopicCount returns the number of topics.
func (i *Image) TopicCount() int { return i.topics.size }

// PartitionCount returns the number of partitions of all topics.
func (i *Image) PartitionCount() int { return i.partitions }

// Topics walks all topics by name.
func (i *Image) Topics() iter.Seq[*Topic] { return values(i.topics) }

// CollidingTopic returns an existing topic whose name differs from name at most in '.' against '_'. Kafka
// refuses such a pair because both would have the same metric names.
func (i *Image) CollidingTopic(name string) (string, bool) {
	if !hasCollisionChars(name) {
		return "", false
	}
	return i.collisions.get(strings.Compare, collisionKey(name))
}

// Partition returns a partition of a topic, or nil.
func (i *Image) Partition(topic string, index int32) *Partition {
	return i.Topic(topic).Partition(index)
}

// Broker returns a registered broker, or nil.
func (i *Image) Broker(id int32) *Broker {
	b, _ := i.brokers.get(cmp.Compare[int32], id)
	return b
}

// BrokerCount returns the number of registered brokers.
func (i *Image) BrokerCount() int { return i.brokers.size }

// Brokers walks all registered brokers by id.
func (i *Image) Brokers() iter.Seq[*Broker] { return values(i.brokers) }

// Configs returns the configurations set for a resource: nil if there are none. Do not change it.
func (i *Image) Configs(t ResourceType, name string) map[string]string {
	c, _ := i.configs.get(compareResources, Resource{t, name})
	return c
}

// AllConfigs walks the resources that have configurations, by type and name.
func (i *Image) AllConfigs() iter.Seq2[Resource, map[string]string] { return i.configs.all() }

// Partition returns the partition at an index, or nil; also of a nil topic.
func (t *Topic) Partition(index int32) *Partition {
	if t == nil || index < 0 || int(index) >= len(t.Partitions) {
		return nil
	}
	return &t.Partitions[index]
}

// Internal says if Kafka counts the topic as its own.
func (t *Topic) Internal() bool { return IsInternal(t.Name) }

// IsInternal says if a name is that of one of Kafka's internal topics.
func IsInternal(name string) bool {
	return name == "__consumer_offsets" || name == "__transaction_state" || name == "__share_group_state"
}

// Listener returns the broker's listener of a name.
func (b *Broker) Listener(name string) (Listener, bool) {
	for _, l := range b.Listeners {
		if l.Name == name {
			return l, true
		}
	}
	return Listener{}, false
}

func values[K, V any](t tree[K, V]) iter.Seq[V] {
	return func(yield func(V) bool) {
		t.root.walk(func(_ K, v V) bool { return yield(v) })
	}
}

func compareIDs(a, b TopicID) int { return bytes.Compare(a[:], b[:]) }

func compareResources(a, b Resource) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), strings.Compare(a.Name, b.Name))
}

func hasCollisionChars(name string) bool { return strings.ContainsAny(name, "._") }

func collisionKey(name string) string { return strings.ReplaceAll(name, ".", "_") }
