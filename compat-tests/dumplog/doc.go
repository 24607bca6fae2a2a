// Package dumplog holds what `sordini log dump` prints against what Apache Kafka's own DumpLogSegments prints, for the same files: of released
// Kafkas, of Sordini, and of Kafka's record classes, which still write message formats 0 and 1.
package dumplog
