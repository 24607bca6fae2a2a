package batch

import (
	"io"
	"math"

	"github.com/sordini/sordini/protocol/codec"
)

// Scanner goes over the records of one batch after another as Reader does, but a compressed batch goes by in pieces: what is
// held is a piece and one record. The zero value is ready for Reset. Close it when done; after that it is ready again.
type Scanner struct {
	SkipHeaders bool // leave Record.Headers empty, for callers that do not look at them

	// From is an offset, if above 0: records below it are passed over, and not held however large they are.
	From int64

	records
	tape   tape
	stream *codec.Stream
	record []byte // a record that lies in more than one piece
	most   int
}

// Reset begins a batch. In a compressed one, a record of more than maxRecordBytes is codec.ErrTooLarge; what it holds in all is
// bounded by MaxStreamBytes. The CRC is not looked at.
func (s *Scanner) Reset(b Batch, maxRecordBytes int) {
	s.Close()
	s.records = recordsOf(b)
	s.most = maxRecordBytes
	s.tape = tape{limit: MaxStreamBytes}
	if b.Codec() == codec.None {
		s.tape.piece, s.tape.err = b.Payload(), io.EOF
		return
	}
	s.stream = codec.Open(b.Payload(), b.Codec())
	s.tape.stream = s.stream
}

// Close gives the decompressor back. Records are invalid from then on.
func (s *Scanner) Close() {
	if s.stream != nil {
		s.stream.Close()
		s.stream = nil
	}
	s.tape, s.left = tape{}, 0
	if cap(s.record) > maxKeptRecord {
		s.record = nil
	}
}

const maxKeptRecord = 1 << 20 // of memory, between batches

// Next reads the next record into rec, which is valid until the call after. It returns false after the last one and on errors,
// which Err tells apart.
func (s *Scanner) Next(rec *Record) bool {
	for s.left > 0 && s.err == nil {
		if !s.tape.more() {
			return s.end(faultTorn)
		}
		body, ok := s.within()
		if !ok {
			if body, ok = s.across(); !ok {
				return false
			}
			if body == nil {
				continue // it was passed over
			}
		}
		if f := s.decode(rec, body, s.SkipHeaders); f != faultNone {
			return s.fail(f)
		}
		if s.From <= 0 || rec.Offset >= s.From {
			return true
		}
	}
	if s.err == nil && s.tape.more() {
		return s.fail(faultMore)
	}
	if err := s.tape.failed(); err != nil && s.err == nil {
		s.failDecompress(err)
	}
	return false
}

// Err is why Next returned false: nil after the last record, else an error that wraps ErrCorrupt, or is codec.ErrTooLarge or
// codec.ErrUnknown.
func (s *Scanner) Err() error { return s.err }

// end fails for a payload that is too short: because it is damaged, or because it cannot be decompressed any further.
func (s *Scanner) end(f fault) bool {
	if err := s.tape.failed(); err != nil {
		s.failDecompress(err)
		return false
	}
	return s.fail(f)
}

// within cuts the next record from the piece, if it lies within it.
func (s *Scanner) within() (body []byte, ok bool) {
	p := s.tape.piece
	n, start := varint(p, 0)
	if start < 0 || n < minRecordBody || n > len(p)-start || s.stream != nil && n > s.most {
		return nil, false
	}
	s.tape.piece = p[start+n:]
	return p[start : start+n : start+n], true
}

// across puts the next record together, or passes over it when it is below From: then body is nil.
func (s *Scanner) across() (body []byte, ok bool) {
	c := cursor{t: &s.tape, left: math.MaxInt}
	n := int(c.number(32))
	if c.fault != faultNone {
		return nil, s.end(faultTorn)
	}
	if n < minRecordBody {
		return nil, s.fail(faultStructure)
	}
	c.left = n
	if s.record = s.record[:0]; n > s.most || s.From > 0 {
		s.record = c.keep(s.record, min(n, recordHead))
		head := s.record
		_, i := varlong(head, 1)
		offset, i := varint(head, i)
		if s.From > 0 && c.fault == faultNone && i > 0 && s.base+int64(offset) < s.From {
			if c.skip(c.left); c.fault != faultNone {
				return nil, s.end(c.fault)
			}
			s.left--
			s.index++
			return nil, true
		}
	}
	if n > s.most {
		s.err = codec.ErrTooLarge
		return nil, false
	}
	if s.record = c.keep(s.record, c.left); c.fault != faultNone {
		return nil, s.end(c.fault)
	}
	return s.record, true
}

// recordHead holds the attributes, the timestamp and the offset of a record.
const recordHead = 1 + 10 + 5

// keep appends n bytes of the record to dst. Memory grows with what is there, not with what the record claims.
func (c *cursor) keep(dst []byte, n int) []byte {
	for n > 0 && c.fault == faultNone {
		if !c.t.more() {
			c.fail(faultTorn)
			break
		}
		part := min(n, len(c.t.piece))
		dst = append(dst, c.t.piece[:part]...)
		c.t.piece = c.t.piece[part:]
		c.left -= part
		n -= part
	}
	return dst
}
