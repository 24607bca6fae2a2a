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

	// LogAppendTime gives the whole batch the time LogAppendTimeMs.
	LogAppendTime   bool
	LogAppendTimeMs int64
}

// Builder collects records and writes them as one batch. It keeps its buffer: Reset and use it again.
type Builder struct {
	opts     Options
	buf      []byte // the records, not compressed
	count    int32
	last     int32 // offset delta of the last record
	baseTS   int64
	maxTS    int64
	overflow bool
}

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
	if offsetDelta <= b.last || len(b.buf)+len(key)+len(value) > math.MaxInt32-HeaderSize {
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
}

// Count is the number of records so far.
func (b *Builder) Count() int { return int(b.count) }

// Size is what the batch would take without compression.
func (b *Builder) Size() int { return HeaderSize + len(b.buf) }

// MaxTimestamp is that of the records so far, NoTimestamp if none has one.
func (b *Builder) MaxTimestamp() int64 { return b.maxTS }

// Build appends the batch to dst. The builder still has its records.
func (b *Builder) Build(dst []byte) ([]byte, error) {
	if b.count == 0 && !b.overflow {
		return dst, ErrEmpty
	}
	if b.overflow {
		return dst, ErrFull
	}
	start := len(dst)
	var header [HeaderSize]byte
	out, err := codec.Compress(append(dst, header[:]...), b.buf, b.opts.Codec, b.opts.Level)
	if err != nil {
		return dst, err
	}
	if len(out)-start > math.MaxInt32-LogOverhead {
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
