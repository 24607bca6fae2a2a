package storage

import (
	"hash/maphash"
	"math/bits"
)

// keyMap has, of each key, the offset of its last record, for one pass of compaction. Keys are kept as 128 bits of
// two hashes with seeds of their own, which nobody outside knows: two keys do not meet. It is a table with linear
// probing, like Kafka's SkimpyOffsetMap, and its memory is bounded by log.cleaner.dedupe.buffer.size.
type keyMap struct {
	slots        []keySlot
	n, room      int // keys, and how many fit into slots
	most         int // slots that memory allows, those of a table that is just growing included
	seedA, seedB maphash.Seed
}

// keySlot is 24 bytes, as in Kafka.
type keySlot struct {
	a, b uint64
	next int64 // the offset plus one; 0: empty
}

const (
	keySlotBytes   = 24
	keyMapMinSlots = 1 << 10
	keyMapGrowth   = 4 // the table before is there while it grows, so the last growth leaves at least three quarters for the new one
)

// newKeyMap makes an empty map that never takes more than a number of bytes.
func newKeyMap(maxBytes int64) *keyMap {
	m := &keyMap{most: max(keyMapMinSlots, int(maxBytes/keySlotBytes)), seedA: maphash.MakeSeed(), seedB: maphash.MakeSeed()}
	m.take(make([]keySlot, keyMapMinSlots))
	return m
}

func (m *keyMap) take(slots []keySlot) { m.slots, m.room = slots, len(slots)/10*9 }

func (m *keyMap) hash(key []byte) (a, b uint64) {
	return maphash.Bytes(m.seedA, key), maphash.Bytes(m.seedB, key)
}

// find returns the key's slot, or the empty one where it belongs.
func (m *keyMap) find(a, b uint64) *keySlot {
	at, _ := bits.Mul64(a, uint64(len(m.slots)))
	for i := int(at); ; {
		if s := &m.slots[i]; s.next == 0 || (s.a == a && s.b == b) {
			return s
		}
		if i++; i == len(m.slots) {
			i = 0
		}
	}
}

// put notes a record. It says whether there was room.
func (m *keyMap) put(key []byte, offset int64) bool {
	a, b := m.hash(key)
	s := m.find(a, b)
	if s.next == 0 {
		if m.n >= m.room {
			if !m.grow() {
				return false
			}
			s = m.find(a, b)
		}
		m.n++
	}
	*s = keySlot{a: a, b: b, next: offset + 1}
	return true
}

func (m *keyMap) grow() bool {
	old := m.slots
	n := min(keyMapGrowth*len(old), m.most-len(old))
	if n <= len(old) {
		return false
	}
	m.take(make([]keySlot, n))
	for _, s := range old {
		if s.next != 0 {
			*m.find(s.a, s.b) = s
		}
	}
	return true
}

// get returns the offset of the key's last record.
func (m *keyMap) get(key []byte) (offset int64, found bool) {
	s := m.find(m.hash(key))
	return s.next - 1, s.next != 0
}
