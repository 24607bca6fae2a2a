package decode

// The schemas of Kafka 4.4.0's coordinators: a line is the number of the record's type, its name, versions, and the schema.

// groupSchemas are the records of __consumer_offsets.
const groupSchemas = `
0 LegacyOffsetCommitKey 0 group:s topic:s partition:i32
0 LegacyOffsetCommitValue 0 offset:i64 metadata:s commitTimestamp:i64
1 OffsetCommitKey 0 group:s topic:s partition:i32
1 OffsetCommitValue 0 offset:i64 metadata:s commitTimestamp:i64
1 OffsetCommitValue 1 offset:i64 metadata:s commitTimestamp:i64 expireTimestamp:i64
1 OffsetCommitValue 2 offset:i64 metadata:s commitTimestamp:i64
1 OffsetCommitValue 3 offset:i64 leaderEpoch:i32 metadata:s commitTimestamp:i64
1 OffsetCommitValue 4 ~ offset:i64 leaderEpoch:i32 metadata:s commitTimestamp:i64 topicId@0:uuid
2 GroupMetadataKey 0 group:s
2 GroupMetadataValue 0 protocolType:s generation:i32 protocol:s? leader:s? members:[{memberId:s clientId:s clientHost:s sessionTimeout:i32 subscription:b assignment:b}]
2 GroupMetadataValue 1 protocolType:s generation:i32 protocol:s? leader:s? members:[{memberId:s clientId:s clientHost:s rebalanceTimeout:i32 sessionTimeout:i32 subscription:b assignment:b}]
2 GroupMetadataValue 2 protocolType:s generation:i32 protocol:s? leader:s? currentStateTimestamp:i64 members:[{memberId:s clientId:s clientHost:s rebalanceTimeout:i32 sessionTimeout:i32 subscription:b assignment:b}]
2 GroupMetadataValue 3 protocolType:s generation:i32 protocol:s? leader:s? currentStateTimestamp:i64 members:[{memberId:s groupInstanceId:s? clientId:s clientHost:s rebalanceTimeout:i32 sessionTimeout:i32 subscription:b assignment:b}]
2 GroupMetadataValue 4 ~ protocolType:s generation:i32 protocol:s? leader:s? currentStateTimestamp:i64 members:[{memberId:s groupInstanceId:s? clientId:s clientHost:s rebalanceTimeout:i32 sessionTimeout:i32 subscription:b assignment:b}]
3 ConsumerGroupMetadataKey 0 groupId:s
3 ConsumerGroupMetadataValue 0 ~ epoch:i32 metadataHash@0:i64
4 ConsumerGroupPartitionMetadataKey 0 groupId:s
4 ConsumerGroupPartitionMetadataValue 0 ~ topics:[{topicId:uuid topicName:s numPartitions:i32 partitionMetadata:[{partition:i32 racks:[s]}]}]
5 ConsumerGroupMemberMetadataKey 0 groupId:s memberId:s
5 ConsumerGroupMemberMetadataValue 0 ~ instanceId:s? rackId:s? clientId:s clientHost:s subscribedTopicNames:[s] subscribedTopicRegex:s? rebalanceTimeoutMs:i32 serverAssignor:s? classicMemberMetadata@0:{sessionTimeoutMs:i32 supportedProtocols:[{name:s metadata:b}]}?
6 ConsumerGroupTargetAssignmentMetadataKey 0 groupId:s
6 ConsumerGroupTargetAssignmentMetadataValue 0 ~ assignmentEpoch:i32 assignmentTimestamp@0:i64
7 ConsumerGroupTargetAssignmentMemberKey 0 groupId:s memberId:s
7 ConsumerGroupTargetAssignmentMemberValue 0 ~ topicPartitions:[{topicId:uuid partitions:[i32]}]
8 ConsumerGroupCurrentMemberAssignmentKey 0 groupId:s memberId:s
8 ConsumerGroupCurrentMemberAssignmentValue 0 ~ memberEpoch:i32 previousMemberEpoch:i32 state:i8 assignedPartitions:[{topicId:uuid partitions:[i32] assignmentEpochs@0:[i32]?}] partitionsPendingRevocation:[{topicId:uuid partitions:[i32] assignmentEpochs@0:[i32]?}]
10 ShareGroupMemberMetadataKey 0 groupId:s memberId:s
10 ShareGroupMemberMetadataValue 0 ~ rackId:s? clientId:s clientHost:s subscribedTopicNames:[s]
11 ShareGroupMetadataKey 0 groupId:s
11 ShareGroupMetadataValue 0 ~ epoch:i32 metadataHash:i64
12 ShareGroupTargetAssignmentMetadataKey 0 groupId:s
12 ShareGroupTargetAssignmentMetadataValue 0 ~ assignmentEpoch:i32 assignmentTimestamp@0:i64
13 ShareGroupTargetAssignmentMemberKey 0 groupId:s memberId:s
13 ShareGroupTargetAssignmentMemberValue 0 ~ topicPartitions:[{topicId:uuid partitions:[i32]}]
14 ShareGroupCurrentMemberAssignmentKey 0 groupId:s memberId:s
14 ShareGroupCurrentMemberAssignmentValue 0 ~ memberEpoch:i32 previousMemberEpoch:i32 state:i8 assignedPartitions:[{topicId:uuid partitions:[i32]}]
15 ShareGroupStatePartitionMetadataKey 0 groupId:s
15 ShareGroupStatePartitionMetadataValue 0 ~ initializingTopics:[{topicId:uuid topicName:s partitions:[i32]}] initializedTopics:[{topicId:uuid topicName:s partitions:[i32]}] deletingTopics:[{topicId:uuid topicName:s}]
16 ConsumerGroupRegularExpressionKey 0 groupId:s regularExpression:s
16 ConsumerGroupRegularExpressionValue 0 ~ topics:[s] version:i64 timestamp:i64
17 StreamsGroupMetadataKey 0 groupId:s
17 StreamsGroupMetadataValue 0 ~ epoch:i32 metadataHash:i64 validatedTopologyEpoch@0:i32 lastAssignmentConfigs@1:[{key:s value:s}]? storedDescriptionTopologyEpoch@2:i32 failedDescriptionTopologyEpoch@3:i32
19 StreamsGroupMemberMetadataKey 0 groupId:s memberId:s
19 StreamsGroupMemberMetadataValue 0 ~ instanceId:s? rackId:s? clientId:s clientHost:s rebalanceTimeoutMs:i32 topologyEpoch:i32 processId:s userEndpoint:{host:s port:u16}? clientTags:[{key:s value:s}]
20 StreamsGroupTargetAssignmentMetadataKey 0 groupId:s
20 StreamsGroupTargetAssignmentMetadataValue 0 ~ assignmentEpoch:i32 assignmentTimestamp@0:i64
21 StreamsGroupTargetAssignmentMemberKey 0 groupId:s memberId:s
21 StreamsGroupTargetAssignmentMemberValue 0 ~ activeTasks:[{subtopologyId:s partitions:[i32]}] standbyTasks:[{subtopologyId:s partitions:[i32]}] warmupTasks:[{subtopologyId:s partitions:[i32]}]
22 StreamsGroupCurrentMemberAssignmentKey 0 groupId:s memberId:s
22 StreamsGroupCurrentMemberAssignmentValue 0 ~ memberEpoch:i32 previousMemberEpoch:i32 state:i8 activeTasks:[{subtopologyId:s partitions:[i32] assignmentEpochs@0:[i32]?}] standbyTasks:[{subtopologyId:s partitions:[i32] assignmentEpochs@0:[i32]?}] warmupTasks:[{subtopologyId:s partitions:[i32] assignmentEpochs@0:[i32]?}] activeTasksPendingRevocation:[{subtopologyId:s partitions:[i32] assignmentEpochs@0:[i32]?}] standbyTasksPendingRevocation:[{subtopologyId:s partitions:[i32] assignmentEpochs@0:[i32]?}] warmupTasksPendingRevocation:[{subtopologyId:s partitions:[i32] assignmentEpochs@0:[i32]?}]
23 StreamsGroupTopologyKey 0 groupId:s
23 StreamsGroupTopologyValue 0 ~ epoch:i32 subtopologies:[{subtopologyId:s sourceTopics:[s] sourceTopicRegex:[s] stateChangelogTopics:[{name:s partitions:i32 replicationFactor:i16 topicConfigs:[{key:s value:s}]}] repartitionSinkTopics:[s] repartitionSourceTopics:[{name:s partitions:i32 replicationFactor:i16 topicConfigs:[{key:s value:s}]}] copartitionGroups:[{sourceTopics:[i16] sourceTopicRegex:[i16] repartitionSourceTopics:[i16]}]}]
`

// transactionSchemas are the records of __transaction_state.
const transactionSchemas = `
0 TransactionLogKey 0 transactionalId:s
0 TransactionLogValue 0 producerId:i64 producerEpoch:i16 transactionTimeoutMs:i32 transactionStatus:i8 transactionPartitions:[{topic:s partitionIds:[i32]}]? transactionLastUpdateTimestampMs:i64 transactionStartTimestampMs:i64
0 TransactionLogValue 1 ~ producerId:i64 previousProducerId@0:i64 nextProducerId@1:i64 producerEpoch:i16 nextProducerEpoch@3:i16 transactionTimeoutMs:i32 transactionStatus:i8 transactionPartitions:[{topic:s partitionIds:[i32]}]? transactionLastUpdateTimestampMs:i64 transactionStartTimestampMs:i64 clientTransactionVersion@2:i16
`

// shareSchemas are the records of __share_group_state.
const shareSchemas = `
0 ShareSnapshotKey 0 groupId:s topicId:uuid partition:i32
0 ShareSnapshotValue 0 ~ snapshotEpoch:i32 stateEpoch:i32 leaderEpoch:i32 startOffset:i64 deliveryCompleteCount@0:i32 createTimestamp:i64 writeTimestamp:i64 stateBatches:[{firstOffset:i64 lastOffset:i64 deliveryState:i8 deliveryCount:i16}]
1 ShareUpdateKey 0 groupId:s topicId:uuid partition:i32
1 ShareUpdateValue 0 ~ snapshotEpoch:i32 leaderEpoch:i32 startOffset:i64 deliveryCompleteCount@0:i32 stateBatches:[{firstOffset:i64 lastOffset:i64 deliveryState:i8 deliveryCount:i16}]
`

// clientSchemas are what members of a group tell each other, and the control records of the metadata log.
const clientSchemas = `
- ConsumerProtocolAssignment 0-3 assignedPartitions:[{topic:s partitions:[i32]}] userData:b?
- ConsumerProtocolSubscription 0 topics:[s] userData:b?
- ConsumerProtocolSubscription 1 topics:[s] userData:b? ownedPartitions:[{topic:s partitions:[i32]}]
- ConsumerProtocolSubscription 2 topics:[s] userData:b? ownedPartitions:[{topic:s partitions:[i32]}] generationId:i32
- ConsumerProtocolSubscription 3 topics:[s] userData:b? ownedPartitions:[{topic:s partitions:[i32]}] generationId:i32 rackId:s?
- KRaftVersionRecord 0 ~ version:i16 kRaftVersion:i16
- LeaderChangeMessage 0 ~ version:i16 leaderId:i32 voters:[{voterId:i32}] grantingVoters:[{voterId:i32}]
- LeaderChangeMessage 1 ~ version:i16 leaderId:i32 voters:[{voterId:i32 voterDirectoryId:uuid}] grantingVoters:[{voterId:i32 voterDirectoryId:uuid}]
- SnapshotFooterRecord 0 ~ version:i16
- SnapshotHeaderRecord 0 ~ version:i16 lastContainedLogTimestamp:i64
- VotersRecord 0 ~ version:i16 voters:[{voterId:i32 voterDirectoryId:uuid endpoints:[{name:s host:s port:u16}] kRaftVersionFeature:{minSupportedVersion:i16 maxSupportedVersion:i16}}]
`
