// Package batch owns Kafka's record batch, message format 2, as the bytes it is: a view that reads and patches the header
// in place, the check of what a producer sent, two readers of its records (Reader holds a batch, Scanner a record), a builder,
// and the change of its compression. The Produce and Fetch handlers, the log, the coordinators and package legacy call it.
// docs/formats/record-batch.md has the layout.
//
// What always holds:
//
//   - A Batch is exactly one batch with a whole header: its getters cannot go out of bounds. Next and Validate are the
//     only ways to make one from foreign bytes.
//   - Bytes from a client or a disk never panic, and no length in them is trusted before it was compared with what is there.
//   - Record bytes are neither decoded nor copied unless somebody asks for records. Validate allocates nothing for a good
//     uncompressed batch, and takes bounded memory for a compressed one whatever its ratio.
//   - A batch that Validate accepted decodes in every client: the count, the deltas and the sizes agree, and so does the CRC, and
//     the compression is one that Java's consumers read.
//
// The package is pure: no I/O, no clock, no goroutines, no locks.
package batch
