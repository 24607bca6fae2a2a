package protocol

// schemas lists every request body that CheckShape knows. A new API gets its schema in one of the schema_ files and a line
// here; the tests then compare it with kmsg in every version.
var schemas = [...]*schema{
	&produceSchema, &fetchSchema, &listOffsetsSchema, &metadataSchema, &offsetForLeaderEpochSchema, &deleteRecordsSchema,
	&describeTopicPartitionsSchema, &describeProducersSchema, &describeLogDirsSchema,

	&findCoordinatorSchema, &joinGroupSchema, &heartbeatSchema, &leaveGroupSchema, &syncGroupSchema,
	&describeGroupsSchema, &listGroupsSchema, &deleteGroupsSchema, &offsetCommitSchema, &offsetFetchSchema,
	&offsetDeleteSchema,

	&initProducerIDSchema, &addPartitionsToTxnSchema, &addOffsetsToTxnSchema, &endTxnSchema, &txnOffsetCommitSchema,
	&writeTxnMarkersSchema, &describeTransactionsSchema, &listTransactionsSchema,

	&apiVersionsSchema, &saslHandshakeSchema, &saslAuthenticateSchema, &describeClusterSchema, &createTopicsSchema,
	&deleteTopicsSchema, &createPartitionsSchema, &describeConfigsSchema, &alterConfigsSchema,
	&incrementalAlterConfigsSchema,

	&electLeadersSchema, &listPartitionReassignmentsSchema, &describeQuorumSchema, &listConfigResourcesSchema,
}

func schemaOf(key int16) *schema {
	for _, s := range schemas {
		if s.Key == key {
			return s
		}
	}
	return nil
}
