package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A transaction here is what the newest clients make of it (transaction version 2): one Produce with ten records, which adds its partition
// by itself, and one EndTxn, whose answer has the epoch of the next one. Its markers are written behind the answer.

const (
	produceTxnVersion = 12
	endTxnVersion     = 5
	txnAgain          = time.Millisecond // when the transaction before is still being ended

	batchPIDAt      = 43
	batchEpochAt    = 51
	batchSequenceAt = 53
	batchTxnFlag    = 0x10
)

// transactions makes n of them, with several producers at a time, each on its own connection.
func transactions(ctx context.Context, b *broker, topic string, batch []byte, producers, n int) (bytes, made int64, err error) {
	all := make([]*txnProducer, producers)
	for i := range all {
		if all[i], err = newTxnProducer(b, fmt.Sprintf("%s-%d", topic, i), topic, batch); err != nil {
			return 0, 0, err
		}
		defer all[i].c.Close()
	}
	var left, done atomic.Int64
	left.Store(int64(n))
	errs := make([]error, producers)
	var wg sync.WaitGroup
	for i, p := range all {
		wg.Go(func() {
			for left.Add(-1) >= 0 && ctx.Err() == nil {
				if errs[i] = p.transaction(); errs[i] != nil {
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	for _, e := range errs {
		if e != nil {
			return 0, 0, e
		}
	}
	return done.Load() * int64(len(batch)), done.Load(), ctx.Err()
}

type txnProducer struct {
	c     *conn
	id    string
	pid   int64
	epoch int16
	topic string
	batch []byte
}

func newTxnProducer(b *broker, id, topic string, batch []byte) (*txnProducer, error) {
	c, err := dial(b.addr)
	if err != nil {
		return nil, err
	}
	p := &txnProducer{c: c, id: id, topic: topic, batch: append([]byte(nil), batch...)}
	p.batch[batchAttrsAt+1] |= batchTxnFlag
	find := kmsg.NewPtrFindCoordinatorRequest()
	find.Version, find.CoordinatorType, find.CoordinatorKey = 3, 1, id
	init := kmsg.NewPtrInitProducerIDRequest()
	init.Version, init.TransactionalID, init.TransactionTimeoutMillis = 4, &id, 60_000
	if err := p.patiently("FindCoordinator", func() (int16, error) {
		resp, err := c.ask(find)
		if err != nil {
			return 0, err
		}
		return resp.(*kmsg.FindCoordinatorResponse).ErrorCode, nil
	}); err != nil {
		return nil, err
	}
	return p, p.patiently("InitProducerId", func() (int16, error) {
		resp, err := c.ask(init)
		if err != nil {
			return 0, err
		}
		r := resp.(*kmsg.InitProducerIDResponse)
		p.pid, p.epoch = r.ProducerID, r.ProducerEpoch
		return r.ErrorCode, nil
	})
}

// patiently tries until an answer is no "not yet".
func (p *txnProducer) patiently(what string, try func() (int16, error)) error {
	for until := time.Now().Add(answerWithin); ; time.Sleep(txnAgain) {
		code, err := try()
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", what, err)
		case code == 0:
			return nil
		case time.Now().After(until) || !kerr.IsRetriable(kerr.ErrorForCode(code)) && code != kerr.ConcurrentTransactions.Code:
			return codeError(what, code, nil)
		}
	}
}

func (p *txnProducer) transaction() error {
	b := p.batch
	binary.BigEndian.PutUint64(b[batchPIDAt:], uint64(p.pid))
	binary.BigEndian.PutUint16(b[batchEpochAt:], uint16(p.epoch))
	binary.BigEndian.PutUint32(b[batchSequenceAt:], 0)
	binary.BigEndian.PutUint32(b[batchCRCAt:], crc32.Checksum(b[batchAttrsAt:], castagnoli))
	part := kmsg.NewProduceRequestTopicPartition()
	part.Partition, part.Records = partition, b
	t := kmsg.NewProduceRequestTopic()
	t.Topic, t.Partitions = p.topic, append(t.Partitions, part)
	produce := kmsg.NewPtrProduceRequest()
	produce.Version, produce.TransactionID, produce.Acks, produce.TimeoutMillis = produceTxnVersion, &p.id, -1, 30_000
	produce.Topics = append(produce.Topics, t)
	if err := p.patiently("Produce", func() (int16, error) {
		resp, err := p.c.ask(produce)
		if err != nil {
			return 0, err
		}
		return resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode, nil
	}); err != nil {
		return err
	}
	end := kmsg.NewPtrEndTxnRequest()
	end.Version, end.TransactionalID, end.ProducerID, end.ProducerEpoch, end.Commit = endTxnVersion, p.id, p.pid, p.epoch, true
	return p.patiently("EndTxn", func() (int16, error) {
		resp, err := p.c.ask(end)
		if err != nil {
			return 0, err
		}
		r := resp.(*kmsg.EndTxnResponse)
		if r.ErrorCode == 0 {
			p.pid, p.epoch = r.ProducerID, r.ProducerEpoch
		}
		return r.ErrorCode, nil
	})
}
