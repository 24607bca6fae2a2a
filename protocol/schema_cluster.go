package protocol

// Request bodies of the APIs with which tools look at a cluster.

var electLeadersSchema = schema{Name: "ElectLeaders", Key: 43, Max: 2, Fields: []field{
	{Name: "ElectionType", Kind: kindInt8, From: 1},
	{Name: "TopicPartitions", Kind: kindArray, Nullable: nullAlways, Fields: topicPartitions},
	{Name: "TimeoutMs", Kind: kindInt32},
}}

var listPartitionReassignmentsSchema = schema{Name: "ListPartitionReassignments", Key: 46, Max: 0, Fields: []field{
	{Name: "TimeoutMs", Kind: kindInt32},
	{Name: "Topics", Kind: kindArray, Nullable: nullAlways, Fields: topicPartitions},
}}

var describeQuorumSchema = schema{Name: "DescribeQuorum", Key: 55, Max: 2, Fields: []field{
	{Name: "Topics", Kind: kindArray, Fields: []field{
		{Name: "TopicName", Kind: kindString},
		{Name: "Partitions", Kind: kindArray, Fields: []field{
			{Name: "PartitionIndex", Kind: kindInt32},
		}},
	}},
}}

var listConfigResourcesSchema = schema{Name: "ListConfigResources", Key: 74, Max: 1, Fields: []field{
	{Name: "ResourceTypes", Kind: kindBytes, From: 1}, // an array of int8 looks the same
}}
