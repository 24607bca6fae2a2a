package protocol

// Produce response, versions 0-13.
//
// v1 throttle time · v2 log append time · v5 log start offset · v8 record errors and error message (KIP-467) ·
// v9 flexible · v10 current leader and node endpoints (KIP-951) · v13 topic ids (KIP-516).

const (
	produceFlexible      = 9
	produceNodeEndpoints = 10
	produceTopicIDs      = 13
)

// ProduceResponse is the answer to a Produce request, flat as ProduceRequest is: partitions that follow each other with
// the same TopicIndex form a topic.
type ProduceResponse struct {
	ThrottleMs    int32
	Partitions    []ProduceResult
	NodeEndpoints []NodeEndpoint // v10+
}

// ProduceResult is the answer for one partition. Start from NewProduceResult: several fields have a default other than
// zero.
type ProduceResult struct {
	Topic      string   // up to v12
	TopicID    [16]byte // v13
	TopicIndex int32    // never sent; which topic of the request this is

	Partition       int32
	ErrorCode       int16
	BaseOffset      int64
	LogAppendTimeMs int64          // v2+; -1 under CreateTime
	LogStartOffset  int64          // v5+
	RecordErrors    []ProduceError // v8+
	ErrorMessage    string         // v8+; "" is null
	CurrentLeader   CurrentLeader  // v10+
}

// ProduceError says which record of a batch was refused, and why.
type ProduceError struct {
	BatchIndex   int32
	ErrorMessage string // "" is null
}

// NewProduceResult returns the answer for a partition in which nothing was appended: all offsets -1.
func NewProduceResult(partition int32) ProduceResult {
	return ProduceResult{Partition: partition, BaseOffset: -1, LogAppendTimeMs: -1, LogStartOffset: -1}
}

// AppendProduceResponse appends the body of a Produce response to dst. It keeps nothing.
func AppendProduceResponse(dst []byte, version int16, r *ProduceResponse) []byte {
	flexible := version >= produceFlexible
	topics := 0
	for i := range r.Partitions {
		if i == 0 || r.Partitions[i].TopicIndex != r.Partitions[i-1].TopicIndex {
			topics++
		}
	}
	dst = appendLen(dst, topics, flexible)
	for rest := r.Partitions; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].TopicIndex == rest[0].TopicIndex {
			n++
		}
		dst = appendProduceTopic(dst, version, rest[:n])
		rest = rest[n:]
	}
	if version >= 1 {
		dst = appendInt32(dst, r.ThrottleMs)
	}
	if !flexible {
		return dst
	}
	if version < produceNodeEndpoints {
		return append(dst, 0)
	}
	return appendNodeEndpoints(dst, r.NodeEndpoints)
}

func appendProduceTopic(dst []byte, version int16, partitions []ProduceResult) []byte {
	flexible := version >= produceFlexible
	first := &partitions[0]
	if version >= produceTopicIDs {
		dst = append(dst, first.TopicID[:]...)
	} else {
		dst = appendString(dst, first.Topic, flexible)
	}
	dst = appendLen(dst, len(partitions), flexible)
	for i := range partitions {
		dst = appendProduceResult(dst, version, &partitions[i])
	}
	return appendNoTags(dst, flexible)
}

func appendProduceResult(dst []byte, version int16, p *ProduceResult) []byte {
	flexible := version >= produceFlexible
	dst = appendInt32(dst, p.Partition)
	dst = appendInt16(dst, p.ErrorCode)
	dst = appendInt64(dst, p.BaseOffset)
	if version >= 2 {
		dst = appendInt64(dst, p.LogAppendTimeMs)
	}
	if version >= 5 {
		dst = appendInt64(dst, p.LogStartOffset)
	}
	if version >= 8 {
		dst = appendLen(dst, len(p.RecordErrors), flexible)
		for i := range p.RecordErrors {
			e := &p.RecordErrors[i]
			dst = appendInt32(dst, e.BatchIndex)
			dst = appendStringOrNull(dst, e.ErrorMessage, flexible)
			dst = appendNoTags(dst, flexible)
		}
		dst = appendStringOrNull(dst, p.ErrorMessage, flexible)
	}
	if version >= produceNodeEndpoints && p.CurrentLeader.Set {
		return appendCurrentLeader(append(dst, 1), 0, p.CurrentLeader)
	}
	return appendNoTags(dst, flexible)
}
