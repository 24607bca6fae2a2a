package api

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/broker/replica"
	"github.com/sordini/sordini/protocol"
	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/legacy"
	"github.com/sordini/sordini/storage"
)

// Produce, versions 0-13.
//
// v0-2 carry message formats 0 and 1 and are converted up · v3 format 2, transactional id · v4 KAFKA_STORAGE_ERROR · v5 log start offset ·
// v7 zstd · v8 record errors (KIP-467) · v9 flexible · v10 leader hints (KIP-951) · v12 no AddPartitionsToTxn (KIP-890) · v13 topic ids.
//
// acks=0 is never answered; where it fails the connection is closed, for that is the only way to tell.

// ErrClose asks the connection to close without an answer.
var ErrClose = errors.New("api: close the connection")

const produceConvertsBelow = 3 // versions below may carry message formats 0 and 1

// ProduceTurn gathers the Produce requests that one read from the socket brought. Add validates and takes a request in; Commit appends
// everything, one write per partition, waits once for what the acks demand, and encodes the answers in order. A turn is reused.
type ProduceTurn struct {
	requests   []produceRequest
	n          int // requests in use
	partitions []partitionAppends
	unverified []unverified
	index      map[*replica.Partition]int
	free       []*storage.Append
	used       int
	convert    []byte // batches that were converted up, or compressed anew
	// convertBefore is how many of them belong to requests before the one that is taken in.
	convertBefore int
}

type produceRequest struct {
	header  protocol.RequestHeader
	parsed  protocol.ProduceRequest
	results []protocol.ProduceResult
	queued  []queued // per result
	failed  bool
}

// queued is where the batch of a result went: nowhere (append is nil) where it was refused.
type queued struct {
	group  int
	append *storage.Append
}

// partitionAppends is what one turn appends to one partition.
type partitionAppends struct {
	p    *replica.Partition
	list []*storage.Append
	end  int64 // what acks=all waits for; 0: nobody waits
	err  error
}

// Pending tells whether requests wait for Commit.
func (t *ProduceTurn) Pending() bool { return t.n > 0 }

// Add takes one request in. The body must stay as it is until Commit.
func (t *ProduceTurn) Add(h *Handlers, c *Conn, header *protocol.RequestHeader, body []byte) error {
	if t.n == len(t.requests) {
		t.requests = append(t.requests, produceRequest{})
	}
	r := &t.requests[t.n]
	if err := protocol.ParseProduce(header.Version, body, &r.parsed); err != nil {
		return err
	}
	t.n++
	r.header, r.failed = *header, false
	t.convertBefore = len(t.convert)
	r.results, r.queued = r.results[:0], r.queued[:0]

	refused := requestError(&r.parsed)
	for i := range r.parsed.Partitions {
		part := &r.parsed.Partitions[i]
		result := protocol.NewProduceResult(part.Partition)
		result.Topic, result.TopicID, result.TopicIndex = part.Topic, part.TopicID, part.TopicIndex
		r.results = append(r.results, result)
		r.queued = append(r.queued, queued{})
		if refused != nil {
			t.refuse(h, r, i, refused)
			continue
		}
		if err := t.take(h, c, r, i); err != nil {
			t.refuse(h, r, i, err)
		}
	}
	return nil
}

// requestError is what refuses a whole request.
func requestError(r *protocol.ProduceRequest) error {
	if r.Acks < -1 || r.Acks > 1 {
		return kerr.InvalidRequiredAcks
	}
	return transactionalError(r)
}

// take validates the records of one partition and queues them for its log.
func (t *ProduceTurn) take(h *Handlers, c *Conn, r *produceRequest, i int) error {
	part := &r.parsed.Partitions[i]
	p, err := h.producePartition(r.header.Version, part)
	if err != nil {
		return err
	}
	cfg := p.Topic().Config()
	// min.insync.replicas refuses nobody: Kafka asks for no more in-sync replicas than a partition has, and here it has one.
	rules := batch.Rules{
		Version: r.header.Version, MaxMessageBytes: int(cfg.MaxMessageBytes), Compacted: cfg.CleanupCompact,
		LogAppendTime: cfg.MessageTimestampType == "LogAppendTime", NowMs: nowMs(),
		TimestampBeforeMaxMs: cfg.TimestampBeforeMaxMs, TimestampAfterMaxMs: cfg.TimestampAfterMaxMs,
		MaxRecordBytes: int(cfg.MaxDecompressedMessageBytes), Topic: p.Topic().Name, Partition: p.Index,
	}
	info, invalid := t.validate(h, c, p, part.Records, &rules)
	if invalid != nil {
		return invalid
	}
	if len(info.Batch) == 0 {
		return nil // an empty set of an old client is a success that appends nothing
	}
	h.Metrics.BytesIn.Add(int64(len(info.Batch)))
	if cfg.CompressionType != keepProducers {
		if err := t.recompress(h, p, cfg, &info); err != nil {
			return err
		}
	}
	if len(info.Batch) > int(cfg.SegmentBytes) {
		return kerr.RecordListTooLarge
	}
	a := t.newAppend()
	a.Batch, a.Info, a.Origin = info.Batch, info, storage.Client
	g := t.group(p)
	t.partitions[g].list = append(t.partitions[g].list, a)
	r.queued[i] = queued{g, a}
	if a.Batch.IsTransactional() && a.Batch.HasProducerID() {
		t.guard(h, r, i, p, a)
	}
	return nil
}

// validate checks a partition's records. What an old client sent is converted, which checks it too.
func (t *ProduceTurn) validate(h *Handlers, c *Conn, p *replica.Partition, records []byte, rules *batch.Rules) (batch.Info, *batch.Error) {
	if rules.Version >= produceConvertsBelow {
		return batch.Validate(records, rules)
	}
	if magic, ok := legacy.Magic(records); ok && magic >= 2 {
		return batch.Validate(records, rules)
	}
	before := len(t.convert)
	var invalid *batch.Error
	if t.convert, invalid = legacy.UpConvert(t.convert, records, rules); invalid != nil {
		return batch.Info{}, invalid
	}
	converted := batch.Batch(t.convert[before:])
	if len(converted) == 0 {
		return batch.Info{}, nil
	}
	h.Metrics.UpConversions.Add(1)
	p.Topic().UpConversions.Add(1)
	c.Seen.UpConversions.Add(1)
	return converted.Info(), nil
}

func (h *Handlers) producePartition(version int16, part *protocol.ProducePartition) (*replica.Partition, error) {
	var p *replica.Partition
	if version >= 13 {
		var known bool
		if p, known = h.Replicas.GetByID(part.TopicID, part.Partition); !known {
			return nil, kerr.UnknownTopicID
		}
	} else {
		p = h.Replicas.Get(part.Topic, part.Partition)
	}
	if p == nil {
		if h.Replicas.Offline(part.Topic, part.TopicID, part.Partition) {
			return nil, kerr.KafkaStorageError
		}
		return nil, kerr.UnknownTopicOrPartition
	}
	if p.Topic().Internal {
		return nil, kerr.InvalidTopicException
	}
	return p, nil
}

// refuse writes a partition's error into its result.
func (t *ProduceTurn) refuse(h *Handlers, r *produceRequest, i int, err error) {
	r.failed = true
	h.Metrics.FailedProduce.Add(1)
	result := &r.results[i]
	result.ErrorCode = forOldClients(codeOf(err), r.header.Version >= 4)
	var invalid *batch.Error
	if !errors.As(err, &invalid) {
		result.ErrorMessage = messageOf(err)
		return
	}
	result.ErrorMessage = invalid.Message
	for _, rec := range invalid.Records {
		result.RecordErrors = append(result.RecordErrors, protocol.ProduceError{BatchIndex: rec.Index, ErrorMessage: rec.Message})
	}
}

func (t *ProduceTurn) newAppend() *storage.Append {
	if t.used == len(t.free) {
		t.free = append(t.free, &storage.Append{})
	}
	a := t.free[t.used]
	t.used++
	*a = storage.Append{}
	return a
}

const searchLinearly = 8 // partitions of a turn up to which a scan beats a map

// group returns where in t.partitions the batches for p are gathered.
func (t *ProduceTurn) group(p *replica.Partition) int {
	n := len(t.partitions)
	if n <= searchLinearly {
		for i := range t.partitions {
			if t.partitions[i].p == p {
				return i
			}
		}
	} else if i, ok := t.index[p]; ok {
		return i
	}
	if n < cap(t.partitions) {
		t.partitions = t.partitions[:n+1] // keeps the memory of the list
	} else {
		t.partitions = append(t.partitions, partitionAppends{})
	}
	g := &t.partitions[n]
	g.p, g.list, g.end, g.err = p, g.list[:0], 0, nil
	if n < searchLinearly {
		return n
	}
	if n == searchLinearly {
		t.index = make(map[*replica.Partition]int, 4*searchLinearly)
		for i := range t.partitions {
			t.index[t.partitions[i].p] = i
		}
	}
	t.index[p] = n
	return n
}

// Commit asks the coordinators of transactions that begin in a partition, appends, waits and answers. It returns ErrClose when an acks=0 request failed; the answers of the requests before it are in out.
func (t *ProduceTurn) Commit(ctx context.Context, h *Handlers, c *Conn, out *Out) error {
	if len(t.unverified) > 0 {
		t.verify(ctx, h)
	}
	now := nowMs()
	for i := range t.partitions {
		if g := &t.partitions[i]; len(g.list) > 0 {
			g.err = g.p.Append(now, g.list)
		}
	}
	if longest := t.collect(h); longest > 0 {
		t.await(h, c, longest)
	}
	var err error
	for i := 0; i < t.n && err == nil; i++ {
		r := &t.requests[i]
		if r.parsed.Acks != 0 {
			t.encode(r, out)
		} else if r.failed {
			err = ErrClose
		}
	}
	t.reset()
	return err
}

// collect moves what the logs said into the results. It returns for how long acks=all may wait at the most, or 0 when nobody waits.
func (t *ProduceTurn) collect(h *Handlers) (longest time.Duration) {
	for n := range t.requests[:t.n] {
		r := &t.requests[n]
		for i, q := range r.queued {
			if q.append == nil {
				continue
			}
			g := &t.partitions[q.group]
			err := g.err
			if err == nil {
				err = q.append.Result.Err
			}
			if err != nil {
				t.refuse(h, r, i, err)
				continue
			}
			result, stored := &r.results[i], &q.append.Result
			result.BaseOffset, result.LogAppendTimeMs, result.LogStartOffset = stored.BaseOffset, stored.LogAppendTimeMs, stored.LogStartOffset
			if r.parsed.Acks == -1 {
				g.end = max(g.end, ackedEnd(q.append))
				longest = max(longest, time.Duration(max(r.parsed.TimeoutMs, minAckWaitMs))*time.Millisecond)
			}
		}
	}
	return longest
}

// minAckWaitMs is how long acks=all waits at least. A request's timeout is for followers; Kafka's answer does not wait for a disk, so a client that
// says 0 must not be told that its record timed out while our own sync is under way.
const minAckWaitMs = 1000

// ackedEnd is the offset that the high watermark must reach before acks=all may answer. A duplicate waits for its first copy.
func ackedEnd(a *storage.Append) int64 {
	return a.Result.BaseOffset + int64(a.Batch.LastOffsetDelta()) + 1
}

// await waits, once for the whole turn, until every partition has committed what acks=all requests wrote, and fails the results of those
// that did not get there.
func (t *ProduceTurn) await(h *Handlers, c *Conn, longest time.Duration) {
	var deadline <-chan time.Time
	failed := false
	for i := range t.partitions {
		g := &t.partitions[i]
		if g.end == 0 || g.p.HighWatermark() >= g.end {
			continue
		}
		if deadline == nil {
			deadline = c.deadline(longest)
		}
		if g.err = g.p.AwaitCommitted(c.Waiter, g.end, c.Gone, deadline); g.err != nil {
			failed = true
			if errors.Is(g.err, kerr.RequestTimedOut) {
				closed := make(chan time.Time)
				close(closed)
				deadline = closed // the time is up for the others too
			}
		}
	}
	if deadline != nil {
		c.disarm()
	}
	if failed {
		t.failUncommitted(h)
	}
}

func (t *ProduceTurn) failUncommitted(h *Handlers) {
	for n := range t.requests[:t.n] {
		r := &t.requests[n]
		for i, q := range r.queued {
			if q.append == nil || r.parsed.Acks != -1 || r.results[i].ErrorCode != 0 {
				continue
			}
			if g := &t.partitions[q.group]; g.err != nil && g.p.HighWatermark() < ackedEnd(q.append) {
				t.refuse(h, r, i, g.err)
			}
		}
	}
}

func (t *ProduceTurn) encode(r *produceRequest, out *Out) {
	m := out.Begin(&r.header)
	out.Buf = protocol.AppendProduceResponse(out.Buf, r.header.Version, &protocol.ProduceResponse{Partitions: r.results})
	out.End(m)
}

const (
	keepRequests = 64      // memory of a turn that is kept for the next one
	keepResults  = 1024    // likewise, of one request
	keepConvert  = 1 << 20 // bytes
)

// reset forgets the turn and everything in it that points into the read buffer.
func (t *ProduceTurn) reset() {
	for i := range t.requests[:t.n] {
		r := &t.requests[i]
		if clear(r.results); cap(r.results) > keepResults {
			r.results, r.queued = nil, nil
		}
		clear(r.queued)
		r.parsed.Reset()
		r.header = protocol.RequestHeader{}
	}
	for i := range t.partitions {
		g := &t.partitions[i]
		clear(g.list)
		g.p, g.err = nil, nil
	}
	for _, a := range t.free[:t.used] {
		*a = storage.Append{}
	}
	if len(t.requests) > keepRequests || len(t.partitions) > 16*keepRequests {
		*t = ProduceTurn{}
		return
	}
	t.n, t.used, t.partitions, t.index, t.convertBefore = 0, 0, t.partitions[:0], nil, 0
	if t.convert = t.convert[:0]; cap(t.convert) > keepConvert {
		t.convert = nil
	}
}
