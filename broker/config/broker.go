package config

import (
	"slices"
	"strconv"
)

// Broker holds the broker configs that have an effect, under Kafka's names. Defaults of topic configs are not here: see Topic.
type Broker struct {
	NodeID      int32
	Rack        string // "" when there is none
	ClusterID   string // the id that was asked for, or ""
	Listeners   []Listener
	LogDirs     []string // at least one
	HTTPAddress string   // "" serves none

	Sockets      Sockets
	Topics       TopicDefaults
	Logs         Logs
	Groups       Groups
	Transactions Transactions
}

// Sockets are the limits of connections, requests and fetches.
type Sockets struct {
	ConnectionsMaxIdleMs    int64
	MaxConnections          int32
	MaxConnectionsPerIP     int32
	MaxConnectionsOverrides map[string]int32 // by address
	RequestMaxBytes         int32
	QueuedMaxRequestBytes   int64 // -1 leaves it to the broker
	FetchMaxBytes           int32
	FetchConversionBytes    int32 // sordini.fetch.conversion.memory.bytes
	FetchSessionCacheSlots  int32
	DescribeMaxPartitions   int32 // max.request.partition.size.limit
}

// TopicDefaults is what a new topic gets when its creator does not say.
type TopicDefaults struct {
	AutoCreate        bool
	DeleteEnable      bool
	NumPartitions     int32
	ReplicationFactor int16
}

// Logs is how the broker looks after its logs.
type Logs struct {
	DurabilityIntervalMs           int64
	DurabilityIntervalBytes        int64
	RetentionCheckIntervalMs       int64
	FlushCheckpointIntervalMs      int64 // log.flush.offset.checkpoint.interval.ms
	StartOffsetCheckpointMs        int64 // log.flush.start.offset.checkpoint.interval.ms
	RecoveryThreads                int32
	ProducerIDExpirationMs         int64
	ProducerIDExpirationIntervalMs int64
	CleanerEnable                  bool
	CleanerThreads                 int32
	CleanerBackoffMs               int64
	CleanerDedupeBufferBytes       int64
	CleanerIOMaxBytesPerSecond     float64
	ScrubEnable                    bool
	ScrubBytesPerSecond            int64
	ScrubIntervalMs                int64
}

// Groups is how the group coordinator works.
type Groups struct {
	MinSessionTimeoutMs      int32
	MaxSessionTimeoutMs      int32
	InitialRebalanceDelayMs  int32
	MaxSize                  int32
	OffsetMetadataMaxBytes   int32
	OffsetsRetentionMs       int64
	OffsetsCheckIntervalMs   int64
	OffsetsPartitions        int32
	OffsetsReplicationFactor int16
	OffsetsTopicSegmentBytes int32
}

// Transactions is how the transaction coordinator works.
type Transactions struct {
	MaxTimeoutMs              int32
	IDExpirationMs            int64
	AbortTimedOutIntervalMs   int64
	RemoveExpiredIDIntervalMs int64
	VerifyPartitions          bool // transaction.partition.verification.enable
	AddRetryMs                int64
	AddRetryMaxMs             int64
	StatePartitions           int32
	StateReplicationFactor    int16
	StateMinISR               int32
	StateSegmentBytes         int32
}

// resolve fills Broker from what was set, and checks what concerns several keys at once.
func (v *Values) resolve(o Options) ([]Warning, Problems) {
	check := &checker{values: v}
	v.Broker = Broker{
		NodeID:      v.int32("node.id"),
		Rack:        v.text("broker.rack"),
		ClusterID:   o.ClusterID,
		HTTPAddress: v.text("sordini.http.address"),
		Sockets: Sockets{
			ConnectionsMaxIdleMs:    v.timerMs("connections.max.idle.ms"),
			MaxConnections:          v.int32("max.connections"),
			MaxConnectionsPerIP:     v.int32("max.connections.per.ip"),
			MaxConnectionsOverrides: check.overrides("max.connections.per.ip.overrides"),
			RequestMaxBytes:         v.int32("socket.request.max.bytes"),
			QueuedMaxRequestBytes:   v.number("queued.max.request.bytes"),
			FetchMaxBytes:           v.int32("fetch.max.bytes"),
			FetchConversionBytes:    v.int32("sordini.fetch.conversion.memory.bytes"),
			FetchSessionCacheSlots:  v.int32("max.incremental.fetch.session.cache.slots"),
			DescribeMaxPartitions:   v.int32("max.request.partition.size.limit"),
		},
		Topics: TopicDefaults{
			AutoCreate:        v.boolean("auto.create.topics.enable"),
			DeleteEnable:      v.boolean("delete.topic.enable"),
			NumPartitions:     v.int32("num.partitions"),
			ReplicationFactor: int16(v.number("default.replication.factor")),
		},
		Logs: Logs{
			DurabilityIntervalMs:           v.timerMs("sordini.durability.interval.ms"),
			DurabilityIntervalBytes:        v.number("sordini.durability.interval.bytes"),
			RetentionCheckIntervalMs:       v.timerMs("log.retention.check.interval.ms"),
			FlushCheckpointIntervalMs:      v.timerMs("log.flush.offset.checkpoint.interval.ms"),
			StartOffsetCheckpointMs:        v.timerMs("log.flush.start.offset.checkpoint.interval.ms"),
			RecoveryThreads:                v.int32("num.recovery.threads.per.data.dir"),
			ProducerIDExpirationMs:         v.number("producer.id.expiration.ms"),
			ProducerIDExpirationIntervalMs: v.timerMs("producer.id.expiration.check.interval.ms"),
			CleanerEnable:                  v.boolean("log.cleaner.enable"),
			CleanerThreads:                 v.int32("log.cleaner.threads"),
			CleanerBackoffMs:               v.timerMs("log.cleaner.backoff.ms"),
			CleanerDedupeBufferBytes:       v.number("log.cleaner.dedupe.buffer.size"),
			CleanerIOMaxBytesPerSecond:     v.read("log.cleaner.io.max.bytes.per.second").double,
			ScrubEnable:                    v.boolean("sordini.log.scrub.enable"),
			ScrubBytesPerSecond:            v.number("sordini.log.scrub.bytes.per.second"),
			ScrubIntervalMs:                v.timerMs("sordini.log.scrub.interval.ms"),
		},
		Groups: Groups{
			MinSessionTimeoutMs:      v.int32("group.min.session.timeout.ms"),
			MaxSessionTimeoutMs:      v.int32("group.max.session.timeout.ms"),
			InitialRebalanceDelayMs:  v.int32("group.initial.rebalance.delay.ms"),
			MaxSize:                  v.int32("group.max.size"),
			OffsetMetadataMaxBytes:   v.int32("offset.metadata.max.bytes"),
			OffsetsRetentionMs:       saturatingMul(v.number("offsets.retention.minutes"), minuteMs),
			OffsetsCheckIntervalMs:   v.timerMs("offsets.retention.check.interval.ms"),
			OffsetsPartitions:        v.int32("offsets.topic.num.partitions"),
			OffsetsReplicationFactor: int16(v.number("offsets.topic.replication.factor")),
			OffsetsTopicSegmentBytes: v.int32("offsets.topic.segment.bytes"),
		},
		Transactions: Transactions{
			MaxTimeoutMs:              v.int32("transaction.max.timeout.ms"),
			IDExpirationMs:            v.number("transactional.id.expiration.ms"),
			AbortTimedOutIntervalMs:   v.timerMs("transaction.abort.timed.out.transaction.cleanup.interval.ms"),
			RemoveExpiredIDIntervalMs: v.timerMs("transaction.remove.expired.transaction.cleanup.interval.ms"),
			VerifyPartitions:          v.boolean("transaction.partition.verification.enable"),
			AddRetryMs:                v.timerMs("add.partitions.to.txn.retry.backoff.ms"),
			AddRetryMaxMs:             v.timerMs("add.partitions.to.txn.retry.backoff.max.ms"),
			StatePartitions:           v.int32("transaction.state.log.num.partitions"),
			StateReplicationFactor:    int16(v.number("transaction.state.log.replication.factor")),
			StateMinISR:               v.int32("transaction.state.log.min.isr"),
			StateSegmentBytes:         v.int32("transaction.state.log.segment.bytes"),
		},
	}
	v.Broker.LogDirs = check.logDirs()
	v.Broker.Listeners = check.listeners()
	check.node()
	check.protection()
	check.ranges()
	return check.warnings, check.problems
}

// maxTimerMs is the longest time that anything waits: ten years. It fits into a time.Duration, which a client's "for ever" does not.
const maxTimerMs = 10 * 365 * 24 * hourMs

// timerMs returns a time that somebody will really wait for.
func (v *Values) timerMs(name string) int64 { return min(v.number(name), maxTimerMs) }

// checker collects what is wrong with keys that are each valid by themselves.
type checker struct {
	values   *Values
	warnings []Warning
	problems Problems
}

// fail notes that a key has a value with which the broker must not start.
func (c *checker) fail(key, problem string) {
	value, _, _ := c.values.lookup(key)
	origin, _ := c.values.Origin(key)
	c.problems = append(c.problems, &ValueError{Key: key, Value: value, Origin: origin, Problem: problem})
}

func (c *checker) notice(key, text string) {
	origin, _ := c.values.Origin(key)
	c.warnings = append(c.warnings, Warning{Kind: WarnNotice, Key: key, Origin: origin, Text: text})
}

func (c *checker) logDirs() []string {
	key, dirs := "log.dirs", c.values.list("log.dirs")
	if !c.values.has(key) || len(dirs) == 0 {
		key, dirs = "log.dir", c.values.list("log.dir")
	}
	if len(dirs) == 0 {
		c.fail(key, "there is no data directory; name one with log.dirs or --data")
	}
	for i, dir := range dirs {
		switch {
		case dir == "":
			c.fail(key, "one of the data directories has no name; look for a comma too many")
			return nil
		case slices.Contains(dirs[:i], dir):
			c.fail(key, dir+" is named twice; name each directory once")
			return nil
		}
	}
	return dirs
}

// ranges checks bounds that depend on another key.
func (c *checker) ranges() {
	v := c.values
	if v.number("group.min.session.timeout.ms") > v.number("group.max.session.timeout.ms") {
		c.fail("group.max.session.timeout.ms", "it is below group.min.session.timeout.ms="+strconv.FormatInt(v.number("group.min.session.timeout.ms"), 10)+"; raise it or lower the other")
	}
	for _, family := range [][]Synonym{retentionTime, rollTime} {
		for _, s := range family {
			if !v.has(s.Name) {
				continue
			}
			if n := v.number(s.Name); n == 0 || n < 0 && family[0] == rollTime[0] {
				c.fail(s.Name, "it must be at least 1, or unlimited (-1) for retention")
			}
			break
		}
	}
}

// overrides parses address:count pairs; an IPv6 address may contain colons itself.
func (c *checker) overrides(key string) map[string]int32 {
	limits := map[string]int32{}
	for _, item := range splitList(c.values.text(key)) {
		host, count, err := splitLastColon(item)
		if err != nil {
			c.fail(key, strconv.Quote(item)+" is not of the form address:count")
			return nil
		}
		limits[host] = count
	}
	return limits
}
