package config

import (
	"testing"
)

func TestValidateTopicInKafkasWords(t *testing.T) {
	longMax, tooLong := "9223372036854775807", "9223372036854775808"
	for _, c := range []struct{ name, value, want string }{
		{"retention.ms", longMax, ""},
		{"retention.ms", "abc", "Invalid value abc for configuration retention.ms: Not a number of type LONG"},
		{"retention.ms", "-2", "Invalid value -2 for configuration retention.ms: Value must be at least -1"},
		{"retention.ms", "", "Invalid value  for configuration retention.ms: Not a number of type LONG"},
		{"retention.ms", tooLong, "Invalid value 9223372036854775808 for configuration retention.ms: Not a number of type LONG"},
		{"retention.ms", " 5 ", ""},
		{"nope.key", "1", "Unknown topic config name: nope.key"},
		{"cleanup.policy", "foo", "Invalid value foo for configuration cleanup.policy: String must be one of: compact, delete"},
		{"cleanup.policy", "delete,foo", "Invalid value foo for configuration cleanup.policy: String must be one of: compact, delete"},
		{"cleanup.policy", "", ""},
		{"cleanup.policy", "delete,delete", ""},
		{"cleanup.policy", " compact , delete ", ""},
		{"cleanup.policy", "Delete", "Invalid value Delete for configuration cleanup.policy: String must be one of: compact, delete"},
		{"compression.type", "zip", "Invalid value zip for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer"},
		{"compression.gzip.level", "-1", ""},
		{"compression.gzip.level", "0", "Invalid value 0 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1"},
		{"compression.gzip.level", "10", "Invalid value 10 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1"},
		{"compression.zstd.level", "-131072", ""},
		{"compression.zstd.level", "23", "Invalid value 23 for configuration compression.zstd.level: Value must be no more than 22"},
		{"compression.lz4.level", "18", "Invalid value 18 for configuration compression.lz4.level: Value must be no more than 17"},
		{"min.insync.replicas", "0", "Invalid value 0 for configuration min.insync.replicas: Value must be at least 1"},
		{"min.cleanable.dirty.ratio", "1.5", "Invalid value 1.5 for configuration min.cleanable.dirty.ratio: Value must be no more than 1"},
		{"min.cleanable.dirty.ratio", "x", "Invalid value x for configuration min.cleanable.dirty.ratio: Not a number of type DOUBLE"},
		{"preallocate", "maybe", "Invalid value maybe for configuration preallocate: Expected value to be either true or false"},
		{"preallocate", "TRUE", ""},
		{"message.timestamp.type", "Foo", "Invalid value Foo for configuration message.timestamp.type: String must be one of: CreateTime, LogAppendTime"},
		{"segment.bytes", "14", "Invalid value 14 for configuration segment.bytes: Value must be at least 1048576"},
		{"segment.bytes", "3000000000", "Invalid value 3000000000 for configuration segment.bytes: Not a number of type INT"},
		{"segment.ms", "0", "Invalid value 0 for configuration segment.ms: Value must be at least 1"},
		{"max.message.bytes", "-1", "Invalid value -1 for configuration max.message.bytes: Value must be at least 0"},
		{"leader.replication.throttled.replicas", "0:1,x", "Invalid value [0:1, x] for configuration leader.replication.throttled.replicas: leader.replication.throttled.replicas must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],..."},
		{"leader.replication.throttled.replicas", "*", ""},
		{"leader.replication.throttled.replicas", "0:1,1:2", ""},
		{"remote.storage.enable", "true", "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage."},
		{"remote.storage.enable", "false", ""},
		{"local.retention.ms", "-3", "Invalid value -3 for configuration local.retention.ms: Value must be at least -2"},
		{"segment.index.bytes", "3", "Invalid value 3 for configuration segment.index.bytes: Value must be at least 4"},
		{"flush.messages", "0", "Invalid value 0 for configuration flush.messages: Value must be at least 1"},
		{"flush.ms", "-1", "Invalid value -1 for configuration flush.ms: Value must be at least 0"},
		{"max.decompressed.message.bytes", "0", "Invalid value 0 for configuration max.decompressed.message.bytes: Value must be at least 1"},
		{"remote.copy.lag.ms", "-3", "Invalid value -3 for configuration remote.copy.lag.ms: Value must be at least -1"},
		{"internal.segment.bytes", "100", ""},
		// Kafka 4 does not know the following ones any more; tools written for older releases send them.
		{"message.format.version", "2.0", ""},
		{"message.downconversion.enable", "true", ""},
		{"message.timestamp.difference.max.ms", "5", ""},
		// Our own.
		{"sordini.durability", "group", ""},
		{"sordini.durability", "never", "Invalid value never for configuration sordini.durability: String must be one of: os, interval, group, batch"},
	} {
		checkRefusal(t, c.name+"="+c.value, ValidateTopic(map[string]string{c.name: c.value}), c.want)
	}
	checkRefusal(t, "lags", ValidateTopic(map[string]string{"min.compaction.lag.ms": "10", "max.compaction.lag.ms": "5"}),
		"conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)")
	checkRefusal(t, "unknown first", ValidateTopic(map[string]string{"cleanup.policy": "foo", "zzz": "1"}), "Unknown topic config name: zzz")
}

func checkRefusal(t *testing.T, what string, err error, want string) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("%s:\ngot  %q\nwant %q", what, got, want)
	}
}

// A configuration that Kafka describes can be sent back to it unchanged; Terraform and MirrorMaker do that.
func TestDescribedTopicCanBeSetAgain(t *testing.T) {
	v := mustNew(t)
	again := map[string]string{}
	for _, e := range DescribeTopic(v, map[string]string{"sordini.durability": "os", "message.format.version": "3.0-IV1"}, Describe{}) {
		again[e.Name] = text(e.Value)
	}
	if err := ValidateTopic(again); err != nil {
		t.Error(err)
	}
}

func TestValidateBroker(t *testing.T) {
	for _, c := range []struct {
		all               bool
		name, value, want string
	}{
		{false, "compression.type", "zstd", ""},
		{true, "log.retention.ms", "123456", ""},
		{false, "num.partitions", "5", "Cannot update these configs dynamically: [num.partitions]"},
		{true, "ssl.keystore.type", "PEM", "These security configs can be dynamically updated only per-listener using the listener prefix: [ssl.keystore.type]"},
		{false, "nope.key", "5", ""},
		{false, "log.retention.bytes", "x", "Invalid value x for configuration log.retention.bytes: Not a number of type LONG"},
		{true, "listeners", "x", "Cannot update these configs at default cluster level, broker id must be specified: [listeners]"},
		{false, "listeners", "PLAINTEXT://:1", "listeners cannot be changed while this broker runs; change its configuration and start it again"},
		{false, "listener.name.a.ssl.client.auth", "required", "listener.name.a.ssl.client.auth cannot be set: nothing is set per listener yet, and there is neither TLS nor SASL"},
		{false, "log.retention.ms", "0", "Invalid value 0 for configuration log.retention.ms: it must be at least 1, or unlimited (-1) for retention"},
		{true, "max.connections.per.ip.overrides", "x", `Invalid value x for configuration max.connections.per.ip.overrides: "x" is not of the form address:count`},
	} {
		checkRefusal(t, c.name, ValidateBroker(mustNew(t), c.all, map[string]string{c.name: c.value}), c.want)
	}
}

func TestValidateGroupAndClientMetrics(t *testing.T) {
	v := mustNew(t)
	for _, c := range []struct{ name, value, want string }{
		{"consumer.session.timeout.ms", "51000", ""},
		{"consumer.session.timeout.ms", "1", "consumer.session.timeout.ms must be in the range 45000 to 60000 inclusive."},
		{"nope", "1", "Unknown group config name: nope"},
		{"share.auto.offset.reset", "foo", "Invalid value foo for configuration share.auto.offset.reset: Invalid value `foo` for configuration share.auto.offset.reset. The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'."},
		{"share.auto.offset.reset", "by_duration:PT1H", ""},
	} {
		checkRefusal(t, c.name, ValidateGroup(v, map[string]string{c.name: c.value}), c.want)
	}
	for _, c := range []struct{ name, value, want string }{
		{"interval.ms", "60000", ""},
		{"interval.ms", "1", "Invalid value 1 for interval.ms, interval must be between 100 and 3600000 (1 hour)"},
		{"match", "foo=bar", "Illegal client matching pattern: foo=bar"},
		{"match", "client_id=a.*", ""},
		{"nope", "1", "Unknown client metrics configuration: nope"},
	} {
		checkRefusal(t, c.name, ValidateClientMetrics(map[string]string{c.name: c.value}), c.want)
	}
}
