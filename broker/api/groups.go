package api

import (
	"context"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/groupcoord"
)

// The APIs of the group coordinator: OffsetCommit 0-10 (8), OffsetFetch 0-10 (9), JoinGroup 0-9 (11), Heartbeat 0-4 (12), LeaveGroup 0-5
// (13), SyncGroup 0-5 (14), DescribeGroups 0-6 (15), ListGroups 0-5 (16), TxnOffsetCommit 0-6 (28), DeleteGroups 0-3 (42), OffsetDelete 0 (47). All rules are the coordinator's; here is only the way to it.

// JoinGroup waits until the group's next generation is formed.
func (h *Handlers) JoinGroup(ctx context.Context, req *Request, q *kmsg.JoinGroupRequest) *kmsg.JoinGroupResponse {
	client := groupcoord.ClientInfo{ID: strings.Clone(req.ClientID), Host: req.Conn.RemoteHost}
	return h.Groups.JoinGroup(ctx, q, client)
}

// SyncGroup waits for the leader's assignment.
func (h *Handlers) SyncGroup(ctx context.Context, _ *Request, q *kmsg.SyncGroupRequest) *kmsg.SyncGroupResponse {
	return h.Groups.SyncGroup(ctx, q)
}

// Heartbeat keeps a member alive.
func (h *Handlers) Heartbeat(ctx context.Context, _ *Request, q *kmsg.HeartbeatRequest) *kmsg.HeartbeatResponse {
	return h.Groups.Heartbeat(ctx, q)
}

// LeaveGroup takes members out of a group.
func (h *Handlers) LeaveGroup(ctx context.Context, _ *Request, q *kmsg.LeaveGroupRequest) *kmsg.LeaveGroupResponse {
	return h.Groups.LeaveGroup(ctx, q)
}

// OffsetCommit answers when the offsets are safe in __consumer_offsets.
func (h *Handlers) OffsetCommit(ctx context.Context, _ *Request, q *kmsg.OffsetCommitRequest) *kmsg.OffsetCommitResponse {
	return h.Groups.OffsetCommit(ctx, q)
}

// OffsetFetch returns committed offsets.
func (h *Handlers) OffsetFetch(ctx context.Context, _ *Request, q *kmsg.OffsetFetchRequest) *kmsg.OffsetFetchResponse {
	return h.Groups.OffsetFetch(ctx, q)
}

// DescribeGroups shows members and assignments.
func (h *Handlers) DescribeGroups(ctx context.Context, _ *Request, q *kmsg.DescribeGroupsRequest) *kmsg.DescribeGroupsResponse {
	return h.Groups.DescribeGroups(ctx, q)
}

// ListGroups lists the groups that this broker coordinates.
func (h *Handlers) ListGroups(ctx context.Context, _ *Request, q *kmsg.ListGroupsRequest) *kmsg.ListGroupsResponse {
	return h.Groups.ListGroups(ctx, q)
}

// TxnOffsetCommit commits offsets as part of a transaction.
func (h *Handlers) TxnOffsetCommit(ctx context.Context, _ *Request, q *kmsg.TxnOffsetCommitRequest) *kmsg.TxnOffsetCommitResponse {
	return h.Groups.TxnOffsetCommit(ctx, q)
}

// DeleteGroups deletes groups without members.
func (h *Handlers) DeleteGroups(ctx context.Context, _ *Request, q *kmsg.DeleteGroupsRequest) *kmsg.DeleteGroupsResponse {
	return h.Groups.DeleteGroups(ctx, q)
}

// OffsetDelete deletes committed offsets.
func (h *Handlers) OffsetDelete(ctx context.Context, _ *Request, q *kmsg.OffsetDeleteRequest) *kmsg.OffsetDeleteResponse {
	return h.Groups.OffsetDelete(ctx, q)
}
