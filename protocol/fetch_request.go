package protocol

import (
	"fmt"
	"math"
)

// Fetch request, versions 0-18.
//
// v3 max bytes (KIP-74) · v4 isolation level (KIP-98) · v5 follower's log start offset (KIP-107) · v7 sessions, forgotten
// topics (KIP-227) · v9 current leader epoch (KIP-320) · v11 rack (KIP-392) · v12 flexible; last fetched epoch, cluster id
// (KIP-595) · v13 topic ids (KIP-516) · v15 replica state instead of replica id (KIP-903) · v17 replica directory id
// (KIP-853) · v18 replica's high watermark (KIP-1166).

// Values of fields that the request's version does not carry.
const (
	NoReplica            = -1            // ReplicaID of a consumer
	UnknownHighWatermark = math.MaxInt64 // HighWatermark of a replica that cannot tell
)

// FetchRequest is a Fetch request as a flat view on its frame: all strings alias it. The value can be used again; its
// slices then are too. Fields that the version does not carry hold Kafka's defaults.
type FetchRequest struct {
	ClusterID      string // v12+; "" also for null
	ReplicaID      int32  // NoReplica for consumers, in all versions
	ReplicaEpoch   int64  // v15+
	MaxWaitMs      int32
	MinBytes       int32
	MaxBytes       int32
	IsolationLevel int8
	SessionID      int32
	SessionEpoch   int32
	Rack           string
	// Partitions and Forgotten are in wire order. Topics that list no partition do not appear.
	Partitions []FetchRequestPartition
	Forgotten  []ForgottenPartition
}

// FetchRequestPartition is one partition to read.
type FetchRequestPartition struct {
	Topic              string   // up to v12
	TopicID            [16]byte // v13+
	TopicIndex         int32    // position of the topic in the request: partitions of one topic share it
	Partition          int32
	CurrentLeaderEpoch int32
	LastFetchedEpoch   int32
	FetchOffset        int64
	LogStartOffset     int64
	PartitionMaxBytes  int32
	ReplicaDirectoryID [16]byte
	HighWatermark      int64
}

// ForgottenPartition is one partition to drop from the session.
type ForgottenPartition struct {
	Topic     string   // up to v12
	TopicID   [16]byte // v13+
	Partition int32
}

// Reset forgets everything and sets the defaults, so that a value at rest keeps no frame alive and not too much memory.
func (f *FetchRequest) Reset() {
	partitions, forgotten := resetKept(f.Partitions), resetKept(f.Forgotten)
	*f = FetchRequest{
		ReplicaID: NoReplica, ReplicaEpoch: -1, MaxBytes: math.MaxInt32, SessionEpoch: -1,
		Partitions: partitions, Forgotten: forgotten,
	}
}

// ParseFetch reads the body of a Fetch request. It does all that CheckShape does for Fetch, so that need not be called, and refuses
// more than MaxPartitions.
// After an error, into holds nothing.
func ParseFetch(version int16, body []byte, into *FetchRequest) error {
	into.Reset()
	if version < 0 || version > 18 {
		return fmt.Errorf("%w: Fetch version %d", ErrMalformed, version)
	}
	r := reader{b: body}
	if version <= 14 {
		into.ReplicaID = r.int32()
	}
	into.MaxWaitMs = r.int32()
	into.MinBytes = r.int32()
	if version >= 3 {
		into.MaxBytes = r.int32()
	}
	if version >= 4 {
		into.IsolationLevel = r.int8()
	}
	if version >= 7 {
		into.SessionID = r.int32()
		into.SessionEpoch = r.int32()
	}
	parseFetchTopics(&r, version, into)
	if version >= 7 {
		parseForgotten(&r, version, into)
	}
	if version >= 11 {
		into.Rack, _ = r.string(version >= fetchFlexible, false)
	}
	if version >= fetchFlexible {
		parseFetchTags(&r, version, into)
	}
	if r.bad {
		into.Reset()
		return fmt.Errorf("%w: body of Fetch version %d, %d bytes", ErrMalformed, version, len(body))
	}
	return nil
}

func parseFetchTopics(r *reader, version int16, into *FetchRequest) {
	flexible := version >= fetchFlexible
	topicMin, partitionMin := 2+4, 16
	if flexible {
		topicMin, partitionMin = 1+1+1, 33
	}
	topics := r.arrayLen(flexible, false, topicMin)
	for t := 0; t < topics && !r.bad; t++ {
		p := FetchRequestPartition{TopicIndex: int32(t), CurrentLeaderEpoch: -1, LastFetchedEpoch: -1, LogStartOffset: -1}
		p.Topic, p.TopicID = parseFetchTopic(r, version)
		partitions := r.partitionsLen(flexible, partitionMin, len(into.Partitions))
		into.Partitions = withRoom(into.Partitions, partitions)
		for i := 0; i < partitions && !r.bad; i++ {
			parseFetchPartition(r, version, &p)
			into.Partitions = append(into.Partitions, p)
		}
		r.skipTags(flexible)
	}
}

func parseFetchTopic(r *reader, version int16) (topic string, id [16]byte) {
	if version >= fetchTopicIDs {
		return "", r.uuid()
	}
	topic, _ = r.string(version >= fetchFlexible, false)
	return topic, id
}

func parseFetchPartition(r *reader, version int16, p *FetchRequestPartition) {
	p.ReplicaDirectoryID, p.HighWatermark = [16]byte{}, UnknownHighWatermark
	p.Partition = r.int32()
	if version >= 9 {
		p.CurrentLeaderEpoch = r.int32()
	}
	p.FetchOffset = r.int64()
	if version >= 12 {
		p.LastFetchedEpoch = r.int32()
	}
	if version >= 5 {
		p.LogStartOffset = r.int64()
	}
	p.PartitionMaxBytes = r.int32()
	if version < fetchFlexible {
		return
	}
	for n := r.tagCount(); n > 0 && !r.bad; n-- {
		tag, value := r.tag()
		switch {
		case tag == 0 && version >= 17:
			p.ReplicaDirectoryID = value.uuid()
		case tag == 1 && version >= 18:
			p.HighWatermark = value.int64()
		case tag <= 1:
			value.fail() // of a later version
		}
		r.bad = r.bad || value.bad
	}
}

func parseForgotten(r *reader, version int16, into *FetchRequest) {
	flexible := version >= fetchFlexible
	topicMin := 2 + 4
	if flexible {
		topicMin = 1 + 1 + 1
	}
	topics := r.arrayLen(flexible, false, topicMin)
	for t := 0; t < topics && !r.bad; t++ {
		var p ForgottenPartition
		p.Topic, p.TopicID = parseFetchTopic(r, version)
		partitions := r.partitionsLen(flexible, 4, len(into.Forgotten))
		into.Forgotten = withRoom(into.Forgotten, partitions)
		for i := 0; i < partitions && !r.bad; i++ {
			p.Partition = r.int32()
			into.Forgotten = append(into.Forgotten, p)
		}
		r.skipTags(flexible)
	}
}

// parseFetchTags reads the request's own tags. Those of a later version are refused, as Kafka 4.4 does.
func parseFetchTags(r *reader, version int16, into *FetchRequest) {
	for n := r.tagCount(); n > 0 && !r.bad; n-- {
		tag, value := r.tag()
		switch {
		case tag == 0:
			into.ClusterID, _ = value.string(true, true)
		case tag == 1 && version >= 15:
			into.ReplicaID = value.int32()
			into.ReplicaEpoch = value.int64()
			value.skipTags(true)
		case tag == 1:
			value.fail() // of a later version
		}
		r.bad = r.bad || value.bad
	}
}
