package legacy

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
)

const (
	testNow = 1_700_000_000_000
	limit   = 16 << 20
)

func openRules() *batch.Rules {
	return &batch.Rules{Version: 2, NowMs: testNow, TimestampBeforeMaxMs: math.MaxInt64, TimestampAfterMaxMs: math.MaxInt64}
}

// entry is one message as a consumer sees it.
type entry struct {
	offset, timestamp int64
	key, value        string
}

func str(b []byte) string {
	if b == nil {
		return "null"
	}
	return fmt.Sprintf("%q", b)
}

// top decodes the messages at the top level with kmsg's decoders, independently of our own.
func top(tb testing.TB, set []byte) []kmsg.MessageV1 {
	tb.Helper()
	var out []kmsg.MessageV1
	for len(set) > 0 {
		m := message(set[:logOverhead+int(uint32(set[8])<<24|uint32(set[9])<<16|uint32(set[10])<<8|uint32(set[11]))])
		set = set[len(m):]
		if !m.validCRC() {
			tb.Fatal("wrong CRC")
		}
		var v1 kmsg.MessageV1
		if m.magic() == 0 {
			var v0 kmsg.MessageV0
			if err := v0.ReadFrom(m); err != nil {
				tb.Fatal(err)
			}
			v1 = kmsg.MessageV1{Offset: v0.Offset, Magic: v0.Magic, Attributes: v0.Attributes, Timestamp: -1, Key: v0.Key, Value: v0.Value}
		} else if err := v1.ReadFrom(m); err != nil {
			tb.Fatal(err)
		}
		out = append(out, v1)
	}
	return out
}

func unwrap(tb testing.TB, m kmsg.MessageV1) []byte {
	tb.Helper()
	c := codec.Codec(m.Attributes & codec.Mask)
	var inner []byte
	var err error
	if c == codec.LZ4 && m.Magic == 0 {
		if _, err := codec.Decompress(nil, m.Value, c, limit); err == nil {
			tb.Fatal("format 0 needs the header checksum of its time")
		}
		inner, err = codec.DecompressLegacyLZ4(nil, m.Value, limit)
	} else {
		inner, err = codec.Decompress(nil, m.Value, c, limit)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return inner
}

// consume reads a set as an old client does: wrappers opened, relative offsets resolved from the last.
func consume(tb testing.TB, set []byte) (out []entry) {
	tb.Helper()
	for _, m := range top(tb, set) {
		if m.Attributes&codec.Mask == 0 {
			out = append(out, entry{m.Offset, m.Timestamp, str(m.Key), str(m.Value)})
			continue
		}
		inner := top(tb, unwrap(tb, m))
		last := inner[len(inner)-1].Offset
		for _, i := range inner {
			offset := i.Offset
			if m.Magic == 1 {
				offset += m.Offset - last
			}
			ts := i.Timestamp
			if m.Attributes&attrLogAppendTime != 0 {
				ts = m.Timestamp
			}
			out = append(out, entry{offset, ts, str(i.Key), str(i.Value)})
		}
		if out[len(out)-1].offset != m.Offset {
			tb.Fatalf("wrapper at %d ends at %d", m.Offset, out[len(out)-1].offset)
		}
	}
	return out
}

// stored reads batches as a new client does.
func stored(tb testing.TB, b []byte) (out []entry) {
	tb.Helper()
	for len(b) > 0 {
		first, rest, err := batch.Next(b)
		if err != nil {
			tb.Fatal(err)
		}
		b = rest
		for rec, err := range batch.Records(first, limit) {
			if err != nil {
				tb.Fatal(err)
			}
			out = append(out, entry{rec.Offset, rec.Timestamp, str(rec.Key), str(rec.Value)})
		}
	}
	return out
}

// without is what format 0 loses.
func without(entries []entry) []entry {
	out := append([]entry(nil), entries...)
	for i := range out {
		out[i].timestamp = -1
	}
	return out
}

func randomBatch(tb testing.TB, rnd *rand.Rand, opts batch.Options, n int) []byte {
	b := batch.NewBuilder(opts)
	maybe := func(max int) []byte {
		if rnd.IntN(4) == 0 {
			return nil
		}
		return bytes.Repeat([]byte{byte('a' + rnd.IntN(26))}, rnd.IntN(max))
	}
	for range n {
		var h []batch.Header
		if rnd.IntN(3) == 0 {
			h = []batch.Header{{Key: "lost", Value: []byte("on the way down")}}
		}
		b.Add(testNow+rnd.Int64N(1000), maybe(30), maybe(200), h)
	}
	raw, err := b.Build(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func mustDown(tb testing.TB, b []byte, magic int8, from int64, maxBytes int) []byte {
	tb.Helper()
	out, err := DownConvert(nil, b, magic, from, maxBytes, limit)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func mustUp(tb testing.TB, set []byte) []byte {
	tb.Helper()
	out, err := UpConvert(nil, set, openRules())
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func vector(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile("testdata/" + name + ".bin")
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
