package config

import (
	"fmt"
	"slices"
)

// TopicConfig holds all effective configs of one topic. Milliseconds and bytes are as clients send them: -1 means no limit, and
// the largest int64 means for ever; none of them may be turned into a time.Duration.
type TopicConfig struct {
	CleanupDelete  bool
	CleanupCompact bool

	RetentionMs    int64
	RetentionBytes int64

	SegmentBytes       int32
	SegmentMs          int64
	SegmentJitterMs    int64
	SegmentIndexBytes  int32
	IndexIntervalBytes int32
	Preallocate        bool
	FileDeleteDelayMs  int64

	MaxMessageBytes             int32
	MaxDecompressedMessageBytes int32
	MessageTimestampType        string // CreateTime or LogAppendTime
	TimestampBeforeMaxMs        int64
	TimestampAfterMaxMs         int64

	CompressionType      string // producer, uncompressed, gzip, snappy, lz4 or zstd
	CompressionGzipLevel int32
	CompressionLZ4Level  int32
	CompressionZstdLevel int32

	MinInsyncReplicas int32

	Durability    string // one of the Durability names
	FlushMessages int64
	FlushMs       int64

	DeleteRetentionMs      int64
	MinCompactionLagMs     int64
	MaxCompactionLagMs     int64
	MinCleanableDirtyRatio float64
}

// Topic works out the configs of a topic from what was set on it and from the broker's configs behind that. A stored value that is
// not valid (any more) counts as not set, so that a topic always opens.
func Topic(values *Values, overrides map[string]string) TopicConfig {
	t := topicReader{values: values, overrides: overrides}
	policy := t.read("cleanup.policy").list
	return TopicConfig{
		CleanupDelete:  slices.Contains(policy, "delete"),
		CleanupCompact: slices.Contains(policy, "compact"),

		RetentionMs:    max(t.read("retention.ms").number, -1),
		RetentionBytes: max(t.read("retention.bytes").number, -1),

		SegmentBytes:       t.int32("segment.bytes"),
		SegmentMs:          t.read("segment.ms").number,
		SegmentJitterMs:    t.read("segment.jitter.ms").number,
		SegmentIndexBytes:  t.int32("segment.index.bytes"),
		IndexIntervalBytes: t.int32("index.interval.bytes"),
		Preallocate:        t.read("preallocate").boolean,
		FileDeleteDelayMs:  t.read("file.delete.delay.ms").number,

		MaxMessageBytes:             t.int32("max.message.bytes"),
		MaxDecompressedMessageBytes: t.int32("max.decompressed.message.bytes"),
		MessageTimestampType:        t.read("message.timestamp.type").text,
		TimestampBeforeMaxMs:        t.read("message.timestamp.before.max.ms").number,
		TimestampAfterMaxMs:         t.read("message.timestamp.after.max.ms").number,

		CompressionType:      t.read("compression.type").text,
		CompressionGzipLevel: t.int32("compression.gzip.level"),
		CompressionLZ4Level:  t.int32("compression.lz4.level"),
		CompressionZstdLevel: t.int32("compression.zstd.level"),

		MinInsyncReplicas: t.int32("min.insync.replicas"),

		Durability:    t.read("sordini.durability").text,
		FlushMessages: t.read("flush.messages").number,
		FlushMs:       t.read("flush.ms").number,

		DeleteRetentionMs:      t.read("delete.retention.ms").number,
		MinCompactionLagMs:     t.read("min.compaction.lag.ms").number,
		MaxCompactionLagMs:     t.read("max.compaction.lag.ms").number,
		MinCleanableDirtyRatio: t.read("min.cleanable.dirty.ratio").double,
	}
}

type topicReader struct {
	values    *Values
	overrides map[string]string
}

func (t topicReader) int32(name string) int32 { return int32(t.read(name).number) }

func (t topicReader) read(name string) parsed {
	d := mustDefinition(TopicKind, name)
	if value, ok := t.overrides[name]; ok {
		if p, problem := d.validate(value); problem == "" {
			return p
		}
	}
	return t.values.behind(d)
}

// behind returns the value that a topic or group config has when it is not set: that of its broker synonyms, else its default.
func (v *Values) behind(d *Definition) parsed {
	if len(d.Synonyms) > 1 {
		n, _ := v.firstOf(d.Synonyms)
		return parsed{number: n}
	}
	if len(d.Synonyms) == 1 {
		if _, _, ok := v.lookup(d.Synonyms[0].Name); ok {
			return v.read(d.Synonyms[0].Name).as(d.Type)
		}
	}
	value, ok := d.DefaultValue()
	if !ok {
		return parsed{}
	}
	p, problem := parse(d.Type, value)
	if problem != "" {
		panic(fmt.Sprintf("config: the default %q of %s: %s", value, d.Name, problem))
	}
	return p
}

// as turns a list into the text of its first item where a broker config lists what a group config picks one of.
func (p parsed) as(t Type) parsed {
	if t == String && len(p.list) > 0 {
		return parsed{text: p.list[0]}
	}
	return p
}
