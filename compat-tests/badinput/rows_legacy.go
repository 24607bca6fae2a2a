package badinput

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/sordini/sordini/compat-tests/harness"
)

// message is one message of format 0 or 1.
func message(magic int8, attributes byte, key, value []byte, offset int64) []byte {
	return harness.Message(magic, int8(attributes), offset, 1_700_000_000_000, key, value)
}

// wrapper is a compressed message around others.
func wrapper(magic int8, codec int, inner []byte) []byte {
	return message(magic, byte(codec), nil, compress(codec, inner), 0)
}

// legacyRows are record sets of old producers. Kafka 4.4.0 has no Produce below 3 and closes.
func legacyRows() []row {
	two := append(message(1, 0, []byte("a"), []byte("1"), 0), message(1, 0, []byte("b"), []byte("2"), 1)...)
	zero := message(0, 0, []byte("a"), []byte("1"), 0)
	gzipped := wrapper(1, gzipCodec, two)
	old := func(name, want string, set []byte) row {
		return produced(name, want, 2, plain, func() []byte { return set }).kafka("", closed)
	}
	slip := func(name, want string, set []byte) row {
		return old(name, want, set).kafka(want+" | "+kafkaSlip, closed)
	}
	return []row{
		old("format 0", ok, zero),
		old("format 1", ok, two),
		old("format 1, gzip", ok, gzipped),
		produced("format 0 in v0", ok, 0, plain, func() []byte { return zero }).kafka("", closed),
		produced("format 1 in v0", ok, 0, plain, func() []byte { return two }).kafka("", closed),
		old("empty set", ok, []byte{}),
		old("half a message", ok, zero[:15]),
		old("a message and half of another", ok, append(bytes.Clone(zero), zero[:10]...)),
		old("two wrappers", invalid, append(bytes.Clone(gzipped), gzipped...)),
		old("a wrapper behind a message", invalid, append(bytes.Clone(two), gzipped...)),
		old("mixed formats", invalid, append(bytes.Clone(zero), two...)),
		old("wrong checksum", corrupt, patched(zero, func(b []byte) { b[12] ^= 1 })),
		old("size 0", corrupt, patched(zero, func(b []byte) { binary.BigEndian.PutUint32(b[8:], 0) })),
		old("size -1", corrupt, patched(zero, func(b []byte) { binary.BigEndian.PutUint32(b[8:], 1<<32-1) })),
		old("size 13", corrupt, patched(zero, func(b []byte) { binary.BigEndian.PutUint32(b[8:], 13) })),
		produced("larger than max.message.bytes", tooLarge, 2, small, func() []byte { return message(1, 0, nil, make([]byte, 2000), 0) }).kafka("", closed),
		produced("no key on a compacted topic", invalid, 2, compacted, func() []byte { return message(1, 0, nil, []byte("v"), 0) }).kafka("", closed),
		slip("key longer than the message", broken, resigned(patched(zero, func(b []byte) { binary.BigEndian.PutUint32(b[18:], 1000) }))),
		slip("gzip: garbage in a wrapper", broken, message(1, gzipCodec, nil, bytesOf(0xa5, 100), 0)),
		slip("gzip: null in a wrapper", broken, message(1, gzipCodec, nil, nil, 0)),
		slip("gzip: half a wrapper", broken, message(1, gzipCodec, nil, compress(gzipCodec, two)[:20], 0)),
		slip("a wrapper in a wrapper", broken, wrapper(1, gzipCodec, gzipped)),
		slip("an empty wrapper", broken, wrapper(1, gzipCodec, nil)),
		slip("formats differ inside", broken, wrapper(1, gzipCodec, zero)),
		slip("wrong checksum inside", broken, wrapper(1, gzipCodec, patched(two, func(b []byte) { b[12] ^= 1 }))),
		slip("codec 4 in format 1", unsupported+" | "+broken, message(1, zstdCodec, nil, compress(zstdCodec, two), 0)),
		slip("codec 7 in format 1", unsupported+" | "+broken, message(1, 7, nil, two, 0)),
	}
}

// resigned makes a message's checksum right again.
func resigned(b []byte) []byte {
	binary.BigEndian.PutUint32(b[12:], crc32.ChecksumIEEE(b[16:]))
	return b
}
