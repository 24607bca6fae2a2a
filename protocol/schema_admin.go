package protocol

// Request bodies of the connection and administration APIs.

var apiVersionsSchema = schema{Name: "ApiVersions", Key: 18, Max: 5, Fields: []field{
	{Name: "ClientSoftwareName", Kind: kindString, From: 3},
	{Name: "ClientSoftwareVersion", Kind: kindString, From: 3},
	{Name: "ClusterId", Kind: kindString, From: 5, Nullable: nullAlways},
	{Name: "NodeId", Kind: kindInt32, From: 5},
}}

var saslHandshakeSchema = schema{Name: "SaslHandshake", Key: 17, Max: 1, Fields: []field{
	{Name: "Mechanism", Kind: kindString},
}}

var saslAuthenticateSchema = schema{Name: "SaslAuthenticate", Key: 36, Max: 2, Fields: []field{
	{Name: "AuthBytes", Kind: kindBytes},
}}

var describeClusterSchema = schema{Name: "DescribeCluster", Key: 60, Max: 2, Fields: []field{
	{Name: "IncludeClusterAuthorizedOperations", Kind: kindInt8},
	{Name: "EndpointType", Kind: kindInt8, From: 1},
	{Name: "IncludeFencedBrokers", Kind: kindInt8, From: 2},
}}

var createTopicsSchema = schema{Name: "CreateTopics", Key: 19, Max: 7, Fields: []field{
	{Name: "Topics", Kind: kindArray, Fields: []field{
		{Name: "Name", Kind: kindString},
		{Name: "NumPartitions", Kind: kindInt32},
		{Name: "ReplicationFactor", Kind: kindInt16},
		{Name: "Assignments", Kind: kindArray, Fields: []field{
			{Name: "PartitionIndex", Kind: kindInt32},
			{Name: "BrokerIds", Kind: kindInt32s},
		}},
		{Name: "Configs", Kind: kindArray, Fields: configEntries},
	}},
	{Name: "TimeoutMs", Kind: kindInt32},
	{Name: "ValidateOnly", Kind: kindInt8, From: 1},
}}

var deleteTopicsSchema = schema{Name: "DeleteTopics", Key: 20, Max: 6, Fields: []field{
	{Name: "TopicNames", Kind: kindStrings, Until: 6},
	{Name: "Topics", Kind: kindArray, From: 6, Fields: []field{
		{Name: "Name", Kind: kindString, Nullable: nullAlways},
		{Name: "TopicId", Kind: kindUUID},
	}},
	{Name: "TimeoutMs", Kind: kindInt32},
}}

var createPartitionsSchema = schema{Name: "CreatePartitions", Key: 37, Max: 3, Fields: []field{
	{Name: "Topics", Kind: kindArray, Fields: []field{
		{Name: "Name", Kind: kindString},
		{Name: "Count", Kind: kindInt32},
		{Name: "Assignments", Kind: kindArray, Nullable: nullAlways, Fields: []field{
			{Name: "BrokerIds", Kind: kindInt32s},
		}},
	}},
	{Name: "TimeoutMs", Kind: kindInt32},
	{Name: "ValidateOnly", Kind: kindInt8},
}}

// configEntries are name and value, as CreateTopics and AlterConfigs send them.
var configEntries = []field{
	{Name: "Name", Kind: kindString},
	{Name: "Value", Kind: kindString, Nullable: nullAlways},
}

var describeConfigsSchema = schema{Name: "DescribeConfigs", Key: 32, Max: 4, Fields: []field{
	{Name: "Resources", Kind: kindArray, Fields: []field{
		{Name: "ResourceType", Kind: kindInt8},
		{Name: "ResourceName", Kind: kindString},
		{Name: "ConfigurationKeys", Kind: kindStrings, Nullable: nullAlways},
	}},
	{Name: "IncludeSynonyms", Kind: kindInt8, From: 1},
	{Name: "IncludeDocumentation", Kind: kindInt8, From: 3},
}}

var alterConfigsSchema = schema{Name: "AlterConfigs", Key: 33, Max: 2, Fields: []field{
	{Name: "Resources", Kind: kindArray, Fields: []field{
		{Name: "ResourceType", Kind: kindInt8},
		{Name: "ResourceName", Kind: kindString},
		{Name: "Configs", Kind: kindArray, Fields: configEntries},
	}},
	{Name: "ValidateOnly", Kind: kindInt8},
}}

var incrementalAlterConfigsSchema = schema{Name: "IncrementalAlterConfigs", Key: 44, Max: 1, Fields: []field{
	{Name: "Resources", Kind: kindArray, Fields: []field{
		{Name: "ResourceType", Kind: kindInt8},
		{Name: "ResourceName", Kind: kindString},
		{Name: "Configs", Kind: kindArray, Fields: []field{
			{Name: "Name", Kind: kindString},
			{Name: "ConfigOperation", Kind: kindInt8},
			{Name: "Value", Kind: kindString, Nullable: nullAlways},
		}},
	}},
	{Name: "ValidateOnly", Kind: kindInt8},
}}
