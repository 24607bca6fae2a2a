package groupcoord

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/groupcoord/txn"
)

// EndTxn answers EndTxn 0-5. The answer leaves when the decision is committed;
// the markers follow.
//
// v2 PRODUCER_FENCED (KIP-588) · v5 transaction version 2: the answer has the
// producer id and epoch of the next transaction (KIP-890).
func (s *TxnService) EndTxn(ctx context.Context, req *kmsg.EndTxnRequest) *kmsg.EndTxnResponse {
	e := &txn.EndTxn{
		TransactionalID: req.TransactionalID,
		ProducerID:      req.ProducerID,
		ProducerEpoch:   req.ProducerEpoch,
		Commit:          req.Commit,
		FreshID:         -1,
	}
	if req.Version >= 5 {
		e.TransactionVersion = txn.V2
	}
	result, err := askTxn[*txn.EndResult](ctx, s, req.TransactionalID, e)
	if err != nil {
		result = &txn.EndResult{Err: err, ProducerID: -1, ProducerEpoch: -1}
	}
	resp := kmsg.NewPtrEndTxnResponse()
	resp.Version = req.Version
	resp.ErrorCode = fencedBefore(2, req.Version, result.Err)
	resp.ProducerID, resp.ProducerEpoch = result.ProducerID, result.ProducerEpoch
	return resp
}
