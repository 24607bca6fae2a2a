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
		{name: "produce lists", key: kmsg.Produce, run: produceListsScript},
		{name: "produce odd batches", key: kmsg.Produce, from: 3, run: produceOddBatchesScript},
		{name: "produce limits", key: kmsg.Produce, from: 3, run: produceLimitsScript},
		{name: "produce duplicates", key: kmsg.Produce, from: 3, run: produceDuplicatesScript},
		{name: "fetch", key: kmsg.Fetch, run: fetchScript},
		{name: "fetch limits", key: kmsg.Fetch, run: fetchLimitsScript},
		{name: "fetch formats", key: kmsg.Fetch, run: fetchFormatsScript},
		{name: "fetch sessions", key: kmsg.Fetch, from: 7, run: fetchSessionsScript},
		{name: "fetch sessions odd", key: kmsg.Fetch, from: 7, run: fetchSessionsOddScript},
		{name: "fetch sessions topics", key: kmsg.Fetch, from: 7, run: fetchSessionsTopicsScript},
		{name: "fetch lists", key: kmsg.Fetch, run: fetchListsScript},
		{name: "fetch bytes", key: kmsg.Fetch, run: fetchBytesScript},
		{name: "list offsets", key: kmsg.ListOffsets, run: listOffsetsScript},
		{name: "list offsets errors", key: kmsg.ListOffsets, run: listOffsetsErrorsScript},
		{name: "list offsets lists", key: kmsg.ListOffsets, run: listOffsetsListsScript},
		{name: "offset for leader epoch lists", key: kmsg.OffsetForLeaderEpoch, run: epochListsScript},
		{name: "delete records", key: kmsg.DeleteRecords, run: deleteRecordsScript},
		{name: "describe producers", key: kmsg.DescribeProducers, run: describeProducersScript},
		{name: "metadata", key: kmsg.Metadata, run: metadataScript},
		{name: "metadata auto create", key: kmsg.Metadata, run: metadataAutoCreateScript},
		{name: "metadata odd", key: kmsg.Metadata, run: metadataOddScript},
		{name: "create topics", key: kmsg.CreateTopics, run: createTopicsScript},
		{name: "create topics errors", key: kmsg.CreateTopics, run: createTopicsErrorsScript},
		{name: "create topics odd", key: kmsg.CreateTopics, run: createTopicsOddScript},
		{name: "delete topics", key: kmsg.DeleteTopics, run: deleteTopicsScript},
		{name: "create partitions", key: kmsg.CreatePartitions, run: createPartitionsScript},
		{name: "alter configs", key: kmsg.AlterConfigs, run: alterConfigsScript},
		{name: "incremental alter configs", key: kmsg.IncrementalAlterConfigs, run: incrementalAlterConfigsScript},
		{name: "incremental alter others", key: kmsg.IncrementalAlterConfigs, run: incrementalAlterOthersScript},
		{name: "incremental alter loggers", key: kmsg.IncrementalAlterConfigs, run: incrementalAlterLoggersScript},
		{name: "describe log dirs", key: kmsg.DescribeLogDirs, run: describeLogDirsScript},
		{name: "list config resources", key: kmsg.ListConfigResources, run: listConfigResourcesScript},
		{name: "list partition reassignments", key: kmsg.ListPartitionReassignments, run: listReassignmentsScript},
		{name: "elect leaders", key: kmsg.ElectLeaders, run: electLeadersScript},
		{name: "describe quorum", key: kmsg.DescribeQuorum, run: describeQuorumScript},
		{name: "find coordinator", key: kmsg.FindCoordinator, run: findCoordinatorScript},
		{name: "find coordinator odd", key: kmsg.FindCoordinator, run: findCoordinatorOddScript},
		{name: "offset commit", key: kmsg.OffsetCommit, run: offsetCommitScript},
		{name: "offset commit odd", key: kmsg.OffsetCommit, from: 1, run: offsetCommitOddScript},
		{name: "offsets topic", key: kmsg.OffsetCommit, from: 2, run: offsetsTopicScript},
		{name: "offset fetch", key: kmsg.OffsetFetch, run: offsetFetchScript},
		{name: "offset fetch odd", key: kmsg.OffsetFetch, from: 1, run: offsetFetchOddScript},
		{name: "join group", key: kmsg.JoinGroup, run: joinGroupScript},
		{name: "join group odd", key: kmsg.JoinGroup, run: joinGroupOddScript},
		{name: "sync group", key: kmsg.SyncGroup, run: syncGroupScript},
		{name: "sync group odd", key: kmsg.SyncGroup, run: syncGroupOddScript},
		{name: "heartbeat", key: kmsg.Heartbeat, run: heartbeatScript},
		{name: "heartbeat odd", key: kmsg.Heartbeat, run: heartbeatOddScript},
		{name: "leave group", key: kmsg.LeaveGroup, run: leaveGroupScript},
		{name: "leave group odd", key: kmsg.LeaveGroup, from: 3, run: leaveGroupOddScript},
		{name: "describe groups", key: kmsg.DescribeGroups, run: describeGroupsScript},
		{name: "describe groups odd", key: kmsg.DescribeGroups, run: describeGroupsOddScript},
		{name: "list groups", key: kmsg.ListGroups, run: listGroupsScript},
		{name: "init producer id", key: kmsg.InitProducerID, run: initProducerIDScript},
		{name: "init producer id transactions", key: kmsg.InitProducerID, run: initTransactionsScript},
		{name: "add partitions", key: kmsg.AddPartitionsToTxn, run: addPartitionsScript},
		{name: "add offsets", key: kmsg.AddOffsetsToTxn, run: addOffsetsScript},
		{name: "end transaction", key: kmsg.EndTxn, run: endTransactionScript},
		{name: "txn offset commit", key: kmsg.TxnOffsetCommit, to: 5, run: txnOffsetCommitScript},
		{name: "txn offset groups", key: kmsg.TxnOffsetCommit, from: 3, to: 5, run: txnOffsetGroupsScript},
		{name: "offset fetch transactions", key: kmsg.OffsetFetch, from: 1, run: offsetFetchTransactionsScript},
		{name: "offset delete transactions", key: kmsg.OffsetDelete, run: deleteWithPendingScript},
		{name: "write markers", key: kmsg.WriteTxnMarkers, run: writeMarkersScript},
		{name: "describe transactions", key: kmsg.DescribeTransactions, run: describeTransactionsScript},
		{name: "list transactions", key: kmsg.ListTransactions, run: listTransactionsScript},
		{name: "produce transactions", key: kmsg.Produce, from: 3, run: produceTransactionsScript},
		{name: "fetch transactions", key: kmsg.Fetch, run: fetchTransactionsScript},
		{name: "list offsets transactions", key: kmsg.ListOffsets, run: listOffsetsTransactionsScript},
		{name: "describe producers transactions", key: kmsg.DescribeProducers, run: describeProducersTransactionsScript},
		{name: "offset for leader epoch", key: kmsg.OffsetForLeaderEpoch, run: offsetForLeaderEpochScript},
		{name: "describe configs", key: kmsg.DescribeConfigs, run: describeConfigsScript},
		{name: "describe configs odd", key: kmsg.DescribeConfigs, run: describeConfigsOddScript},
		{name: "describe configs everything", key: kmsg.DescribeConfigs, from: 4, run: describeConfigsEverythingScript},
		{name: "describe cluster", key: kmsg.DescribeCluster, run: describeClusterScript},
		{name: "api versions", key: kmsg.ApiVersions, run: apiVersionsScript},
		{name: "api versions odd", key: kmsg.ApiVersions, run: apiVersionsOddScript},
	}
}

// ghost is the id of no topic.
var ghost = [16]byte{15: 1, 0: 0xaa, 7: 7}
