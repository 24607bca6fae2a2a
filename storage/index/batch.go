package index

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Batch collects changes that become visible, and durable, together.
type Batch struct {
	d   *DB
	b   *pebble.Batch
	err error
	buf []byte
}

// NewBatch starts an empty batch.
func (d *DB) NewBatch() *Batch { return &Batch{d: d, b: d.db.NewBatch()} }

// Empty says whether nothing was put into the batch.
func (b *Batch) Empty() bool { return b.b.Empty() }

func (b *Batch) set(key, value []byte) {
	if b.err == nil {
		b.err = b.b.Set(key, value, nil)
	}
}

func (b *Batch) deleteRange(from, to []byte) {
	if b.err == nil {
		b.err = b.b.DeleteRange(from, to, nil)
	}
}

// PutState replaces a log's checkpoint.
func (b *Batch) PutState(k Key, s *LogState) {
	b.buf = appendState(b.buf[:0], s)
	b.set(appendKind(nil, k, kindState), b.buf)
}

// PutSegment replaces the facts about one segment.
func (b *Batch) PutSegment(k Key, s *Segment) {
	b.buf = appendSegment(b.buf[:0], s)
	b.set(offsetKey(k, kindSegment, s.Base), b.buf)
}

// PutChunks packs the entries of one segment, ChunkEntries to a value. Entries must continue those that
// are stored.
func (b *Batch) PutChunks(k Key, base int64, entries []Entry) {
	for len(entries) > 0 {
		n := min(len(entries), ChunkEntries)
		b.buf = appendChunk(b.buf[:0], entries[:n])
		b.set(chunkKey(k, base, uint64(entries[0].Rel)), b.buf)
		entries = entries[n:]
	}
}

// PutSnapshot stores the producer table as of an offset, and removes what lies outside of [keepFrom, offset].
func (b *Batch) PutSnapshot(k Key, s Snapshot, keepFrom int64) {
	b.deleteRange(offsetKey(k, kindProducer, 0), offsetKey(k, kindProducer, keepFrom))
	b.deleteRange(offsetKey(k, kindProducer, s.Offset), appendKind(nil, k, kindProducer+1))
	b.set(offsetKey(k, kindProducer, s.Offset), s.Bytes)
}

// DeleteSnapshotsAbove removes producer snapshots of offsets greater than offset.
func (b *Batch) DeleteSnapshotsAbove(k Key, offset int64) {
	b.deleteRange(offsetKey(k, kindProducer, offset+1), appendKind(nil, k, kindProducer+1))
}

// DeleteSegment removes everything about the segment with this base offset.
func (b *Batch) DeleteSegment(k Key, base int64) {
	b.deleteRange(offsetKey(k, kindSegment, base), offsetKey(k, kindSegment, base+1))
	b.deleteRange(chunkKey(k, base, 0), chunkKey(k, base, 1<<32))
	b.DeleteDamage(k, base)
}

// DeleteSegmentsFrom removes everything about segments whose base offset is at least from.
func (b *Batch) DeleteSegmentsFrom(k Key, from int64) {
	b.deleteRange(offsetKey(k, kindDamage, from), appendKind(nil, k, kindDamage+1))
	b.deleteRange(offsetKey(k, kindSegment, from), appendKind(nil, k, kindSegment+1))
	b.deleteRange(offsetKey(k, kindChunk, from), appendKind(nil, k, kindChunk+1))
}

// DeleteChunks removes all packed entries of a segment, because PutChunks is going to write them anew.
func (b *Batch) DeleteChunks(k Key, base int64) {
	b.deleteRange(chunkKey(k, base, 0), chunkKey(k, base, 1<<32))
}

// DeletePartition removes everything.
func (b *Batch) DeletePartition(k Key) {
	b.deleteRange(appendKind(nil, k, 0), appendKind(nil, k, 0xff))
}

// SetClean writes or removes the mark of a clean shutdown.
func (b *Batch) SetClean(clean bool) {
	if clean {
		b.set([]byte{spaceClean}, []byte{valueVersion})
		return
	}
	if b.err == nil {
		b.err = b.b.Delete([]byte{spaceClean}, nil)
	}
}

// Commit applies the batch and ends it. With sync it is durable, with everything committed before it, when
// Commit returns.
func (b *Batch) Commit(sync bool) error {
	if b.err != nil {
		return fmt.Errorf("build index batch: %w", b.err)
	}
	if b.d.room != nil {
		if err := b.d.room(); err != nil {
			return errors.Join(fmt.Errorf("commit to index: %w", err), b.b.Close())
		}
	}
	opts := pebble.NoSync
	if sync {
		opts = pebble.Sync
	}
	err := b.d.guard(func() error {
		b.d.use.RLock()
		defer b.d.use.RUnlock()
		if b.d.closed {
			return ErrClosed
		}
		if err := b.b.Commit(opts); err != nil {
			return err
		}
		return b.b.Close()
	})
	if err != nil {
		return fmt.Errorf("commit to index: %w", err)
	}
	return nil
}

// Discard ends a batch that is not committed.
func (b *Batch) Discard() { _ = b.b.Close() }
