package groupcoord

import (
	"cmp"
	"context"
	"regexp"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/groupcoord/txn"
)

// DescribeTransactions answers DescribeTransactions 0.
func (s *TxnService) DescribeTransactions(ctx context.Context, req *kmsg.DescribeTransactionsRequest) *kmsg.DescribeTransactionsResponse {
	resp := kmsg.NewPtrDescribeTransactionsResponse()
	resp.Version = req.Version
	for _, id := range req.TransactionalIDs {
		described, err := askTxn[*kmsg.DescribeTransactionsResponseTransactionState](ctx, s, id, &txn.Describe{TransactionalID: id})
		if err != nil {
			one := kmsg.NewDescribeTransactionsResponseTransactionState()
			one.TransactionalID, one.ErrorCode = id, err.Code
			if id == "" {
				one.ErrorCode = kerr.InvalidRequest.Code
			}
			described = &one
		}
		resp.TransactionStates = append(resp.TransactionStates, *described)
	}
	return resp
}

// ListTransactions answers ListTransactions 0-2 for the transactional ids of
// this broker.
//
// v1 by duration (KIP-994) · v2 by pattern (KIP-1152); it must match the whole id.
func (s *TxnService) ListTransactions(ctx context.Context, req *kmsg.ListTransactionsRequest) *kmsg.ListTransactionsResponse {
	resp := kmsg.NewPtrListTransactionsResponse()
	resp.Version = req.Version
	e := txn.List{ProducerIDs: req.ProducerIDFilters, DurationMs: -1}
	for _, name := range req.StateFilters {
		state, ok := txn.StateForName(name)
		if !ok {
			resp.UnknownStateFilters = append(resp.UnknownStateFilters, name)
			continue
		}
		e.States = append(e.States, state)
	}
	if len(req.StateFilters) > 0 && e.States == nil {
		e.States = []txn.State{}
	}
	if req.Version >= 1 {
		e.DurationMs = req.DurationFilterMillis
	}
	if req.Version >= 2 && req.TransactionalIDPattern != nil && *req.TransactionalIDPattern != "" {
		pattern, err := wholePattern(*req.TransactionalIDPattern)
		if err != nil {
			resp.ErrorCode, resp.UnknownStateFilters = kerr.InvalidRegularExpression.Code, nil
			return resp
		}
		e.Pattern = pattern
	}
	for _, partition := range s.rt.Partitions() {
		one := e
		listed, err := s.rt.Call(ctx, partition, &one)
		switch {
		case err == kerr.NotCoordinator: // given up in the meantime
		case err != nil:
			resp.TransactionStates, resp.UnknownStateFilters, resp.ErrorCode = nil, nil, err.Code
			return resp
		default:
			resp.TransactionStates = append(resp.TransactionStates, listed.([]kmsg.ListTransactionsResponseTransactionState)...)
		}
	}
	slices.SortFunc(resp.TransactionStates, func(a, b kmsg.ListTransactionsResponseTransactionState) int {
		return cmp.Compare(a.TransactionalID, b.TransactionalID)
	})
	return resp
}

// wholePattern matches a whole text. What is no expression alone must not become
// one between parentheses.
func wholePattern(text string) (*regexp.Regexp, error) {
	if _, err := regexp.Compile(text); err != nil {
		return nil, err
	}
	return regexp.Compile(`\A(?:` + text + `)\z`)
}
