package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// everyVersion runs f for every API with a schema, in all its versions.
func everyVersion(t *testing.T, f func(t *testing.T, s *schema, version int16)) {
	for _, s := range schemas {
		for version := int16(0); version <= s.Max; version++ {
			t.Run(fmt.Sprintf("%s/%d", s.Name, version), func(t *testing.T) { f(t, s, version) })
		}
	}
}

func TestSchemasAreThoseOfKmsg(t *testing.T) {
	seen := map[int16]bool{}
	for _, s := range schemas {
		if seen[s.Key] {
			t.Errorf("API %d has two schemas", s.Key)
		}
		seen[s.Key] = true
		if got := kmsg.RequestForKey(s.Key).MaxVersion(); got != s.Max {
			t.Errorf("%s: schema up to version %d, kmsg up to %d", s.Name, s.Max, got)
		}
		if !sameName(kmsg.NameForKey(s.Key), s.Name) {
			t.Errorf("API %d is %s, schema says %s", s.Key, kmsg.NameForKey(s.Key), s.Name)
		}
	}
}

func sameName(a, b string) bool { return bytes.EqualFold([]byte(a), []byte(b)) }

func TestWalkConsumesExactlyWhatKmsgWrites(t *testing.T) {
	everyVersion(t, func(t *testing.T, s *schema, version int16) {
		r := seeded(t, uint64(s.Key)<<8|uint64(version))
		for range 100 {
			_, body := randomRequest(r, s.Key, version)

			rest, err := walk(s.Key, version, append(body, 1, 2, 3))

			if err != nil || !bytes.Equal(rest, []byte{1, 2, 3}) {
				t.Fatalf("walk of %x: left %x, err %v", body, rest, err)
			}
		}
	})
}

func TestEveryTruncationIsRefused(t *testing.T) {
	everyVersion(t, func(t *testing.T, s *schema, version int16) {
		r := seeded(t, uint64(s.Key)<<8|uint64(version))
		for range 10 {
			_, body := randomRequest(r, s.Key, version)
			for n := range body {
				if err := CheckShape(s.Key, version, body[:n]); !errors.Is(err, ErrMalformed) {
					t.Fatalf("first %d of %d bytes of %x: %v", n, len(body), body, err)
				}
			}
		}
	})
}

func TestWhatPassesIsDecodedByKmsg(t *testing.T) {
	everyVersion(t, func(t *testing.T, s *schema, version int16) {
		r := seeded(t, uint64(s.Key)<<8|uint64(version))
		for range 200 {
			_, body := randomRequest(r, s.Key, version)
			for range r.IntN(4) {
				if len(body) > 0 {
					body[r.IntN(len(body))] = byte(r.Uint32())
				}
			}
			if CheckShape(s.Key, version, body) != nil {
				continue
			}
			if _, err := decode(s.Key, version, body); err != nil {
				t.Fatalf("%x passed, kmsg: %v", body, err)
			}
		}
	})
}

func TestCheckShapeDoesNotAllocate(t *testing.T) {
	everyVersion(t, func(t *testing.T, s *schema, version int16) {
		r := seeded(t, 1)
		_, body := randomRequest(r, s.Key, version)
		var err error
		if n := testing.AllocsPerRun(10, func() { err = CheckShape(s.Key, version, body) }); n != 0 || err != nil {
			t.Errorf("%v allocations, err %v", n, err)
		}
	})
}

func TestCheckShapeRefusesUnknownKeysAndVersions(t *testing.T) {
	for _, kv := range [][2]int16{{-1, 0}, {7, 0}, {1000, 0}, {3, -1}, {3, 14}} {
		if err := CheckShape(kv[0], kv[1], make([]byte, 100)); !errors.Is(err, ErrMalformed) {
			t.Errorf("API %d version %d: %v", kv[0], kv[1], err)
		}
	}
}

// The edges of the encoding, one by one. "kmsg" says whether kmsg alone would have taken the body.
func TestShapeEdges(t *testing.T) {
	tests := []struct {
		name         string
		key, version int16
		body         string
		ok, kmsg     bool
	}{
		{"null array where none may be", 3, 0, "\xff\xff\xff\xff", false, true},
		{"null array", 3, 1, "\xff\xff\xff\xff", true, true},
		{"array of -2 is null", 3, 1, "\xff\xff\xff\xfe", true, true},
		{"null compact array where none may be", 60, 0, "\x00\x00", true, true},
		{"null compact array of topics", 19, 5, "\x00\x00\x00\x00\x00\x00\x00", false, true},
		{"count above the bytes left", 3, 1, "\x00\x00\x00\x02\x00\x01a", false, false},
		{"count above what the elements need", 3, 1, "\x00\x00\x00\x03\x00\x00\x00\x00", false, false},
		{"string of -2 is null", 22, 0, "\xff\xfe\x00\x00\x00\x01", true, true},
		{"null string where none may be", 17, 0, "\xff\xff", false, false},
		{"string of -2 where no null may be", 17, 0, "\xff\xfe", false, false},
		{"string longer than the body", 17, 0, "\x00\x02a", false, false},
		{"string that is not UTF-8", 17, 0, "\x00\x02\xff\xfe", true, true},
		{"null bytes where none may be", 36, 0, "\xff\xff\xff\xff", false, true},
		{"null compact bytes where none may be", 36, 2, "\x00\x00", false, true},
		{"bytes of -2 are null", 0, 0, "\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x01t\x00\x00\x00\x01\x00\x00\x00\x00\xff\xff\xff\xfe", true, true},
		{"compact null string", 22, 2, "\x00\x00\x00\x00\x01\x00", true, true},
		{"compact length 2^32-1, for Kafka a null", 22, 2, "\xff\xff\xff\xff\x0f\x00\x00\x00\x01\x00", false, false},
		{"compact array length 2^32-1, for Kafka a null", 3, 9, "\xff\xff\xff\xff\x0f\x00\x00\x00\x00", false, true},
		{"varint of six bytes", 22, 2, "\x81\x80\x80\x80\x80\x00\x00\x00\x00\x01\x00", false, false},
		{"varint longer than need be", 22, 2, "\x80\x00\x00\x00\x00\x01\x00", true, true},
		{"tag count 2^32-1", 60, 0, "\x00\xff\xff\xff\xff\x0f", false, false},
		{"tag longer than the body", 60, 0, "\x00\x01\x05\x02a", false, false},
		{"unknown tag", 60, 0, "\x00\x01\x05\x01a", true, true},
		{"unknown tag twice", 60, 0, "\x00\x02\x05\x01a\x05\x01b", true, true},
		{"bytes left over", 60, 0, "\x00\x00more", true, true},
		{"cursor that is null", 75, 0, "\x01\x00\x00\x00\x00\xff\x00", true, true},
		{"cursor that ends early", 75, 0, "\x01\x00\x00\x00\x00\x01\x02t\x00\x00", false, false},
		{"empty body where nothing is asked", 16, 0, "", true, true},
		{"empty body", 60, 0, "", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := CheckShape(tt.key, tt.version, []byte(tt.body)); (err == nil) != tt.ok {
				t.Errorf("CheckShape: %v", err)
			}
			if _, err := decode(tt.key, tt.version, []byte(tt.body)); (err == nil) != tt.kmsg {
				t.Errorf("kmsg: %v", err)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	compactString := func(n int) []byte { return append(appendUvarint(nil, uint32(n+1)), make([]byte, n)...) }
	tags := func(n int) []byte {
		b := appendUvarint([]byte{0}, uint32(n))
		return append(b, make([]byte, 2*n)...)
	}
	metadata := func(n int) []byte { return append(appendInt32(nil, int32(n)), make([]byte, 2*n)...) }
	tests := []struct {
		name         string
		key, version int16
		body         []byte
		ok           bool
	}{
		{"longest string", 22, 2, append(compactString(MaxStringBytes), 0, 0, 0, 1, 0), true},
		{"string too long for Kafka", 22, 2, append(compactString(MaxStringBytes+1), 0, 0, 0, 1, 0), false},
		{"most tags", 60, 0, tags(MaxTags), true},
		{"too many tags", 60, 0, tags(MaxTags + 1), false},
		{"longest array", 3, 0, metadata(MaxArrayElements), true},
		{"array too long", 3, 0, metadata(MaxArrayElements + 1), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := CheckShape(tt.key, tt.version, tt.body); (err == nil) != tt.ok {
				t.Errorf("CheckShape: %v", err)
			}
		})
	}
}

func FuzzCheckShape(f *testing.F) {
	r := seeded(f, 1)
	for _, s := range schemas {
		for version := int16(0); version <= s.Max; version++ {
			_, body := randomRequest(r, s.Key, version)
			f.Add(s.Key, version, body[:min(len(body), 512)])
		}
	}
	f.Fuzz(func(t *testing.T, key, version int16, body []byte) {
		if CheckShape(key, version, body) != nil {
			return
		}
		if _, err := decode(key, version, body); err != nil {
			t.Errorf("API %d version %d: %x passed, kmsg: %v", key, version, body, err)
		}
		allowed := allowedBytes(len(body), true)
		if allocated := bytesAllocated(allowed, func() { decode(key, version, body) }); allocated > allowed {
			t.Errorf("API %d version %d: %d bytes made kmsg allocate %d", key, version, len(body), allocated)
		}
	})
}
