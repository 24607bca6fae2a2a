package importdir

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kbin"
)

// Kafka's metadata records (org.apache.kafka.common.metadata), as far as they come along. Each is the value of a record: frame version, API key
// and version as unsigned varints, then the fields in the flexible encoding.
const (
	keyRegisterBroker   = 0
	keyTopic            = 2
	keyPartition        = 3
	keyConfig           = 4
	keyPartitionChange  = 5
	keyRemoveTopic      = 9
	keyDelegationToken  = 10
	keyUserScram        = 11
	keyFeatureLevel     = 12
	keyClientQuota      = 14
	keyProducerIDs      = 15
	keyAccessControl    = 18
	keyBeginTransaction = 23
	keyEndTransaction   = 24
	keyAbortTransaction = 25

	frameVersion  = 1
	tagLeader     = 1 // of PartitionChange
	tagReplicas   = 2
	leaderNoTag   = -2
	featureLevels = "metadata.version"
)

type topicID = [16]byte

// metadataRecord is one decoded record; only the fields of its kind are set.
type metadataRecord struct {
	key       int
	topic     string
	topicID   topicID
	partition int32
	replicas  []int32 // nil: unchanged
	leader    int32
	epoch     int32
	resource  int8 // of a config: 2 topic, 4 broker, ...
	name      string
	value     *string
	number    int64 // broker id, or next producer id
}

var errRecord = errors.New("the record ends early")

// decodeRecord decodes the value of a metadata record. Kinds that do not come along have only their key set.
func decodeRecord(value []byte) (r metadataRecord, err error) {
	frame, n := binary.Uvarint(value)
	if n <= 0 || frame != frameVersion {
		return r, fmt.Errorf("frame version %d, only %d is known", frame, frameVersion)
	}
	value = value[n:]
	key, n := binary.Uvarint(value)
	if n <= 0 || key > 1<<15 {
		return r, errRecord
	}
	value = value[n:]
	if _, n = binary.Uvarint(value); n <= 0 {
		return r, errRecord
	}
	r.key = int(key)
	b := kbin.Reader{Src: value[n:]}
	switch r.key {
	case keyRegisterBroker:
		r.number = int64(b.Int32())
	case keyTopic:
		r.topic, r.topicID = b.CompactString(), b.Uuid()
	case keyPartition:
		r.partition, r.topicID = b.Int32(), b.Uuid()
		r.replicas = int32s(&b)
		for range 3 { // in-sync, being removed, being added
			int32s(&b)
		}
		r.leader, r.epoch = b.Int32(), b.Int32()
	case keyPartitionChange:
		r.partition, r.topicID = b.Int32(), b.Uuid()
		r.leader = leaderNoTag
		eachTag(&b, func(tag uint32, body *kbin.Reader) {
			switch tag {
			case tagLeader:
				r.leader = body.Int32()
			case tagReplicas:
				r.replicas = int32s(body)
			}
		})
	case keyConfig:
		r.resource, r.topic, r.name, r.value = b.Int8(), b.CompactString(), b.CompactString(), b.CompactNullableString()
	case keyRemoveTopic:
		r.topicID = b.Uuid()
	case keyProducerIDs:
		b.Int32()
		b.Int64()
		r.number = b.Int64()
	case keyFeatureLevel:
		r.name, r.number = b.CompactString(), int64(b.Int16())
	}
	if !b.Ok() {
		return r, fmt.Errorf("metadata record of kind %d: %w", r.key, errRecord)
	}
	return r, nil
}

func int32s(b *kbin.Reader) []int32 {
	n := b.CompactArrayLen()
	if n < 0 || int(n) > len(b.Src)/4 {
		if n >= 0 {
			b.Span(len(b.Src) + 1) // more than there is: the reader fails
		}
		return nil
	}
	list := make([]int32, n)
	for i := range list {
		list[i] = b.Int32()
	}
	return list
}

func eachTag(b *kbin.Reader, fn func(tag uint32, body *kbin.Reader)) {
	for left := b.Uvarint(); left > 0 && b.Ok(); left-- {
		tag, size := b.Uvarint(), b.Uvarint()
		body := kbin.Reader{Src: b.Span(int(size))}
		if fn(tag, &body); !body.Ok() {
			b.Span(len(b.Src) + 1)
		}
	}
}
