package api

import (
	"encoding/binary"

	"github.com/sordini/sordini/protocol"
	"github.com/sordini/sordini/storage"
)

// Out gathers the answers of one turn, in order: encoded bytes in one buffer, and ranges of segment files that belong between them.
// The connection writes the bytes and sends the ranges with sendfile. Out owns the slices that are put into it until Reset.
type Out struct {
	Buf    []byte
	Ranges []FileRange

	rangeBytes int // sum of the lengths in Ranges
}

// FileRange says: after Buf[:At], and before what follows there, come the bytes of this slice.
type FileRange struct {
	At    int
	Slice storage.Slice
}

// Mark is an answer that was begun.
type Mark struct{ start, rangeBytes int }

// Begin starts an answer: room for its size, then its header.
func (o *Out) Begin(h *protocol.RequestHeader) Mark {
	m := Mark{len(o.Buf), o.rangeBytes}
	o.Buf = append(o.Buf, 0, 0, 0, 0)
	o.Buf = protocol.AppendResponseHeader(o.Buf, h.Key, h.Version, h.CorrelationID)
	return m
}

// End writes the size of the answer in front of it.
func (o *Out) End(m Mark) {
	size := len(o.Buf) - m.start - 4 + o.rangeBytes - m.rangeBytes
	binary.BigEndian.PutUint32(o.Buf[m.start:], uint32(size))
}

// File puts a file range at the present end of the answer.
func (o *Out) File(s storage.Slice) {
	o.Ranges = append(o.Ranges, FileRange{len(o.Buf), s})
	o.rangeBytes += s.Len()
}

// Empty tells whether there is nothing to send.
func (o *Out) Empty() bool { return len(o.Buf) == 0 }

// Len is the number of bytes that are to be sent.
func (o *Out) Len() int { return len(o.Buf) + o.rangeBytes }

// Reset forgets everything and gives the slices back.
func (o *Out) Reset() {
	for i := range o.Ranges {
		o.Ranges[i].Slice.Release()
		o.Ranges[i] = FileRange{}
	}
	o.Buf, o.Ranges, o.rangeBytes = o.Buf[:0], o.Ranges[:0], 0
}
