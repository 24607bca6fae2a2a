package mixed

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/compat-tests/harness"
	"github.com/sordini/sordini/protocol/codec"
)

// entry is a record as frames carry it; nil is null.
type entry struct {
	offset, ms int64 // ms is -1 in format 0
	key, value []byte
	headers    []kmsg.Header
}

func (e entry) String() string {
	field := func(b []byte) string {
		if b == nil {
			return "null"
		}
		return fmt.Sprintf("%q", b)
	}
	s := fmt.Sprintf("%d@%d %s=%s", e.offset, e.ms, field(e.key), field(e.value))
	for _, h := range e.headers {
		s += fmt.Sprintf(" %s:%s", h.Key, h.Value)
	}
	return s
}

const (
	logOverhead  = 12   // offset and size, before what the size counts
	appendTime   = 0x08 // attribute bit
	inflateLimit = 64 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// oldSet is a message set of format 0 or 1; with a codec it is one wrapper around it. inner says how its offsets are numbered.
func oldSet(magic int8, pack packing, inner func(i int) int64, entries []entry) []byte {
	var set []byte
	last := int64(-1)
	for i, e := range entries {
		set = append(set, harness.Message(magic, 0, inner(i), e.ms, e.key, e.value)...)
		last = max(last, e.ms)
	}
	if pack.codec == codec.None {
		return set
	}
	return harness.Message(magic, int8(pack.codec), inner(len(entries)-1), last, nil, pack.do(set))
}

// packing is a way to compress that some client has.
type packing struct {
	name  string
	codec codec.Codec
	do    func([]byte) []byte
}

func packings(magic int8) []packing {
	by := func(c codec.Codec) func([]byte) []byte {
		return func(b []byte) []byte { return mustPack(codec.Compress(nil, b, c, codec.DefaultLevel)) }
	}
	all := []packing{
		{name: "none"},
		{name: "gzip", codec: codec.Gzip, do: by(codec.Gzip)},
		{name: "snappy in blocks of xerial", codec: codec.Snappy, do: by(codec.Snappy)},
		{name: "snappy plain", codec: codec.Snappy, do: plainSnappy},
		{name: "lz4", codec: codec.LZ4, do: by(codec.LZ4)},
	}
	if magic == 0 { // Java before 0.10 hashes too much into the checksum of the frame's header (KIP-57)
		all = append(all, packing{name: "lz4 with the broken checksum", codec: codec.LZ4, do: func(b []byte) []byte {
			return mustPack(codec.CompressLegacyLZ4(nil, b, codec.DefaultLevel))
		}})
	}
	return all
}

func mustPack(b []byte, err error) []byte {
	if err != nil {
		panic(err) // of a test's own input
	}
	return b
}

// plainSnappy is a snappy block of literals, without any frame, as librdkafka and Sarama write it.
func plainSnappy(b []byte) []byte {
	out := binary.AppendUvarint(nil, uint64(len(b)))
	for len(b) > 0 {
		n := min(len(b), 1<<16)
		out = append(out, 61<<2, byte(n-1), byte((n-1)>>8)) // a literal whose length less one follows in two bytes
		out = append(out, b[:n]...)
		b = b[n:]
	}
	return out
}

// batchOf is a record batch, format 2.
func batchOf(pack packing, entries []entry) []byte {
	first := entries[0].ms
	var records []byte
	maxMs := first
	for i, e := range entries {
		r := kmsg.Record{OffsetDelta: int32(i), TimestampDelta64: e.ms - first, Key: e.key, Value: e.value, Headers: e.headers}
		body := r.AppendTo(nil)[1:] // the length, 0 here, takes one byte
		records = append(binary.AppendVarint(records, int64(len(body))), body...)
		maxMs = max(maxMs, e.ms)
	}
	if pack.codec != codec.None {
		records = pack.do(records)
	}
	out := (&kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, Attributes: int16(pack.codec), LastOffsetDelta: int32(len(entries) - 1), FirstTimestamp: first,
		MaxTimestamp: maxMs, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: int32(len(entries)), Records: records,
	}).AppendTo(nil)
	binary.BigEndian.PutUint32(out[8:], uint32(len(out)-logOverhead))
	binary.BigEndian.PutUint32(out[17:], crc32.Checksum(out[21:], castagnoli))
	return out
}

// parsed is what an answer's record set holds.
type parsed struct {
	entries []entry
	magics  map[int8]bool
	codecs  map[codec.Codec]bool
	torn    bool // it ends in the middle of a message, as Kafka's old answers do
}

func parse(t *testing.T, set []byte) parsed {
	t.Helper()
	p := parsed{magics: map[int8]bool{}, codecs: map[codec.Codec]bool{}}
	for len(set) > 0 {
		if len(set) < 17 || logOverhead+int(binary.BigEndian.Uint32(set[8:])) > len(set) {
			p.torn = true
			return p
		}
		size := logOverhead + int(binary.BigEndian.Uint32(set[8:]))
		one := set[:size]
		set = set[size:]
		magic := int8(one[16])
		p.magics[magic] = true
		if magic == 2 {
			p.batch(t, one)
			continue
		}
		p.message(t, one)
	}
	return p
}

func (p *parsed) batch(t *testing.T, b []byte) {
	t.Helper()
	var rb kmsg.RecordBatch
	if err := rb.ReadFrom(b); err != nil {
		t.Fatalf("a batch cannot be read: %v", err)
	}
	if crc32.Checksum(b[21:], castagnoli) != uint32(rb.CRC) {
		t.Fatal("a batch has a wrong checksum")
	}
	c := codec.Codec(rb.Attributes & codec.Mask)
	p.codecs[c] = true
	records := unpack(t, rb.Records, c, 2)
	for range rb.NumRecords {
		length, n := binary.Varint(records)
		var r kmsg.Record
		if err := r.ReadFrom(records[:n+int(length)]); err != nil {
			t.Fatalf("a record cannot be read: %v", err)
		}
		records = records[n+int(length):]
		ms := rb.FirstTimestamp + r.TimestampDelta64
		if rb.Attributes&appendTime != 0 {
			ms = rb.MaxTimestamp
		}
		p.entries = append(p.entries, entry{offset: rb.FirstOffset + int64(r.OffsetDelta), ms: ms, key: r.Key, value: r.Value, headers: r.Headers})
	}
}

func (p *parsed) message(t *testing.T, m []byte) {
	t.Helper()
	if crc32.ChecksumIEEE(m[16:]) != binary.BigEndian.Uint32(m[12:]) {
		t.Fatal("a message has a wrong checksum")
	}
	magic, attributes := int8(m[16]), int8(m[17])
	e := entry{offset: int64(binary.BigEndian.Uint64(m)), ms: -1}
	rest := m[18:]
	if magic == 1 {
		e.ms = int64(binary.BigEndian.Uint64(rest))
		rest = rest[8:]
	}
	e.key, rest = field(t, rest)
	e.value, _ = field(t, rest)
	c := codec.Codec(attributes & codec.Mask)
	p.codecs[c] = true
	if c == codec.None {
		p.entries = append(p.entries, e)
		return
	}
	inner := parse(t, unpack(t, e.value, c, magic))
	if inner.torn || len(inner.codecs) != 1 || !inner.codecs[codec.None] || len(inner.magics) != 1 || !inner.magics[magic] {
		t.Fatalf("a wrapper of format %d holds formats %v, codecs %v, torn %v", magic, inner.magics, inner.codecs, inner.torn)
	}
	last := inner.entries[len(inner.entries)-1]
	for _, i := range inner.entries {
		if magic == 1 { // relative, and the wrapper has the offset of the last
			i.offset += e.offset - last.offset
		}
		if attributes&appendTime != 0 {
			i.ms = e.ms
		}
		p.entries = append(p.entries, i)
	}
	if last := p.entries[len(p.entries)-1].offset; last != e.offset {
		t.Fatalf("a wrapper at offset %d ends with offset %d", e.offset, last)
	}
}

func field(t *testing.T, b []byte) (value, rest []byte) {
	t.Helper()
	n := int32(binary.BigEndian.Uint32(b))
	if n < 0 {
		return nil, b[4:]
	}
	return append([]byte{}, b[4:4+n]...), b[4+n:]
}

func unpack(t *testing.T, b []byte, c codec.Codec, magic int8) []byte {
	t.Helper()
	var out []byte
	var err error
	switch {
	case c == codec.None:
		return b
	case c == codec.LZ4 && magic == 0:
		if _, err := codec.Decompress(nil, b, c, inflateLimit); err == nil {
			t.Fatal("the LZ4 frame of a message of format 0 has the right checksum, which the clients of that time refuse")
		}
		out, err = codec.DecompressLegacyLZ4(nil, b, inflateLimit)
	default:
		if c == codec.Snappy && magic < 2 && !bytes.HasPrefix(b, []byte("\x82SNAPPY\x00")) {
			t.Fatal("snappy without xerial's frame, which Java's old clients cannot read")
		}
		out, err = codec.Decompress(nil, b, c, inflateLimit)
	}
	if err != nil {
		t.Fatalf("cannot unpack %v: %v", c, err)
	}
	return out
}
