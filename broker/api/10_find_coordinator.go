package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/groupcoord"
)

// FindCoordinator, versions 0-6.
//
// v1 coordinator type (transactions) · v3 flexible · v4 many keys at once (KIP-699) · v5 · v6 share groups (KIP-932).

const (
	coordinatorGroup       = 0
	coordinatorTransaction = 1
	coordinatorShare       = 2
)

// FindCoordinator tells which broker coordinates a group or a transactional id. The first one that asks makes __consumer_offsets, or
// __transaction_state.
func (h *Handlers) FindCoordinator(ctx context.Context, req *Request, q *kmsg.FindCoordinatorRequest) *kmsg.FindCoordinatorResponse {
	resp := kmsg.NewPtrFindCoordinatorResponse()
	keys := q.CoordinatorKeys
	if q.Version < 4 {
		keys = []string{q.CoordinatorKey}
	}
	refused, message := h.coordinatorError(ctx, q)
	host, port := h.Advertised(req.Conn)
	for _, key := range keys {
		c := kmsg.NewFindCoordinatorResponseCoordinator()
		c.Key, c.NodeID, c.Host, c.Port = key, h.NodeID, host, port
		if refused != nil {
			c.NodeID, c.Host, c.Port = -1, "", -1
			c.ErrorCode, c.ErrorMessage = refused.Code, &message
		}
		resp.Coordinators = append(resp.Coordinators, c)
	}
	if q.Version < 4 {
		c := resp.Coordinators[0]
		resp.ErrorCode, resp.ErrorMessage, resp.NodeID, resp.Host, resp.Port = c.ErrorCode, c.ErrorMessage, c.NodeID, c.Host, c.Port
		resp.Coordinators = nil
	}
	return resp
}

func (h *Handlers) coordinatorError(ctx context.Context, q *kmsg.FindCoordinatorRequest) (*kerr.Error, string) {
	kind := q.CoordinatorType
	if q.Version == 0 {
		kind = coordinatorGroup
	}
	topic := groupcoord.OffsetsTopic
	switch {
	case kind == coordinatorTransaction:
		topic = groupcoord.StateTopic
	case kind == coordinatorShare && q.Version >= 6:
		return kerr.UnsupportedVersion, "Share groups are not served by this broker yet."
	case kind != coordinatorGroup:
		return kerr.InvalidRequest, "The coordinator type is unknown or needs a later version."
	}
	if err := h.ensureInternalTopic(ctx, topic); err != nil {
		return kerr.CoordinatorNotAvailable, err.Error()
	}
	return nil, ""
}
