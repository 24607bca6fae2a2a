package batch

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/sordini/sordini/protocol/codec"
)

var (
	// ErrEmpty says that a batch without records was asked for.
	ErrEmpty = errors.New("batch has no records")
	// ErrFull says that a batch would exceed what its length field or its offsets can express.
	ErrFull = errors.New("batch is too large")
)

// Options describe a batch to build. The zero value is a plain uncompressed batch at offset 0 without a producer.
type Options struct {
	Codec codec.Codec
	Level int // codec.DefaultLevel, or as codec.Compress takes it

	BaseOffset           int64
	PartitionLeaderEpoch int32

	// HasProducer makes the three fields below count; without it the batch carries -1 in each.
	HasProducer   bool
	ProducerID    int64
	ProducerEpoch int16
	BaseSequence  int32 // control batches carry NoSequence

	Transactional bool
	Control       bool

	// MaxBytes is what the batch may take, if not 0. A builder that would exceed it stops to take records: Full.
	MaxBytes int

	// LogAppendTime gives the whole batch the time LogAppendTimeMs.
	LogAppendTime   bool
	LogAppendTimeMs int64
}

// Builder collects records and writes them as one batch. It keeps its buffer: Reset and use it again. Records of a compressed batch
// are held as they are up to compressAtBytes, and beyond that compressed as they come, so that much that compresses well takes little
// memory.
type Builder struct {
	opts     Options
	buf      []byte // records, not compressed: all, or those that writer has not got yet
	writer   *codec.Writer
	written  int    // bytes that writer got
	packed   []byte // what writer made; set when it is closed
	err      error  // of writer
	count    int32
	last     int32 // offset delta of the last record
	baseTS   int64
	maxTS    int64
	overflow bool
}

const compressAtBytes = 1 << 20

// NewBuilder begins a batch.
func NewBuilder(opts Options) *Builder {
	b := new(Builder)
	b.Reset(opts)
	return b
}

// Reset begins another batch.
func (b *Builder) Reset(opts Options) {
	*b = Builder{opts: opts, buf: b.buf[:0], last: -1, maxTS: NoTimestamp}
}

// Add appends a record at the next offset. Nothing is kept of the arguments.
func (b *Builder) Add(timestamp int64, key, value []byte, headers []Header) {
	b.AddAt(b.last+1, timestamp, key, value, headers)
}

// AddAt is Add at an offset delta of the caller's choice, which must rise from record to record: compaction leaves gaps.
func (b *Builder) AddAt(offsetDelta int32, timestamp int64, key, value []byte, headers []Header) {
	if b.count == 0 {
		b.baseTS = timestamp
	}
	if offsetDelta <= b.last || b.packed != nil || b.written+len(b.buf)+len(key)+len(value) > math.MaxInt32-HeaderSize || b.overflow {
		b.overflow = true // reported by Build, so that callers need one check
		return
	}
	b.count++
	b.last = offsetDelta
	b.maxTS = max(b.maxTS, timestamp)

	delta := timestamp - b.baseTS
	size := 1 + sizeVarlong(delta) + sizeVarlong(int64(offsetDelta)) + sizeBytes(key) + sizeBytes(value) + sizeVarlong(int64(len(headers)))
	for i := range headers {
		size += sizeVarlong(int64(len(headers[i].Key))) + len(headers[i].Key) + sizeBytes(headers[i].Value)
	}
	p := appendVarint(b.buf, size)
	p = append(p, 0) // attributes
	p = appendVarlong(p, delta)
	p = appendVarint(p, int(offsetDelta))
	p = appendNullable(p, key)
	p = appendNullable(p, value)
	p = appendVarint(p, len(headers))
	for i := range headers {
		p = appendVarint(p, len(headers[i].Key))
		p = append(p, headers[i].Key...)
		p = appendNullable(p, headers[i].Value)
	}
	b.buf = p
	if b.opts.Codec == codec.None {
		b.overflow = b.opts.MaxBytes > 0 && b.Size() > b.opts.MaxBytes
	} else if len(b.buf) >= compressAtBytes {
		b.compress()
	}
}

// compress hands over the records that are held.
func (b *Builder) compress() {
	if b.writer == nil && b.err == nil {
		b.writer, b.err = codec.NewWriter(nil, b.opts.Codec, b.opts.Level)
	}
	if b.err == nil {
		_, b.err = b.writer.Write(b.buf)
	}
	b.written += len(b.buf)
	b.buf = b.buf[:0]
	b.overflow = b.err != nil || b.opts.MaxBytes > 0 && HeaderSize+b.writer.Len() > b.opts.MaxBytes
}

// Full reports whether a record was refused, or that the next would be: Build will say ErrFull.
func (b *Builder) Full() bool { return b.overflow }

// Count is the number of records so far.
func (b *Builder) Count() int { return int(b.count) }

// Size is what the batch would take without compression.
func (b *Builder) Size() int { return HeaderSize + b.written + len(b.buf) }

// MaxTimestamp is that of the records so far, NoTimestamp if none has one.
func (b *Builder) MaxTimestamp() int64 { return b.maxTS }

// Build appends the batch to dst. It may be called again, but a large compressed batch takes no more records after it.
func (b *Builder) Build(dst []byte) ([]byte, error) {
	if b.count == 0 && !b.overflow {
		return dst, ErrEmpty
	}
	if b.writer != nil && !b.overflow {
		if b.compress(); b.err == nil {
			b.packed, b.err = b.writer.Close()
			b.writer = nil
		}
	}
	if b.err != nil {
		return dst, b.err
	}
	if b.overflow {
		return dst, ErrFull
	}
	start := len(dst)
	var header [HeaderSize]byte
	out := append(dst, header[:]...)
	if b.packed != nil {
		out = append(out, b.packed...)
	} else {
		var err error
		if out, err = codec.Compress(out, b.buf, b.opts.Codec, b.opts.Level); err != nil {
			return dst, err
		}
	}
	if size := len(out) - start; size > math.MaxInt32-LogOverhead || b.opts.MaxBytes > 0 && size > b.opts.MaxBytes {
		return dst, ErrFull
	}
	b.header(Batch(out[start:]))
	return out, nil
}

func (b *Builder) header(h Batch) {
	attributes := uint16(b.opts.Codec)
	maxTS := b.maxTS
	if b.opts.LogAppendTime {
		attributes |= AttrLogAppendTime
		maxTS = b.opts.LogAppendTimeMs
	}
	if b.opts.Transactional {
		attributes |= AttrTransactional
	}
	if b.opts.Control {
		attributes |= AttrControl
	}
	id, epoch, sequence := int64(NoProducerID), int16(NoProducerEpoch), int32(NoSequence)
	if b.opts.HasProducer {
		id, epoch, sequence = b.opts.ProducerID, b.opts.ProducerEpoch, b.opts.BaseSequence
	}
	h.SetBaseOffset(b.opts.BaseOffset)
	binary.BigEndian.PutUint32(h[posLength:], uint32(len(h)-LogOverhead))
	h.SetPartitionLeaderEpoch(b.opts.PartitionLeaderEpoch)
	h[posMagic] = Magic
	binary.BigEndian.PutUint16(h[posAttributes:], attributes)
	binary.BigEndian.PutUint32(h[posLastOffsetDelta:], uint32(b.last))
	binary.BigEndian.PutUint64(h[posBaseTimestamp:], uint64(b.baseTS))
	h.SetMaxTimestamp(maxTS)
	binary.BigEndian.PutUint64(h[posProducerID:], uint64(id))
	binary.BigEndian.PutUint16(h[posProducerEpoch:], uint16(epoch))
	binary.BigEndian.PutUint32(h[posBaseSequence:], uint32(sequence))
	binary.BigEndian.PutUint32(h[posCount:], uint32(b.count))
	h.RecomputeCRC()
}

func sizeBytes(b []byte) int {
	if b == nil {
		return 1
	}
	return sizeVarlong(int64(len(b))) + len(b)
}

func appendNullable(dst, b []byte) []byte {
	if b == nil {
		return append(dst, 1) // -1
	}
	return append(appendVarint(dst, len(b)), b...)
}
