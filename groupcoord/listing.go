package groupcoord

import (
	"cmp"
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/groupcoord/group"
)

// GroupOperations are the bits of all operations on a group, as Kafka 4.4
// reports them without an authorizer: read, delete, describe, describe and alter
// configs.
const GroupOperations = 1<<3 | 1<<6 | 1<<8 | 1<<10 | 1<<11

// DescribeGroups answers DescribeGroups 0-6. Authorized operations, if asked
// for, are all of them; an authorizer has to take away.
func (s *Service) DescribeGroups(ctx context.Context, req *kmsg.DescribeGroupsRequest) *kmsg.DescribeGroupsResponse {
	resp := kmsg.NewPtrDescribeGroupsResponse()
	resp.Version = req.Version
	resp.Groups = make([]kmsg.DescribeGroupsResponseGroup, 0, len(req.Groups))
	for _, id := range req.Groups {
		described, err := ask[*kmsg.DescribeGroupsResponseGroup](ctx, s, id, &group.Describe{Group: id, Version: req.Version})
		if err != nil {
			one := kmsg.NewDescribeGroupsResponseGroup()
			one.Group, one.ErrorCode = id, err.Code
			resp.Groups = append(resp.Groups, one)
			continue
		}
		if req.Version >= 3 && req.IncludeAuthorizedOperations && described.ErrorCode == 0 {
			described.AuthorizedOperations = GroupOperations
		}
		resp.Groups = append(resp.Groups, *described)
	}
	return resp
}

// ListGroups answers ListGroups 0-5 for the groups of this broker.
func (s *Service) ListGroups(ctx context.Context, req *kmsg.ListGroupsRequest) *kmsg.ListGroupsResponse {
	resp := kmsg.NewPtrListGroupsResponse()
	resp.Version = req.Version
	resp.Groups = []kmsg.ListGroupsResponseGroup{}
	e := group.List{}
	if req.Version >= 4 {
		e.States = req.StatesFilter
	}
	if req.Version >= 5 {
		e.Types = req.TypesFilter
	}
	for _, partition := range s.rt.Partitions() {
		one := e
		groups, err := s.rt.Call(ctx, partition, &one)
		switch {
		case err == kerr.NotCoordinator: // given up in the meantime
		case err != nil:
			resp.Groups, resp.ErrorCode = []kmsg.ListGroupsResponseGroup{}, err.Code
			return resp
		default:
			resp.Groups = append(resp.Groups, groups.([]kmsg.ListGroupsResponseGroup)...)
		}
	}
	slices.SortFunc(resp.Groups, func(a, b kmsg.ListGroupsResponseGroup) int { return cmp.Compare(a.Group, b.Group) })
	return resp
}
