package config

// The reasons why a known config does nothing. Each finishes the sentence "KEY has no effect: ...".
const (
	allFormats      = "every message format and protocol version is always served, and batches are always converted for old clients"
	autoTuned       = "the system sizes the buffers of each connection by itself, and better than a fixed size does"
	classicGroups   = "only the classic group protocol is supported so far"
	noAuthorizer    = "access control is not supported yet"
	noJVM           = "this is not a Java program; metrics are served at sordini.http.address"
	noPerListener   = "nothing is set per listener yet, and there is neither TLS nor SASL"
	noPlugins       = "Java classes cannot be loaded"
	noPools         = "requests run on the goroutine of their connection, so there are no thread pools or queues to size"
	noPurgatory     = "waiting requests are woken directly, there is no purgatory to clear"
	noQuotas        = "quotas are not supported yet"
	noRate          = "the rate of new connections is not limited"
	noSASL          = "SASL is not supported yet"
	noShareGroups   = "share groups are not supported"
	noStreamsGroups = "streams groups are not supported"
	noTLS           = "TLS is not supported yet"
	noTelemetry     = "metrics that clients push are not collected"
	noTiering       = "there is no tiered storage"
	noTokens        = "delegation tokens are not supported"
	noTwoPhase      = "two-phase commit with other systems is not supported"
	noUnstable      = "only final versions are offered"
	noZooKeeper     = "there is no ZooKeeper, metadata is kept by the broker itself"
	notDescribed    = "it bounds DescribeTopicPartitions, which is not served yet"
	oneDirectory    = "partitions stay in the data directory in which they were made"
	oneNode         = "one broker is the whole cluster so far"
	ownCoordinator  = "the group coordinator writes and loads in its own way"
	ownEngine       = "the storage engine has no such part"
	ownMetadataLog  = "the metadata log looks after itself"
	splitKeys       = "message.timestamp.before.max.ms and message.timestamp.after.max.ms took its place"
	withRetention   = "it is done whenever retention is, see log.retention.check.interval.ms"
)

const (
	hourMs   = 3600 * 1000
	minuteMs = 60 * 1000
)

// The quantities that Kafka has under several names, the most exact first: the first one that is set wins.
var (
	retentionTime = []Synonym{{"log.retention.ms", 1}, {"log.retention.minutes", minuteMs}, {"log.retention.hours", hourMs}}
	rollTime      = []Synonym{{"log.roll.ms", 1}, {"log.roll.hours", hourMs}}
	rollJitter    = []Synonym{{"log.roll.jitter.ms", 1}, {"log.roll.jitter.hours", hourMs}}
	flushTime     = []Synonym{{"log.flush.interval.ms", 1}, {"log.flush.scheduler.interval.ms", 1}}
)

func from(name string) []Synonym { return []Synonym{{name, 1}} }
