package groupcoord

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/groupcoord/runtime"
)

// Service is the group coordinator of one broker.
type Service struct {
	cfg Config
}

// New returns a Service that leads nothing yet.
func New(cfg Config) *Service { return &Service{cfg: cfg} }

// Lead starts the coordinator of a partition of __consumer_offsets. Loading
// runs in the background; until it is done its groups get
// COORDINATOR_LOAD_IN_PROGRESS.
func (s *Service) Lead(partition, leaderEpoch int32, log runtime.PartitionLog) {}

// Resign stops the coordinator of a partition; what waits there is answered
// with NOT_COORDINATOR.
func (s *Service) Resign(partition int32) {}

// Run returns when ctx ends and every shard has stopped.
func (s *Service) Run(ctx context.Context) error { <-ctx.Done(); return s.Close() }

// Close stops every shard and waits for their goroutines.
func (s *Service) Close() error { return nil }

// TopicsDeleted removes the offsets of deleted topics in the background.
func (s *Service) TopicsDeleted(topics []string) {}

// PartitionFor is the partition of __consumer_offsets a group lives on.
func (s *Service) PartitionFor(groupID string) int32 { return 0 }

// JoinGroup answers JoinGroup 0-9; it waits for the rebalance.
func (s *Service) JoinGroup(ctx context.Context, req *kmsg.JoinGroupRequest, client ClientInfo) *kmsg.JoinGroupResponse {
	return nil
}

// SyncGroup answers SyncGroup 0-5; it waits for the leader's assignment.
func (s *Service) SyncGroup(ctx context.Context, req *kmsg.SyncGroupRequest) *kmsg.SyncGroupResponse {
	return nil
}

// Heartbeat answers Heartbeat 0-4.
func (s *Service) Heartbeat(ctx context.Context, req *kmsg.HeartbeatRequest) *kmsg.HeartbeatResponse {
	return nil
}

// LeaveGroup answers LeaveGroup 0-5.
func (s *Service) LeaveGroup(ctx context.Context, req *kmsg.LeaveGroupRequest) *kmsg.LeaveGroupResponse {
	return nil
}

// OffsetCommit answers OffsetCommit 0-10.
func (s *Service) OffsetCommit(ctx context.Context, req *kmsg.OffsetCommitRequest) *kmsg.OffsetCommitResponse {
	return nil
}

// OffsetFetch answers OffsetFetch 0-10.
func (s *Service) OffsetFetch(ctx context.Context, req *kmsg.OffsetFetchRequest) *kmsg.OffsetFetchResponse {
	return nil
}

// DescribeGroups answers DescribeGroups 0-6.
func (s *Service) DescribeGroups(ctx context.Context, req *kmsg.DescribeGroupsRequest) *kmsg.DescribeGroupsResponse {
	return nil
}

// ListGroups answers ListGroups 0-5.
func (s *Service) ListGroups(ctx context.Context, req *kmsg.ListGroupsRequest) *kmsg.ListGroupsResponse {
	return nil
}
