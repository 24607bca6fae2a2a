// Package legacy owns the message formats 0 and 1, which clients before 0.11 speak. The log stores record batches only, so
// a Produce 0-2 is converted up before it is appended, and a Fetch 0-3 is converted down on its way out. The Produce and
// Fetch handlers call it. docs/formats/legacy-messages.md has the layout.
//
// What always holds:
//
//   - Input of any kind is converted or refused: it never panics. What is compressed is decompressed in pieces: memory follows
//     the limits and the largest single message, not the ratio.
//   - A batch that UpConvert returns is one that batch.Validate accepts.
//   - DownConvert cuts between messages only, and never exceeds the caller's limit: old clients have a fixed buffer.
//   - Key, value, offset order and, in format 1, timestamp of each record survive both ways. Headers and control batches
//     do not: the old formats cannot express them.
//
// The package is pure: no I/O, no clock, no goroutines, no locks.
package legacy
