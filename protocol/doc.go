// Package protocol owns what stands around a Kafka message on the wire: request and response headers, the checks that a
// request body must pass before anything is allocated for it, and the hand-written encoders and views of the two APIs
// that move records, Produce and Fetch. The broker's connections call it; everything else is encoded and decoded by kmsg.
//
// What always holds:
//
//   - No input panics, and no length read from the wire is trusted before it was compared with the bytes that are there.
//   - A body that CheckShape accepted is decoded by kmsg with memory in proportion to the body.
//   - The encoders are byte-identical to kmsg's, for every version, and allocate nothing when dst is large enough.
//   - Nothing here keeps a reference to a buffer after the call; views say which of their fields alias the frame.
//
// The package is pure: no I/O, no clock, no goroutines.
package protocol
