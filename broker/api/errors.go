package api

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/broker/replica"
	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/storage"
)

// codeOf is where errors become wire codes. Everything that is not a Kafka error already is a fault of the disk: its cause is logged where it
// arose, and the client hears a code that makes it try again.
func codeOf(err error) int16 {
	var known *kerr.Error
	var invalid *batch.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &known):
		return known.Code
	case errors.As(err, &invalid):
		return invalid.Code.Code
	case errors.Is(err, storage.ErrOffsetOutOfRange):
		return kerr.OffsetOutOfRange.Code
	case errors.Is(err, storage.ErrCorrupt) && !errors.Is(err, storage.ErrOffline): // some records are damaged, the others can be read
		return kerr.CorruptMessage.Code
	case errors.Is(err, storage.ErrClosed): // deleted since the partition was looked up
		return kerr.NotLeaderForPartition.Code
	}
	return kerr.KafkaStorageError.Code
}

// onlinePartition finds a partition for requests that only ask about it. One whose log could not be opened, or whose log directory has failed, is
// there and cannot be spoken for.
func (h *Handlers) onlinePartition(topic string, index int32) (*replica.Partition, *kerr.Error) {
	p := h.Replicas.Get(topic, index)
	switch {
	case p == nil && h.Replicas.Offline(topic, [16]byte{}, index), p != nil && p.Failure() != nil:
		return nil, kerr.KafkaStorageError
	case p == nil:
		return nil, kerr.UnknownTopicOrPartition
	}
	return p, nil
}

// forOldClients replaces KAFKA_STORAGE_ERROR, which clients know only from a version on, by NOT_LEADER_OR_FOLLOWER, which makes them
// look for the leader again.
func forOldClients(code int16, knowsStorageError bool) int16 {
	if code == kerr.KafkaStorageError.Code && !knowsStorageError {
		return kerr.NotLeaderForPartition.Code
	}
	return code
}

// told is a Kafka error with something to say.
type told struct {
	code    *kerr.Error
	message string
}

func (t *told) Error() string { return t.message }
func (t *told) Unwrap() error { return t.code }

// messageOf is what an answer says beside the code, or "".
func messageOf(err error) string {
	var t *told
	if errors.As(err, &t) {
		return t.message
	}
	return ""
}
