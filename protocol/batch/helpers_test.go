package batch

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/sordini/sordini/protocol/codec"
)

const testNow = 1_700_000_000_000

// randomRecords makes n records with everything that a record can have or lack.
func randomRecords(rnd *rand.Rand, n int) []Record {
	maybe := func(max int) []byte {
		switch rnd.IntN(5) {
		case 0:
			return nil
		case 1:
			return []byte{}
		default:
			return bytes.Repeat([]byte{byte('a' + rnd.IntN(26))}, rnd.IntN(max))
		}
	}
	out := make([]Record, n)
	for i := range out {
		out[i] = Record{Timestamp: testNow + rnd.Int64N(10_000) - 5_000, Offset: int64(i), Key: maybe(20), Value: maybe(300)}
		for range rnd.IntN(4) {
			out[i].Headers = append(out[i].Headers, Header{Key: string(maybe(10)), Value: maybe(10)})
		}
	}
	return out
}

func build(tb testing.TB, opts Options, records []Record) []byte {
	tb.Helper()
	b := NewBuilder(opts)
	for _, r := range records {
		b.Add(r.Timestamp, r.Key, r.Value, r.Headers)
	}
	raw, err := b.Build(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// edit copies a batch, changes bytes of it and makes length and CRC fit again.
func edit(raw []byte, at int, v ...byte) []byte {
	raw = bytes.Clone(raw)
	copy(raw[at:], v)
	return refit(raw)
}

// withPayload replaces the records, compressed with the batch's codec.
func withPayload(tb testing.TB, raw, payload []byte) []byte {
	tb.Helper()
	out, err := codec.Compress(bytes.Clone(raw[:HeaderSize]), payload, Batch(raw).Codec(), 0)
	if err != nil {
		tb.Fatal(err)
	}
	return refit(out)
}

func refit(raw []byte) []byte {
	binary.BigEndian.PutUint32(raw[posLength:], uint32(len(raw)-LogOverhead))
	Batch(raw).RecomputeCRC()
	return raw
}

// readAll is every record of a batch, copied.
func readAll(tb testing.TB, b Batch) []Record {
	tb.Helper()
	var out []Record
	for rec, err := range Records(b, 64<<20) {
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, *rec)
	}
	return out
}
