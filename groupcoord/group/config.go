package group

// Config are the limits of the machine, by Kafka's broker configs.
type Config struct {
	MinSessionTimeoutMs     int32 // group.min.session.timeout.ms
	MaxSessionTimeoutMs     int32 // group.max.session.timeout.ms
	InitialRebalanceDelayMs int32 // group.initial.rebalance.delay.ms
	MaxSize                 int32 // group.max.size
	OffsetMetadataMaxBytes  int32 // offset.metadata.max.bytes
	OffsetsRetentionMs      int64 // offsets.retention.minutes
	OffsetsRetentionCheckMs int64 // offsets.retention.check.interval.ms
	MaxRecordBytes          int   // what one record may take: max.message.bytes of the topic, less the batch header
	NewMemberJoinTimeoutMs  int64 // how long a member without a known id may wait in JoinGroup before its session is checked
}

// DefaultConfig holds Kafka's defaults.
func DefaultConfig() Config {
	return Config{
		MinSessionTimeoutMs:     6_000,
		MaxSessionTimeoutMs:     1_800_000,
		InitialRebalanceDelayMs: 3_000,
		MaxSize:                 1<<31 - 1,
		OffsetMetadataMaxBytes:  4_096,
		OffsetsRetentionMs:      7 * 24 * 60 * 60 * 1000,
		OffsetsRetentionCheckMs: 600_000,
		MaxRecordBytes:          1_048_588 - 100,
		NewMemberJoinTimeoutMs:  300_000,
	}
}
