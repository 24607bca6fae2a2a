package protocol

import "fmt"

// The schema walker. kmsg allocates an array as soon as the bytes left could hold its elements in their smallest form, and
// a map for every section of unknown tags; it accepts null for a field that may not be null. CheckShape walks the body
// first, without allocating, and refuses what Kafka refuses, so that afterwards kmsg's memory is in proportion to the body.

// kind is the wire type of a field.
type kind uint8

const (
	kindInt8 kind = iota // also bool and enums
	kindInt16
	kindInt32
	kindInt64
	kindUUID
	kindString
	kindBytes
	kindArray  // of structures: Fields
	kindInt32s // array of int32
	kindInt64s
	kindStrings
	kindStruct
	kindNullableStruct // one byte, -1 for null, then the structure
)

// field is one field of a structure, in wire order.
type field struct {
	Name     string // Kafka's, for the error
	Kind     kind
	From     int16    // first version that has it
	Until    int16    // first version that no longer has it; 0: all have it
	Nullable nullable // from which version it may be null
	Tagged   bool     // in the tag section, as Tag, and not among the ordinary fields
	Tag      uint32
	Fields   []field // of kindArray and the structures
}

// nullable is one more than the first version in which a field may be null; 0 is never.
type nullable int16

const (
	nullAlways nullable = 1
	nullFrom1  nullable = 1 + 1
	nullFrom2  nullable = 2 + 1
	nullFrom10 nullable = 10 + 1
)

// schema describes the request body of one API.
type schema struct {
	Name   string
	Key    int16
	Max    int16 // newest version described
	Fields []field
}

// Memory that kmsg takes for unknown tags, measured: a map with its first group of eight, and what growing it costs for
// each one more. A body may cause tagBytesPerByte times its size of it, and tagBytesFree besides.
const (
	tagSectionBytes = 400
	tagExtraBytes   = 160
	tagBytesPerByte = 24
	tagBytesFree    = 2 << 20
)

// CheckShape walks a request body of this key and version and tells whether it can be decoded: every count, length and tag
// is compared with the bytes that are there and with the limits above, and null is only where Kafka allows it. It does not
// allocate unless it fails. Bytes left over are fine, as are unknown tags and strings that are not UTF-8. A key or version
// that has no schema is an error.
func CheckShape(key, version int16, body []byte) error {
	_, err := walk(key, version, body)
	return err
}

// walk is CheckShape; it returns the bytes left over.
func walk(key, version int16, body []byte) (rest []byte, err error) {
	s := schemaOf(key)
	if s == nil || version < 0 || version > s.Max {
		return nil, fmt.Errorf("%w: no schema for API %d version %d", ErrMalformed, key, version)
	}
	w := walker{
		reader:    reader{b: body},
		version:   version,
		flexible:  IsFlexible(key, version),
		tagBudget: tagBytesFree + tagBytesPerByte*int64(len(body)),
	}
	w.structure(s.Fields)
	if w.bad {
		return nil, fmt.Errorf("%w: field %s of %s version %d, body of %d bytes", ErrMalformed, w.failedAt, s.Name, version, len(body))
	}
	return w.b, nil
}

// walker is one walk. Recursion is as deep as the schema.
type walker struct {
	reader
	version   int16
	flexible  bool
	tagBudget int64
	failedAt  string // innermost field in which the walk failed
}

// structure walks one structure with its tag section.
func (w *walker) structure(fields []field) {
	for i := range fields {
		f := &fields[i]
		if f.Tagged || !f.has(w.version) {
			continue
		}
		w.field(f)
		if w.bad {
			w.failed(f.Name)
			return
		}
	}
	if w.flexible {
		w.tags(fields)
	}
}

func (w *walker) field(f *field) {
	nullable := f.Nullable > 0 && w.version >= int16(f.Nullable)-1
	switch f.Kind {
	case kindInt8, kindInt16, kindInt32, kindInt64, kindUUID:
		w.take(f.Kind.width())
	case kindString:
		w.take(max(0, w.stringLen(w.flexible, nullable)))
	case kindBytes:
		w.take(max(0, w.bytesLen(w.flexible, nullable)))
	case kindInt32s:
		w.take(4 * max(0, w.arrayLen(w.flexible, nullable, 4)))
	case kindInt64s:
		w.take(8 * max(0, w.arrayLen(w.flexible, nullable, 8)))
	case kindStrings:
		for n := w.arrayLen(w.flexible, nullable, kindString.minBytes(w.flexible)); n > 0 && !w.bad; n-- {
			w.take(max(0, w.stringLen(w.flexible, false)))
		}
	case kindArray:
		for n := w.arrayLen(w.flexible, nullable, w.minBytes(f.Fields)); n > 0 && !w.bad; n-- {
			w.structure(f.Fields)
		}
	case kindStruct:
		w.structure(f.Fields)
	case kindNullableStruct:
		present := w.int8()
		if present < -1 {
			w.fail() // null to Kafka, a structure to kmsg
		}
		if present >= 0 && !w.bad {
			w.structure(f.Fields)
		}
	}
}

// tags walks a tag section. A tag that is known, but only to another version, is refused: Kafka 4.4 does so, and kmsg would
// decode it all the same. What a known tag holds beyond its field is passed over.
func (w *walker) tags(fields []field) {
	unknown := int64(0)
	for n := w.tagCount(); n > 0 && !w.bad; n-- {
		tag, value := w.tag()
		f := taggedField(fields, tag)
		if f == nil {
			unknown++
			continue
		}
		if !f.has(w.version) {
			w.fail()
			w.failed(f.Name)
			break
		}
		after := w.reader
		w.reader = value
		w.field(f)
		if w.bad {
			w.failed(f.Name)
			break
		}
		w.reader = after
	}
	if unknown > 0 {
		w.tagBudget -= tagSectionBytes + tagExtraBytes*max(0, unknown-8)
	}
	if w.tagBudget < 0 {
		w.fail()
	}
	if w.bad {
		w.failed("tags")
	}
}

func taggedField(fields []field, tag uint32) *field {
	for i := range fields {
		if f := &fields[i]; f.Tagged && f.Tag == tag {
			return f
		}
	}
	return nil
}

func (w *walker) failed(name string) {
	if w.failedAt == "" {
		w.failedAt = name
	}
}

// minBytes is the size of the smallest structure of these fields.
func (w *walker) minBytes(fields []field) int {
	n := 0
	for i := range fields {
		if f := &fields[i]; !f.Tagged && f.has(w.version) {
			n += f.Kind.minBytes(w.flexible)
		}
	}
	if w.flexible {
		n++
	}
	return n
}

func (f *field) has(version int16) bool {
	return version >= f.From && (f.Until == 0 || version < f.Until)
}

// width is the size of a kind whose size is fixed.
func (k kind) width() int {
	switch k {
	case kindInt8:
		return 1
	case kindInt16:
		return 2
	case kindInt32:
		return 4
	case kindInt64:
		return 8
	case kindUUID:
		return 16
	}
	panic(fmt.Sprintf("kind %d has no fixed width", k))
}

func (k kind) minBytes(flexible bool) int {
	switch k {
	case kindString:
		if !flexible {
			return 2
		}
		return 1
	case kindBytes, kindArray, kindInt32s, kindInt64s, kindStrings:
		if !flexible {
			return 4
		}
		return 1
	case kindStruct, kindNullableStruct:
		return 1 // at least; they stand outside arrays
	}
	return k.width()
}
