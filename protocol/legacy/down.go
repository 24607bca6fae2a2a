package legacy

import (
	"errors"
	"math"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
)

// DefaultMemoryBytes is what a wrapper may hold, and a single record, when DownConvert is not told.
const DefaultMemoryBytes = 8 << 20

// DownConvert appends to dst what a client that fetches format 0 or 1 gets for stored record batches: Fetch 0-1 takes magic 0,
// Fetch 2-3 takes magic 1. A batch without compression becomes plain messages, of which those below fromOffset are left out,
// because old librdkafka relies on it; a compressed one becomes one wrapper in the same codec, whole, if there is anything in it
// from fromOffset on. Control batches vanish. The batches may end torn.
//
// At most maxBytes are appended, and a message is never split, so nothing may come out although there are batches. A wrapper
// that alone exceeds maxBytes is cut into smaller ones: a client with a fixed buffer could not get past it otherwise. A caller
// whose client must get its first batch whatever its size (Fetch 3) passes that batch alone with a large maxBytes.
//
// A compressed batch is decompressed in pieces. memoryLimit, or DefaultMemoryBytes for 0, is what one wrapper may hold before it
// is compressed; a batch with more becomes several wrappers, so that any batch gets through with about four times that and what
// a codec needs. A single record that is larger than memoryLimit ends the output, and is MESSAGE_TOO_LARGE when nothing came
// before it.
//
// zstd cannot be expressed: the output ends before such a batch, or is UNSUPPORTED_COMPRESSION_TYPE when nothing came before
// it. A damaged batch is treated in the same way with CORRUPT_MESSAGE.
func DownConvert(dst, batches []byte, magic int8, fromOffset int64, maxBytes, memoryLimit int) ([]byte, *batch.Error) {
	if magic != 0 && magic != 1 {
		return dst, &batch.Error{Code: kerr.UnsupportedForMessageFormat, Message: "Records are converted to magic 0 and 1 only"}
	}
	d := down{
		dst: dst, start: len(dst), magic: magic, from: fromOffset,
		maxBytes: max(0, min(maxBytes, math.MaxInt32)), limit: memoryLimit,
	}
	if d.limit <= 0 {
		d.limit = DefaultMemoryBytes
	}
	d.scanner.SkipHeaders = true
	if err := d.convert(batches); err != nil && len(d.dst) == d.start {
		return dst, err
	}
	return d.dst, nil
}

// Skip passes over batches of which DownConvert makes nothing, however much room there is: control batches, and those without a record from
// fromOffset on, as compaction leaves them. What it cannot look into it leaves to DownConvert.
func Skip(batches []byte, fromOffset int64, memoryLimit int) (rest []byte) {
	s := batch.Scanner{TimesOnly: true, SkipHeaders: true, From: fromOffset}
	defer s.Close()
	for {
		b, after, err := batch.Next(batches)
		if errors.Is(err, batch.ErrTorn) {
			return nil
		}
		if err != nil {
			return batches
		}
		if b.LastOffset() >= fromOffset && !b.IsControl() {
			if s.Reset(b, memoryLimit); s.Next(new(batch.Record)) || s.Err() != nil {
				return batches
			}
		}
		batches = after
	}
}

// down is one conversion.
type down struct {
	dst      []byte
	start    int // of our output in dst
	magic    int8
	from     int64
	maxBytes int
	limit    int
	scanner  batch.Scanner
	rec      batch.Record // the scanner's
}

// left is how many bytes may still be appended.
func (d *down) left() int { return d.maxBytes - (len(d.dst) - d.start) }

func (d *down) convert(batches []byte) *batch.Error {
	for full := false; !full; {
		b, rest, err := batch.Next(batches)
		if errors.Is(err, batch.ErrTorn) {
			return nil
		}
		if err != nil {
			return &batch.Error{Code: kerr.CorruptMessage, Message: err.Error()}
		}
		batches = rest
		if b.LastOffset() < d.from {
			continue
		}
		if !b.ValidCRC() {
			return &batch.Error{Code: kerr.CorruptMessage, Message: "Record batch is corrupt: wrong checksum"}
		}
		if b.IsControl() {
			continue
		}
		var cerr *batch.Error
		switch c := b.Codec(); {
		case c == codec.None:
			full, cerr = d.plain(b)
		case c < codec.Zstd:
			full, cerr = d.wrapped(b)
		default:
			cerr = &batch.Error{Code: kerr.UnsupportedCompressionType, Message: "Down-conversion of " + c.String() + "-compressed batches is not supported"}
		}
		if cerr != nil {
			return cerr
		}
	}
	return nil
}

// plain appends an uncompressed batch message by message until one does not fit.
func (d *down) plain(b batch.Batch) (full bool, _ *batch.Error) {
	d.scanner.From = d.from
	d.scanner.Reset(b, d.limit)
	defer d.scanner.Close()
	attributes := appendTime(b, d.magic)
	rec := &d.rec
	for d.scanner.Next(rec) {
		if messageSize(d.magic, rec.Key, rec.Value) > d.left() {
			return true, nil
		}
		d.dst = appendMessage(d.dst, d.magic, rec.Offset, attributes, rec.Timestamp, rec.Key, rec.Value)
	}
	return false, refuse(d.scanner.Err())
}

// wrapped appends a compressed batch as one wrapper, whole; as several one behind the other if it holds more than the limit. If it
// does not fit and nothing came before it, the records from d.from on are tried, then fewer and fewer of them. The same goes
// for a batch that holds more than the limit before d.from.
func (d *down) wrapped(b batch.Batch) (full bool, _ *batch.Error) {
	inner, packed := codec.Borrow(), codec.Borrow()
	defer inner.Return()
	defer packed.Return()
	defer d.scanner.Close()

	a := attempt{most: math.MaxInt}
	if d.from <= b.BaseOffset() {
		a.from = d.from
	}
	for {
		next, full, err := d.attempt(b, a, inner, packed)
		if err != nil || next == a {
			return full, err
		}
		a = next
	}
}

// attempt is how a compressed batch is tried: from an offset on, with at most so many records to the wrapper.
type attempt struct {
	from int64
	most int
}

// attempt appends wrappers until the batch or the room ends. It returns another attempt when the first wrapper did not come
// out, and its own when nothing is left to try.
func (d *down) attempt(b batch.Batch, a attempt, inner, packed *codec.Scratch) (next attempt, full bool, _ *batch.Error) {
	later := a
	later.from = d.from
	d.scanner.From = a.from
	d.scanner.Reset(b, d.limit)
	more := d.scanner.Next(&d.rec)
	for more {
		var w inside
		w, more = d.fill(inner, b, a.most)
		if errors.Is(d.scanner.Err(), codec.ErrTooLarge) && w.count > 0 {
			more = true // it is the next one's turn to fail
		} else if d.scanner.Err() != nil {
			break
		}
		if more && w.count < a.most && later != a {
			return later, false, nil
		}
		if !more && w.lastOffset < d.from {
			return a, false, nil // compaction took those that it was fetched for
		}
		size, err := d.seal(packed, b, inner.B, w)
		if err != nil {
			return a, false, err
		}
		if size == 0 {
			if more && w.count == a.most {
				return a, true, nil // the rest would hardly fit
			}
			if d.scanner.Err() != nil {
				break
			}
			continue
		}
		if len(d.dst) > d.start || w.count == 1 && later == a {
			return a, true, nil
		}
		if later != a {
			return later, false, nil
		}
		// What did not fit is a measure of what will; at least half must go, so that this ends.
		a.most = max(1, min(w.count/2, int(int64(w.count)*int64(d.left())/int64(size))))
		return a, false, nil
	}
	if errors.Is(d.scanner.Err(), codec.ErrTooLarge) && later != a {
		return later, false, nil // it may be one of those before
	}
	return a, false, refuse(d.scanner.Err())
}

// inside describes the messages of a wrapper.
type inside struct {
	count        int
	lastOffset   int64
	maxTimestamp int64
}

// fill writes the inner messages of a wrapper, from the scanner's record on: at most most of them, and no more bytes than the
// limit unless it is one message. It tells whether there are more.
func (d *down) fill(inner *codec.Scratch, b batch.Batch, most int) (w inside, more bool) {
	inner.B = inner.B[:0]
	w.maxTimestamp = batch.NoTimestamp
	attributes := appendTime(b, d.magic)
	base := d.rec.Offset
	for more = true; more; more = d.scanner.Next(&d.rec) {
		rec := &d.rec
		if w.count == most || w.count > 0 && len(inner.B)+messageSize(d.magic, rec.Key, rec.Value) > d.limit {
			return w, true
		}
		offset := rec.Offset // absolute in format 0, relative to the first in format 1
		if d.magic == 1 {
			offset -= base
		}
		w.count++
		w.lastOffset = rec.Offset
		w.maxTimestamp = max(w.maxTimestamp, rec.Timestamp)
		inner.B = appendMessage(inner.B, d.magic, offset, attributes, rec.Timestamp, rec.Key, rec.Value)
	}
	return w, false
}

// seal compresses inner messages and appends the wrapper. It returns 0 when that was possible, and the wrapper's size when
// there was no room for it.
func (d *down) seal(packed *codec.Scratch, b batch.Batch, inner []byte, w inside) (size int, _ *batch.Error) {
	c := b.Codec()
	var err error
	if c == codec.LZ4 && d.magic == 0 {
		packed.B, err = codec.CompressLegacyLZ4(packed.B[:0], inner, codec.DefaultLevel)
	} else {
		packed.B, err = codec.Compress(packed.B[:0], inner, c, codec.DefaultLevel)
	}
	if err != nil {
		return 0, &batch.Error{Code: kerr.CorruptMessage, Message: err.Error()}
	}
	if size := messageSize(d.magic, nil, packed.B); size > d.left() {
		return size, nil
	}
	d.dst = appendMessage(d.dst, d.magic, w.lastOffset, byte(c)|appendTime(b, d.magic), w.maxTimestamp, nil, packed.B)
	return 0, nil
}

// appendTime is the timestamp type of messages that come from the batch.
func appendTime(b batch.Batch, magic int8) byte {
	if magic == 1 && b.IsLogAppendTime() {
		return attrLogAppendTime
	}
	return 0
}

// refuse maps a scanner's error. A batch that is too large to open is like a damaged one to a client that cannot skip it.
func refuse(err error) *batch.Error {
	if err == nil {
		return nil
	}
	if errors.Is(err, codec.ErrTooLarge) {
		return &batch.Error{Code: kerr.MessageTooLarge, Message: "A record exceeds the limit when decompressed"}
	}
	return &batch.Error{Code: kerr.CorruptMessage, Message: err.Error()}
}
