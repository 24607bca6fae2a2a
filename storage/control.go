package storage

import (
	"encoding/binary"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/storage/producer"
)

// producerBatch is what the producer table wants to know of a batch that begins at an offset.
func producerBatch(b batch.Batch, baseOffset int64) producer.Batch {
	return producer.Batch{
		ProducerID: b.ProducerID(), Epoch: b.ProducerEpoch(),
		BaseSequence: b.BaseSequence(), LastSequence: b.LastSequence(),
		BaseOffset: baseOffset, LastOffset: baseOffset + int64(b.LastOffsetDelta()),
		MaxTimestamp: b.MaxTimestamp(), Transactional: b.IsTransactional(), Marker: marker(b),
	}
}

// marker decodes the one record of a control batch. Control records that are not the end of a
// transaction, and damaged ones, give nil.
func marker(b batch.Batch) *producer.Marker {
	if !b.IsControl() || !b.IsTransactional() {
		return nil
	}
	var r batch.Reader
	var rec batch.Record
	if r.Reset(b, len(b)) != nil || !r.Next(&rec) || len(rec.Key) < 4 || len(rec.Value) < 6 {
		return nil
	}
	const abort, commit = 0, 1
	kind := binary.BigEndian.Uint16(rec.Key[2:])
	if kind != abort && kind != commit {
		return nil
	}
	return &producer.Marker{Commit: kind == commit, CoordinatorEpoch: int32(binary.BigEndian.Uint32(rec.Value[2:]))}
}
