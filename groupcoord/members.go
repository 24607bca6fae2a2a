package groupcoord

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/groupcoord/group"
)

// JoinGroup answers JoinGroup 0-9; it waits for the rebalance.
func (s *Service) JoinGroup(ctx context.Context, req *kmsg.JoinGroupRequest, client ClientInfo) *kmsg.JoinGroupResponse {
	e := &group.Join{Req: req, ClientID: client.ID, ClientHost: client.host()}
	if req.MemberID == "" {
		e.ID = s.cfg.RandomID()
	}
	resp, err := ask[*kmsg.JoinGroupResponse](ctx, s, req.Group, e)
	if err != nil {
		resp = kmsg.NewPtrJoinGroupResponse()
		resp.Version, resp.ErrorCode, resp.MemberID = req.Version, err.Code, req.MemberID
	}
	return resp
}

// SyncGroup answers SyncGroup 0-5; it waits for the leader's assignment.
func (s *Service) SyncGroup(ctx context.Context, req *kmsg.SyncGroupRequest) *kmsg.SyncGroupResponse {
	resp, err := ask[*kmsg.SyncGroupResponse](ctx, s, req.Group, &group.Sync{Req: req})
	if err != nil {
		resp = kmsg.NewPtrSyncGroupResponse()
		resp.Version, resp.ErrorCode = req.Version, err.Code
	}
	return resp
}

// Heartbeat answers Heartbeat 0-4.
func (s *Service) Heartbeat(ctx context.Context, req *kmsg.HeartbeatRequest) *kmsg.HeartbeatResponse {
	resp, err := ask[*kmsg.HeartbeatResponse](ctx, s, req.Group, &group.Heartbeat{Req: req})
	if err != nil {
		resp = kmsg.NewPtrHeartbeatResponse()
		resp.Version = req.Version
		if err != kerr.CoordinatorLoadInProgress {
			// While the group loads, the member's session does not run: as
			// Kafka does, it is told that all is well. Old clients fail on 14.
			resp.ErrorCode = err.Code
		}
	}
	return resp
}

// LeaveGroup answers LeaveGroup 0-5.
func (s *Service) LeaveGroup(ctx context.Context, req *kmsg.LeaveGroupRequest) *kmsg.LeaveGroupResponse {
	resp, err := ask[*kmsg.LeaveGroupResponse](ctx, s, req.Group, &group.Leave{Req: req})
	if err != nil {
		resp = kmsg.NewPtrLeaveGroupResponse()
		resp.Version, resp.ErrorCode = req.Version, err.Code
	}
	return resp
}
