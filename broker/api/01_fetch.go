package api

import (
	"encoding/binary"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/broker/replica"
	"github.com/sordini/sordini/protocol"
	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/storage"
)

// Fetch, versions 0-18.
//
// v0-1 get message format 0, v2-3 format 1 · v3 max_bytes, and the first batch always whole (below, byte limits are hard) · v4 isolation
// level (KIP-98) · v5 log start offset · v7 sessions (KIP-227) · v9 current leader epoch (KIP-320) · v10 zstd, which v4-9 get too, for there
// are clients that read it in them · v11 rack (KIP-392) · v12 flexible · v13 topic ids (KIP-516) · v15 replica state · v16 leader hints
// (KIP-951) · v17 directory ids · v18 high watermark (KIP-1166).

const (
	fetchStoredFormat  = 4 // from here on batches go out as they are stored
	fetchFirstWhole    = 3
	fetchStorageError  = 6
	fetchSessionsFrom  = 7
	fetchDivergingFrom = 12
	fetchTopicIDsFrom  = 13
	fetchLeadersFrom   = 16
	readCommitted      = 1
	maxConnCursors     = 1024
	maxAnswerBytes     = 1 << 30 // of records, and one batch more, so that the answer's size fits into an int32
)

// fetchState is what a connection keeps between its fetches: reused memory, and where the last sessionless reads ended.
type fetchState struct {
	request protocol.FetchRequest
	parts   []fetchPart
	cursors map[*replica.Partition]*storage.Cursor
	writer  protocol.FetchWriter
	memory  *conversion // of the answer that is being made, where it is converted
	watched map[*replica.Partition]struct{}

	// turn is with which partition the next fetch before version 3 begins. Such clients name them in the same order every time and know of
	// no limit for all of them together: where ours ends an answer, the next one goes on.
	turn int
}

// fetchPart is one partition of the fetch that is being answered.
type fetchPart struct {
	want   *protocol.FetchRequestPartition
	topic  string
	p      *replica.Partition
	cursor *storage.Cursor
	member *sessionPartition // what the session knows of it; nil without a session

	answer    protocol.FetchPartition
	slice     storage.Slice
	converted []byte
}

// Fetch answers one request into out.
func (h *Handlers) Fetch(req *Request, body []byte, out *Out) error {
	c := req.Conn
	f := &c.fetch
	if err := protocol.ParseFetch(req.Version, body, &f.request); err != nil {
		return err
	}
	defer f.reset()

	session, code := h.Sessions.begin(req.Version, &f.request, nowMs())
	if code != 0 {
		f.topLevel(req, code, out)
		return nil
	}
	if session != nil {
		defer session.mu.Unlock()
		f.parts = session.parts(f.parts[:0])
	} else {
		f.partsOfRequest()
	}
	h.resolve(req, f)

	most := h.Config.Broker.Sockets.FetchMaxBytes
	if req.Version < fetchStoredFormat {
		most = min(most, h.Config.Broker.Sockets.FetchConversionBytes/2) // a message that does not fit in full waits for the next fetch
	}
	f.request.MinBytes = min(f.request.MinBytes, most) // or the fetch could only end by its time
	bytes, answerNow := h.readAll(req, f)
	if !answerNow && bytes < int(f.request.MinBytes) && f.request.MaxWaitMs > 0 {
		if err := c.Rest(); err != nil {
			f.release()
			return err
		}
		h.poll(req, f)
	}
	h.writeFetch(req, f, session, out)
	if f.memory != nil {
		out.own(f.memory)
		f.memory = nil
	}
	return nil
}

func (f *fetchState) partsOfRequest() {
	f.parts = f.parts[:0]
	for i := range f.request.Partitions {
		want := &f.request.Partitions[i]
		f.parts = append(f.parts, fetchPart{want: want, topic: want.Topic})
	}
}

// resolve finds the partitions, and the places where their last reads ended.
func (h *Handlers) resolve(req *Request, f *fetchState) {
	swept := false
	for i := range f.parts {
		part := &f.parts[i]
		if req.Version >= fetchTopicIDsFrom {
			part.p, _ = h.Replicas.GetByID(part.want.TopicID, part.want.Partition)
		} else {
			part.p = h.Replicas.Get(part.topic, part.want.Partition)
		}
		if part.p == nil || part.cursor != nil {
			continue
		}
		if part.cursor = f.cursors[part.p]; part.cursor != nil {
			continue
		}
		if !swept {
			f.sweepCursors()
			swept = true
		}
		if len(f.cursors) < maxConnCursors {
			part.cursor = new(storage.Cursor)
			f.cursors[part.p] = part.cursor
		}
	}
}

// sweepCursors forgets where reads of partitions ended that are gone: what is remembered of a partition keeps its log in memory.
func (f *fetchState) sweepCursors() {
	if f.cursors == nil {
		f.cursors = map[*replica.Partition]*storage.Cursor{}
	}
	for p := range f.cursors {
		if p.Closed() {
			delete(f.cursors, p)
		}
	}
}

// readAll reads every partition within the request's limits. answerNow says that a partition has an error that must not wait.
func (h *Handlers) readAll(req *Request, f *fetchState) (bytes int, answerNow bool) {
	left := min(int(h.Config.Broker.Sockets.FetchMaxBytes), maxAnswerBytes)
	if req.Version >= fetchFirstWhole {
		left = min(left, int(max(f.request.MaxBytes, 0)))
	}
	begin := 0
	if req.Version < fetchFirstWhole && len(f.parts) > 0 {
		begin = f.turn % len(f.parts)
	}
	for i := range f.parts {
		i = (begin + i) % len(f.parts)
		part := &f.parts[i]
		n := h.readPart(req, f, part, left, bytes == 0 && req.Version >= fetchFirstWhole)
		if n > 0 {
			f.turn = i + 1
		}
		bytes += n
		left = max(left-n, 0)
		answerNow = answerNow || part.answer.ErrorCode != 0 || part.answer.DivergingEpoch.Set
	}
	return bytes, answerNow
}

// readPart fills one partition's answer and returns how many bytes of records it has.
func (h *Handlers) readPart(req *Request, f *fetchState, part *fetchPart, left int, firstWhole bool) int {
	part.answer = protocol.NewFetchPartition(part.want.Partition)
	p := part.p
	if code := h.checkFetch(req, f, part); code != 0 {
		part.answer.ErrorCode = code
		if code == kerr.FencedLeaderEpoch.Code && req.Version >= fetchLeadersFrom {
			part.answer.CurrentLeader = protocol.CurrentLeader{Set: true, LeaderID: h.NodeID, LeaderEpoch: p.LeaderEpoch()}
		}
		return 0
	}
	upTo := p.HighWatermark() // read once: the answer must not show or give more than it says is committed
	part.answer.HighWatermark, part.answer.LastStableOffset = upTo, min(upTo, p.LastStableOffset())
	part.answer.LogStartOffset = p.Log().LogStartOffset()
	if f.request.IsolationLevel == readCommitted {
		upTo = part.answer.LastStableOffset
		part.answer.AbortedTransactions = noAborted
	}
	if req.Version >= fetchDivergingFrom && part.want.LastFetchedEpoch >= 0 && !part.follows() {
		return 0
	}
	limit := min(int(max(part.want.PartitionMaxBytes, 0)), left)
	if limit == 0 && !firstWhole {
		if offset := part.want.FetchOffset; offset < part.answer.LogStartOffset || offset > p.Log().LogEndOffset() {
			part.answer.ErrorCode = kerr.OffsetOutOfRange.Code
		}
		return 0
	}
	if req.Version < fetchStoredFormat {
		return h.readConverted(req, f, part, limit, upTo, firstWhole)
	}
	slice, err := p.Read(part.want.FetchOffset, limit, upTo, firstWhole, part.cursor)
	if err != nil {
		h.readFailed(req, part, err)
		return 0
	}
	if slice.Len() == limit && !firstWhole && beginsTorn(&slice) {
		slice.Release()
		return 0
	}
	if f.request.IsolationLevel == readCommitted {
		if err := part.tellAborted(&slice); err != nil {
			slice.Release()
			h.readFailed(req, part, err)
			return 0
		}
	}
	part.slice, part.answer.RecordsLen = slice, slice.Len()
	return slice.Len()
}

// noAborted is the list of a read_committed answer that has none.
var noAborted = []protocol.AbortedTransaction{}

// tellAborted lists the aborted transactions of which a reader of the slice may meet records.
func (part *fetchPart) tellAborted(slice *storage.Slice) error {
	var few [8]storage.AbortedTxn
	found, err := part.p.Log().AbortedIn(few[:0], part.want.FetchOffset, slice)
	if err != nil || len(found) == 0 {
		return err
	}
	list := make([]protocol.AbortedTransaction, len(found))
	for i, a := range found {
		list[i] = protocol.AbortedTransaction{ProducerID: a.ProducerID, FirstOffset: a.First}
	}
	part.answer.AbortedTransactions = list
	return nil
}

// beginsTorn tells whether not even the first batch of a slice is whole. Consumers take such an answer for a batch that they can never read
// and give up (Java: "Failed to make progress reading messages"); an empty one they ask again, when it is the first of the fetch.
func beginsTorn(slice *storage.Slice) bool {
	var head [batch.LogOverhead]byte
	if _, err := slice.ReadAt(head[:], 0); err != nil {
		return true // shorter than that, or unreadable: then the next fetch shows it
	}
	return int64(slice.Len()) < batch.LogOverhead+int64(int32(binary.BigEndian.Uint32(head[8:])))
}

// follows compares the epoch of the last record that the client has with the log, and tells it where they part, if they do.
func (part *fetchPart) follows() bool {
	epoch, end := epochEndOffset(part.p, part.want.LastFetchedEpoch)
	if part.want.LastFetchedEpoch == part.p.LeaderEpoch() {
		epoch, end = part.want.LastFetchedEpoch, part.p.Log().LogEndOffset() // nothing may have been written in it yet
	}
	switch {
	case epoch < 0:
		part.answer = protocol.NewFetchPartition(part.want.Partition)
		part.answer.ErrorCode = kerr.OffsetOutOfRange.Code
	case epoch < part.want.LastFetchedEpoch || end < part.want.FetchOffset:
		part.answer.DivergingEpoch = protocol.DivergingEpoch{Set: true, Epoch: epoch, EndOffset: end}
	default:
		return true
	}
	return false
}

// readFailed gives a partition the code of a failed read. Damage and failing disks are reported here, for only the operator can help.
func (h *Handlers) readFailed(req *Request, part *fetchPart, err error) {
	code := codeOf(err)
	if (code == kerr.KafkaStorageError.Code || code == kerr.CorruptMessage.Code) && part.p.FaultIsNews(nowMs()) {
		h.Logger.Error("the log cannot be read", "topic", part.p.Topic().Name, "partition", part.p.Index, "offset", part.want.FetchOffset, "error", err)
	}
	part.fail(code, req.Version)
}

func (part *fetchPart) fail(code, version int16) {
	keep := part.answer.LogStartOffset
	part.answer = protocol.NewFetchPartition(part.want.Partition)
	part.answer.ErrorCode = forOldClients(code, version >= fetchStorageError)
	if code == kerr.OffsetOutOfRange.Code && part.p != nil {
		part.answer.LogStartOffset = keep
	}
}

// checkFetch is everything that can be wrong before the log is asked.
func (h *Handlers) checkFetch(req *Request, f *fetchState, part *fetchPart) int16 {
	switch p := part.p; {
	case p == nil && h.Replicas.Offline(part.topic, part.want.TopicID, part.want.Partition):
		return forOldClients(kerr.KafkaStorageError.Code, req.Version >= fetchStorageError)
	case p == nil && req.Version >= fetchTopicIDsFrom:
		return h.unknownByID(part)
	case p == nil:
		return kerr.UnknownTopicOrPartition.Code
	case f.request.ReplicaID >= 0:
		return kerr.NotLeaderForPartition.Code // no broker follows this one
	case f.request.IsolationLevel < 0 || f.request.IsolationLevel > readCommitted:
		return kerr.UnknownServerError.Code // what Kafka answers
	case part.want.CurrentLeaderEpoch >= 0 && part.want.CurrentLeaderEpoch < p.LeaderEpoch():
		return kerr.FencedLeaderEpoch.Code
	case part.want.CurrentLeaderEpoch > p.LeaderEpoch():
		return kerr.UnknownLeaderEpoch.Code
	}
	return 0
}

func (h *Handlers) unknownByID(part *fetchPart) int16 {
	if _, known := h.Replicas.GetByID(part.want.TopicID, part.want.Partition); known {
		return kerr.UnknownTopicOrPartition.Code
	}
	return kerr.UnknownTopicID.Code
}

// poll waits until there are MinBytes to send, until a partition has an error, or until MaxWaitMs are over.
func (h *Handlers) poll(req *Request, f *fetchState) {
	c := req.Conn
	deadline := c.deadline(time.Duration(f.request.MaxWaitMs) * time.Millisecond)
	defer c.disarm()
	f.watch(c.Waiter)
	defer f.unwatch(c.Waiter)
	for {
		c.Waiter.Drain()
		f.release()
		h.resolveGone(f)
		bytes, answerNow := h.readAll(req, f)
		if answerNow || bytes >= int(f.request.MinBytes) {
			return
		}
		select {
		case <-c.Waiter.C:
		case <-deadline:
			return
		case <-c.Stop:
			return
		}
	}
}

// resolveGone drops partitions that were deleted while the fetch waited.
func (h *Handlers) resolveGone(f *fetchState) {
	for i := range f.parts {
		part := &f.parts[i]
		if part.p != nil && part.p.Closed() {
			delete(f.watched, part.p)
			part.p = nil
		}
	}
}

// watch registers the waiter with each partition once, however often the request names it: everybody who appends there goes through the list.
func (f *fetchState) watch(w *replica.Waiter) {
	if f.watched == nil {
		f.watched = map[*replica.Partition]struct{}{}
	}
	for i := range f.parts {
		p := f.parts[i].p
		if _, known := f.watched[p]; p == nil || known {
			continue
		}
		f.watched[p] = struct{}{}
		p.Watch(w)
	}
}

func (f *fetchState) unwatch(w *replica.Waiter) {
	for p := range f.watched {
		p.Unwatch(w)
	}
	if clear(f.watched); len(f.parts) > keepFetchParts {
		f.watched = nil
	}
}

// release gives back what was read, for it is read again or not sent.
func (f *fetchState) release() {
	for i := range f.parts {
		part := &f.parts[i]
		part.slice.Release()
		part.slice, part.converted = storage.Slice{}, nil
	}
	f.dropMemory()
}

// dropMemory gives back what was converted and is not sent.
func (f *fetchState) dropMemory() {
	if f.memory != nil {
		f.memory.giveBack()
		f.memory = nil
	}
}

const keepFetchParts = 1024

func (f *fetchState) reset() {
	if cap(f.parts) > keepFetchParts {
		f.parts = nil
	}
	clear(f.parts)
	f.parts = f.parts[:0]
	f.request.Reset()
	f.writer.Buf = nil
	f.dropMemory() // nothing came of it, or the connection has ended
}
