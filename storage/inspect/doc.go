// Package inspect reads log directories and segment files from outside: without a running broker, without the index, and without
// changing anything. The commands `sordini log dump`, `log verify` and `log stat` call it.
//
// It knows our directories and Apache Kafka's, message formats 0, 1 and 2, and what damage looks like: a Scanner goes over one
// segment and returns batches and damaged places alike, and finds the next good batch behind damage.
//
// What must always hold:
//
//   - Files are opened for reading only. No lock is kept; Running asks who holds a directory, and the tail of a
//     directory that is in use may be in the middle of a write.
//   - Bytes of any kind are described, never believed: nothing panics, and no buffer grows from a length before it was
//     compared with the size of the file and with a limit.
//   - Memory is bounded by Limits, however large the files are. A batch beyond the limit has its checksum computed
//     piece by piece, and its records are not looked at.
//   - Reading ends: the search for the next batch behind damage has a budget that is a small multiple of the file's size.
//
// Package decode, below, turns the records of internal topics into text.
package inspect
