// Package runtime runs state machines on the partitions of an internal topic:
// one shard for each partition this broker leads.
//
// A shard is a mailbox and a machine. Its goroutine runs only while there is
// something to do, in turns: every event that has come is decided and applied,
// the records of the turn are appended together (but those of a producer's
// transaction are a batch of their own), and answers that depend on
// them are parked until the high watermark has passed the append. One timer per
// shard wakes it for the machine's deadlines, so an idle shard costs no
// goroutine and no wake-up.
//
// Loading is reading the log and applying every record; until that is done
// requests get COORDINATOR_LOAD_IN_PROGRESS. There is no way back from an
// append that failed except the log itself: the machine is thrown away, what
// waits is answered with NOT_COORDINATOR, and the shard loads again. Giving a
// partition up is the same without the loading.
//
// What always holds: one goroutine at a time touches a machine; an answer that
// depends on a record leaves after the record is committed; a call is answered
// once, or its context ends.
package runtime
