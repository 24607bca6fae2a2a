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

	// TimesOnly is for callers that look at Offset and Timestamp alone: a record of any size passes, and one that is not held has nothing
	// else in it.
	TimesOnly bool

	// From is an offset, if above 0: records below it are passed over, and not held however large they are.
	From int64

	records
	tape   tape
	stream *codec.Stream
	record []byte // a record that lies in more than one piece
	most   int
}

// Reset begins a batch. In a compressed one, a record of more than maxRecordBytes is codec.ErrTooLarge, unless TimesOnly; what
// it holds in all is bounded by MaxStreamBytes. The CRC is not looked at.
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
			passed := false
			if body, passed, ok = s.across(rec); !ok {
				return false
			}
			if passed {
				if s.wanted(rec) {
					return true // by its head
				}
				continue
			}
		}
		if f := s.decode(rec, body, s.SkipHeaders); f != faultNone {
			return s.fail(f)
		}
		if s.wanted(rec) {
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

func (s *Scanner) wanted(rec *Record) bool { return s.From <= 0 || rec.Offset >= s.From }

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

// across puts the next record together, or passes over it when it is below From or too large to be held: then rec has its offset and time.
func (s *Scanner) across(rec *Record) (body []byte, passed, ok bool) {
	c := cursor{t: &s.tape, left: math.MaxInt}
	n := int(c.number(32))
	if c.fault != faultNone {
		return nil, false, s.end(faultTorn)
	}
	if n < minRecordBody {
		return nil, false, s.fail(faultStructure)
	}
	c.left = n
	if s.record = s.record[:0]; n > s.most || s.From > 0 {
		s.record = c.keep(s.record, min(n, recordHead))
		if c.fault != faultNone {
			return nil, false, s.end(c.fault)
		}
		if i := s.head(rec, s.record); i > 0 && (!s.wanted(rec) || n > s.most && s.TimesOnly) {
			if c.skip(c.left); c.fault != faultNone {
				return nil, false, s.end(c.fault)
			}
			s.left--
			s.index++
			return nil, true, true
		}
	}
	if n > s.most {
		s.err = codec.ErrTooLarge
		return nil, false, false
	}
	if s.record = c.keep(s.record, c.left); c.fault != faultNone {
		return nil, false, s.end(c.fault)
	}
	return s.record, false, true
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
