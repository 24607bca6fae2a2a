package runtime

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/protocol/batch"
)

// appendTxn writes a batch of its own, behind what was collected before it. Its
// replies are parked with the end of the turn.
func (s *shard) appendTxn(txn *Txn) (refused *kerr.Error, err error) {
	if err := s.flush(); err != nil {
		return nil, err
	}
	machine, ok := s.machine.(TxnMachine)
	if !ok {
		return nil, fmt.Errorf("a transaction of producer %d in a machine that knows none", txn.ProducerID)
	}
	encoded, err := s.encodeTxn(txn)
	if err != nil {
		return nil, err
	}
	err = s.append(encoded)
	switch {
	case errors.Is(err, kerr.InvalidProducerEpoch):
		return kerr.InvalidProducerEpoch, nil
	case errors.Is(err, kerr.TransactionCoordinatorFenced):
		return kerr.TransactionCoordinatorFenced, nil
	case err != nil:
		return nil, fmt.Errorf("append a batch of producer %d: %w", txn.ProducerID, err)
	}
	if txn.Marker != nil {
		machine.ApplyMarker(txn.ProducerID, *txn.Marker)
		return nil, nil
	}
	for i := range s.out.Records {
		if err := machine.ApplyTxn(txn.ProducerID, txn.ProducerEpoch, s.out.Records[i].Key, s.out.Records[i].Value); err != nil {
			return nil, fmt.Errorf("apply a record just decided: %w", err)
		}
	}
	return nil, nil
}

func (s *shard) encodeTxn(txn *Txn) ([]byte, error) {
	if txn.Marker != nil {
		return batch.AppendMarker(s.encoded[:0], s.nowMs, txn.ProducerID, txn.ProducerEpoch, *txn.Marker), nil
	}
	s.builder.Reset(batch.Options{
		HasProducer: true, ProducerID: txn.ProducerID, ProducerEpoch: txn.ProducerEpoch, BaseSequence: batch.NoSequence,
		Transactional: true,
	})
	for i := range s.out.Records {
		s.builder.Add(s.nowMs, s.out.Records[i].Key, s.out.Records[i].Value, nil)
	}
	encoded, err := s.builder.Build(s.encoded[:0])
	if err != nil {
		return nil, fmt.Errorf("build a transactional batch of %d records: %w", s.builder.Count(), err)
	}
	return encoded, nil
}
