package groupcoord

import (
	"context"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/groupcoord/txn"
)

// AddPartitionsToTxn answers AddPartitionsToTxn 0-5. From version 4 on it comes
// from brokers, for many transactions at once, to add or only to verify.
//
// v2 PRODUCER_FENCED (KIP-588) · v4 batched, verification (KIP-890) · v5 TRANSACTION_ABORTABLE.
func (s *TxnService) AddPartitionsToTxn(ctx context.Context, req *kmsg.AddPartitionsToTxnRequest) *kmsg.AddPartitionsToTxnResponse {
	resp := kmsg.NewPtrAddPartitionsToTxnResponse()
	resp.Version = req.Version
	if req.Version >= 4 {
		s.addForBrokers(ctx, req, resp)
		return resp
	}
	var partitions []txn.TopicPartition
	for _, topic := range req.Topics {
		partitions = appendPartitions(partitions, topic.Topic, topic.Partitions)
	}
	errs := s.addPartitions(ctx, s.clientMayAdd, &txn.AddPartitions{
		TransactionalID: req.TransactionalID, ProducerID: req.ProducerID, ProducerEpoch: req.ProducerEpoch, Partitions: partitions,
	})
	for _, topic := range req.Topics {
		one := kmsg.NewAddPartitionsToTxnResponseTopic()
		one.Topic = topic.Topic
		for _, number := range topic.Partitions {
			p := kmsg.NewAddPartitionsToTxnResponseTopicPartition()
			p.Partition, p.ErrorCode = number, fencedBefore(2, req.Version, errs[0])
			one.Partitions, errs = append(one.Partitions, p), errs[1:]
		}
		resp.Topics = append(resp.Topics, one)
	}
	return resp
}

// addForBrokers asks for all transactions at the same time.
func (s *TxnService) addForBrokers(ctx context.Context, req *kmsg.AddPartitionsToTxnRequest, resp *kmsg.AddPartitionsToTxnResponse) {
	resp.Transactions = make([]kmsg.AddPartitionsToTxnResponseTransaction, len(req.Transactions))
	var wg sync.WaitGroup
	for i := range req.Transactions {
		one := func() { resp.Transactions[i] = s.addForBroker(ctx, &req.Transactions[i]) }
		if i == len(req.Transactions)-1 {
			one()
			continue
		}
		wg.Go(one)
	}
	wg.Wait()
}

func (s *TxnService) addForBroker(ctx context.Context, req *kmsg.AddPartitionsToTxnRequestTransaction) kmsg.AddPartitionsToTxnResponseTransaction {
	var partitions []txn.TopicPartition
	for _, topic := range req.Topics {
		partitions = appendPartitions(partitions, topic.Topic, topic.Partitions)
	}
	var errs []*kerr.Error
	if req.VerifyOnly {
		errs = s.verifyPartitions(ctx, s.clientMayAdd, &txn.Verify{
			TransactionalID: req.TransactionalID, ProducerID: req.ProducerID, ProducerEpoch: req.ProducerEpoch, Partitions: partitions,
		})
	} else {
		errs = s.addPartitions(ctx, s.clientMayAdd, &txn.AddPartitions{
			TransactionalID: req.TransactionalID, ProducerID: req.ProducerID, ProducerEpoch: req.ProducerEpoch, Partitions: partitions,
			TransactionVersion: txn.V2,
		})
	}
	resp := kmsg.NewAddPartitionsToTxnResponseTransaction()
	resp.TransactionalID = req.TransactionalID
	for _, topic := range req.Topics {
		one := kmsg.NewAddPartitionsToTxnResponseTransactionTopic()
		one.Topic = topic.Topic
		for _, number := range topic.Partitions {
			p := kmsg.NewAddPartitionsToTxnResponseTransactionTopicPartition()
			p.Partition, p.ErrorCode = number, fencedBefore(0, 0, errs[0])
			one.Partitions, errs = append(one.Partitions, p), errs[1:]
		}
		resp.Topics = append(resp.Topics, one)
	}
	return resp
}

// AddOffsetsToTxn answers AddOffsetsToTxn 0-4: it adds the partition of
// __consumer_offsets the group lives on. v2 PRODUCER_FENCED (KIP-588).
func (s *TxnService) AddOffsetsToTxn(ctx context.Context, req *kmsg.AddOffsetsToTxnRequest) *kmsg.AddOffsetsToTxnResponse {
	result, err := askTxn[txn.Result](ctx, s, req.TransactionalID, &txn.AddPartitions{
		TransactionalID: req.TransactionalID, ProducerID: req.ProducerID, ProducerEpoch: req.ProducerEpoch,
		Partitions: []txn.TopicPartition{{Topic: OffsetsTopic, Partition: s.cfg.OffsetsPartition(req.Group)}},
	})
	if err == nil {
		err = result.Err
	}
	resp := kmsg.NewPtrAddOffsetsToTxnResponse()
	resp.Version, resp.ErrorCode = req.Version, fencedBefore(2, req.Version, err)
	return resp
}

func appendPartitions(all []txn.TopicPartition, topic string, numbers []int32) []txn.TopicPartition {
	for _, number := range numbers {
		all = append(all, txn.TopicPartition{Topic: topic, Partition: number})
	}
	return all
}

// mayAdd says why a partition cannot be part of a transaction.
type mayAdd func(tp txn.TopicPartition) *kerr.Error

func (s *TxnService) exists(tp txn.TopicPartition) *kerr.Error {
	if !s.cfg.PartitionExists(tp.Topic, tp.Partition) {
		return kerr.UnknownTopicOrPartition
	}
	return nil
}

// clientMayAdd keeps clients from internal topics, which only AddOffsetsToTxn and TxnOffsetCommit add.
func (s *TxnService) clientMayAdd(tp txn.TopicPartition) *kerr.Error {
	if tp.Topic == OffsetsTopic || tp.Topic == StateTopic {
		return kerr.TopicAuthorizationFailed
	}
	return s.exists(tp)
}

// addPartitions adds all or none. If one cannot be added, the others are told OPERATION_NOT_ATTEMPTED.
func (s *TxnService) addPartitions(ctx context.Context, may mayAdd, e *txn.AddPartitions) []*kerr.Error {
	errs, ok := may.all(e.Partitions)
	if !ok {
		return errs
	}
	result, err := askTxn[txn.Result](ctx, s, e.TransactionalID, e)
	if err == nil {
		err = result.Err
	}
	return same(errs, err)
}

func (s *TxnService) verifyPartitions(ctx context.Context, may mayAdd, e *txn.Verify) []*kerr.Error {
	errs, ok := may.all(e.Partitions)
	if !ok {
		return errs
	}
	result, err := askTxn[*txn.VerifyResult](ctx, s, e.TransactionalID, e)
	if err != nil {
		return same(errs, err)
	}
	return result.Errs
}

func (may mayAdd) all(partitions []txn.TopicPartition) (errs []*kerr.Error, ok bool) {
	errs, ok = make([]*kerr.Error, len(partitions)), true
	for i, tp := range partitions {
		if errs[i] = may(tp); errs[i] != nil {
			ok = false
		}
	}
	if ok {
		return errs, true
	}
	for i := range errs {
		if errs[i] == nil {
			errs[i] = kerr.OperationNotAttempted
		}
	}
	return errs, false
}

// same tells all partitions the same.
func same(errs []*kerr.Error, err *kerr.Error) []*kerr.Error {
	for i := range errs {
		errs[i] = err
	}
	return errs
}
