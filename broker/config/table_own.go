package config

// The names of the durability policies, for sordini.durability.
const (
	DurabilityOS       = "os"
	DurabilityInterval = "interval"
	DurabilityGroup    = "group"
	DurabilityBatch    = "batch"
)

var durabilityPolicy = oneOf(DurabilityOS, DurabilityInterval, DurabilityGroup, DurabilityBatch)

// ownBrokerConfigs: Sordini's own broker configs. Every further one needs a good reason.
var ownBrokerConfigs = []Definition{
	{Name: "sordini.durability", Type: String, Default: DurabilityGroup, Check: durabilityPolicy, Mode: ClusterWide, Own: true,
		Doc: "When an acknowledged record is safe on disk: os leaves it to the operating system as Kafka does, interval syncs every sordini.durability.interval.ms or .bytes, group makes acks=all wait for the next sync that all writers share, batch syncs every append."},
	{Name: "sordini.durability.interval.bytes", Type: Long, Default: "16777216", Check: atLeast(1), Own: true,
		Doc: "How much may be written to a partition before the next sync under the durability policy interval."},
	{Name: "sordini.durability.interval.ms", Type: Long, Default: "1000", Check: between(1, 3600000), Own: true,
		Doc: "How long a record may wait for the next sync under the durability policy interval."},
	{Name: "sordini.fetch.conversion.memory.bytes", Type: Int, Default: "8388608", Check: between(65536, 1<<30), Own: true,
		Doc: "How many bytes of records a fetch of an old client (Fetch 0 to 3, message formats 0 and 1) is converted to at a time, and how much of a compressed batch is held meanwhile; what is over comes with the next fetch. Where max.message.bytes of a topic is larger, that counts."},
	{Name: "sordini.http.address", Type: String, Default: "127.0.0.1:9644", Check: hostPort, Own: true,
		Doc: "The address at which health, metrics and state are served over HTTP; empty serves none."},
	{Name: "sordini.log.scrub.bytes.per.second", Type: Long, Default: "4194304", Check: atLeast(1), Own: true,
		Doc: "How many bytes a second the scrub reads, in each data directory."},
	{Name: "sordini.log.scrub.enable", Type: Boolean, Default: "true", Own: true,
		Doc: "Whether stored records are read again from time to time and compared with their checksums, so that damage is found before somebody needs them."},
	{Name: "sordini.log.scrub.interval.ms", Type: Long, Default: "604800000", Check: atLeast(1), Own: true,
		Doc: "How long the scrub rests when it has read everything once. A pass that a stop interrupted goes on at the next start."},
}

// ownTopicConfigs: Sordini's own topic configs.
var ownTopicConfigs = []Definition{
	{Name: "sordini.durability", Type: String, Default: DurabilityGroup, Check: durabilityPolicy, Synonyms: from("sordini.durability"), Own: true,
		Doc: "When an acknowledged record of this topic is safe on disk: os, interval, group or batch."},
}
