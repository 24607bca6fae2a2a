package storage

import (
	"math"

	"github.com/sordini/sordini/protocol/batch"
)

// Durability says what an append has survived when DurableOffset covers it.
type Durability uint8

const (
	// DurabilityOS acknowledges from the page cache (Kafka's default): a crash of the process loses
	// nothing, a crash of the machine may lose the tail.
	DurabilityOS Durability = iota
	// DurabilityInterval is OS plus a sync at least every so many milliseconds.
	DurabilityInterval
	// DurabilityGroup waits for the next sync, which is shared by everything that waits at that moment.
	DurabilityGroup
	// DurabilityBatch syncs in every append, before it returns.
	DurabilityBatch
)

func (d Durability) String() string {
	switch d {
	case DurabilityOS:
		return "os"
	case DurabilityInterval:
		return "interval"
	case DurabilityGroup:
		return "group"
	case DurabilityBatch:
		return "batch"
	}
	return "unknown"
}

// LogConfig is the effective configuration of one log. Zero values of the sizes and times below mean
// Kafka's defaults only where WithDefaults says so; negative retention means without limit.
type LogConfig struct {
	SegmentBytes       int32
	SegmentMs          int64
	SegmentJitterMs    int64
	RetentionMs        int64 // negative: unlimited
	RetentionBytes     int64 // negative: unlimited
	Delete, Compact    bool
	DeleteRetentionMs  int64 // how long a tombstone outlives its compaction
	MinCompactionLagMs int64
	MaxCompactionLagMs int64
	MinCleanableRatio  float64
	IndexIntervalBytes int
	// SegmentIndexBytes is segment.index.bytes: a segment ends when Kafka's index of it would be so large, at 8 bytes an entry. 0:
	// Kafka's default.
	SegmentIndexBytes int32
	Preallocate       bool // reserve a whole segment at once; without, blocks are reserved in steps
	FileDeleteDelayMs int64
	Durability        Durability
	FlushMessages     int64 // sync inside Append after so many messages; 0 or MaxInt64: never
	FlushMs           int64 // sync at the latest after so many milliseconds; 0 or MaxInt64: never
	// ProducerIDExpirationMs is how long an idle producer's sequence numbers are remembered.
	ProducerIDExpirationMs int64
	// MaxMessageBytes is the largest batch a client may send. Reads accept larger ones, which came
	// in before the limit was lowered.
	MaxMessageBytes int
	// MaxDecompressedBytes bounds what a lookup by time or a compaction decompresses of one batch.
	MaxDecompressedBytes int
	// LogAppendTime: message.timestamp.type is LogAppendTime.
	LogAppendTime bool
	// Vital: a broker that cannot write this log cannot make room either. On a full disk it gets the directory's reserve.
	Vital bool
}

// Kafka's defaults, for the fields where zero cannot be meant.
const (
	defaultSegmentBytes           = 1 << 30
	defaultSegmentMs              = 7 * 24 * 3600 * 1000
	defaultIndexIntervalBytes     = 4096
	defaultSegmentIndexBytes      = 10 << 20
	defaultProducerIDExpirationMs = 24 * 3600 * 1000
	defaultMaxMessageBytes        = 1<<20 + 12
	defaultMaxDecompressedBytes   = batch.DefaultMaxDecompressedBytes
	minSegmentBytes               = 14
)

// DefaultLogConfig is Kafka's topic defaults with our durability.
func DefaultLogConfig() LogConfig {
	return LogConfig{
		RetentionMs: defaultSegmentMs, RetentionBytes: -1, Delete: true, DeleteRetentionMs: 24 * 3600 * 1000,
		MaxCompactionLagMs: math.MaxInt64, MinCleanableRatio: 0.5, FileDeleteDelayMs: 60_000,
		Durability: DurabilityGroup,
	}.withDefaults()
}

// maxSegmentMs is how old the active segment may grow. A compacted log closes it in time for max.compaction.lag.ms.
func (c *LogConfig) maxSegmentMs() int64 {
	if c.Compact {
		return min(c.SegmentMs, c.MaxCompactionLagMs)
	}
	return c.SegmentMs
}

func (c LogConfig) withDefaults() LogConfig {
	if c.SegmentBytes <= 0 {
		c.SegmentBytes = defaultSegmentBytes
	}
	c.SegmentBytes = max(c.SegmentBytes, minSegmentBytes)
	if c.SegmentMs <= 0 {
		c.SegmentMs = defaultSegmentMs
	}
	if c.IndexIntervalBytes <= 0 {
		c.IndexIntervalBytes = defaultIndexIntervalBytes
	}
	if c.SegmentIndexBytes <= 0 {
		c.SegmentIndexBytes = defaultSegmentIndexBytes
	}
	if c.ProducerIDExpirationMs <= 0 {
		c.ProducerIDExpirationMs = defaultProducerIDExpirationMs
	}
	if c.MaxMessageBytes <= 0 {
		c.MaxMessageBytes = defaultMaxMessageBytes
	}
	if c.MaxDecompressedBytes <= 0 {
		c.MaxDecompressedBytes = defaultMaxDecompressedBytes
	}
	if c.FlushMessages <= 0 {
		c.FlushMessages = math.MaxInt64
	}
	if c.FlushMs <= 0 {
		c.FlushMs = math.MaxInt64
	}
	if c.MaxCompactionLagMs <= 0 {
		c.MaxCompactionLagMs = math.MaxInt64
	}
	return c
}
