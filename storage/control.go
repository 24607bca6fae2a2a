package storage

import (
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

// marker is the content of a control batch that ends a transaction; nil for anything else.
func marker(b batch.Batch) *producer.Marker {
	m, ok := b.Marker()
	if !ok {
		return nil
	}
	return &producer.Marker{Commit: m.Commit, CoordinatorEpoch: m.CoordinatorEpoch}
}

// producerBatch is the same of a batch that is to be appended, with what only its sender knows.
func (a *Append) producerBatch(baseOffset int64) producer.Batch {
	b := producerBatch(a.Batch, baseOffset)
	b.Guard = a.Guard
	if b.Marker != nil {
		b.Marker.TransactionVersion = a.TransactionVersion
	}
	return b
}
