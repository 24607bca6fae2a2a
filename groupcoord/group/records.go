package group

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Records are Kafka's, byte by byte: docs/formats/consumer-offsets.md.

const (
	offsetKeyVersion   = 1 // 0 is read too
	groupKeyVersion    = 2
	groupValueVersion  = 3 // Kafka 4.4 writes the same
	offsetValueVersion = 3 // with the leader epoch
	offsetValueExpires = 1 // the only version with an expiry time
)

// maxText is the longest text that a record holds: its length is an int16.
// Requests can be longer, their newer versions have no such limit.
const maxText = 1<<15 - 1

// recordOverhead is at least what a batch adds to key and value of a record.
const recordOverhead = 32

func (r *Record) size() int { return recordOverhead + len(r.Key) + len(r.Value) }

func (r *Record) tooLarge(cfg *Config) bool { return r.size() > cfg.MaxRecordBytes }

func groupKey(id string) []byte {
	key := kmsg.GroupMetadataKey{Version: groupKeyVersion, Group: id}
	return key.AppendTo(make([]byte, 0, 4+len(id)))
}

func groupTombstone(id string) Record { return Record{Key: groupKey(id)} }

func offsetKey(group, topic string, partition int32) []byte {
	key := kmsg.OffsetCommitKey{Version: offsetKeyVersion, Group: group, Topic: topic, Partition: partition}
	return key.AppendTo(make([]byte, 0, 10+len(group)+len(topic)))
}

func offsetTombstone(group string, tp topicPartition) Record {
	return Record{Key: offsetKey(group, tp.topic, tp.partition)}
}

func offsetRecord(group, topic string, partition int32, o *offset) Record {
	value := kmsg.OffsetCommitValue{
		Version:         offsetValueVersion,
		Offset:          o.offset,
		LeaderEpoch:     o.leaderEpoch,
		Metadata:        o.metadata,
		CommitTimestamp: o.commitMs,
		ExpireTimestamp: o.expireMs,
	}
	if o.expireMs != noExpiry {
		value.Version = offsetValueExpires
	}
	return Record{
		Key:   offsetKey(group, topic, partition),
		Value: value.AppendTo(make([]byte, 0, 32+len(o.metadata))),
	}
}

// metadataRecord is the group as it stands. Before the first generation its
// protocol type is unknown and written as "".
func (m *Machine) metadataRecord(g *group) Record {
	value := kmsg.NewGroupMetadataValue()
	value.Version = groupValueVersion
	value.ProtocolType = g.protocolType
	value.Generation = g.generation
	value.CurrentStateTimestamp = g.stateMs
	if g.hasProtocol {
		value.Protocol = &g.protocol
	}
	if g.leader != "" {
		value.Leader = &g.leader
	}
	value.Members = make([]kmsg.GroupMetadataValueMember, 0, len(g.members))
	for _, mb := range g.members {
		one := kmsg.NewGroupMetadataValueMember()
		one.MemberID, one.InstanceID = mb.id, mb.instanceID
		one.ClientID, one.ClientHost = mb.clientID, mb.clientHost
		one.RebalanceTimeoutMillis, one.SessionTimeoutMillis = mb.rebalanceMs, mb.sessionMs
		one.Subscription, one.Assignment = mb.metadata(g.protocol), mb.assignment
		value.Members = append(value.Members, one)
	}
	return Record{Key: groupKey(g.id), Value: value.AppendTo(nil)}
}

// isOffset reports whether a record is an offset, and not a tombstone.
func isOffset(r Record) bool {
	version, ok := keyVersion(r.Key)
	return ok && (version == 0 || version == 1) && r.Value != nil
}

// decodeOffsetRecord reads an offset record. The key's strings alias it; of a
// tombstone the offset is empty.
func decodeOffsetRecord(r Record) (key kmsg.OffsetCommitKey, o offset, err error) {
	if err := key.UnsafeReadFrom(r.Key); err != nil {
		return key, offset{}, fmt.Errorf("offset key: %w", err)
	}
	if r.Value == nil {
		return key, offset{}, nil
	}
	if o, err = decodeOffset(r.Value); err != nil {
		return key, offset{}, err
	}
	o.metadata = strings.Clone(o.metadata)
	return key, o, nil
}

// decodeOffset reads the value of an offset record. The metadata aliases value.
func decodeOffset(value []byte) (offset, error) {
	var v kmsg.OffsetCommitValue
	if err := v.UnsafeReadFrom(value); err != nil {
		return offset{}, fmt.Errorf("offset value: %w", err)
	}
	if v.Version < 0 || v.Version > 4 {
		return offset{}, fmt.Errorf("offset value: version %d is unknown", v.Version)
	}
	o := offset{offset: v.Offset, leaderEpoch: -1, metadata: v.Metadata, commitMs: v.CommitTimestamp, expireMs: noExpiry}
	if v.Version >= 3 {
		o.leaderEpoch = v.LeaderEpoch
	}
	if v.Version == 1 {
		o.expireMs = v.ExpireTimestamp
	}
	return o, nil
}

// decodeGroup reads the value of a group metadata record. Slices alias value.
func decodeGroup(value []byte) (*kmsg.GroupMetadataValue, error) {
	v := kmsg.NewGroupMetadataValue()
	if err := v.ReadFrom(value); err != nil {
		return nil, fmt.Errorf("group value: %w", err)
	}
	if v.Version < 0 || v.Version > 4 {
		return nil, fmt.Errorf("group value: version %d is unknown", v.Version)
	}
	return &v, nil
}

// keyVersion is the first field of every key; it says what the record is.
func keyVersion(key []byte) (int16, bool) {
	if len(key) < 2 {
		return 0, false
	}
	return int16(binary.BigEndian.Uint16(key)), true
}
