package replica

import (
	"github.com/sordini/sordini/broker/config"
	"github.com/sordini/sordini/storage"
)

// LogConfig translates a topic's configs into what the log needs. The logs of coordinators are never less durable than `group`.
func LogConfig(c *config.TopicConfig, internal bool, producerIDExpirationMs int64) storage.LogConfig {
	durability := durabilityOf(c.Durability)
	if internal && durability != storage.DurabilityBatch {
		durability = storage.DurabilityGroup
	}
	return storage.LogConfig{
		SegmentBytes: c.SegmentBytes, SegmentMs: c.SegmentMs, SegmentJitterMs: c.SegmentJitterMs,
		RetentionMs: c.RetentionMs, RetentionBytes: c.RetentionBytes,
		Delete: c.CleanupDelete, Compact: c.CleanupCompact,
		IndexIntervalBytes: int(c.IndexIntervalBytes), SegmentIndexBytes: c.SegmentIndexBytes, Preallocate: c.Preallocate,
		FileDeleteDelayMs: c.FileDeleteDelayMs,
		Durability:        durability, FlushMessages: c.FlushMessages, FlushMs: c.FlushMs,
		ProducerIDExpirationMs: producerIDExpirationMs, MaxMessageBytes: int(c.MaxMessageBytes),
		LogAppendTime:     c.MessageTimestampType == "LogAppendTime",
		DeleteRetentionMs: c.DeleteRetentionMs, MinCompactionLagMs: c.MinCompactionLagMs, MaxCompactionLagMs: c.MaxCompactionLagMs,
		MinCleanableRatio: c.MinCleanableDirtyRatio,
	}
}

func durabilityOf(name string) storage.Durability {
	switch name {
	case "os":
		return storage.DurabilityOS
	case "interval":
		return storage.DurabilityInterval
	case "batch":
		return storage.DurabilityBatch
	}
	return storage.DurabilityGroup
}
