package protocol

// Request bodies of the APIs that move and find records.

var produceSchema = schema{Name: "Produce", Key: 0, Max: 13, Fields: []field{
	{Name: "TransactionalId", Kind: kindString, From: 3, Nullable: nullAlways},
	{Name: "Acks", Kind: kindInt16},
	{Name: "TimeoutMs", Kind: kindInt32},
	{Name: "TopicData", Kind: kindArray, Fields: []field{
		{Name: "Name", Kind: kindString, Until: 13},
		{Name: "TopicId", Kind: kindUUID, From: 13},
		{Name: "PartitionData", Kind: kindArray, Fields: []field{
			{Name: "Index", Kind: kindInt32},
			{Name: "Records", Kind: kindBytes, Nullable: nullAlways},
		}},
	}},
}}

var fetchSchema = schema{Name: "Fetch", Key: 1, Max: 18, Fields: []field{
	{Name: "ReplicaId", Kind: kindInt32, Until: 15},
	{Name: "MaxWaitMs", Kind: kindInt32},
	{Name: "MinBytes", Kind: kindInt32},
	{Name: "MaxBytes", Kind: kindInt32, From: 3},
	{Name: "IsolationLevel", Kind: kindInt8, From: 4},
	{Name: "SessionId", Kind: kindInt32, From: 7},
	{Name: "SessionEpoch", Kind: kindInt32, From: 7},
	{Name: "Topics", Kind: kindArray, Fields: []field{
		{Name: "Topic", Kind: kindString, Until: 13},
		{Name: "TopicId", Kind: kindUUID, From: 13},
		{Name: "Partitions", Kind: kindArray, Fields: []field{
			{Name: "Partition", Kind: kindInt32},
			{Name: "CurrentLeaderEpoch", Kind: kindInt32, From: 9},
			{Name: "FetchOffset", Kind: kindInt64},
			{Name: "LastFetchedEpoch", Kind: kindInt32, From: 12},
			{Name: "LogStartOffset", Kind: kindInt64, From: 5},
			{Name: "PartitionMaxBytes", Kind: kindInt32},
			{Name: "ReplicaDirectoryId", Kind: kindUUID, From: 17, Tagged: true, Tag: 0},
			{Name: "HighWatermark", Kind: kindInt64, From: 18, Tagged: true, Tag: 1},
		}},
	}},
	{Name: "ForgottenTopicsData", Kind: kindArray, From: 7, Fields: []field{
		{Name: "Topic", Kind: kindString, Until: 13},
		{Name: "TopicId", Kind: kindUUID, From: 13},
		{Name: "Partitions", Kind: kindInt32s},
	}},
	{Name: "RackId", Kind: kindString, From: 11},
	{Name: "ClusterId", Kind: kindString, From: 12, Nullable: nullAlways, Tagged: true, Tag: 0},
	{Name: "ReplicaState", Kind: kindStruct, From: 15, Tagged: true, Tag: 1, Fields: []field{
		{Name: "ReplicaId", Kind: kindInt32},
		{Name: "ReplicaEpoch", Kind: kindInt64},
	}},
}}

var listOffsetsSchema = schema{Name: "ListOffsets", Key: 2, Max: 11, Fields: []field{
	{Name: "ReplicaId", Kind: kindInt32},
	{Name: "IsolationLevel", Kind: kindInt8, From: 2},
	{Name: "Topics", Kind: kindArray, Fields: []field{
		{Name: "Name", Kind: kindString},
		{Name: "Partitions", Kind: kindArray, Fields: []field{
			{Name: "PartitionIndex", Kind: kindInt32},
			{Name: "CurrentLeaderEpoch", Kind: kindInt32, From: 4},
			{Name: "Timestamp", Kind: kindInt64},
			{Name: "MaxNumOffsets", Kind: kindInt32, Until: 1},
		}},
	}},
	{Name: "TimeoutMs", Kind: kindInt32, From: 10},
}}

var metadataSchema = schema{Name: "Metadata", Key: 3, Max: 13, Fields: []field{
	{Name: "Topics", Kind: kindArray, Nullable: nullFrom1, Fields: []field{
		{Name: "TopicId", Kind: kindUUID, From: 10},
		{Name: "Name", Kind: kindString, Nullable: nullFrom10},
	}},
	{Name: "AllowAutoTopicCreation", Kind: kindInt8, From: 4},
	{Name: "IncludeClusterAuthorizedOperations", Kind: kindInt8, From: 8, Until: 11},
	{Name: "IncludeTopicAuthorizedOperations", Kind: kindInt8, From: 8},
}}

var offsetForLeaderEpochSchema = schema{Name: "OffsetForLeaderEpoch", Key: 23, Max: 4, Fields: []field{
	{Name: "ReplicaId", Kind: kindInt32, From: 3},
	{Name: "Topics", Kind: kindArray, Fields: []field{
		{Name: "Topic", Kind: kindString},
		{Name: "Partitions", Kind: kindArray, Fields: []field{
			{Name: "Partition", Kind: kindInt32},
			{Name: "CurrentLeaderEpoch", Kind: kindInt32, From: 2},
			{Name: "LeaderEpoch", Kind: kindInt32},
		}},
	}},
}}

var deleteRecordsSchema = schema{Name: "DeleteRecords", Key: 21, Max: 2, Fields: []field{
	{Name: "Topics", Kind: kindArray, Fields: []field{
		{Name: "Name", Kind: kindString},
		{Name: "Partitions", Kind: kindArray, Fields: []field{
			{Name: "PartitionIndex", Kind: kindInt32},
			{Name: "Offset", Kind: kindInt64},
		}},
	}},
	{Name: "TimeoutMs", Kind: kindInt32},
}}

var describeTopicPartitionsSchema = schema{Name: "DescribeTopicPartitions", Key: 75, Max: 0, Fields: []field{
	{Name: "Topics", Kind: kindArray, Fields: []field{
		{Name: "Name", Kind: kindString},
	}},
	{Name: "ResponsePartitionLimit", Kind: kindInt32},
	{Name: "Cursor", Kind: kindNullableStruct, Fields: []field{
		{Name: "TopicName", Kind: kindString},
		{Name: "PartitionIndex", Kind: kindInt32},
	}},
}}

// topicPartitions is the list that many admin requests share: topics by name, each with partition numbers.
var topicPartitions = []field{
	{Name: "Topic", Kind: kindString},
	{Name: "Partitions", Kind: kindInt32s},
}

var describeProducersSchema = schema{Name: "DescribeProducers", Key: 61, Max: 0, Fields: []field{
	{Name: "Topics", Kind: kindArray, Fields: topicPartitions},
}}

var describeLogDirsSchema = schema{Name: "DescribeLogDirs", Key: 35, Max: 5, Fields: []field{
	{Name: "Topics", Kind: kindArray, Nullable: nullAlways, Fields: topicPartitions},
}}
