package protocol

// Request bodies of the producer id and transaction APIs.

var initProducerIDSchema = schema{Name: "InitProducerId", Key: 22, Max: 5, Fields: []field{
	{Name: "TransactionalId", Kind: kindString, Nullable: nullAlways},
	{Name: "TransactionTimeoutMs", Kind: kindInt32},
	{Name: "ProducerId", Kind: kindInt64, From: 3},
	{Name: "ProducerEpoch", Kind: kindInt16, From: 3},
}}

var addPartitionsToTxnSchema = schema{Name: "AddPartitionsToTxn", Key: 24, Max: 5, Fields: []field{
	{Name: "V3AndBelowTransactionalId", Kind: kindString, Until: 4},
	{Name: "V3AndBelowProducerId", Kind: kindInt64, Until: 4},
	{Name: "V3AndBelowProducerEpoch", Kind: kindInt16, Until: 4},
	{Name: "V3AndBelowTopics", Kind: kindArray, Until: 4, Fields: topicPartitions},
	{Name: "Transactions", Kind: kindArray, From: 4, Fields: []field{
		{Name: "TransactionalId", Kind: kindString},
		{Name: "ProducerId", Kind: kindInt64},
		{Name: "ProducerEpoch", Kind: kindInt16},
		{Name: "VerifyOnly", Kind: kindInt8},
		{Name: "Topics", Kind: kindArray, Fields: topicPartitions},
	}},
}}

var addOffsetsToTxnSchema = schema{Name: "AddOffsetsToTxn", Key: 25, Max: 4, Fields: []field{
	{Name: "TransactionalId", Kind: kindString},
	{Name: "ProducerId", Kind: kindInt64},
	{Name: "ProducerEpoch", Kind: kindInt16},
	{Name: "GroupId", Kind: kindString},
}}

var endTxnSchema = schema{Name: "EndTxn", Key: 26, Max: 5, Fields: []field{
	{Name: "TransactionalId", Kind: kindString},
	{Name: "ProducerId", Kind: kindInt64},
	{Name: "ProducerEpoch", Kind: kindInt16},
	{Name: "Committed", Kind: kindInt8},
}}

var txnOffsetCommitSchema = schema{Name: "TxnOffsetCommit", Key: 28, Max: 6, Fields: []field{
	{Name: "TransactionalId", Kind: kindString},
	{Name: "GroupId", Kind: kindString},
	{Name: "ProducerId", Kind: kindInt64},
	{Name: "ProducerEpoch", Kind: kindInt16},
	{Name: "GenerationIdOrMemberEpoch", Kind: kindInt32, From: 3},
	{Name: "MemberId", Kind: kindString, From: 3},
	{Name: "GroupInstanceId", Kind: kindString, From: 3, Nullable: nullAlways},
	{Name: "Topics", Kind: kindArray, Fields: []field{
		{Name: "Name", Kind: kindString, Until: 6},
		{Name: "TopicId", Kind: kindUUID, From: 6},
		{Name: "Partitions", Kind: kindArray, Fields: []field{
			{Name: "PartitionIndex", Kind: kindInt32},
			{Name: "CommittedOffset", Kind: kindInt64},
			{Name: "CommittedLeaderEpoch", Kind: kindInt32, From: 2},
			{Name: "CommittedMetadata", Kind: kindString, Nullable: nullAlways},
		}},
	}},
}}

var writeTxnMarkersSchema = schema{Name: "WriteTxnMarkers", Key: 27, Max: 2, Fields: []field{
	{Name: "Markers", Kind: kindArray, Fields: []field{
		{Name: "ProducerId", Kind: kindInt64},
		{Name: "ProducerEpoch", Kind: kindInt16},
		{Name: "TransactionResult", Kind: kindInt8},
		{Name: "Topics", Kind: kindArray, Fields: topicPartitions},
		{Name: "CoordinatorEpoch", Kind: kindInt32},
		{Name: "TransactionVersion", Kind: kindInt8, From: 2},
	}},
}}

var describeTransactionsSchema = schema{Name: "DescribeTransactions", Key: 65, Max: 0, Fields: []field{
	{Name: "TransactionalIds", Kind: kindStrings},
}}

var listTransactionsSchema = schema{Name: "ListTransactions", Key: 66, Max: 2, Fields: []field{
	{Name: "StateFilters", Kind: kindStrings},
	{Name: "ProducerIdFilters", Kind: kindInt64s},
	{Name: "DurationFilter", Kind: kindInt64, From: 1},
	{Name: "TransactionalIdPattern", Kind: kindString, From: 2, Nullable: nullAlways},
}}
