package record

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A list of records is the content of one log entry: all of it is applied or nothing.
//
//	list   = format (1 byte, 0) count (uvarint) record*
//	record = type (uvarint) version (uvarint) length (uvarint) body (length bytes)
const listFormat = 0

// MaxListBytes is the largest list that is written or read. One CreateTopics of 10,000 partitions is below 1 MiB.
const MaxListBytes = 16 << 20

// MaxStringBytes is the longest string in a record: Kafka's own limit for a config value.
const MaxStringBytes = 32767

// Errors of decoding. Each is wrapped with what was being read.
var (
	ErrCorrupt     = errors.New("metadata record is damaged")
	ErrUnsupported = errors.New("metadata record was written by a newer version")
	ErrTooLarge    = errors.New("metadata records do not fit in one entry")
)

// AppendList appends the encoding of records to dst.
func AppendList(dst []byte, records []Record) []byte {
	dst = append(dst, listFormat)
	dst = binary.AppendUvarint(dst, uint64(len(records)))
	var body encoder
	for _, r := range records {
		body.b = body.b[:0]
		r.encode(&body)
		dst = binary.AppendUvarint(dst, uint64(r.Type()))
		dst = binary.AppendUvarint(dst, uint64(r.version()))
		dst = binary.AppendUvarint(dst, uint64(len(body.b)))
		dst = append(dst, body.b...)
	}
	return dst
}

// Size is about how many bytes a record takes in a list.
func Size(r Record) int {
	switch r := r.(type) {
	case *Config:
		n := 16 + len(r.ResourceName) + len(r.Name)
		if r.Value != nil {
			n += len(*r.Value)
		}
		return n
	case *Partition:
		return 48 + 5*(len(r.Replicas)+len(r.ISR))
	case *RegisterBroker:
		n := 64 + len(r.Rack)
		for _, l := range r.Listeners {
			n += 16 + len(l.Name) + len(l.Host)
		}
		return n
	case *Topic:
		return 32 + len(r.Name)
	}
	return 64
}

// DecodeList decodes what AppendList wrote. The records do not alias b.
func DecodeList(b []byte) ([]Record, error) {
	if len(b) > MaxListBytes {
		return nil, fmt.Errorf("%w: list of %d bytes", ErrCorrupt, len(b))
	}
	if len(b) == 0 {
		return nil, fmt.Errorf("%w: empty list", ErrCorrupt)
	}
	if b[0] != listFormat {
		return nil, fmt.Errorf("%w: list format %d", ErrUnsupported, b[0])
	}
	d := decoder{b: b[1:]}
	n := d.count(3) // type, version and length are at least a byte each
	records := make([]Record, 0, n)
	for i := range n {
		r, err := decodeRecord(&d)
		if err != nil {
			return nil, fmt.Errorf("record %d of %d: %w", i, n, err)
		}
		records = append(records, r)
	}
	if d.bad || len(d.b) != 0 {
		return nil, fmt.Errorf("%w: list of %d records, %d bytes left", ErrCorrupt, n, len(d.b))
	}
	return records, nil
}

func decodeRecord(d *decoder) (Record, error) {
	typ, version, length := d.uvarint(), d.uvarint(), d.uvarint()
	if d.bad || length > uint64(len(d.b)) {
		return nil, fmt.Errorf("%w: header", ErrCorrupt)
	}
	body := decoder{b: d.b[:length]}
	d.b = d.b[length:]
	if typ > 0xffff {
		return nil, fmt.Errorf("%w: type %d", ErrUnsupported, typ)
	}
	r := newRecord(Type(typ))
	if r == nil {
		return nil, fmt.Errorf("%w: type %d", ErrUnsupported, typ)
	}
	if version > uint64(r.version()) {
		return nil, fmt.Errorf("%w: type %d version %d", ErrUnsupported, typ, version)
	}
	r.decode(&body, uint16(version))
	if body.bad || len(body.b) != 0 {
		return nil, fmt.Errorf("%w: body of type %d", ErrCorrupt, typ)
	}
	return r, nil
}

// encoder appends the primitive types: integers as zigzag varints, strings and arrays with a uvarint count.
type encoder struct{ b []byte }

func (e *encoder) varint(v int64)  { e.b = binary.AppendVarint(e.b, v) }
func (e *encoder) uuid(v [16]byte) { e.b = append(e.b, v[:]...) }
func (e *encoder) string(s string) {
	e.b = binary.AppendUvarint(e.b, uint64(len(s)))
	e.b = append(e.b, s...)
}
func (e *encoder) bool(v bool) {
	n := byte(0)
	if v {
		n = 1
	}
	e.b = append(e.b, n)
}
func (e *encoder) ints(v []int32) {
	e.b = binary.AppendUvarint(e.b, uint64(len(v)))
	for _, n := range v {
		e.varint(int64(n))
	}
}

// decoder reads them back. After the first fault it is bad and everything reads as zero.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) fail() {
	d.bad, d.b = true, nil
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) int64() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) int32() int32 {
	v := d.int64()
	if v != int64(int32(v)) {
		d.fail()
		return 0
	}
	return int32(v)
}

// count reads a count of elements that take at least minBytes each, so that it can be allocated safely.
func (d *decoder) count(minBytes int) int {
	n := d.uvarint()
	if n > uint64(len(d.b)/minBytes) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) string() string {
	n := d.count(1)
	if n > MaxStringBytes {
		d.fail()
		return ""
	}
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}

func (d *decoder) uuid() (id [16]byte) {
	if len(d.b) < len(id) {
		d.fail()
		return id
	}
	d.b = d.b[copy(id[:], d.b):]
	return id
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.fail()
		return 0
	}
	v := d.b[0]
	d.b = d.b[1:]
	return v
}

func (d *decoder) bool() bool {
	v := d.byte()
	if v > 1 {
		d.fail()
	}
	return v == 1
}

// ints reads an array; an empty one is an empty slice, not nil.
func (d *decoder) ints() []int32 {
	n := d.count(1)
	v := make([]int32, 0, n)
	for range n {
		v = append(v, d.int32())
	}
	return v
}
