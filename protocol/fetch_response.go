package protocol

// Fetch response, versions 0-18.
//
// v1 throttle time · v4 last stable offset, aborted transactions (KIP-98) · v5 log start offset (KIP-107) · v7 error code
// and session id (KIP-227) · v11 preferred read replica (KIP-392) · v12 flexible; diverging epoch, current leader,
// snapshot id (KIP-595) · v13 topic ids (KIP-516) · v16 node endpoints (KIP-951).

const (
	fetchFlexible      = 12
	fetchTopicIDs      = 13
	fetchNodeEndpoints = 16
)

// FetchWriter encodes a Fetch response around its record bytes, so that those can be sent from a file. The calls are
//
//	Begin (BeginTopic (BeginPartition <the caller's record bytes> EndPartition)* EndTopic)* Finish
//
// Between BeginPartition and EndPartition the caller owes exactly RecordsLen bytes: it either appends them to Buf, or
// notes len(Buf), cuts the response there and sends them from elsewhere. The counts given to Begin and BeginTopic must be
// met. Buf belongs to the caller; the writer only appends to it. The zero value is ready for Begin, and a writer may be
// used again.
type FetchWriter struct {
	Buf []byte

	version int16
	// The tagged fields of the open partition. They stand behind the record bytes.
	currentLeader  CurrentLeader
	divergingEpoch DivergingEpoch
	snapshotID     SnapshotID
}

// FetchHeader is what a Fetch response says before its topics.
type FetchHeader struct {
	ThrottleMs int32
	ErrorCode  int16 // only for fetch sessions; v7+
	SessionID  int32 // v7+
	Topics     int   // how many BeginTopic calls will follow
}

// FetchPartition is what a Fetch response says about one partition, except for the records themselves. Start from
// NewFetchPartition: several fields have a default other than zero.
type FetchPartition struct {
	Partition            int32
	ErrorCode            int16
	HighWatermark        int64
	LastStableOffset     int64                // v4+
	LogStartOffset       int64                // v5+
	AbortedTransactions  []AbortedTransaction // v4+; nil is null: what read_uncommitted gets
	PreferredReadReplica int32                // v11+
	RecordsLen           int                  // bytes of records that follow; -1 is null

	DivergingEpoch DivergingEpoch // v12+
	CurrentLeader  CurrentLeader  // v12+
	SnapshotID     SnapshotID     // v12+
}

// AbortedTransaction is one entry of a read_committed answer's list.
type AbortedTransaction struct{ ProducerID, FirstOffset int64 }

// DivergingEpoch tells a follower where its log leaves the leader's. It is sent only when Set.
type DivergingEpoch struct {
	Set       bool
	Epoch     int32
	EndOffset int64
}

// SnapshotID tells a follower of the metadata log which snapshot to load. It is sent only when Set.
type SnapshotID struct {
	Set       bool
	EndOffset int64
	Epoch     int32
}

// NewFetchPartition returns the answer for a partition of which nothing is known yet: offsets -1, no records, no error.
func NewFetchPartition(partition int32) FetchPartition {
	return FetchPartition{
		Partition: partition, HighWatermark: -1, LastStableOffset: -1, LogStartOffset: -1, PreferredReadReplica: -1,
	}
}

// Begin starts the body of a response, appending to dst (which usually holds the response header).
func (w *FetchWriter) Begin(dst []byte, version int16, h FetchHeader) {
	w.version = version
	if version >= 1 {
		dst = appendInt32(dst, h.ThrottleMs)
	}
	if version >= 7 {
		dst = appendInt16(dst, h.ErrorCode)
		dst = appendInt32(dst, h.SessionID)
	}
	w.Buf = appendLen(dst, h.Topics, w.flexible())
}

// BeginTopic starts a topic of `partitions` partitions. Up to version 12 it is named by name, then by id.
func (w *FetchWriter) BeginTopic(name string, id [16]byte, partitions int) {
	if w.version >= fetchTopicIDs {
		w.Buf = append(w.Buf, id[:]...)
	} else {
		w.Buf = appendString(w.Buf, name, w.flexible())
	}
	w.Buf = appendLen(w.Buf, partitions, w.flexible())
}

// BeginPartition writes everything of a partition up to its records. p is not kept.
func (w *FetchWriter) BeginPartition(p *FetchPartition) {
	dst := appendInt32(w.Buf, p.Partition)
	dst = appendInt16(dst, p.ErrorCode)
	dst = appendInt64(dst, p.HighWatermark)
	if w.version >= 4 {
		dst = appendInt64(dst, p.LastStableOffset)
	}
	if w.version >= 5 {
		dst = appendInt64(dst, p.LogStartOffset)
	}
	if w.version >= 4 {
		dst = appendAborted(dst, p.AbortedTransactions, w.flexible())
	}
	if w.version >= 11 {
		dst = appendInt32(dst, p.PreferredReadReplica)
	}
	w.Buf = appendLen(dst, p.RecordsLen, w.flexible())
	w.divergingEpoch, w.currentLeader, w.snapshotID = p.DivergingEpoch, p.CurrentLeader, p.SnapshotID
}

// EndPartition follows the record bytes.
func (w *FetchWriter) EndPartition() {
	if !w.flexible() {
		return
	}
	at := len(w.Buf)
	dst := append(w.Buf, 0)
	if d := w.divergingEpoch; d.Set {
		dst[at]++
		dst = append(dst, 0, 13)
		dst = appendInt32(dst, d.Epoch)
		dst = appendInt64(dst, d.EndOffset)
		dst = append(dst, 0)
	}
	if w.currentLeader.Set {
		dst[at]++
		dst = appendCurrentLeader(dst, 1, w.currentLeader)
	}
	if s := w.snapshotID; s.Set {
		dst[at]++
		dst = append(dst, 2, 13)
		dst = appendInt64(dst, s.EndOffset)
		dst = appendInt32(dst, s.Epoch)
		dst = append(dst, 0)
	}
	w.Buf = dst
}

// EndTopic follows a topic's last partition.
func (w *FetchWriter) EndTopic() { w.Buf = appendNoTags(w.Buf, w.flexible()) }

// Finish ends the body and returns Buf. The endpoints are sent from version 16 on.
func (w *FetchWriter) Finish(nodes []NodeEndpoint) []byte {
	if w.version < fetchNodeEndpoints {
		nodes = nil
	}
	if w.flexible() {
		w.Buf = appendNodeEndpoints(w.Buf, nodes)
	}
	return w.Buf
}

func (w *FetchWriter) flexible() bool { return w.version >= fetchFlexible }

func appendAborted(dst []byte, aborted []AbortedTransaction, flexible bool) []byte {
	n := len(aborted)
	if aborted == nil {
		n = -1
	}
	dst = appendLen(dst, n, flexible)
	for _, a := range aborted {
		dst = appendInt64(dst, a.ProducerID)
		dst = appendInt64(dst, a.FirstOffset)
		dst = appendNoTags(dst, flexible)
	}
	return dst
}
