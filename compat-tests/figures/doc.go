// Package figures measures what a whole broker needs in situations that the storage is built for: a start with many partitions, a start after a
// kill, the group commit, and the scrub beside producers.
//
// It owns benchmarks only, each with the released binary in a process of its own; `go test ./...` runs none of them. README.md says how to run them
// and what came out.
package figures
