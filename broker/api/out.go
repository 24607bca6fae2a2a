package api

import (
	"encoding/binary"

	"github.com/sordini/sordini/protocol"
	"github.com/sordini/sordini/storage"
)

// Out gathers the answers of one turn, in order: encoded bytes in one buffer, and record bytes that belong between them, which lie in
// segment files or, converted for old clients, in memory. The connection writes the bytes and sends the files with sendfile. Out owns what is
// put into it until Reset.
type Out struct {
	Buf    []byte
	Ranges []Range

	rangeBytes  int // sum of the lengths in Ranges
	conversions []*conversion
}

// Range says: after Buf[:At], and before what follows there, come the bytes of this slice, or these bytes.
type Range struct {
	At    int
	Slice storage.Slice
	Bytes []byte // nil: the slice
}

// Len is the number of bytes in the range.
func (r *Range) Len() int {
	if r.Bytes != nil {
		return len(r.Bytes)
	}
	return r.Slice.Len()
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
	o.Ranges = append(o.Ranges, Range{At: len(o.Buf), Slice: s})
	o.rangeBytes += s.Len()
}

// memory puts converted bytes at the present end of the answer, without a copy. What they lie in is given to own.
func (o *Out) memory(b []byte) {
	o.Ranges = append(o.Ranges, Range{At: len(o.Buf), Bytes: b})
	o.rangeBytes += len(b)
}

func (o *Out) own(c *conversion) { o.conversions = append(o.conversions, c) }

// Empty tells whether there is nothing to send.
func (o *Out) Empty() bool { return len(o.Buf) == 0 }

// Len is the number of bytes that are to be sent.
func (o *Out) Len() int { return len(o.Buf) + o.rangeBytes }

// Reset forgets everything and gives the slices back.
func (o *Out) Reset() {
	for i := range o.Ranges {
		o.Ranges[i].Slice.Release()
		o.Ranges[i] = Range{}
	}
	for i, c := range o.conversions {
		c.giveBack()
		o.conversions[i] = nil
	}
	o.conversions = o.conversions[:0]
	o.Buf, o.Ranges, o.rangeBytes = o.Buf[:0], o.Ranges[:0], 0
}
