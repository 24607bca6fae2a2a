package load

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/compat-tests/crash/ledger"
)

// sequences is an idempotent producer by hand: after a crash it sends again what it sent before, as a producer does that
// never saw the answers. It keeps its producer id through all crashes. The topic has one partition.
type sequences struct {
	book *ledger.Ledger
	id   [16]byte // of the topic
	mu   struct {
		sync.Mutex
		id    int64
		epoch int16
		next  int32
		last  []sequenced // the last ones acknowledged, at most five, which is what a broker remembers
		open  *sequenced  // sent and not acknowledged
	}
}

type sequenced struct {
	n        int
	sequence int32
	offset   int64
}

const remembered = 5

func newSequences(book *ledger.Ledger, id [16]byte) *sequences {
	s := &sequences{book: book, id: id}
	s.mu.id = -1
	return s
}

func (s *sequences) run(ctx context.Context, cl *kgo.Client, fail func(string, ...any)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.initLocked(ctx, cl); err != nil {
		return
	}
	for ctx.Err() == nil {
		if s.mu.open == nil {
			n, _ := s.book.Send()
			s.mu.open = &sequenced{n: n, sequence: s.mu.next, offset: -1}
			s.mu.next++
		}
		offset, err := s.send(ctx, cl, s.mu.open)
		if err != nil {
			if ctx.Err() == nil && !kerr.IsRetriable(err) {
				if _, known := err.(*kerr.Error); known {
					fail("sequence %d: %v", s.mu.open.sequence, err)
				}
				return
			}
			time.Sleep(time.Millisecond)
			continue
		}
		s.ackedLocked(offset)
	}
}

func (s *sequences) ackedLocked(offset int64) {
	s.mu.open.offset = offset
	s.book.Acked(s.mu.open.n, ledger.Place{Offset: offset, At: time.Now()})
	s.mu.last = append(s.mu.last, *s.mu.open)
	s.mu.last = s.mu.last[max(len(s.mu.last)-remembered, 0):]
	s.mu.open = nil
}

func (s *sequences) initLocked(ctx context.Context, cl *kgo.Client) error {
	for s.mu.id < 0 {
		resp, err := kmsg.NewPtrInitProducerIDRequest().RequestWith(ctx, cl)
		if err != nil {
			return err
		}
		if kerr.ErrorForCode(resp.ErrorCode) == nil {
			s.mu.id, s.mu.epoch = resp.ProducerID, resp.ProducerEpoch
		}
	}
	return nil
}

// resend is to be called before the log is read. What was acknowledged is answered with its old offset; what was not is
// answered, wherever it went, and is in the log once.
func (s *sequences) resend(ctx context.Context, cl *kgo.Client) (faults []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	again := s.mu.last
	if s.mu.open != nil { // it may be in the log, and is then one of those that are remembered
		again = again[max(len(again)-remembered+1, 0):]
	}
	for i := range again {
		offset, err := s.send(ctx, cl, &again[i])
		if err != nil || offset != again[i].offset {
			faults = append(faults, fmt.Sprintf("sequence %d of producer %d was acknowledged at %d; sent again it is answered with %d, %v",
				again[i].sequence, s.mu.id, again[i].offset, offset, err))
		}
	}
	if s.mu.open != nil && s.mu.id >= 0 {
		offset, err := s.send(ctx, cl, s.mu.open)
		if err != nil {
			faults = append(faults, fmt.Sprintf("sequence %d of producer %d was not acknowledged; sent again it is answered with %v", s.mu.open.sequence, s.mu.id, err))
			return faults
		}
		s.ackedLocked(offset)
	}
	return faults
}

func (s *sequences) send(ctx context.Context, cl *kgo.Client, r *sequenced) (int64, error) {
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 10_000
	t := kmsg.NewProduceRequestTopic()
	t.Topic, t.TopicID = s.book.Name, s.id
	p := kmsg.NewProduceRequestTopicPartition()
	p.Records = encode(r.n, s.mu.id, s.mu.epoch, r.sequence)
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	raw, err := cl.SeedBrokers()[0].Request(ctx, req) // Client.Request would retry by itself
	if err != nil {
		return -1, err
	}
	resp := raw.(*kmsg.ProduceResponse)
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return -1, fmt.Errorf("produce to %s: no answer", s.book.Name)
	}
	got := &resp.Topics[0].Partitions[0]
	return got.BaseOffset, kerr.ErrorForCode(got.ErrorCode)
}

// encode makes a batch of one record.
func encode(n int, id int64, epoch int16, sequence int32) []byte {
	record := kmsg.Record{Key: ledger.KeyOf(n), Value: ledger.ValueOf(n)}
	body := record.AppendTo(nil)[1:] // without the length, which is not known yet: a zero of one byte
	record.Length = int32(len(body))
	now := time.Now().UnixMilli()
	b := kmsg.RecordBatch{PartitionLeaderEpoch: -1, Magic: 2, FirstTimestamp: now, MaxTimestamp: now,
		ProducerID: id, ProducerEpoch: epoch, FirstSequence: sequence, NumRecords: 1, Records: record.AppendTo(nil)}
	raw := b.AppendTo(nil)
	const afterLength, crcAt = 12, 17
	binary.BigEndian.PutUint32(raw[8:], uint32(len(raw)-afterLength))
	binary.BigEndian.PutUint32(raw[crcAt:], crc32.Checksum(raw[crcAt+4:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}
