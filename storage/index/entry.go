package index

import (
	"encoding/binary"
	"errors"
)

// Entry points at a batch in a segment.
type Entry struct {
	Rel uint32 // base offset of the batch, relative to the segment's
	Pos uint32 // its file position
	// MaxTimestamp is the largest timestamp of all batches *before* Pos, -1 when there are none. So it
	// never falls from one entry to the next, and everything before an entry with MaxTimestamp < ts
	// is older than ts.
	MaxTimestamp int64
}

// ChunkEntries is how many entries are packed into one value: with an entry per 4 KiB, one per MiB of log.
const ChunkEntries = 256

var errChunk = errors.New("index: malformed chunk")

// appendChunk packs entries: a count, the first entry, then differences. All are varints.
func appendChunk(dst []byte, entries []Entry) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(entries)))
	var prev Entry
	for _, e := range entries {
		dst = binary.AppendUvarint(dst, uint64(e.Rel-prev.Rel))
		dst = binary.AppendUvarint(dst, uint64(e.Pos-prev.Pos))
		dst = binary.AppendVarint(dst, e.MaxTimestamp-prev.MaxTimestamp)
		prev = e
	}
	return dst
}

// decodeChunk appends the entries of a packed value to dst. Entries must rise, as appendChunk got them.
func decodeChunk(dst []Entry, b []byte) ([]Entry, error) {
	count, n := binary.Uvarint(b)
	if n <= 0 || count == 0 || count > ChunkEntries || count > uint64(len(b)) {
		return dst, errChunk
	}
	b = b[n:]
	var prev Entry
	for i := range count {
		rel, n1 := binary.Uvarint(b)
		if n1 <= 0 {
			return dst, errChunk
		}
		pos, n2 := binary.Uvarint(b[n1:])
		if n2 <= 0 {
			return dst, errChunk
		}
		ts, n3 := binary.Varint(b[n1+n2:])
		if n3 <= 0 {
			return dst, errChunk
		}
		b = b[n1+n2+n3:]
		if rel > uint64(^prev.Rel) || pos > uint64(^prev.Pos) || (i > 0 && (rel == 0 || pos == 0 || ts < 0)) {
			return dst, errChunk
		}
		e := Entry{prev.Rel + uint32(rel), prev.Pos + uint32(pos), prev.MaxTimestamp + ts}
		if i > 0 && e.MaxTimestamp < prev.MaxTimestamp {
			return dst, errChunk
		}
		dst = append(dst, e)
		prev = e
	}
	if len(b) != 0 {
		return dst, errChunk
	}
	return dst, nil
}
