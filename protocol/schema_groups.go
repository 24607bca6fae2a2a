package protocol

// Request bodies of the group and offset APIs.

var findCoordinatorSchema = schema{Name: "FindCoordinator", Key: 10, Max: 6, Fields: []field{
	{Name: "Key", Kind: kindString, Until: 4},
	{Name: "KeyType", Kind: kindInt8, From: 1},
	{Name: "CoordinatorKeys", Kind: kindStrings, From: 4},
}}

var joinGroupSchema = schema{Name: "JoinGroup", Key: 11, Max: 9, Fields: []field{
	{Name: "GroupId", Kind: kindString},
	{Name: "SessionTimeoutMs", Kind: kindInt32},
	{Name: "RebalanceTimeoutMs", Kind: kindInt32, From: 1},
	{Name: "MemberId", Kind: kindString},
	{Name: "GroupInstanceId", Kind: kindString, From: 5, Nullable: nullAlways},
	{Name: "ProtocolType", Kind: kindString},
	{Name: "Protocols", Kind: kindArray, Fields: []field{
		{Name: "Name", Kind: kindString},
		{Name: "Metadata", Kind: kindBytes},
	}},
	{Name: "Reason", Kind: kindString, From: 8, Nullable: nullAlways},
}}

var heartbeatSchema = schema{Name: "Heartbeat", Key: 12, Max: 4, Fields: []field{
	{Name: "GroupId", Kind: kindString},
	{Name: "GenerationId", Kind: kindInt32},
	{Name: "MemberId", Kind: kindString},
	{Name: "GroupInstanceId", Kind: kindString, From: 3, Nullable: nullAlways},
}}

var leaveGroupSchema = schema{Name: "LeaveGroup", Key: 13, Max: 5, Fields: []field{
	{Name: "GroupId", Kind: kindString},
	{Name: "MemberId", Kind: kindString, Until: 3},
	{Name: "Members", Kind: kindArray, From: 3, Fields: []field{
		{Name: "MemberId", Kind: kindString},
		{Name: "GroupInstanceId", Kind: kindString, Nullable: nullAlways},
		{Name: "Reason", Kind: kindString, From: 5, Nullable: nullAlways},
	}},
}}

var syncGroupSchema = schema{Name: "SyncGroup", Key: 14, Max: 5, Fields: []field{
	{Name: "GroupId", Kind: kindString},
	{Name: "GenerationId", Kind: kindInt32},
	{Name: "MemberId", Kind: kindString},
	{Name: "GroupInstanceId", Kind: kindString, From: 3, Nullable: nullAlways},
	{Name: "ProtocolType", Kind: kindString, From: 5, Nullable: nullAlways},
	{Name: "ProtocolName", Kind: kindString, From: 5, Nullable: nullAlways},
	{Name: "Assignments", Kind: kindArray, Fields: []field{
		{Name: "MemberId", Kind: kindString},
		{Name: "Assignment", Kind: kindBytes},
	}},
}}

var describeGroupsSchema = schema{Name: "DescribeGroups", Key: 15, Max: 6, Fields: []field{
	{Name: "Groups", Kind: kindStrings},
	{Name: "IncludeAuthorizedOperations", Kind: kindInt8, From: 3},
}}

var listGroupsSchema = schema{Name: "ListGroups", Key: 16, Max: 5, Fields: []field{
	{Name: "StatesFilter", Kind: kindStrings, From: 4},
	{Name: "TypesFilter", Kind: kindStrings, From: 5},
}}

var deleteGroupsSchema = schema{Name: "DeleteGroups", Key: 42, Max: 3, Fields: []field{
	{Name: "GroupsNames", Kind: kindStrings},
}}

var offsetCommitSchema = schema{Name: "OffsetCommit", Key: 8, Max: 10, Fields: []field{
	{Name: "GroupId", Kind: kindString},
	{Name: "GenerationIdOrMemberEpoch", Kind: kindInt32, From: 1},
	{Name: "MemberId", Kind: kindString, From: 1},
	{Name: "GroupInstanceId", Kind: kindString, From: 7, Nullable: nullAlways},
	{Name: "RetentionTimeMs", Kind: kindInt64, From: 2, Until: 5},
	{Name: "Topics", Kind: kindArray, Fields: []field{
		{Name: "Name", Kind: kindString, Until: 10},
		{Name: "TopicId", Kind: kindUUID, From: 10},
		{Name: "Partitions", Kind: kindArray, Fields: []field{
			{Name: "PartitionIndex", Kind: kindInt32},
			{Name: "CommittedOffset", Kind: kindInt64},
			{Name: "CommitTimestamp", Kind: kindInt64, From: 1, Until: 2},
			{Name: "CommittedLeaderEpoch", Kind: kindInt32, From: 6},
			{Name: "CommittedMetadata", Kind: kindString, Nullable: nullAlways},
		}},
	}},
}}

var offsetFetchSchema = schema{Name: "OffsetFetch", Key: 9, Max: 10, Fields: []field{
	{Name: "GroupId", Kind: kindString, Until: 8},
	{Name: "Topics", Kind: kindArray, Until: 8, Nullable: nullFrom2, Fields: topicPartitions},
	{Name: "Groups", Kind: kindArray, From: 8, Fields: []field{
		{Name: "GroupId", Kind: kindString},
		{Name: "MemberId", Kind: kindString, From: 9, Nullable: nullAlways},
		{Name: "MemberEpoch", Kind: kindInt32, From: 9},
		{Name: "Topics", Kind: kindArray, Nullable: nullAlways, Fields: []field{
			{Name: "Name", Kind: kindString, Until: 10},
			{Name: "TopicId", Kind: kindUUID, From: 10},
			{Name: "PartitionIndexes", Kind: kindInt32s},
		}},
	}},
	{Name: "RequireStable", Kind: kindInt8, From: 7},
}}

var offsetDeleteSchema = schema{Name: "OffsetDelete", Key: 47, Max: 0, Fields: []field{
	{Name: "GroupId", Kind: kindString},
	{Name: "Topics", Kind: kindArray, Fields: []field{
		{Name: "Name", Kind: kindString},
		{Name: "Partitions", Kind: kindInt32s},
	}},
}}
