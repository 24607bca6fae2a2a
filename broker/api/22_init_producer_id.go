package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// InitProducerId, versions 0-5, for idempotent producers.
//
// v2 flexible · v3 epoch bump by the client (KIP-360) · v4 PRODUCER_FENCED · v5 transaction protocol 2 (KIP-890).
//
// A transactional id is refused with UNSUPPORTED_VERSION: transactions are not served yet, and clients end with that error instead of trying
// for ever.

// InitProducerID gives an idempotent producer its id.
func (h *Handlers) InitProducerID(ctx context.Context, _ *Request, q *kmsg.InitProducerIDRequest) *kmsg.InitProducerIDResponse {
	resp := kmsg.NewPtrInitProducerIDResponse()
	resp.ProducerID, resp.ProducerEpoch = -1, -1
	if q.TransactionalID != nil {
		resp.ErrorCode = kerr.UnsupportedVersion.Code
		if *q.TransactionalID == "" {
			resp.ErrorCode = kerr.InvalidRequest.Code
		}
		return resp
	}
	if q.Version >= 3 && (q.ProducerID == -1) != (q.ProducerEpoch == -1) {
		resp.ErrorCode = kerr.InvalidRequest.Code
		return resp
	}
	id, err := h.ProducerIDs.Next(ctx)
	if err != nil {
		h.Logger.Warn("no producer id could be allocated", "error", err)
		resp.ErrorCode = kerr.CoordinatorLoadInProgress.Code // retriable for every client
		return resp
	}
	resp.ProducerID, resp.ProducerEpoch = id, 0
	return resp
}
