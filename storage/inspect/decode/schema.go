package decode

import (
	"fmt"
	"strconv"
	"strings"
)

// A schema is text like
//
//	~ topicId:uuid name:s? port:u16 racks:[s] owner@0:{id:i32 tags:[s]?}
//
// Fields stand in the order of the JSON. Types are i8 i16 i32 i64 u16 bool f64 uuid s (string) b (bytes) [T] (array) {fields} (struct);
// a question mark makes one nullable. With ~ the schema is a flexible version: lengths are compact, structs end with tagged
// fields, and @n marks a tagged field, which is in the JSON when it is in the bytes.
type field struct {
	name     string
	tag      int // -1: an ordinary field
	kind     kind
	nullable bool
	fields   []field // of a struct
	element  *field  // of an array
	// explain makes JSON of bytes that are a message themselves; when it cannot, the bytes stay bytes.
	explain func([]byte) ([]byte, error)
}

type kind uint8

const (
	kindInt8 kind = iota
	kindInt16
	kindInt32
	kindInt64
	kindUint16
	kindBool
	kindFloat64
	kindUUID
	kindString
	kindBytes
	kindArray
	kindStruct
)

var kindNames = map[string]kind{
	"i8": kindInt8, "i16": kindInt16, "i32": kindInt32, "i64": kindInt64, "u16": kindUint16, "bool": kindBool, "f64": kindFloat64,
	"uuid": kindUUID, "s": kindString, "b": kindBytes,
}

// schema is one version of one message.
type schema struct {
	flexible bool
	root     field
}

// mustSchema compiles a schema of the tables beside it, which tests compile all.
func mustSchema(text string) *schema {
	s := &schema{}
	p := parser{rest: strings.TrimSpace(text)}
	if strings.HasPrefix(p.rest, "~") {
		s.flexible = true
		p.rest = p.rest[1:]
	}
	p.rest += "}"
	s.root = field{tag: -1, kind: kindStruct, fields: p.fields()}
	if p.rest != "" {
		p.fail("end")
	}
	return s
}

type parser struct{ rest string }

func (p *parser) fail(what string) {
	panic(fmt.Sprintf("schema: %s expected at %q", what, p.rest))
}

func (p *parser) take(prefix string) bool {
	rest, ok := strings.CutPrefix(p.rest, prefix)
	if ok {
		p.rest = rest
	}
	return ok
}

// fields reads fields up to the closing brace.
func (p *parser) fields() (fields []field) {
	for {
		p.rest = strings.TrimLeft(p.rest, " \n\t")
		if p.take("}") {
			return fields
		}
		i := strings.IndexByte(p.rest, ':')
		if i < 0 {
			p.fail("a field")
		}
		name, tag, tagged := strings.Cut(p.rest[:i], "@")
		p.rest = p.rest[i+1:]
		f := p.typ()
		f.name = name
		if tagged {
			n, err := strconv.Atoi(tag)
			if err != nil {
				p.fail("a tag")
			}
			f.tag = n
		}
		fields = append(fields, f)
	}
}

func (p *parser) typ() field {
	f := field{tag: -1}
	switch {
	case p.take("["):
		element := p.typ()
		f.kind, f.element = kindArray, &element
		if !p.take("]") {
			p.fail("]")
		}
	case p.take("{"):
		f.kind, f.fields = kindStruct, p.fields()
	default:
		end := strings.IndexAny(p.rest, " ?]}\n\t")
		if end < 0 {
			end = len(p.rest)
		}
		k, ok := kindNames[p.rest[:end]]
		if !ok {
			p.fail("a type")
		}
		f.kind = k
		p.rest = p.rest[end:]
	}
	f.nullable = p.take("?")
	return f
}
