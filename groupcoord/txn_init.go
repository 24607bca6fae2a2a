package groupcoord

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/groupcoord/txn"
)

// InitProducerID answers InitProducerId 0-5. Without a transactional id any
// broker gives a producer id.
//
// v3 the producer says who it was (KIP-360) · v4 PRODUCER_FENCED (KIP-588).
func (s *TxnService) InitProducerID(ctx context.Context, req *kmsg.InitProducerIDRequest) *kmsg.InitProducerIDResponse {
	result := s.initProducerID(ctx, req)
	resp := kmsg.NewPtrInitProducerIDResponse()
	resp.Version = req.Version
	resp.ErrorCode = fencedBefore(4, req.Version, result.Err)
	resp.ProducerID, resp.ProducerEpoch = result.ProducerID, result.ProducerEpoch
	return resp
}

func (s *TxnService) initProducerID(ctx context.Context, req *kmsg.InitProducerIDRequest) *txn.InitResult {
	failed := func(err *kerr.Error) *txn.InitResult {
		return &txn.InitResult{Err: err, ProducerID: -1, ProducerEpoch: -1}
	}
	e := &txn.InitProducerID{TimeoutMs: req.TransactionTimeoutMillis, ProducerID: -1, ProducerEpoch: -1, FreshID: -1}
	if req.Version >= 3 {
		e.ProducerID, e.ProducerEpoch = req.ProducerID, req.ProducerEpoch
	}
	if (e.ProducerID == -1) != (e.ProducerEpoch == -1) {
		return failed(kerr.InvalidRequest)
	}
	if req.TransactionalID == nil {
		id, err := s.nextProducerID(ctx)
		if err != nil {
			return failed(err)
		}
		return &txn.InitResult{ProducerID: id}
	}
	e.TransactionalID = *req.TransactionalID
	if err := s.cfg.Txn.CheckInit(e.TransactionalID, e.TimeoutMs); err != nil {
		return failed(err)
	}
	result, err := askTxn[*txn.InitResult](ctx, s, e.TransactionalID, e)
	if err != nil {
		return failed(err)
	}
	return result
}
