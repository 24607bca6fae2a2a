package broker

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/broker/api"
)

// route is one row of the API table: the versions that are served completely, and who answers.
type route struct {
	key      kmsg.Key
	min, max int16
	waits    bool // may wait for other clients, so what the turn has to say goes out first
	answer   func(*api.Handlers, context.Context, *api.Request, kmsg.Request) kmsg.Response
}

func (r *route) serves(version int16) bool { return version >= r.min && version <= r.max }

// routes is the API table: ApiVersions answers from it, the decoder refuses from it, docs/apis.md is generated from it. Produce and Fetch
// have paths of their own in conn.go, for their records are never copied.
var routes = []route{
	{key: kmsg.Produce, max: 13},
	{key: kmsg.Fetch, max: 18, waits: true},
	{key: kmsg.ListOffsets, max: 11, waits: true, answer: by((*api.Handlers).ListOffsets)},
	{key: kmsg.Metadata, max: 13, answer: by((*api.Handlers).Metadata)},
	{key: kmsg.OffsetCommit, max: 10, answer: by((*api.Handlers).OffsetCommit)},
	{key: kmsg.OffsetFetch, max: 10, answer: by((*api.Handlers).OffsetFetch)},
	{key: kmsg.FindCoordinator, max: 6, answer: by((*api.Handlers).FindCoordinator)},
	{key: kmsg.JoinGroup, max: 9, waits: true, answer: by((*api.Handlers).JoinGroup)},
	{key: kmsg.Heartbeat, max: 4, answer: by((*api.Handlers).Heartbeat)},
	{key: kmsg.LeaveGroup, max: 5, answer: by((*api.Handlers).LeaveGroup)},
	{key: kmsg.SyncGroup, max: 5, waits: true, answer: by((*api.Handlers).SyncGroup)},
	{key: kmsg.DescribeGroups, max: 6, answer: by((*api.Handlers).DescribeGroups)},
	{key: kmsg.ListGroups, max: 5, answer: by((*api.Handlers).ListGroups)},
	{key: kmsg.ApiVersions, max: 5, answer: by((*api.Handlers).ApiVersions)},
	{key: kmsg.CreateTopics, max: 7, answer: by((*api.Handlers).CreateTopics)},
	{key: kmsg.DeleteTopics, max: 6, answer: by((*api.Handlers).DeleteTopics)},
	{key: kmsg.DeleteRecords, max: 2, answer: by((*api.Handlers).DeleteRecords)},
	{key: kmsg.InitProducerID, max: 5, answer: by((*api.Handlers).InitProducerID)},
	{key: kmsg.OffsetForLeaderEpoch, max: 4, answer: by((*api.Handlers).OffsetForLeaderEpoch)},
	{key: kmsg.AddPartitionsToTxn, max: 5, answer: by((*api.Handlers).AddPartitionsToTxn)},
	{key: kmsg.AddOffsetsToTxn, max: 4, answer: by((*api.Handlers).AddOffsetsToTxn)},
	{key: kmsg.EndTxn, max: 5, answer: by((*api.Handlers).EndTxn)},
	{key: kmsg.WriteTxnMarkers, max: 2, answer: by((*api.Handlers).WriteTxnMarkers)},
	{key: kmsg.TxnOffsetCommit, max: 6, answer: by((*api.Handlers).TxnOffsetCommit)},
	{key: kmsg.DescribeConfigs, max: 4, answer: by((*api.Handlers).DescribeConfigs)},
	{key: kmsg.AlterConfigs, max: 2, answer: by((*api.Handlers).AlterConfigs)},
	{key: kmsg.DescribeLogDirs, max: 5, answer: by((*api.Handlers).DescribeLogDirs)},
	{key: kmsg.CreatePartitions, max: 3, answer: by((*api.Handlers).CreatePartitions)},
	{key: kmsg.DeleteGroups, max: 3, answer: by((*api.Handlers).DeleteGroups)},
	{key: kmsg.ElectLeaders, max: 2, answer: by((*api.Handlers).ElectLeaders)},
	{key: kmsg.IncrementalAlterConfigs, max: 1, answer: by((*api.Handlers).IncrementalAlterConfigs)},
	{key: kmsg.ListPartitionReassignments, max: 0, answer: by((*api.Handlers).ListPartitionReassignments)},
	{key: kmsg.OffsetDelete, max: 0, answer: by((*api.Handlers).OffsetDelete)},
	{key: kmsg.DescribeQuorum, max: 2, answer: by((*api.Handlers).DescribeQuorum)},
	{key: kmsg.DescribeCluster, max: 2, answer: by((*api.Handlers).DescribeCluster)},
	{key: kmsg.DescribeProducers, max: 0, answer: by((*api.Handlers).DescribeProducers)},
	{key: kmsg.DescribeTransactions, max: 0, answer: by((*api.Handlers).DescribeTransactions)},
	{key: kmsg.ListTransactions, max: 2, answer: by((*api.Handlers).ListTransactions)},
	{key: kmsg.ListConfigResources, max: 1, answer: by((*api.Handlers).ListConfigResources)},
}

// by adapts a handler to the table. The table's key decides what is decoded, so the assertion holds by construction.
func by[Q kmsg.Request, A kmsg.Response](fn func(*api.Handlers, context.Context, *api.Request, Q) A) func(*api.Handlers, context.Context, *api.Request, kmsg.Request) kmsg.Response {
	return func(h *api.Handlers, ctx context.Context, req *api.Request, q kmsg.Request) kmsg.Response {
		return fn(h, ctx, req, q.(Q))
	}
}

// byKey is the table by API key.
var byKey = func() (t [96]*route) {
	for i := range routes {
		t[routes[i].key.Int16()] = &routes[i]
	}
	return t
}()

func routeOf(key int16) *route {
	if key < 0 || int(key) >= len(byKey) {
		return nil
	}
	return byKey[key]
}

func apiVersions() []api.APIVersion {
	rows := make([]api.APIVersion, len(routes))
	for i, r := range routes {
		rows[i] = api.APIVersion{Key: r.key.Int16(), Min: r.min, Max: r.max}
	}
	return rows
}
