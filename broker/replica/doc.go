// Package replica holds the partitions that this broker serves.
//
// It owns the way from a partition's name to its log, the high watermark, and the waiters that long polls and acks=all producers
// sleep on. The Manager is the first publisher of the metadata image: a partition is open here before any client sees a leader for it.
//
// broker/api calls Append and Read; the controller's loop calls Publish; storage calls back when a log becomes durable. What must always
// hold: the high watermark never goes back while a partition is open, it never passes what the log's durability policy has made safe, and
// nobody is called, waited for or written to with one of this package's locks held.
package replica
