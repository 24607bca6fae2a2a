package storage

import "hash/maphash"

// keyMap has, of each key, the offset of its last record, for one pass of compaction. Keys are kept as 128 bits of
// two hashes with seeds of their own, which nobody outside knows: two keys do not meet. It is a table with linear
// probing, like Kafka's SkimpyOffsetMap, and its memory is bounded by log.cleaner.dedupe.buffer.size.
type keyMap struct {
	slots        []keySlot
	n, max       int // keys, and how many of them fit
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
)

// newKeyMap makes an empty map that grows up to a number of bytes. While it grows, the table before is there as well.
func newKeyMap(maxBytes int64) *keyMap {
	slots := keyMapMinSlots
	for int64(slots)*2*keySlotBytes <= maxBytes {
		slots *= 2
	}
	return &keyMap{
		slots: make([]keySlot, keyMapMinSlots), max: slots / 10 * 9, seedA: maphash.MakeSeed(), seedB: maphash.MakeSeed(),
	}
}

func (m *keyMap) hash(key []byte) (a, b uint64) {
	return maphash.Bytes(m.seedA, key), maphash.Bytes(m.seedB, key)
}

// find returns the key's slot, or the empty one where it belongs.
func (m *keyMap) find(a, b uint64) *keySlot {
	mask := uint64(len(m.slots) - 1)
	for i := a & mask; ; i = (i + 1) & mask {
		if s := &m.slots[i]; s.next == 0 || (s.a == a && s.b == b) {
			return s
		}
	}
}

// put notes a record. It says whether there was room.
func (m *keyMap) put(key []byte, offset int64) bool {
	a, b := m.hash(key)
	s := m.find(a, b)
	if s.next == 0 {
		if m.n >= m.max {
			return false
		}
		if m.n >= len(m.slots)/10*9 {
			m.grow()
			s = m.find(a, b)
		}
		m.n++
	}
	*s = keySlot{a: a, b: b, next: offset + 1}
	return true
}

func (m *keyMap) grow() {
	old := m.slots
	m.slots = make([]keySlot, 2*len(old))
	for _, s := range old {
		if s.next != 0 {
			*m.find(s.a, s.b) = s
		}
	}
}

// get returns the offset of the key's last record.
func (m *keyMap) get(key []byte) (offset int64, found bool) {
	s := m.find(m.hash(key))
	return s.next - 1, s.next != 0
}
