// Package storage keeps partitions' logs in data directories.
//
// It owns everything under a data directory: one directory per partition with Kafka's names and Kafka's
// own record-batch bytes in segment files, and the index in .index, from which nothing is lost when it is
// deleted. broker/replica, controller/quorum (through the broker) and groupcoord (through the broker)
// call it. It validates nothing that batch.Validate has validated already, and decides nothing about
// replication: it appends, reads, recovers, and removes.
//
// What must always hold:
//
//   - The segment files are the truth. The index, producer snapshots, leader epochs and checkpoints can be
//     rebuilt from them, at the price of a scan.
//   - Grow: files first, then the index. Shrink: the index first, then files. So the index never claims
//     more than the files hold.
//   - Nothing below a recovery point is ever cut. Above it recovery checks every batch and cuts a torn tail.
//   - LogEndOffset rises only after the write returned; DurableOffset only after what the durability
//     policy demands. Neither ever falls, except in Truncate.
//   - A failed sync, or a failed write for another reason than a full disk, takes the whole directory
//     offline. It is not retried, because after a failed sync nobody knows what the page cache still holds.
//   - A segment's file stays open while a Slice of it is in use, whatever happens to the log meanwhile.
//
// Lock order: Log.mu, then the small leaf locks (syncer, background queue, file cache). No lock is
// held while a callback runs or while a file is synced, except where Truncate needs the log to stand still.
// The goroutines are two per directory: the syncer and the background worker. Dir.Close waits for both.
package storage
