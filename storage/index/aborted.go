package index

import (
	"encoding/binary"
	"errors"
	"slices"
)

// Aborted is a transaction of which everything was aborted, in one partition.
type Aborted struct {
	ProducerID int64
	// First is the offset of the transaction's first batch, Last that of its marker.
	First, Last int64
	// Stable is the last stable offset when the marker was written: transactions that end later do not begin below it.
	Stable int64
}

// abortedPacked is how many are packed into one value.
const abortedPacked = 256

// PutAborted adds aborted transactions in the order of their markers. They must follow those that are stored.
func (b *Batch) PutAborted(k Key, all []Aborted) {
	for part := range slices.Chunk(all, abortedPacked) {
		b.buf = appendAborted(b.buf[:0], part)
		b.set(offsetKey(k, kindAborted, part[0].Last), b.buf)
	}
}

// DeleteAborted removes all of them.
func (b *Batch) DeleteAborted(k Key) {
	b.deleteRange(appendKind(nil, k, kindAborted), appendKind(nil, k, kindAborted+1))
}

// DeleteAbortedBelow removes those whose marker is below an offset, but for some neighbours of it.
func (b *Batch) DeleteAbortedBelow(k Key, offset int64) error {
	value, err := guarded(b.d, func() ([]byte, error) { return b.d.abortedKeyBelow(k, offset) })
	if err == nil && value != nil {
		b.deleteRange(appendKind(nil, k, kindAborted), value)
	}
	return err
}

// abortedKeyBelow is the key of the last value that begins at or below an offset.
func (d *DB) abortedKeyBelow(k Key, offset int64) ([]byte, error) {
	d.use.RLock()
	defer d.use.RUnlock()
	it, err := d.iter(appendKind(nil, k, kindAborted), offsetKey(k, kindAborted, offset+1))
	if err != nil {
		return nil, err
	}
	var key []byte
	if it.Last() {
		key = slices.Clone(it.Key())
	}
	return key, errors.Join(it.Error(), it.Close())
}

// Aborted returns the stored transactions that have something in [from, to), in the order of their markers: those whose marker
// is at or above from and whose first batch is below to.
func (d *DB) Aborted(k Key, from, to int64) ([]Aborted, error) {
	return guarded(d, func() ([]Aborted, error) { return d.aborted(k, from, to) })
}

func (d *DB) aborted(k Key, from, to int64) (all []Aborted, err error) {
	d.use.RLock()
	defer d.use.RUnlock()
	it, err := d.iter(appendKind(nil, k, kindAborted), appendKind(nil, k, kindAborted+1))
	if err != nil {
		return nil, err
	}
	ok := it.SeekLT(offsetKey(k, kindAborted, from+1))
	if !ok {
		ok = it.First()
	}
	for more := true; ok && more && err == nil; ok = it.Next() {
		more, err = eachAborted(it.Value(), func(a Aborted) bool {
			if a.Last >= from && a.First < to {
				all = append(all, a)
			}
			return a.Stable < to
		})
	}
	return all, errors.Join(err, it.Error(), it.Close())
}

// appendAborted packs transactions: a version, a count, and for each the marker's offset less the one before, and how far below
// it the transaction and the last stable offset began.
func appendAborted(dst []byte, all []Aborted) []byte {
	dst = append(dst, valueVersion)
	dst = binary.AppendUvarint(dst, uint64(len(all)))
	before := int64(0)
	for _, a := range all {
		dst = appendVarints(dst, a.Last-before, a.Last-a.First, a.Last+1-a.Stable, a.ProducerID)
		before = a.Last
	}
	return dst
}

// eachAborted calls fn with what is packed in a value. more says that fn never said false.
func eachAborted(b []byte, fn func(Aborted) bool) (more bool, err error) {
	if len(b) == 0 || b[0] != valueVersion {
		return false, errValue
	}
	count, n := binary.Uvarint(b[1:])
	if n <= 0 || count == 0 || count > abortedPacked {
		return false, errValue
	}
	b = b[1+n:]
	last := int64(0)
	for i := range count {
		var step, first, stable, id int64
		var ok bool
		if b, ok = readVarints(b, &step, &first, &stable, &id); !ok || step < 0 || (i > 0 && step == 0) || last+step < last {
			return false, errValue
		}
		last += step
		if first < 0 || first > last || stable < 0 || stable > last+1 || id < 0 || last == 1<<63-1 {
			return false, errValue
		}
		if !fn(Aborted{ProducerID: id, First: last - first, Last: last, Stable: last + 1 - stable}) {
			return false, nil
		}
	}
	if len(b) != 0 {
		return false, errValue
	}
	return true, nil
}
