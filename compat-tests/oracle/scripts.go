package oracle

import "github.com/twmb/franz-go/pkg/kmsg"

// script is one conversation, held in each version of an API.
type script struct {
	name     string
	key      kmsg.Key
	from, to int16 // versions; to 0 is the newest
	run      func(*session)
}

func scripts() []script {
	return []script{
		{name: "produce", key: kmsg.Produce, run: produceScript},
		{name: "produce old formats", key: kmsg.Produce, to: 2, run: produceOldScript},
		{name: "produce batches", key: kmsg.Produce, from: 3, run: produceBatchesScript},
		{name: "produce sequences", key: kmsg.Produce, from: 3, run: produceSequencesScript},
		{name: "fetch", key: kmsg.Fetch, run: fetchScript},
		{name: "fetch limits", key: kmsg.Fetch, run: fetchLimitsScript},
		{name: "fetch formats", key: kmsg.Fetch, run: fetchFormatsScript},
		{name: "fetch sessions", key: kmsg.Fetch, from: 7, run: fetchSessionsScript},
		{name: "list offsets", key: kmsg.ListOffsets, run: listOffsetsScript},
		{name: "list offsets errors", key: kmsg.ListOffsets, run: listOffsetsErrorsScript},
		{name: "metadata", key: kmsg.Metadata, run: metadataScript},
		{name: "metadata auto create", key: kmsg.Metadata, run: metadataAutoCreateScript},
		{name: "create topics", key: kmsg.CreateTopics, run: createTopicsScript},
		{name: "create topics errors", key: kmsg.CreateTopics, run: createTopicsErrorsScript},
		{name: "delete topics", key: kmsg.DeleteTopics, run: deleteTopicsScript},
		{name: "find coordinator", key: kmsg.FindCoordinator, run: findCoordinatorScript},
		{name: "offset commit", key: kmsg.OffsetCommit, run: offsetCommitScript},
		{name: "offset fetch", key: kmsg.OffsetFetch, run: offsetFetchScript},
		{name: "join group", key: kmsg.JoinGroup, run: joinGroupScript},
		{name: "sync group", key: kmsg.SyncGroup, run: syncGroupScript},
		{name: "heartbeat", key: kmsg.Heartbeat, run: heartbeatScript},
		{name: "leave group", key: kmsg.LeaveGroup, run: leaveGroupScript},
		{name: "describe groups", key: kmsg.DescribeGroups, run: describeGroupsScript},
		{name: "list groups", key: kmsg.ListGroups, run: listGroupsScript},
		{name: "init producer id", key: kmsg.InitProducerID, run: initProducerIDScript},
		{name: "offset for leader epoch", key: kmsg.OffsetForLeaderEpoch, run: offsetForLeaderEpochScript},
		{name: "describe configs", key: kmsg.DescribeConfigs, run: describeConfigsScript},
		{name: "describe configs everything", key: kmsg.DescribeConfigs, from: 4, run: describeConfigsEverythingScript},
		{name: "describe cluster", key: kmsg.DescribeCluster, run: describeClusterScript},
		{name: "api versions", key: kmsg.ApiVersions, run: apiVersionsScript},
	}
}

// ghost is the id of no topic.
var ghost = [16]byte{15: 1, 0: 0xaa, 7: 7}
