package decode

// metadataSchemas are the records of a KRaft __cluster_metadata, in Kafka 4.4.0; the lines are those of schemas.go.
const metadataSchemas = `
0 RegisterBrokerRecord 0 ~ brokerId:i32 incarnationId:uuid brokerEpoch:i64 endPoints:[{name:s host:s port:u16 securityProtocol:i16}] features:[{name:s minSupportedVersion:i16 maxSupportedVersion:i16}] rack:s? fenced:bool
0 RegisterBrokerRecord 1 ~ brokerId:i32 incarnationId:uuid brokerEpoch:i64 endPoints:[{name:s host:s port:u16 securityProtocol:i16}] features:[{name:s minSupportedVersion:i16 maxSupportedVersion:i16}] rack:s? fenced:bool inControlledShutdown:bool
0 RegisterBrokerRecord 2 ~ brokerId:i32 isMigratingZkBroker:bool incarnationId:uuid brokerEpoch:i64 endPoints:[{name:s host:s port:u16 securityProtocol:i16}] features:[{name:s minSupportedVersion:i16 maxSupportedVersion:i16}] rack:s? fenced:bool inControlledShutdown:bool
0 RegisterBrokerRecord 3 ~ brokerId:i32 isMigratingZkBroker:bool incarnationId:uuid brokerEpoch:i64 endPoints:[{name:s host:s port:u16 securityProtocol:i16}] features:[{name:s minSupportedVersion:i16 maxSupportedVersion:i16}] rack:s? fenced:bool inControlledShutdown:bool logDirs@0:[uuid]
0 RegisterBrokerRecord 4 ~ brokerId:i32 isMigratingZkBroker:bool incarnationId:uuid brokerEpoch:i64 endPoints:[{name:s host:s port:u16 securityProtocol:i16}] features:[{name:s minSupportedVersion:i16 maxSupportedVersion:i16}] rack:s? fenced:bool inControlledShutdown:bool logDirs@0:[uuid] cordonedLogDirs@1:[uuid]?
1 UnregisterBrokerRecord 0 ~ brokerId:i32 brokerEpoch:i64
2 TopicRecord 0 ~ name:s topicId:uuid
3 PartitionRecord 0 ~ partitionId:i32 topicId:uuid replicas:[i32] isr:[i32] removingReplicas:[i32] addingReplicas:[i32] leader:i32 leaderRecoveryState@0:i8 leaderEpoch:i32 partitionEpoch:i32
3 PartitionRecord 1 ~ partitionId:i32 topicId:uuid replicas:[i32] isr:[i32] removingReplicas:[i32] addingReplicas:[i32] leader:i32 leaderRecoveryState@0:i8 leaderEpoch:i32 partitionEpoch:i32 directories:[uuid]
3 PartitionRecord 2 ~ partitionId:i32 topicId:uuid replicas:[i32] isr:[i32] removingReplicas:[i32] addingReplicas:[i32] leader:i32 leaderRecoveryState@0:i8 leaderEpoch:i32 partitionEpoch:i32 directories:[uuid] eligibleLeaderReplicas@1:[i32]? lastKnownElr@2:[i32]?
4 ConfigRecord 0 ~ resourceType:i8 resourceName:s name:s value:s?
5 PartitionChangeRecord 0 ~ partitionId:i32 topicId:uuid isr@0:[i32]? leader@1:i32 replicas@2:[i32]? removingReplicas@3:[i32]? addingReplicas@4:[i32]? leaderRecoveryState@5:i8
5 PartitionChangeRecord 1 ~ partitionId:i32 topicId:uuid isr@0:[i32]? leader@1:i32 replicas@2:[i32]? removingReplicas@3:[i32]? addingReplicas@4:[i32]? leaderRecoveryState@5:i8 directories@8:[uuid]?
5 PartitionChangeRecord 2 ~ partitionId:i32 topicId:uuid isr@0:[i32]? leader@1:i32 replicas@2:[i32]? removingReplicas@3:[i32]? addingReplicas@4:[i32]? leaderRecoveryState@5:i8 directories@8:[uuid]? eligibleLeaderReplicas@6:[i32]? lastKnownElr@7:[i32]?
7 FenceBrokerRecord 0 ~ id:i32 epoch:i64
8 UnfenceBrokerRecord 0 ~ id:i32 epoch:i64
9 RemoveTopicRecord 0 ~ topicId:uuid
10 DelegationTokenRecord 0 ~ owner:s requester:s renewers:[s] issueTimestamp:i64 maxTimestamp:i64 expirationTimestamp:i64 tokenId:s
11 UserScramCredentialRecord 0 ~ name:s mechanism:i8 salt:b storedKey:b serverKey:b iterations:i32
12 FeatureLevelRecord 0 ~ name:s featureLevel:i16
14 ClientQuotaRecord 0 ~ entity:[{entityType:s entityName:s?}] key:s value:f64 remove:bool
15 ProducerIdsRecord 0 ~ brokerId:i32 brokerEpoch:i64 nextProducerId:i64
17 BrokerRegistrationChangeRecord 0 ~ brokerId:i32 brokerEpoch:i64 fenced@0:i8
17 BrokerRegistrationChangeRecord 1 ~ brokerId:i32 brokerEpoch:i64 fenced@0:i8 inControlledShutdown@1:i8
17 BrokerRegistrationChangeRecord 2 ~ brokerId:i32 brokerEpoch:i64 fenced@0:i8 inControlledShutdown@1:i8 logDirs@2:[uuid]
17 BrokerRegistrationChangeRecord 3 ~ brokerId:i32 brokerEpoch:i64 fenced@0:i8 inControlledShutdown@1:i8 logDirs@2:[uuid] cordonedLogDirs@3:[uuid]?
18 AccessControlEntryRecord 0 ~ id:uuid resourceType:i8 resourceName:s patternType:i8 principal:s host:s operation:i8 permissionType:i8
19 RemoveAccessControlEntryRecord 0 ~ id:uuid
20 NoOpRecord 0 ~
21 ZkMigrationStateRecord 0 ~ zkMigrationState:i8
22 RemoveUserScramCredentialRecord 0 ~ name:s mechanism:i8
23 BeginTransactionRecord 0 ~ name@0:s?
24 EndTransactionRecord 0 ~
25 AbortTransactionRecord 0 ~ reason@0:s?
26 RemoveDelegationTokenRecord 0 ~ tokenId:s
27 RegisterControllerRecord 0 ~ controllerId:i32 incarnationId:uuid zkMigrationReady:bool endPoints:[{name:s host:s port:u16 securityProtocol:i16}] features:[{name:s minSupportedVersion:i16 maxSupportedVersion:i16}]
28 ClearElrRecord 0 ~ topicName:s
29 UnregisterControllerRecord 0 ~ controllerId:i32
`
