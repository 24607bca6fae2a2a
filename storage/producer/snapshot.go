package producer

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// snapshotVersion is the first byte of a snapshot. The layout is in docs/formats/index-keys.md.
const snapshotVersion = 1

var errSnapshot = errors.New("producer: malformed snapshot")

// AppendSnapshot appends the whole table's encoding to dst.
func (t *Table) AppendSnapshot(dst []byte) []byte {
	all := t.All()
	dst = append(dst, snapshotVersion)
	dst = binary.AppendUvarint(dst, uint64(len(all)))
	for i := range all {
		dst = appendState(dst, &all[i])
	}
	return dst
}

func appendState(dst []byte, s *State) []byte {
	for _, v := range [...]int64{
		s.ID, int64(s.Epoch), int64(s.CoordinatorEpoch), s.LastTimestamp, s.LastSeenMs, s.TxnFirstOffset, int64(s.n),
	} {
		dst = binary.AppendVarint(dst, v)
	}
	for i := range s.kept[:s.n] {
		k := &s.kept[i]
		for _, v := range [...]int64{
			int64(k.BaseSequence), int64(k.LastSequence), k.BaseOffset, k.LastOffset, k.Timestamp,
		} {
			dst = binary.AppendVarint(dst, v)
		}
	}
	return dst
}

// ReadSnapshot decodes a snapshot. It allocates no more than the bytes can fill.
func ReadSnapshot(b []byte) (*Table, error) {
	if len(b) == 0 {
		return nil, errSnapshot
	}
	if b[0] != snapshotVersion {
		return nil, fmt.Errorf("producer: snapshot version %d is not known", b[0])
	}
	r := reader{b: b[1:]}
	count := r.uvarint()
	if r.bad || count > maxProducers || count > uint64(len(r.b)) {
		return nil, errSnapshot
	}
	t := &Table{}
	if count > 0 {
		t.states = make(map[int64]*State, count)
	}
	for range count {
		s := r.state()
		if r.bad || t.states[s.ID] != nil {
			return nil, errSnapshot
		}
		t.states[s.ID] = s
	}
	if len(r.b) != 0 {
		return nil, errSnapshot
	}
	t.reopen()
	return t, nil
}

type reader struct {
	b   []byte
	bad bool
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

// within reads a number and marks the snapshot bad when it does not fit.
func (r *reader) within(low, high int64) int64 {
	v := r.varint()
	if v < low || v > high {
		r.bad = true
		return low
	}
	return v
}

func (r *reader) state() *State {
	const maxInt64 = 1<<63 - 1
	s := &State{
		ID:               r.within(0, maxInt64),
		Epoch:            int16(r.within(-1, 1<<15-1)),
		CoordinatorEpoch: int32(r.within(-1, 1<<31-1)),
		LastTimestamp:    r.varint(),
		LastSeenMs:       r.varint(),
		TxnFirstOffset:   r.within(-1, maxInt64),
		n:                int(r.within(0, batchesKept)),
	}
	for i := range s.kept[:s.n] {
		s.kept[i] = Kept{
			BaseSequence: int32(r.within(0, 1<<31-1)), LastSequence: int32(r.within(0, 1<<31-1)),
			BaseOffset: r.within(0, maxInt64), LastOffset: r.within(0, maxInt64), Timestamp: r.varint(),
		}
	}
	return s
}
