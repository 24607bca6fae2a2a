package config

import (
	"math"
	"testing"
)

func TestTopic(t *testing.T) {
	plain := Topic(mustNew(t), nil)
	if !plain.CleanupDelete || plain.CleanupCompact || plain.RetentionMs != 604800000 || plain.RetentionBytes != -1 || plain.SegmentBytes != 1<<30 ||
		plain.SegmentMs != 604800000 || plain.MaxMessageBytes != 1048588 || plain.MessageTimestampType != "CreateTime" || plain.TimestampAfterMaxMs != 3600000 ||
		plain.CompressionType != "producer" || plain.Durability != DurabilityGroup || plain.FlushMs != math.MaxInt64 || plain.MinInsyncReplicas != 1 || plain.MinCleanableDirtyRatio != 0.5 {
		t.Errorf("defaults: %+v", plain)
	}
	// Debezium and others send the largest number there is.
	forever := Topic(mustNew(t), map[string]string{"retention.ms": "9223372036854775807", "cleanup.policy": "compact,delete", "sordini.durability": "batch"})
	if forever.RetentionMs != math.MaxInt64 || !forever.CleanupCompact || !forever.CleanupDelete || forever.Durability != DurabilityBatch {
		t.Errorf("set: %+v", forever)
	}
	// A value that another version stored and this one does not understand must not keep the topic from opening.
	if odd := Topic(mustNew(t), map[string]string{"retention.ms": "soon", "unknown": "x"}); odd.RetentionMs != 604800000 {
		t.Errorf("not valid: %+v", odd)
	}
}

func TestTopicTakesFromBroker(t *testing.T) {
	for _, c := range []struct {
		set  Layer
		want func(TopicConfig) int64
		ms   int64
	}{
		{settings("log.retention.hours", "24"), func(c TopicConfig) int64 { return c.RetentionMs }, 24 * 3600000},
		{settings("log.retention.hours", "24", "log.retention.minutes", "5"), func(c TopicConfig) int64 { return c.RetentionMs }, 5 * 60000},
		{settings("log.retention.minutes", "5", "log.retention.ms", "7"), func(c TopicConfig) int64 { return c.RetentionMs }, 7},
		{settings("log.retention.hours", "-1"), func(c TopicConfig) int64 { return c.RetentionMs }, -1},
		{settings("log.retention.ms", "-5"), func(c TopicConfig) int64 { return c.RetentionMs }, -1},
		{settings("log.retention.hours", "2147483647"), func(c TopicConfig) int64 { return c.RetentionMs }, 2147483647 * 3600000},
		{settings("log.roll.hours", "2"), func(c TopicConfig) int64 { return c.SegmentMs }, 2 * 3600000},
		{settings("log.roll.ms", "3", "log.roll.hours", "2"), func(c TopicConfig) int64 { return c.SegmentMs }, 3},
		{settings("log.roll.jitter.hours", "1"), func(c TopicConfig) int64 { return c.SegmentJitterMs }, 3600000},
		{settings("log.flush.scheduler.interval.ms", "9"), func(c TopicConfig) int64 { return c.FlushMs }, 9},
		{settings("log.flush.scheduler.interval.ms", "9", "log.flush.interval.ms", "8"), func(c TopicConfig) int64 { return c.FlushMs }, 8},
		{settings("message.max.bytes", "5"), func(c TopicConfig) int64 { return int64(c.MaxMessageBytes) }, 5},
	} {
		if got := c.want(Topic(mustNew(t, c.set), nil)); got != c.ms {
			t.Errorf("%v: got %d, want %d", c.set, got, c.ms)
		}
	}
	os := mustNew(t, settings("sordini.durability", "os"))
	if got := Topic(os, nil).Durability; got != DurabilityOS {
		t.Errorf("durability of the broker: %s", got)
	}
}

func TestSaturatingMul(t *testing.T) {
	for _, c := range []struct{ n, unit, want int64 }{{2, 3, 6}, {0, 5, 0}, {-1, hourMs, -hourMs}, {math.MaxInt64, 2, math.MaxInt64}, {math.MinInt64, 2, math.MinInt64}, {math.MaxInt64 / 2, 3, math.MaxInt64}} {
		if got := saturatingMul(c.n, c.unit); got != c.want {
			t.Errorf("%d*%d: got %d, want %d", c.n, c.unit, got, c.want)
		}
	}
}
