// Package importdir imports data directories that real, released Kafkas have written, and compares what Sordini serves with what Kafka served.
package importdir
