package inspect

import (
	"errors"
	"fmt"
	"math"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
)

// Record is one record of any format. Key, Value and Headers are valid until the next batch; nil is null.
type Record struct {
	Offset     int64
	Timestamp  int64
	Key, Value []byte
	Headers    []batch.Header
	Sequence   int32 // format 2 only; -1 without a producer

	// CRC and ValidCRC are of the message, in formats 0 and 1, where every record has its own.
	CRC      uint32
	ValidCRC bool
}

// ErrTooLarge: the batch is larger than Limits allow to look into.
var ErrTooLarge = errors.New("the batch is too large to look into")

// Reader goes over the records of one batch after another, and keeps its buffers between them.
type Reader struct {
	Limits Limits
	// SkipHeaders leaves Record.Headers empty, for callers that do not look at them; they are checked all the same.
	SkipHeaders bool

	v2    batch.Reader
	rec   batch.Record
	out   Record
	inner []byte
	// Uncompressed is how many bytes the records of the last batch take without compression.
	Uncompressed int64
}

// Each calls fn with every record of a batch, in order, until it returns false. The record is the reader's own. The error says why the
// records cannot be read to the end; those before were handed over.
func (r *Reader) Each(b *Batch, fn func(*Record) bool) error {
	if r.Limits == (Limits{}) {
		r.Limits = DefaultLimits()
	}
	r.Uncompressed = 0
	if b.Raw == nil {
		return fmt.Errorf("%w: it has %d bytes", ErrTooLarge, b.Size)
	}
	if b.Magic < batch.Magic {
		return r.eachLegacy(b, fn)
	}
	return r.eachV2(b, fn)
}

func (r *Reader) eachV2(b *Batch, fn func(*Record) bool) error {
	v := batch.Batch(b.Raw)
	if b.Codec != codec.None {
		var err error
		if v, err = r.plain(v); err != nil {
			return err
		}
	}
	r.Uncompressed = int64(len(v.Payload()))
	r.v2.SkipHeaders = r.SkipHeaders
	if err := r.v2.Reset(v, r.Limits.DecompressedBytes); err != nil {
		return err
	}
	out := &r.out
	out.CRC, out.ValidCRC, out.Headers = 0, false, nil
	for r.v2.Next(&r.rec) {
		out.Offset, out.Timestamp, out.Key, out.Value = r.rec.Offset, r.rec.Timestamp, r.rec.Key, r.rec.Value
		if !r.SkipHeaders {
			out.Headers = r.rec.Headers
		}
		out.Sequence = batch.NoSequence
		if delta := out.Offset - b.BaseOffset; b.BaseSequence >= 0 && delta >= 0 {
			out.Sequence = sequenceAt(b.BaseSequence, delta)
		}
		if !fn(out) {
			return nil
		}
	}
	return r.v2.Err()
}

// plain is a batch without its compression. Its length field and checksum are those of the compressed one, and not looked at.
func (r *Reader) plain(v batch.Batch) (batch.Batch, error) {
	inner := append(r.inner[:0], v[:batch.HeaderSize]...)
	inner, err := codec.Decompress(inner, v.Payload(), v.Codec(), r.Limits.DecompressedBytes)
	r.inner = inner
	if err != nil {
		return nil, fmt.Errorf("decompress the batch at offset %d: %w", v.BaseOffset(), err)
	}
	inner[posAttributesV2+1] &^= codec.Mask
	return batch.Batch(inner), nil
}

// sequenceAt is the sequence number so many records after another: 2^31-1 is followed by 0.
func sequenceAt(base int32, delta int64) int32 {
	return int32((int64(base) + delta) % (math.MaxInt32 + 1))
}

func (r *Reader) eachLegacy(b *Batch, fn func(*Record) bool) error {
	m := message(b.Raw)
	if b.Codec == codec.None {
		r.Uncompressed = b.Size
		rec, err := legacyRecord(m, m.offset(), m.timestamp())
		if err == nil {
			fn(&rec)
		}
		return err
	}
	_, value, ok := m.keyValue()
	if !ok || value == nil {
		return fmt.Errorf("%w: the message at offset %d is a wrapper without records", batch.ErrCorrupt, b.LastOffset)
	}
	var err error
	if b.Magic == 0 && b.Codec == codec.LZ4 {
		r.inner, err = codec.DecompressLegacyLZ4(r.inner[:0], value, r.Limits.DecompressedBytes)
	} else {
		r.inner, err = codec.Decompress(r.inner[:0], value, b.Codec, r.Limits.DecompressedBytes)
	}
	if err != nil {
		return fmt.Errorf("decompress the message at offset %d: %w", b.LastOffset, err)
	}
	r.Uncompressed = int64(len(r.inner))
	return r.eachInner(b, fn)
}

// eachInner goes over what was in a wrapper. In format 1 inner offsets are relative, and the last is the wrapper's.
func (r *Reader) eachInner(b *Batch, fn func(*Record) bool) error {
	var shift int64
	if b.Magic == 1 {
		last, found := int64(0), false
		for set := r.inner; ; {
			m, rest, ok := cutMessage(set)
			if !ok {
				break
			}
			last, set, found = m.offset(), rest, true
		}
		if found && last >= 0 && b.LastOffset >= last {
			shift = b.LastOffset - last
		}
	}
	set := r.inner
	for {
		m, rest, ok := cutMessage(set)
		if !ok {
			break
		}
		set = rest
		if m.magic() != b.Magic || m.codec() != codec.None {
			return fmt.Errorf("%w: a message of magic %d, codec %d in the wrapper at offset %d", batch.ErrCorrupt, m.magic(), m.codec(), b.LastOffset)
		}
		ts := m.timestamp()
		if b.TimestampType == LogAppendTime {
			ts = b.MaxTimestamp
		}
		rec, err := legacyRecord(m, shift+m.offset(), ts)
		if err != nil {
			return err
		}
		if !fn(&rec) {
			return nil
		}
	}
	if len(set) > 0 {
		return fmt.Errorf("%w: %d bytes behind the last message in the wrapper at offset %d", batch.ErrCorrupt, len(set), b.LastOffset)
	}
	return nil
}

func legacyRecord(m message, offset, timestamp int64) (Record, error) {
	key, value, ok := m.keyValue()
	if !ok {
		return Record{}, fmt.Errorf("%w: key and value of the message at offset %d do not fill it", batch.ErrCorrupt, offset)
	}
	return Record{
		Offset: offset, Timestamp: timestamp, Key: key, Value: value, Sequence: batch.NoSequence, CRC: m.crc(), ValidCRC: m.validCRC(),
	}, nil
}
