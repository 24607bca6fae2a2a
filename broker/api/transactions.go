package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// The APIs of the transaction coordinator: InitProducerId 0-5 (22), AddPartitionsToTxn 0-5 (24), AddOffsetsToTxn 0-4 (25), EndTxn 0-5 (26),
// DescribeTransactions 0 (65), ListTransactions 0-2 (66). All rules are the coordinator's; here is only the way to it.

// InitProducerID gives a producer its id and epoch.
func (h *Handlers) InitProducerID(ctx context.Context, _ *Request, q *kmsg.InitProducerIDRequest) *kmsg.InitProducerIDResponse {
	return h.Transactions.InitProducerID(ctx, q)
}

// AddPartitionsToTxn makes partitions part of a transaction, or says whether they are.
func (h *Handlers) AddPartitionsToTxn(ctx context.Context, _ *Request, q *kmsg.AddPartitionsToTxnRequest) *kmsg.AddPartitionsToTxnResponse {
	return h.Transactions.AddPartitionsToTxn(ctx, q)
}

// AddOffsetsToTxn makes the offsets of a group part of a transaction.
func (h *Handlers) AddOffsetsToTxn(ctx context.Context, _ *Request, q *kmsg.AddOffsetsToTxnRequest) *kmsg.AddOffsetsToTxnResponse {
	return h.Transactions.AddOffsetsToTxn(ctx, q)
}

// EndTxn answers when the decision is safe in __transaction_state.
func (h *Handlers) EndTxn(ctx context.Context, _ *Request, q *kmsg.EndTxnRequest) *kmsg.EndTxnResponse {
	return h.Transactions.EndTxn(ctx, q)
}

// DescribeTransactions shows the state of transactional ids.
func (h *Handlers) DescribeTransactions(ctx context.Context, _ *Request, q *kmsg.DescribeTransactionsRequest) *kmsg.DescribeTransactionsResponse {
	return h.Transactions.DescribeTransactions(ctx, q)
}

// ListTransactions lists the transactional ids that this broker coordinates.
func (h *Handlers) ListTransactions(ctx context.Context, _ *Request, q *kmsg.ListTransactionsRequest) *kmsg.ListTransactionsResponse {
	return h.Transactions.ListTransactions(ctx, q)
}
