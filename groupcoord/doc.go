// Package groupcoord is the group coordinator: it answers the group and
// offset APIs for the groups whose partition of __consumer_offsets this
// broker leads.
//
// Service is what the broker's handlers call. Every partition led is a shard
// (package runtime) that owns one state machine (package group). The
// partition's log is the truth: a shard is loaded by reading it, and nothing
// is answered before the records it depends on are committed.
//
// Calls block the caller's goroutine until the answer is there or the context
// ends; the answer is never nil, and its Version is the request's. Requests may
// alias the connection's buffer: what outlives the call is copied.
package groupcoord
