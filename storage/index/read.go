package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/cockroachdb/pebble/v2"
)

// Loaded is everything about a partition but its chunks.
type Loaded struct {
	Damage    []Damage
	State     *LogState // nil: the log has no checkpoint
	Segments  []Segment // in the order of base offsets
	Snapshots []Snapshot
}

// Load reads what is known of a partition, with one pass over neighbouring keys.
func (d *DB) Load(k Key) (Loaded, error) {
	return guarded(d, func() (Loaded, error) { return d.load(k) })
}

func (d *DB) load(k Key) (Loaded, error) {
	var out Loaded
	d.use.RLock()
	defer d.use.RUnlock()
	it, err := d.iter(appendKind(nil, k, kindDamage), appendKind(nil, k, kindChunk))
	if err != nil {
		return out, err
	}
	for ok := it.First(); ok; ok = it.Next() {
		if err := out.add(it.Key(), it.Value()); err != nil {
			return out, errors.Join(fmt.Errorf("load partition %x-%d: %w", k.ID, k.Partition, err), it.Close())
		}
	}
	return out, errors.Join(it.Error(), it.Close())
}

func (l *Loaded) add(key, value []byte) error {
	kind, rest := key[prefixSize], key[prefixSize+1:]
	switch kind {
	case kindState:
		s, err := decodeState(value)
		l.State = s
		return err
	case kindDamage:
		if d, err := decodeDamage(rest, value); err == nil { // and if not, a check finds it again
			l.Damage = append(l.Damage, d)
		}
		return nil
	}
	if len(rest) != 8 {
		return errValue
	}
	offset := int64(binary.BigEndian.Uint64(rest))
	switch kind {
	case kindProducer:
		l.Snapshots = append(l.Snapshots, Snapshot{Offset: offset, Bytes: slices.Clone(value)})
	case kindSegment:
		s, err := decodeSegment(offset, value)
		if err != nil {
			return err
		}
		l.Segments = append(l.Segments, s)
	}
	return nil
}

// iter is called with use held.
func (d *DB) iter(lower, upper []byte) (*pebble.Iterator, error) {
	if err := d.alive(); err != nil {
		return nil, err
	}
	return d.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
}

func (d *DB) alive() error {
	select {
	case <-d.logger.dead:
		return ErrDead
	default:
	}
	if d.closed {
		return ErrClosed
	}
	return nil
}

// Chunk appends to dst the packed entries that cover a relative offset: those of the last chunk that
// begins at or before it. No chunk is no error and no entries.
func (d *DB) Chunk(dst []Entry, k Key, base int64, rel uint32) ([]Entry, error) {
	return guarded(d, func() ([]Entry, error) { return d.chunk(dst, k, base, rel) })
}

func (d *DB) chunk(dst []Entry, k Key, base int64, rel uint32) ([]Entry, error) {
	d.use.RLock()
	defer d.use.RUnlock()
	it, err := d.iter(chunkKey(k, base, 0), chunkKey(k, base, uint64(rel)+1))
	if err != nil {
		return dst, err
	}
	if it.Last() {
		dst, err = decodeChunk(dst, it.Value())
	}
	return dst, errors.Join(err, it.Error(), it.Close())
}

// ChunkBefore appends to dst the entries of the last chunk whose first entry has a MaxTimestamp below ts:
// the chunk in which a search for the first batch that is not older than ts has to begin.
func (d *DB) ChunkBefore(dst []Entry, k Key, base int64, ts int64) ([]Entry, error) {
	return guarded(d, func() ([]Entry, error) { return d.chunkBefore(dst, k, base, ts) })
}

func (d *DB) chunkBefore(dst []Entry, k Key, base int64, ts int64) ([]Entry, error) {
	d.use.RLock()
	defer d.use.RUnlock()
	it, err := d.iter(chunkKey(k, base, 0), chunkKey(k, base, 1<<32))
	if err != nil {
		return dst, err
	}
	kept := len(dst)
	var chunk []Entry
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		chunk, err = decodeChunk(chunk[:0], it.Value())
		if err != nil || chunk[0].MaxTimestamp >= ts {
			break
		}
		dst = append(dst[:kept], chunk...)
	}
	return dst, errors.Join(err, it.Error(), it.Close())
}

// EntryAt returns the first packed entry at or behind a file position, beginning with the chunk that covers a relative offset.
func (d *DB) EntryAt(k Key, base int64, rel uint32, pos int64) (e Entry, found bool, err error) {
	type result struct {
		e     Entry
		found bool
	}
	r, err := guarded(d, func() (result, error) {
		e, found, err := d.entryAt(k, base, rel, pos)
		return result{e, found}, err
	})
	return r.e, r.found, err
}

func (d *DB) entryAt(k Key, base int64, rel uint32, pos int64) (e Entry, found bool, err error) {
	d.use.RLock()
	defer d.use.RUnlock()
	it, err := d.iter(chunkKey(k, base, 0), chunkKey(k, base, 1<<32))
	if err != nil {
		return e, false, err
	}
	ok := it.SeekLT(chunkKey(k, base, uint64(rel)+1))
	if !ok {
		ok = it.First()
	}
	var chunk []Entry
	for ; ok && err == nil && !found; ok = it.Next() {
		if chunk, err = decodeChunk(chunk[:0], it.Value()); err != nil {
			break
		}
		i := sort.Search(len(chunk), func(i int) bool { return int64(chunk[i].Pos) >= pos })
		if found = i < len(chunk); found {
			e = chunk[i]
		}
	}
	return e, found, errors.Join(err, it.Error(), it.Close())
}

// Clean says whether the mark of a clean shutdown is there.
func (d *DB) Clean() (bool, error) {
	_, found, err := d.get([]byte{spaceClean})
	return found, err
}

// Generation returns what SetGeneration stored, and the zero Generation when that was never.
func (d *DB) Generation() (Generation, error) {
	value, found, err := d.get([]byte{spaceGeneration})
	if err != nil || !found {
		return Generation{}, err
	}
	return decodeGeneration(value)
}

func (d *DB) get(key []byte) (value []byte, found bool, err error) {
	value, err = guarded(d, func() ([]byte, error) { return d.getValue(key) })
	return value, value != nil, err
}

// getValue returns nil where there is no value; stored ones are never empty.
func (d *DB) getValue(key []byte) ([]byte, error) {
	d.use.RLock()
	defer d.use.RUnlock()
	if err := d.alive(); err != nil {
		return nil, err
	}
	value, closer, err := d.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return slices.Clone(value), closer.Close()
}
