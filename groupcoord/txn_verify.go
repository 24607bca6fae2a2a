package groupcoord

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/groupcoord/txn"
)

// TopicPartition is a partition by the name of its topic.
type TopicPartition = txn.TopicPartition

// VerifyPartition is VerifyPartitions for one.
func (s *TxnService) VerifyPartition(ctx context.Context, transactionalID string, producerID int64, producerEpoch int16,
	topic string, partition int32, transactionVersion int16) *kerr.Error {
	return s.VerifyPartitions(ctx, transactionalID, producerID, producerEpoch, []TopicPartition{{Topic: topic, Partition: partition}}, transactionVersion)[0]
}

// VerifyPartitions is asked before transactional batches open a transaction in partitions (KIP-890). For transaction version 0 it
// says whether the coordinator knows that they are part of it; for version 2 (Produce 12, TxnOffsetCommit 5) it adds them.
//
// The end of a transaction is answered before it is closed, so the next one may come too early. It is held for a moment.
//
// The errors, in the partitions' order, are the coordinator's own: ProduceVerification makes them some for Produce.
func (s *TxnService) VerifyPartitions(ctx context.Context, transactionalID string, producerID int64, producerEpoch int16,
	partitions []TopicPartition, transactionVersion int16) []*kerr.Error {
	if transactionVersion < txn.V2 {
		return s.verifyPartitions(ctx, s.exists, &txn.Verify{
			TransactionalID: transactionalID, ProducerID: producerID, ProducerEpoch: producerEpoch, Partitions: partitions,
		})
	}
	pause := firstPause
	for waited := time.Duration(0); ; waited += pause {
		errs := s.addPartitions(ctx, s.exists, &txn.AddPartitions{
			TransactionalID: transactionalID, ProducerID: producerID, ProducerEpoch: producerEpoch, Partitions: partitions,
			TransactionVersion: transactionVersion,
		})
		if errs[0] != kerr.ConcurrentTransactions || waited >= s.cfg.AddRetryFor {
			return errs
		}
		if waited > 0 {
			pause = min(2*pause, max(s.cfg.AddRetryPause, firstPause))
		}
		pause = min(pause, s.cfg.AddRetryFor-waited)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return errs
		}
	}
}

// firstPause is the first one between two attempts to add partitions; each is twice as long as the one before.
const firstPause = time.Millisecond

// ProduceVerification is what a producer is told about an error of
// VerifyPartition, by the version of its request.
func ProduceVerification(err *kerr.Error, produceVersion int16) *kerr.Error {
	switch err {
	case kerr.ProducerFenced:
		return kerr.InvalidProducerEpoch
	case kerr.TransactionAbortable:
		if produceVersion < 11 {
			return kerr.InvalidTxnState
		}
	case kerr.ConcurrentTransactions, kerr.NotCoordinator, kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress:
		return kerr.NotEnoughReplicas // retriable for every client
	}
	return err
}
