package protocol

import (
	"fmt"
	"math"
	"runtime"
	"testing"
)

// What a body that passed CheckShape may make kmsg allocate: in proportion, plus what unknown tags have free.
// A view's slices may cost a little more until they have grown; half of it is garbage by then.
const (
	decodedBytesPerByte = 32
	viewBytesPerByte    = 40
)

func allowedBytes(body int, tags bool) uint64 {
	allowed := decodedBytesPerByte*body + 4096
	if tags {
		allowed += tagBytesFree
	}
	return uint64(allowed)
}

// bytesAllocated counts the bytes that f allocates, garbage included. What the runtime allocates at the same time is counted too, so where it is
// more than allowed f, which must do the same each time, is run again: the least is nearest to f's own.
func bytesAllocated(allowed uint64, f func()) uint64 {
	least := uint64(math.MaxUint64)
	for range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		if least = min(least, after.TotalAlloc-before.TotalAlloc); least <= allowed {
			break
		}
	}
	return least
}

// smallest encodes an element in the fewest bytes that pass: zeros for fixed fields, empty strings, null where it may be
// empty otherwise, and `tags` unknown tags in each structure.
type smallest struct {
	version  int16
	flexible bool
	tags     int
	nulls    bool
}

func (s *smallest) structure(dst []byte, fields []field, counts ...int) []byte {
	for i := range fields {
		if f := &fields[i]; !f.Tagged && f.has(s.version) {
			dst = s.field(dst, f, counts)
		}
	}
	if s.flexible {
		dst = appendUvarint(dst, uint32(s.tags))
		for tag := range s.tags {
			dst = appendUvarint(dst, uint32(100+tag))
			dst = append(dst, 0)
		}
	}
	return dst
}

// field encodes one field. Arrays get counts[0] elements, those within them counts[1], and so on; then they are empty.
func (s *smallest) field(dst []byte, f *field, counts []int) []byte {
	count := 0
	if len(counts) > 0 {
		count, counts = counts[0], counts[1:]
	}
	null := s.nulls && f.Nullable > 0 && s.version >= int16(f.Nullable)-1
	switch f.Kind {
	case kindString:
		if null && s.flexible {
			return append(dst, 0)
		}
		return appendString(dst, "", s.flexible)
	case kindBytes:
		return appendLen(dst, 0, s.flexible)
	case kindInt32s:
		dst = appendLen(dst, count, s.flexible)
		return append(dst, make([]byte, 4*count)...)
	case kindInt64s:
		dst = appendLen(dst, count, s.flexible)
		return append(dst, make([]byte, 8*count)...)
	case kindStrings:
		dst = appendLen(dst, count, s.flexible)
		for range count {
			dst = appendString(dst, "", s.flexible)
		}
		return dst
	case kindArray:
		dst = appendLen(dst, count, s.flexible)
		for range count {
			dst = s.structure(dst, f.Fields, counts...)
		}
		return dst
	case kindStruct:
		return s.structure(dst, f.Fields)
	case kindNullableStruct:
		return append(dst, 0xff)
	}
	return append(dst, make([]byte, f.Kind.width())...)
}

// The nastiest bodies: very many elements, each as small as it can be, with and without unknown tags.
func TestDecodingWhatPassedIsBounded(t *testing.T) {
	if raceEnabled {
		t.Skip("kmsg's memory is not what it is without the race detector")
	}
	everyVersion(t, func(t *testing.T, s *schema, version int16) {
		flexible := IsFlexible(s.Key, version)
		counts := [][2]int{{10, 0}, {1000, 0}, {100, 3}, {1, 1000}}
		if version == s.Max {
			counts = append(counts, [2]int{30_000, 0}, [2]int{1, 30_000})
		}
		for _, count := range counts {
			for _, tags := range []int{0, 1, 3} {
				if tags > 0 && !flexible {
					break
				}
				for _, nulls := range []bool{false, true} {
					enc := smallest{version: version, flexible: flexible, tags: tags, nulls: nulls}
					body := enc.structure(nil, s.Fields, count[:]...)
					checkMemory(t, s, version, body, tags > 0, fmt.Sprintf("%v elements, %d tags, nulls %v", count, tags, nulls))
				}
			}
		}
	})
}

func TestViewsAreBounded(t *testing.T) {
	for _, s := range []*schema{&produceSchema, &fetchSchema} {
		for version := range s.Max + 1 {
			for _, count := range [][2]int{{1, 50_000}, {50_000, 1}, {5_000, 10}, {50_000, 0}} {
				enc := smallest{version: version, flexible: IsFlexible(s.Key, version)}
				body := enc.structure(nil, s.Fields, count[:]...)
				var err error
				allowed := viewBytesPerByte * uint64(len(body))
				allocated := bytesAllocated(allowed, func() {
					if s.Key == 0 {
						err = ParseProduce(version, body, new(ProduceRequest))
						return
					}
					err = ParseFetch(version, body, new(FetchRequest))
				})
				if err != nil || allocated > allowed {
					t.Errorf("%s %d: %v elements in %d bytes took %d, err %v", s.Name, version, count, len(body), allocated, err)
				}
			}
		}
	}
}

func TestManyTagsAreBounded(t *testing.T) {
	for _, tags := range []int{1, 8, 9, 100, 1000, MaxTags} {
		enc := smallest{version: 0, flexible: true, tags: tags}
		body := enc.structure(nil, describeClusterSchema.Fields)
		checkMemory(t, &describeClusterSchema, 0, body, true, fmt.Sprintf("%d tags", tags))
	}
}

func checkMemory(t *testing.T, s *schema, version int16, body []byte, tags bool, what string) {
	t.Helper()
	if err := CheckShape(s.Key, version, body); err != nil {
		if len(body) < 16<<10 {
			t.Errorf("%s: %d bytes refused: %v", what, len(body), err)
		}
		return // the tags' budget is for this
	}
	allowed := allowedBytes(len(body), tags)
	allocated := bytesAllocated(allowed, func() {
		if _, err := decode(s.Key, version, body); err != nil {
			t.Errorf("%s: kmsg: %v", what, err)
		}
	})
	if allocated > allowed {
		t.Errorf("%s: %d bytes made kmsg allocate %d, %d times as much", what, len(body), allocated, allocated/uint64(len(body)))
	}
}
