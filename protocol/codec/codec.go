// Package codec owns the compression codecs of record batches and old message sets: gzip, snappy, LZ4 and zstd, each in
// the exact framing that Java's Kafka client writes and reads. Package batch calls it to look into compressed batches and
// to build them; package legacy calls it when formats are converted. Compress and Decompress are for what is in memory whole, Writer
// and Stream for what should not be.
//
// What always holds:
//
//   - Decompress never returns or allocates more than its limit, plus one growth step, whatever the input claims. A Stream takes
//     the same memory whatever comes out of it.
//   - Input of any kind returns data or an error: it never panics.
//   - What is appended to dst is the caller's, as src is; nothing here keeps a reference to either after the call, or after Close.
//
// Encoders and decoders are pooled: a gzip or zstd encoder takes more than 1 MiB, a decoder 20 to 40 KiB. No goroutine is
// started: zstd runs with concurrency 1 and LZ4 frames are cut by hand.
package codec

import (
	"errors"
	"fmt"
)

// Codec is the compression type in the low three bits of a batch's or message's attributes.
type Codec uint8

// The codecs by their number on the wire. 5, 6 and 7 can be expressed there but do not exist.
const (
	None   Codec = 0
	Gzip   Codec = 1
	Snappy Codec = 2
	LZ4    Codec = 3
	Zstd   Codec = 4
)

// Mask selects the codec in the attributes of a batch or a message.
const Mask = 0x07

// DefaultLevel asks each codec for the level that Kafka's configuration calls its default.
const DefaultLevel = 0

var (
	// ErrTooLarge says that the decompressed form would exceed the caller's limit.
	ErrTooLarge = errors.New("decompressed size exceeds the limit")
	// ErrUnknown says that the codec number means nothing.
	ErrUnknown = errors.New("unknown compression codec")
	// ErrCorrupt says that the compressed bytes are damaged. Errors wrap it with what was found.
	ErrCorrupt = errors.New("compressed data is corrupt")
)

// Known reports whether the codec exists.
func (c Codec) Known() bool { return c <= Zstd }

// String is the name that Kafka's compression.type uses.
func (c Codec) String() string {
	switch c {
	case None:
		return "none"
	case Gzip:
		return "gzip"
	case Snappy:
		return "snappy"
	case LZ4:
		return "lz4"
	case Zstd:
		return "zstd"
	default:
		return fmt.Sprintf("codec %d", uint8(c))
	}
}

// Compress appends the compressed form of src to dst. Level follows Kafka's per-codec settings (gzip 1-9, LZ4 1-17, zstd
// -131072 to 22); DefaultLevel is the default of each. On an error dst is returned as it was.
func Compress(dst, src []byte, c Codec, level int) ([]byte, error) {
	switch c {
	case None:
		return append(dst, src...), nil
	case Gzip:
		return compressGzip(dst, src, level)
	case Snappy:
		return compressSnappy(dst, src), nil
	case LZ4:
		return compressLZ4(dst, src, level, false)
	case Zstd:
		return compressZstd(dst, src, level)
	default:
		return dst, ErrUnknown
	}
}

// CompressLegacyLZ4 is Compress for LZ4 inside a message of format 0, whose frame header carries a checksum over the wrong
// bytes: the clients of that time wrote it so, and refuse anything else (KIP-57).
func CompressLegacyLZ4(dst, src []byte, level int) ([]byte, error) {
	return compressLZ4(dst, src, level, true)
}

// Decompress appends the decompressed form of src to dst, at most limit bytes: beyond that it fails with ErrTooLarge. On an
// error dst is returned as it was, though its spare capacity may have been written to. Snappy is read raw and in xerial
// framing; concatenated gzip members, LZ4 frames and zstd frames are read as one.
func Decompress(dst, src []byte, c Codec, limit int) ([]byte, error) {
	limit = max(limit, 0)
	switch c {
	case None:
		if len(src) > limit {
			return dst, ErrTooLarge
		}
		return append(dst, src...), nil
	case Gzip:
		return decompressGzip(dst, src, limit)
	case Snappy:
		return decompressSnappy(dst, src, limit)
	case LZ4:
		return decompressLZ4(dst, src, limit, false)
	case Zstd:
		return decompressZstd(dst, src, limit)
	default:
		return dst, ErrUnknown
	}
}

// DecompressLegacyLZ4 is Decompress for LZ4 inside a message of format 0: the checksum of the frame header is not looked
// at, because both the right and the wrong one occur there. The checksum of the message around it covers those bytes.
func DecompressLegacyLZ4(dst, src []byte, limit int) ([]byte, error) {
	return decompressLZ4(dst, src, max(limit, 0), true)
}

// corrupt wraps ErrCorrupt with what was found.
func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// room returns dst with at least n bytes of spare capacity.
func room(dst []byte, n int) []byte {
	if cap(dst)-len(dst) >= n {
		return dst
	}
	grown := make([]byte, len(dst), len(dst)+n)
	copy(grown, dst)
	return grown
}
