// Package config is the one list of everything that can be configured: every topic, broker, group and client-metrics
// config of Kafka by name, with type, default, permitted values, synonyms, whether it can be changed at run time,
// whether it has an effect in Sordini, and a sentence about it. Our own keys, which begin with "sordini.", stand beside them.
//
// The command line reads files and the environment into Layers and calls New; the broker takes its settings from
// Values.Broker and Topic; the DescribeConfigs and AlterConfigs handlers answer from Describe* and Validate*.
//
// What always holds: Values is immutable; a value that New accepted is valid, so that nobody further down parses or
// checks it again; milliseconds are int64 and are never turned into a time.Duration here, because clients send
// retention.ms=9223372036854775807; passwords never appear in an answer, a message or an error.
package config
