// Package decode turns records of internal topics into the text that Kafka's kafka-dump-log.sh prints for them: JSON for the records of
// __consumer_offsets, __transaction_state, __share_group_state and a KRaft __cluster_metadata, and Java's idea of bytes as text for all
// others. `sordini log dump` calls it.
//
// Kafka's records are described by message schemas; here these are tables of text (see schema.go for the notation), because kmsg has
// only the oldest few of them, and because JSON needs the fields' names and order and nothing else of a type.
//
// What must always hold: any bytes give text or an error, never a panic; nothing is allocated for a count that the bytes cannot hold.
package decode
