package legacy

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
)

const fuzzLimit = 1 << 20

// FuzzUpConvert repairs the checksums of the top level, so that the fuzzer reaches what is inside. What comes out is a batch
// that Validate takes unchanged.
func FuzzUpConvert(f *testing.F) {
	for c := codec.None; c <= codec.LZ4; c++ {
		for magic := range int8(2) {
			set := mustDown(f, logOf(f, 3, batch.Options{Codec: c}), magic, 100, limit)
			f.Add(set, true, byte(0))
			f.Add(append(set, set[:17]...), false, byte(3))
		}
	}
	f.Fuzz(func(t *testing.T, set []byte, repair bool, flags byte) {
		if repair {
			set = bytes.Clone(set)
			for m := set; len(m) > logOverhead+6; {
				n := int64(binary.BigEndian.Uint32(m[posSize:]))
				if n < 6 || n > int64(len(m)-logOverhead) {
					break
				}
				end := logOverhead + int(n)
				binary.BigEndian.PutUint32(m[posCRC:], crc32.ChecksumIEEE(m[posMagic:end]))
				m = m[end:]
			}
		}
		r := openRules()
		r.MaxDecompressedBytes = fuzzLimit
		r.Compacted = flags&1 != 0
		r.LogAppendTime = flags&2 != 0
		if flags&4 != 0 {
			r.TimestampAfterMaxMs = 10
		}
		out, err := UpConvert([]byte("mine"), set, r)
		if string(out[:4]) != "mine" {
			t.Fatal("dst was touched")
		}
		if err != nil {
			if err.Code == nil || err.Message == "" || len(out) != 4 {
				t.Fatalf("%+v", err)
			}
			return
		}
		if len(out) == 4 {
			return
		}
		b := out[4:]
		check := *r
		check.LogAppendTime = false
		check.TimestampAfterMaxMs = openRules().TimestampAfterMaxMs
		check.MaxDecompressedBytes = 64 * fuzzLimit
		before := bytes.Clone(b)
		info, err := batch.Validate(b, &check)
		if err != nil || len(info.Batch) != len(b) || (!r.LogAppendTime && !bytes.Equal(b, before)) {
			t.Fatalf("%v", err)
		}
	})
}

// FuzzDownConvert repairs the CRC of every batch. What comes out is whole messages within the limit; an empty limit yields
// nothing, and every answer can be converted up again.
func FuzzDownConvert(f *testing.F) {
	for c := codec.None; c <= codec.Zstd; c++ {
		log := logOf(f, 3, batch.Options{Codec: c}, batch.Options{})
		f.Add(log, false, int64(101), uint16(1000))
		f.Add(log, true, int64(0), uint16(90))
	}
	f.Fuzz(func(t *testing.T, log []byte, one bool, offset int64, maxBytes uint16) {
		log = bytes.Clone(log)
		for rest := log; ; {
			b, r, err := batch.Next(rest)
			if err != nil {
				break
			}
			b.RecomputeCRC()
			rest = r
		}
		magic := int8(0)
		if one {
			magic = 1
		}
		memory := fuzzLimit
		if offset&1 != 0 {
			memory = 100 // most batches come in several wrappers
		}
		out, err := DownConvert([]byte("mine"), log, magic, offset, int(maxBytes), memory)
		if string(out[:4]) != "mine" || len(out)-4 > int(maxBytes) {
			t.Fatalf("%d bytes of %d", len(out)-4, maxBytes)
		}
		if err != nil {
			if err.Code == nil || err.Message == "" || len(out) != 4 {
				t.Fatalf("%+v", err)
			}
			return
		}
		for set := out[4:]; len(set) > 0; {
			if len(set) < logOverhead {
				t.Fatal("a torn message")
			}
			end := logOverhead + int(binary.BigEndian.Uint32(set[posSize:]))
			if end > len(set) || int8(set[posMagic]) != magic {
				t.Fatal("a torn message")
			}
			r := openRules()
			r.MaxDecompressedBytes = 64 * fuzzLimit
			if _, err := UpConvert(nil, set[:end], r); err != nil {
				t.Fatal(err)
			}
			set = set[end:]
		}
	})
}
