package txn

// Config are the limits of the machine, by Kafka's broker configs.
type Config struct {
	MaxTimeoutMs              int32 // transaction.max.timeout.ms
	IDExpirationMs            int64 // transactional.id.expiration.ms
	AbortTimedOutIntervalMs   int64 // transaction.abort.timed.out.transaction.cleanup.interval.ms
	RemoveExpiredIDIntervalMs int64 // transaction.remove.expired.transaction.cleanup.interval.ms

	// TransactionVersion is the feature level transaction.version of the
	// cluster. From 1 on records are written in version 1, from 2 on the
	// coordinator's own aborts bump the epoch as those of new clients do.
	TransactionVersion int16

	MaxRecordBytes int // what one record may take: max.message.bytes of the topic, less the batch header

	// MarkerRetryMs is how long after a partition could not take its marker the
	// next attempt is made, MarkerTimeoutMs how long an attempt that nothing is
	// heard of is believed to be under way.
	MarkerRetryMs   int64
	MarkerTimeoutMs int64

	// CoordinatorEpoch is the leader epoch of the partition; markers carry it.
	// Incarnation is different for every machine of a process, so that
	// a confirmation for an earlier machine cannot count for this one.
	CoordinatorEpoch int32
	Incarnation      uint64
}

// DefaultConfig holds Kafka's defaults.
func DefaultConfig() Config {
	return Config{
		MaxTimeoutMs:              900_000,
		IDExpirationMs:            7 * 24 * 60 * 60 * 1000,
		AbortTimedOutIntervalMs:   10_000,
		RemoveExpiredIDIntervalMs: 3_600_000,
		TransactionVersion:        V2,
		MaxRecordBytes:            1_048_588 - 100,
		MarkerRetryMs:             100,
		MarkerTimeoutMs:           60_000,
	}
}

// V0 and V2 are the transaction versions a request can have: what classic
// clients speak, and the protocol of KIP-890, which bumps the epoch at
// every end.
const (
	V0 int16 = 0
	V2 int16 = 2
)
