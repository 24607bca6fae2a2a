package txn

import (
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Records are Kafka's, byte by byte: docs/formats/transaction-state.md.

const (
	keyVersion      = 0
	maxValueVersion = 1

	// previousEpochTag is the tagged field that Kafka has since KAFKA-20357
	// and kmsg does not know: the epoch that a retry may come with.
	previousEpochTag = 4
)

// maxText is the longest id that a key holds: its length is an int16.
const maxText = 1<<15 - 1

func storable(id string) bool { return len(id) <= maxText }

// recordOverhead is at least what a batch adds to key and value of a record.
const recordOverhead = 32

func (r *Record) tooLarge(cfg *Config) bool {
	return recordOverhead+len(r.Key)+len(r.Value) > cfg.MaxRecordBytes
}

func recordKey(id string) []byte {
	key := kmsg.TxnMetadataKey{Version: keyVersion, TransactionalID: id}
	return key.AppendTo(make([]byte, 0, 4+len(id)))
}

func (m *Machine) record(id string, md *metadata) Record {
	v := kmsg.NewTxnMetadataValue()
	if m.cfg.TransactionVersion >= 1 {
		v.Version = 1
	}
	v.ProducerID, v.ProducerEpoch, v.TimeoutMillis = md.producerID, md.epoch, md.timeoutMs
	v.State = kmsg.TransactionState(md.state)
	if md.state != Empty {
		v.Topics = []kmsg.TxnMetadataValueTopic{} // not null
		for topic, numbers := range md.partitions.byTopic {
			v.Topics = append(v.Topics, kmsg.TxnMetadataValueTopic{Topic: topic, Partitions: numbers})
		}
	}
	v.LastUpdateTimestamp, v.StartTimestamp = md.updateMs, md.startMs
	v.PreviousProducerID, v.NextProducerID, v.ClientTransactionVersion = md.previousProducerID, md.nextProducerID, md.clientVersion
	if md.previousEpoch != noProducerEpoch {
		v.UnknownTags.Set(previousEpochTag, binary.BigEndian.AppendUint16(nil, uint16(md.previousEpoch)))
	}
	return Record{Key: recordKey(id), Value: v.AppendTo(make([]byte, 0, 96))}
}

// decode reads the value of a record. Topics alias it.
func decode(value []byte) (metadata, error) {
	v := kmsg.NewTxnMetadataValue()
	if err := v.UnsafeReadFrom(value); err != nil {
		return metadata{}, fmt.Errorf("value: %w", err)
	}
	state := State(v.State)
	switch {
	case v.Version < 0 || v.Version > maxValueVersion:
		return metadata{}, fmt.Errorf("value: version %d is unknown", v.Version)
	case state < Empty || state > CompleteAbort:
		return metadata{}, fmt.Errorf("value: state %d is never stored", v.State)
	case v.ProducerID < 0 || v.ProducerEpoch < 0:
		return metadata{}, fmt.Errorf("value: producer id %d, epoch %d", v.ProducerID, v.ProducerEpoch)
	}
	md := metadata{
		producerID:         v.ProducerID,
		previousProducerID: v.PreviousProducerID,
		nextProducerID:     v.NextProducerID,
		epoch:              v.ProducerEpoch,
		previousEpoch:      noProducerEpoch,
		timeoutMs:          v.TimeoutMillis,
		state:              state,
		startMs:            max(v.StartTimestamp, -1),
		updateMs:           max(v.LastUpdateTimestamp, -1),
		clientVersion:      v.ClientTransactionVersion,
	}
	v.UnknownTags.Each(func(tag uint32, value []byte) {
		if tag == previousEpochTag && len(value) == 2 {
			md.previousEpoch = int16(binary.BigEndian.Uint16(value))
		}
	})
	if state == Empty {
		return md, nil // Kafka passes over what stands there
	}
	for i := range v.Topics {
		for _, partition := range v.Topics[i].Partitions {
			md.partitions = append(md.partitions, TopicPartition{v.Topics[i].Topic, partition})
		}
	}
	md.partitions = md.partitions.normalized()
	return md, nil
}
