package runtime

// PartitionLog is the log of one coordinator partition, at one leader epoch.
type PartitionLog interface {
	// Append writes one encoded v2 batch; it is not yet committed when the
	// call returns. It returns the log end offset after the batch. Nothing is
	// written, and the log is as before, if the error is
	// INVALID_PRODUCER_EPOCH or TRANSACTION_COORDINATOR_FENCED: the log knows a newer
	// epoch of the producer than that of a transactional batch, or of the coordinator
	// than that of a marker.
	Append(nowMs int64, batch []byte) (endOffset int64, err error)

	// HighWatermark is the offset below which everything is committed.
	HighWatermark() int64

	// OnHighWatermark sets the function that is called, without any lock that
	// Append needs, whenever the high watermark rises. Called once, before the
	// first Append; fn does not block.
	OnHighWatermark(fn func(highWatermark int64))

	LogStartOffset() int64
	LogEndOffset() int64

	// ReadBatches returns whole batches that follow offset, up to the log end
	// offset: at least one if there is one, otherwise at most maxBytes.
	ReadBatches(offset int64, maxBytes int) ([]byte, error)
}
