package batch

import (
	"errors"
	"fmt"
	"iter"

	"github.com/sordini/sordini/protocol/codec"
)

// Record is one record. Key and Value alias the batch or, if it was compressed, the reader's buffer; nil is null.
type Record struct {
	Attributes int8
	Timestamp  int64 // with LogAppendTime the batch's, as consumers see it
	Offset     int64
	Key, Value []byte
	Headers    []Header
}

// Header is one header of a record. Value nil is null, and aliases like Record.Value.
type Header struct {
	Key   string
	Value []byte
}

// Reader goes over the records of one batch after another. The zero value is ready for Reset. It keeps its decompression
// buffer between batches: a record is valid until the next Reset.
type Reader struct {
	SkipHeaders bool // leave Record.Headers empty, for callers that do not look at them

	records
	payload []byte
	buf     []byte
}

// records is where a reader is in a batch, and what the batch says about all its records.
type records struct {
	left     int32
	index    int32
	hasLAT   bool
	appendTS int64
	baseTS   int64
	base     int64
	err      error
}

func recordsOf(b Batch) records {
	return records{
		left: b.Count(), base: b.BaseOffset(), baseTS: b.BaseTimestamp(), hasLAT: b.IsLogAppendTime(), appendTS: b.MaxTimestamp(),
	}
}

// decode reads one record, of which body is all but the size.
func (r *records) decode(rec *Record, body []byte, skipHeaders bool) fault {
	i := r.head(rec, body)
	rec.Key, i = nullable(body, i)
	rec.Value, i = nullable(body, i)
	headers, i := varint(body, i)
	if f := checkHeaders(body, headers, i); f != faultNone {
		return f
	}
	rec.Headers = nil
	if headers > 0 && !skipHeaders {
		rec.Headers = decodeHeaders(body, headers, i)
	}
	r.left--
	r.index++
	return faultNone
}

// head reads what a record begins with, and forgets what rec had before. It returns the position behind, -1 if there is not so much.
func (r *records) head(rec *Record, body []byte) int {
	*rec = Record{Attributes: int8(body[0])}
	delta, i := varlong(body, 1)
	offset, i := varint(body, i)
	rec.Offset = r.base + int64(offset)
	rec.Timestamp = r.baseTS + delta
	if r.hasLAT {
		rec.Timestamp = r.appendTS
	}
	return i
}

func (r *records) fail(f fault) bool {
	r.err = fmt.Errorf("%w: record %d of batch at offset %d: %v", ErrCorrupt, r.index, r.base, f)
	return false
}

// failDecompress notes why a batch cannot be decompressed.
func (r *records) failDecompress(err error) {
	if errors.Is(err, codec.ErrCorrupt) {
		err = fmt.Errorf("%w: records of batch at offset %d: %w", ErrCorrupt, r.base, err)
	}
	r.err = err
}

// Reset begins a batch. A compressed one is decompressed, at most to limit bytes. The error wraps ErrCorrupt, or is
// codec.ErrTooLarge or codec.ErrUnknown; the CRC is not looked at.
func (r *Reader) Reset(b Batch, limit int) error {
	r.records = recordsOf(b)
	r.payload = b.Payload()
	if c := b.Codec(); c != codec.None {
		var err error
		if r.buf, err = codec.Decompress(r.buf[:0], r.payload, c, limit); err != nil {
			r.payload = nil
			r.failDecompress(err)
			return r.err
		}
		r.payload = r.buf
	}
	return nil
}

// Next reads the next record into rec. It returns false after the last one and on damage, which Err tells apart.
func (r *Reader) Next(rec *Record) bool {
	if r.left <= 0 || r.err != nil {
		if r.err == nil && len(r.payload) > 0 {
			r.fail(faultMore)
		}
		return false
	}
	n, start := varint(r.payload, 0)
	if start < 0 || n < minRecordBody || n > len(r.payload)-start {
		return r.fail(faultTorn)
	}
	body := r.payload[start : start+n : start+n]
	r.payload = r.payload[start+n:]

	if f := r.decode(rec, body, r.SkipHeaders); f != faultNone {
		return r.fail(f)
	}
	return true
}

// Err is why Next returned false: nil after the last record.
func (r *Reader) Err() error { return r.err }

// decodeHeaders decodes headers that checkHeaders has walked.
func decodeHeaders(body []byte, n, i int) []Header {
	out := make([]Header, 0, n)
	for ; n > 0; n-- {
		var key, value []byte
		key, i = nullable(body, i)
		value, i = nullable(body, i)
		out = append(out, Header{Key: string(key), Value: value})
	}
	return out
}

// nullable reads bytes behind their length; a negative length is null.
func nullable(b []byte, i int) ([]byte, int) {
	n, i := varint(b, i)
	if i < 0 || n > len(b)-i {
		return nil, -1
	}
	if n < 0 {
		return nil, i
	}
	return b[i : i+n : i+n], i + n
}

// Records goes over the records of one batch. A pair with an error is the last. The record is the iterator's own and is
// overwritten by the next; what its slices point to stays.
func Records(b Batch, limit int) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		var r Reader
		var rec Record
		if err := r.Reset(b, limit); err != nil {
			yield(nil, err)
			return
		}
		for r.Next(&rec) {
			if !yield(&rec, nil) {
				return
			}
		}
		if r.err != nil {
			yield(nil, r.err)
		}
	}
}
