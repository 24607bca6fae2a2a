package decode

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
)

var errShort = errors.New("the record ends too early")

// reader takes values from bytes and appends them as JSON.
type reader struct {
	b        []byte
	flexible bool
}

func (r *reader) take(n int) ([]byte, error) {
	if n < 0 || n > len(r.b) {
		return nil, errShort
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b, nil
}

func (r *reader) int(n int) (int64, error) {
	b, err := r.take(n)
	if err != nil {
		return 0, err
	}
	v := int64(int8(b[0]))
	for _, c := range b[1:] {
		v = v<<8 | int64(c)
	}
	return v, nil
}

func (r *reader) uvarint() (uint64, error) {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > math.MaxUint32 {
		return 0, errShort
	}
	r.b = r.b[n:]
	return v, nil
}

// length reads the length of a string (two bytes in old versions), of bytes or an array (four); -1 is null. It is not more than what is left.
func (r *reader) length(oldSize int) (int, error) {
	var n int64
	if r.flexible {
		v, err := r.uvarint()
		if err != nil {
			return 0, err
		}
		n = int64(v) - 1
	} else {
		v, err := r.int(oldSize)
		if err != nil {
			return 0, err
		}
		n = v
	}
	if n > int64(len(r.b)) {
		return 0, errShort
	}
	return int(max(n, -1)), nil
}

// append decodes a message and appends its JSON, as Kafka's JsonConverters print it. Bytes behind the message are not looked at.
func (s *schema) append(dst, b []byte) ([]byte, error) {
	_, dst, err := s.decode(dst, b)
	return dst, err
}

func (s *schema) decode(dst, b []byte) (rest, out []byte, err error) {
	r := reader{b: b, flexible: s.flexible}
	out, err = r.fields(dst, s.root.fields)
	return r.b, out, err
}

// fields reads a struct. Tagged fields come last in the bytes and in their place in the JSON.
func (r *reader) fields(dst []byte, fields []field) ([]byte, error) {
	parts := make([][]byte, len(fields))
	for i := range fields {
		f := &fields[i]
		if f.tag >= 0 {
			continue
		}
		part, err := r.value(nil, f)
		if err != nil {
			return dst, fmt.Errorf("%s: %w", f.name, err)
		}
		parts[i] = part
	}
	if r.flexible {
		if err := r.tags(parts, fields); err != nil {
			return dst, err
		}
	}
	dst = append(dst, '{')
	first := true
	for i, part := range parts {
		if part == nil {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(append(append(dst, '"'), fields[i].name...), `":`...)
		dst = append(dst, part...)
	}
	return append(dst, '}'), nil
}

func (r *reader) tags(parts [][]byte, fields []field) error {
	count, err := r.uvarint()
	if err != nil {
		return err
	}
	for ; count > 0; count-- {
		tag, err := r.uvarint()
		if err != nil {
			return err
		}
		size, err := r.uvarint()
		if err != nil {
			return err
		}
		b, err := r.take(int(min(size, math.MaxInt32)))
		if err != nil {
			return err
		}
		i := slices.IndexFunc(fields, func(f field) bool { return f.tag >= 0 && uint64(f.tag) == tag })
		if i < 0 {
			continue // of a newer version
		}
		inner := reader{b: b, flexible: true}
		if parts[i], err = inner.value(nil, &fields[i]); err != nil {
			return fmt.Errorf("%s: %w", fields[i].name, err)
		}
	}
	return nil
}

func (r *reader) value(dst []byte, f *field) ([]byte, error) {
	switch f.kind {
	case kindInt8, kindInt16, kindInt32, kindInt64:
		v, err := r.int(1 << (f.kind - kindInt8))
		return strconv.AppendInt(dst, v, 10), err
	case kindUint16:
		v, err := r.int(2)
		return strconv.AppendUint(dst, uint64(uint16(v)), 10), err
	case kindBool:
		v, err := r.int(1)
		return strconv.AppendBool(dst, v != 0), err
	case kindFloat64:
		v, err := r.int(8)
		return appendDouble(dst, math.Float64frombits(uint64(v))), err
	case kindUUID:
		v, err := r.take(16)
		return appendBase64(dst, base64.RawURLEncoding, v), err
	case kindString, kindBytes:
		return r.text(dst, f)
	case kindArray:
		return r.array(dst, f)
	default:
		if f.nullable {
			present, err := r.present(f)
			if err != nil || !present {
				return append(dst, "null"...), err
			}
		}
		return r.fields(dst, f.fields)
	}
}

// present reads the mark before a nullable struct: a byte, -1 for null; in a tagged field a varint, 0 for null.
func (r *reader) present(f *field) (bool, error) {
	if f.tag >= 0 {
		n, err := r.uvarint()
		return n > 0, err
	}
	n, err := r.int(1)
	return n >= 0, err
}

func (r *reader) text(dst []byte, f *field) ([]byte, error) {
	size := 2
	if f.kind == kindBytes {
		size = 4
	}
	n, err := r.length(size)
	if err != nil {
		return dst, err
	}
	if n < 0 {
		return append(dst, "null"...), nil
	}
	b, err := r.take(n)
	if err != nil {
		return dst, err
	}
	if f.kind == kindString {
		return appendString(dst, b), nil
	}
	if f.explain != nil {
		if out, err := f.explain(b); err == nil {
			return append(dst, out...), nil
		}
	}
	return appendBase64(dst, base64.StdEncoding, b), nil
}

func (r *reader) array(dst []byte, f *field) ([]byte, error) {
	n, err := r.length(4)
	if err != nil {
		return dst, err
	}
	if n < 0 {
		return append(dst, "null"...), nil
	}
	dst = append(dst, '[')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		left := len(r.b)
		if dst, err = r.value(dst, f.element); err != nil {
			return dst, err
		}
		if len(r.b) == left {
			return dst, errShort // elements without bytes: the count would bound nothing
		}
	}
	return append(dst, ']'), nil
}
