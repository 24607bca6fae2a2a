package quorum

import "errors"

// Entry is one entry of the metadata log. Entry i lies at offset i-1 of __cluster_metadata, as the one record of
// its batch, and Term is the batch's partition leader epoch.
type Entry struct {
	Index uint64
	Term  uint64
	Data  []byte // kind (1 byte), then what the kind says; opaque to the Log
}

// Log keeps entries on disk. The broker implements it on a storage.Log. A Node calls it from one goroutine at a
// time.
//
// What must hold: what Append returned nil for survives a crash of the machine; after a crash the log is a prefix of
// what was appended. An error is final: the Node stops and does not touch the log again. Only after an Append that failed with
// ENOSPC or EDQUOT it goes on: it truncates what was written in part, and appends again.
type Log interface {
	// FirstIndex is the index of the oldest entry that is kept, LastIndex()+1 if there is none.
	FirstIndex() uint64

	// LastIndex is the index of the newest entry; 0 in a log that never had one.
	LastIndex() uint64

	// Append writes entries, of which the first follows LastIndex, and makes them durable with one sync. The
	// log does not keep the slices.
	Append(entries []Entry) error

	// Entries returns entries from lo up to and without hi, at least one and further ones up to about
	// maxBytes of data. Both lie within FirstIndex and LastIndex+1. The caller owns the result.
	Entries(lo, hi uint64, maxBytes int) ([]Entry, error)

	// Term returns the term of an entry between FirstIndex and LastIndex.
	Term(index uint64) (uint64, error)

	// Truncate removes the entry at index and all after it, durably.
	Truncate(index uint64) error

	// Compact says that entries below index are in a checkpoint. The log may keep them longer.
	Compact(index uint64) error
}

// ErrCorrupt says that files of the quorum contradict themselves or each other. It is wrapped with the place.
var ErrCorrupt = errors.New("metadata is damaged")

// ErrNotLeader says that this node cannot take proposals.
var ErrNotLeader = errors.New("not the active controller")

// ErrDiskFull says that there is no room for the metadata. It is wrapped with the place.
var ErrDiskFull = errors.New("no room on the disk for metadata")
