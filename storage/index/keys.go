package index

import "encoding/binary"

// Every key of a partition is
//
//	'p' | topic id (16) | partition (4) | kind (1) | ...
//
// with big-endian numbers, so that one range holds a partition and one range a segment's chunks, and a
// topic that is created again under the same name never sees old entries. docs/formats/index-keys.md has
// every value byte by byte.
const (
	spacePartition  = 'p'
	spaceClean      = 'c'
	spaceGeneration = 'g'
	spaceScrub      = 's'

	kindDamage   = 0 // + base offset (8) + position (8); value: Damage
	kindState    = 1 // value: LogState
	kindProducer = 2 // + offset (8); value: producer snapshot
	kindSegment  = 3 // + base offset (8); value: Segment
	kindChunk    = 4 // + base offset (8) + relative offset of the first entry (4); value: packed entries
	kindAborted  = 5 // + offset of the first marker (8); value: packed aborted transactions

	prefixSize = 1 + 16 + 4
)

// Key names a partition.
type Key struct {
	ID        [16]byte
	Partition int32
}

func appendPrefix(dst []byte, k Key) []byte {
	dst = append(dst, spacePartition)
	dst = append(dst, k.ID[:]...)
	return binary.BigEndian.AppendUint32(dst, uint32(k.Partition))
}

func appendKind(dst []byte, k Key, kind byte) []byte { return append(appendPrefix(dst, k), kind) }

func offsetKey(k Key, kind byte, offset int64) []byte {
	return binary.BigEndian.AppendUint64(appendKind(nil, k, kind), uint64(offset))
}

func chunkKey(k Key, base int64, rel uint64) []byte {
	key := offsetKey(k, kindChunk, base)
	if rel > 1<<32-1 {
		// Just above every chunk of the segment.
		return append(key, 0xff, 0xff, 0xff, 0xff, 0xff)
	}
	return binary.BigEndian.AppendUint32(key, uint32(rel))
}
