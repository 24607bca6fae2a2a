package replica

import (
	"testing"

	"github.com/sordini/sordini/broker/config"
	"github.com/sordini/sordini/storage"
)

// TestTopicConfigsReachTheLog sets each config that the log looks at to a value of its own.
func TestTopicConfigsReachTheLog(t *testing.T) {
	values, _, err := config.New(config.Options{DataDir: "/data"})
	if err != nil {
		t.Fatal(err)
	}
	topic := config.Topic(values, map[string]string{
		"segment.bytes": "2000000", "segment.ms": "11", "segment.jitter.ms": "12", "segment.index.bytes": "13000", "index.interval.bytes": "14",
		"preallocate": "true", "retention.ms": "15", "retention.bytes": "16", "cleanup.policy": "compact,delete", "delete.retention.ms": "17",
		"min.compaction.lag.ms": "18", "max.compaction.lag.ms": "19", "min.cleanable.dirty.ratio": "0.25", "file.delete.delay.ms": "20",
		"flush.messages": "21", "flush.ms": "22", "max.message.bytes": "23", "message.timestamp.type": "LogAppendTime", "sordini.durability": "interval",
	})
	want := storage.LogConfig{
		SegmentBytes: 2000000, SegmentMs: 11, SegmentJitterMs: 12, SegmentIndexBytes: 13000, IndexIntervalBytes: 14,
		Preallocate: true, RetentionMs: 15, RetentionBytes: 16, Delete: true, Compact: true, DeleteRetentionMs: 17,
		MinCompactionLagMs: 18, MaxCompactionLagMs: 19, MinCleanableRatio: 0.25, FileDeleteDelayMs: 20,
		FlushMessages: 21, FlushMs: 22, MaxMessageBytes: 23, LogAppendTime: true, Durability: storage.DurabilityInterval,
		ProducerIDExpirationMs: 24,
	}
	if got := LogConfig(&topic, false, 24); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	// A coordinator's answers are only given when they are safe.
	if got := LogConfig(&topic, true, 24); got.Durability != storage.DurabilityGroup {
		t.Errorf("an internal topic is %s", got.Durability)
	}
}
