// Package importdir makes a data directory out of the log directories of an Apache Kafka node, which must not run meanwhile.
//
// The command import-dir calls Run. The source is only read. Segments that Kafka has closed are shared with the source where the file system can
// do that without one seeing changes of the other, or linked, for neither side ever changes a closed segment; the last segment of each
// partition is shared or copied, never linked, because it will be written to. Topics, their ids and configs, and the next producer id come
// from Kafka's metadata log; group offsets come with the partitions of __consumer_offsets, for its records are Kafka's.
//
// What must always hold: the destination appears whole, under its name, or not at all; nothing of the source changes; what cannot come
// along is named.
package importdir
