// Package record defines the metadata records: what the controller's decisions are made of, what its log
// keeps, and what a checkpoint holds. It owns their binary form and nothing else.
//
// controller/machine makes records, controller/image applies them, controller/quorum carries their bytes
// without looking inside. docs/formats/metadata-log.md describes the bytes.
//
// What must always hold: DecodeList(AppendList(nil, rs)) gives rs back; decoding never panics and never allocates
// more than a small multiple of its input; a type or version that this program does not know is an error,
// because leaving a metadata record out would make a different cluster.
package record

// Type is the number that names a kind of record on disk. Numbers are never used again for something else.
type Type uint16

// The types of metadata records.
const (
	TypeCluster          Type = 1
	TypeRegisterBroker   Type = 2
	TypeFenceBroker      Type = 3
	TypeUnregisterBroker Type = 4
	TypeTopic            Type = 5
	TypePartition        Type = 6
	TypePartitionChange  Type = 7
	TypeRemoveTopic      Type = 8
	TypeConfig           Type = 9
	TypeProducerIDs      Type = 10
)

// Record is one metadata record: always a pointer to one of the structs of this file.
type Record interface {
	Type() Type
	version() uint16
	encode(e *encoder)
	decode(d *decoder, version uint16)
}

// Cluster names the cluster. It is the first record of every metadata log.
type Cluster struct {
	ClusterID string
}

// RegisterBroker says that a broker lives, where it listens, and with which epoch. A later one for the same
// broker replaces an earlier one.
type RegisterBroker struct {
	BrokerID    int32
	BrokerEpoch int64 // the log's offset of the registration, so always rising
	Incarnation [16]byte
	Rack        string
	Listeners   []Listener
	Fenced      bool
}

// Listener is one address of a broker.
type Listener struct {
	Name     string
	Host     string
	Port     uint16
	Protocol int16 // Kafka's security protocol id: 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL
}

// FenceBroker fences or unfences a registered broker.
type FenceBroker struct {
	BrokerID    int32
	BrokerEpoch int64
	Fenced      bool
}

// UnregisterBroker forgets a broker.
type UnregisterBroker struct {
	BrokerID    int32
	BrokerEpoch int64
}

// Topic creates a topic; its partitions follow as Partition records in the same list.
type Topic struct {
	Name string
	ID   [16]byte
}

// Partition creates a partition. Indexes of one topic come in order from 0. In a checkpoint it carries the
// partition's present state.
type Partition struct {
	TopicID        [16]byte
	Index          int32
	Leader         int32 // -1: none
	LeaderEpoch    int32
	PartitionEpoch int32
	Replicas       []int32
	ISR            []int32
}

// NoLeader is the leader of a partition that nobody leads.
const NoLeader int32 = -1

// PartitionChange changes a partition. Every change raises the partition epoch by one; one that carries
// SetLeader raises the leader epoch by one too, even if it names the leader there is (an unclean restart).
type PartitionChange struct {
	TopicID   [16]byte
	Index     int32
	SetLeader bool
	Leader    int32
	ISR       []int32 // nil: unchanged
	Replicas  []int32 // nil: unchanged
}

// RemoveTopic deletes a topic, its partitions and its configs.
type RemoveTopic struct {
	TopicID [16]byte
}

// Config sets or deletes one configuration of a resource.
type Config struct {
	ResourceType int8 // Kafka's: 2 topic, 4 broker, 16 client metrics, 32 group
	ResourceName string
	Name         string
	Value        *string // nil: deleted
}

// ProducerIDs says that every producer id below Next has been given to a broker.
type ProducerIDs struct {
	BrokerID    int32
	BrokerEpoch int64
	Next        int64
}

// newRecord returns an empty record of a type, or nil if the type is not known.
func newRecord(t Type) Record {
	switch t {
	case TypeCluster:
		return &Cluster{}
	case TypeRegisterBroker:
		return &RegisterBroker{}
	case TypeFenceBroker:
		return &FenceBroker{}
	case TypeUnregisterBroker:
		return &UnregisterBroker{}
	case TypeTopic:
		return &Topic{}
	case TypePartition:
		return &Partition{}
	case TypePartitionChange:
		return &PartitionChange{}
	case TypeRemoveTopic:
		return &RemoveTopic{}
	case TypeConfig:
		return &Config{}
	case TypeProducerIDs:
		return &ProducerIDs{}
	}
	return nil
}

// Type returns TypeCluster.
func (*Cluster) Type() Type { return TypeCluster }

// Type returns TypeRegisterBroker.
func (*RegisterBroker) Type() Type { return TypeRegisterBroker }

// Type returns TypeFenceBroker.
func (*FenceBroker) Type() Type { return TypeFenceBroker }

// Type returns TypeUnregisterBroker.
func (*UnregisterBroker) Type() Type { return TypeUnregisterBroker }

// Type returns TypeTopic.
func (*Topic) Type() Type { return TypeTopic }

// Type returns TypePartition.
func (*Partition) Type() Type { return TypePartition }

// Type returns TypePartitionChange.
func (*PartitionChange) Type() Type { return TypePartitionChange }

// Type returns TypeRemoveTopic.
func (*RemoveTopic) Type() Type { return TypeRemoveTopic }

// Type returns TypeConfig.
func (*Config) Type() Type { return TypeConfig }

// Type returns TypeProducerIDs.
func (*ProducerIDs) Type() Type { return TypeProducerIDs }
