package protocol

import (
	"fmt"
	"slices"
)

// Produce request, versions 0-13.
//
// v3 transactional id (KIP-98) · v9 flexible · v13 topic ids (KIP-516). The versions between changed what records may
// contain or the response only.

// maxKeptPartitions is how many partitions a request value keeps room for when it is reset.
const maxKeptPartitions = 1024

// ProduceRequest is a Produce request as a flat view on its frame: Topic, TransactionalID and Records alias it, and are
// valid only as long as it is. The value can be used again; its slice then is too.
type ProduceRequest struct {
	TransactionalID    string // v3+
	HasTransactionalID bool   // false: null
	Acks               int16
	TimeoutMs          int32
	// Partitions are in wire order. Topics that list no partition do not appear.
	Partitions []ProducePartition
}

// ProducePartition is one partition's records.
type ProducePartition struct {
	Topic      string   // up to v12
	TopicID    [16]byte // v13
	TopicIndex int32    // position of the topic in the request: partitions of one topic share it
	Partition  int32
	Records    []byte // nil: null. No capacity beyond its length.
}

// Reset forgets everything, so that a value at rest keeps no frame alive and not too much memory.
func (p *ProduceRequest) Reset() {
	kept := resetKept(p.Partitions)
	*p = ProduceRequest{Partitions: kept}
}

// ParseProduce reads the body of a Produce request. It does all that CheckShape does for Produce, so that need not be
// called, and refuses more than MaxPartitions. After an error, into holds nothing.
func ParseProduce(version int16, body []byte, into *ProduceRequest) error {
	into.Reset()
	if version < 0 || version > 13 {
		return fmt.Errorf("%w: Produce version %d", ErrMalformed, version)
	}
	flexible := version >= produceFlexible
	r := reader{b: body}
	if version >= 3 {
		into.TransactionalID, into.HasTransactionalID = r.string(flexible, true)
	}
	into.Acks = r.int16()
	into.TimeoutMs = r.int32()
	topicMin, partitionMin := 2+4, 4+4
	if flexible {
		topicMin, partitionMin = 1+1+1, 4+1+1
	}
	topics := r.arrayLen(flexible, false, topicMin)
	for t := 0; t < topics && !r.bad; t++ {
		p := ProducePartition{TopicIndex: int32(t)}
		if version >= produceTopicIDs {
			p.TopicID = r.uuid()
		} else {
			p.Topic, _ = r.string(flexible, false)
		}
		partitions := r.partitionsLen(flexible, partitionMin, len(into.Partitions))
		into.Partitions = withRoom(into.Partitions, partitions)
		for i := 0; i < partitions && !r.bad; i++ {
			p.Partition = r.int32()
			p.Records = r.bytes(flexible)
			r.skipTags(flexible)
			into.Partitions = append(into.Partitions, p)
		}
		r.skipTags(flexible)
	}
	r.skipTags(flexible)
	if r.bad {
		into.Reset()
		return fmt.Errorf("%w: body of Produce version %d, %d bytes", ErrMalformed, version, len(body))
	}
	return nil
}

// withRoom grows s for n more elements, or doubles it: append grows large slices by a quarter only, which makes several times
// their size in garbage. n was compared with the bytes that are there.
func withRoom[T any](s []T, n int) []T {
	if cap(s)-len(s) >= n {
		return s
	}
	return slices.Grow(s, max(n, len(s)))
}

// resetKept empties a slice for its next use.
func resetKept[T any](s []T) []T {
	if cap(s) > maxKeptPartitions {
		return nil
	}
	clear(s)
	return s[:0]
}
