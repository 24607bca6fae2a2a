package legacy

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
)

func m1(offset int64, attrs byte, key, value []byte) []byte {
	return appendMessage(nil, 1, offset, attrs, testNow+offset, key, value)
}

func m0(offset int64, attrs byte, key, value []byte) []byte {
	return appendMessage(nil, 0, offset, attrs, 0, key, value)
}

func pack(c codec.Codec, sets ...[]byte) []byte {
	out, err := codec.Compress(nil, bytes.Join(sets, nil), c, 0)
	if err != nil {
		panic(err)
	}
	return out
}

// rehash makes size and CRC of a message fit after an edit.
func rehash(m []byte) []byte {
	binary.BigEndian.PutUint32(m[posSize:], uint32(len(m)-logOverhead))
	binary.BigEndian.PutUint32(m[posCRC:], crc32.ChecksumIEEE(m[posMagic:]))
	return m
}

// All rows were sent to Kafka 3.9.1. It takes a torn message inside a wrapper, and answers -1 where the codec, the key length
// or the compressed bytes make no sense; the rest is the same.
func TestUpConvertRefusals(t *testing.T) {
	k, v := []byte("k"), []byte("v")
	a, b := m1(0, 0, k, v), m1(1, 0, nil, v)
	bad := bytes.Clone(a)
	bad[20] ^= 1
	w := m1(1, byte(codec.Gzip), nil, pack(codec.Gzip, a, b))
	cat := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	wrap := func(parts ...[]byte) []byte { return m1(1, byte(codec.Gzip), nil, pack(codec.Gzip, parts...)) }
	longKey := bytes.Clone(a)
	longKey[29] = 200
	plain := func(*batch.Rules) {}
	compacted := func(r *batch.Rules) { r.Compacted = true }
	appendTime := func(r *batch.Rules) { r.LogAppendTime = true }

	for _, tc := range []struct {
		name string
		set  []byte
		rule func(*batch.Rules)
		code *kerr.Error
		says string
	}{
		{"CRC of the second", cat(b, bad), plain, kerr.CorruptMessage, "stored crc"},
		{"size 13", cat(make([]byte, 11), []byte{13, 1, 1, 1, 1, 1}), plain, kerr.CorruptMessage, "13 is less"},
		{"magic 3", cat(a[:16], []byte{3}, a[17:]), plain, kerr.CorruptMessage, "magic found in record: 3"},
		{"magic 2", rehash(cat(a[:16], []byte{2}, a[17:])), plain, kerr.InvalidRecord, ""},
		{"format 1 without room for its time", rehash(cat(a[:16], []byte{1, 0}, make([]byte, 12))), plain, kerr.CorruptMessage, ""},
		{"two wrappers", cat(w, w), plain, kerr.InvalidRecord, "more than one batch"},
		{"wrapper after plain", cat(a, w), plain, kerr.InvalidRecord, "more than one batch"},
		{"plain after wrapper", cat(w, a), plain, kerr.InvalidRecord, "more than one batch"},
		{"mixed formats", cat(a, m0(1, 0, k, v)), plain, kerr.InvalidRecord, "not the same as the first"},
		{"nested", wrap(w), plain, kerr.InvalidRecord, "compression attribute"},
		{"format 0 inside 1", wrap(m0(0, 0, k, v)), plain, kerr.InvalidRecord, "does not match wrapper magic"},
		{"CRC inside", wrap(a, bad), plain, kerr.CorruptMessage, "stored crc"},
		{"torn inside", wrap(a, b[:20]), plain, kerr.InvalidRecord, "torn"},
		{"nothing inside", wrap(), plain, kerr.InvalidRecord, "no inner records"},
		{"size 3 inside", wrap(a, cat(make([]byte, 11), []byte{3, 1, 1, 1})), plain, kerr.CorruptMessage, "3 is less"},
		{"null wrapper", m1(1, byte(codec.Gzip), nil, nil), plain, kerr.InvalidRecord, "null value"},
		{"empty wrapper", m1(1, byte(codec.Gzip), nil, []byte{}), plain, kerr.InvalidRecord, "gzip"},
		{"garbage in a wrapper", m1(1, byte(codec.Snappy), nil, []byte("garbage")), plain, kerr.InvalidRecord, "snappy"},
		{"zstd", m1(1, byte(codec.Zstd), nil, pack(codec.Zstd, a)), plain, kerr.UnsupportedCompressionType, "4"},
		{"codec 6", m1(1, 6, nil, pack(codec.Gzip, a)), plain, kerr.UnsupportedCompressionType, "6"},
		{"key longer than the message", rehash(longKey), plain, kerr.InvalidRecord, "structure"},
		{"wrapper's key longer than the message", rehash(cat(w[:26], []byte{0, 1, 0, 0}, w[30:])), plain, kerr.InvalidRecord, "structure"},
		{"LZ4 of format 0 in format 1", m1(1, byte(codec.LZ4), nil, legacyLZ4(a)), plain, kerr.InvalidRecord, "checksum"},
		{"inner record too large", m1(0, byte(codec.Gzip), nil, pack(codec.Gzip, m1(0, 0, nil, make([]byte, 5000)))), func(r *batch.Rules) { r.MaxRecordBytes = 5000 }, kerr.InvalidRecord, "5000 bytes"},
		{"bomb", m1(0, byte(codec.Gzip), nil, pack(codec.Gzip, m1(0, 0, nil, make([]byte, 5000)))), func(r *batch.Rules) { r.MaxDecompressedBytes = 4000 }, kerr.MessageTooLarge, "4000"},
		{"too large", a, func(r *batch.Rules) { r.MaxMessageBytes = 35 }, kerr.MessageTooLarge, "36 bytes"},
		{"too large after conversion", a, func(r *batch.Rules) { r.MaxMessageBytes = 36 }, kerr.MessageTooLarge, "after conversion"},
		{"no key on a compacted topic", cat(a, b), compacted, kerr.InvalidRecord, "without key"},
		{"no key inside", w, compacted, kerr.InvalidRecord, "without key"},
		{"too old", a, func(r *batch.Rules) { r.NowMs, r.TimestampBeforeMaxMs = testNow+11, 10 }, kerr.InvalidTimestamp, "out of range"},
		{"claims append time", m1(0, attrLogAppendTime, k, v), appendTime, kerr.InvalidTimestamp, "LogAppendTime"},
		{"wrapper claims append time", m1(1, byte(codec.Gzip)|attrLogAppendTime, nil, pack(codec.Gzip, a, b)), appendTime, kerr.InvalidTimestamp, "LogAppendTime"},
	} {
		r := openRules()
		tc.rule(r)
		out, err := UpConvert([]byte("mine"), tc.set, r)
		if err == nil || err.Code != tc.code || string(out) != "mine" {
			t.Errorf("%s: %v, want %s", tc.name, err, tc.code.Message)
			continue
		}
		text := err.Message
		for _, e := range err.Records {
			text += e.Message
		}
		if !strings.Contains(text, tc.says) {
			t.Errorf("%s: %q does not say %q", tc.name, text, tc.says)
		}
	}
}

func legacyLZ4(set []byte) []byte {
	out, err := codec.CompressLegacyLZ4(nil, set, 0)
	if err != nil {
		panic(err)
	}
	return out
}

// What old clients send besides the textbook form, all of it taken by Kafka 3.9.1 too.
func TestUpConvertTakes(t *testing.T) {
	k, v := []byte("k"), []byte("v")
	a, b := m1(0, 0, k, v), m1(1, 0, nil, v)
	cat := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	a77, b77 := m1(77, 0, k, v), m1(77, 0, nil, v)
	for _, m := range [][]byte{a77, b77} {
		binary.BigEndian.PutUint64(m[posTime:], testNow)
		rehash(m)
	}
	lz4 := func(set []byte) []byte { return pack(codec.LZ4, set) }

	for name, tc := range map[string]struct {
		set  []byte
		want []entry
	}{
		"plain":                        {cat(a, b), []entry{{0, testNow, `"k"`, `"v"`}, {1, testNow + 1, "null", `"v"`}}},
		"torn message behind":          {cat(a, b[:15]), []entry{{0, testNow, `"k"`, `"v"`}}},
		"torn message behind, no size": {cat(a, b[:9]), []entry{{0, testNow, `"k"`, `"v"`}}},
		"wrapper and torn message":     {cat(m1(5, 1, nil, pack(codec.Gzip, a)), b[:30]), []entry{{0, testNow, `"k"`, `"v"`}}},
		"wrong inner offsets":          {m1(0, 2, nil, pack(codec.Snappy, a77, b77)), []entry{{0, testNow, `"k"`, `"v"`}, {1, testNow, "null", `"v"`}}},
		"wrapper with append time":     {m1(5, 1|attrLogAppendTime, nil, pack(codec.Gzip, a, b)), []entry{{0, testNow + 5, `"k"`, `"v"`}, {1, testNow + 5, "null", `"v"`}}},
		"format 0 in version 2":        {cat(m0(9, 0, k, nil), m0(9, 0, nil, v)), []entry{{0, -1, `"k"`, "null"}, {1, -1, "null", `"v"`}}},
		"format 0, LZ4 of its time":    {m0(9, 3, nil, legacyLZ4(m0(0, 0, k, v))), []entry{{0, -1, `"k"`, `"v"`}}},
		"format 0, proper LZ4":         {m0(9, 3, nil, lz4(m0(0, 0, k, v))), []entry{{0, -1, `"k"`, `"v"`}}},
		"raw snappy":                   {m1(0, 2, nil, pack(codec.Snappy, a)[20:]), []entry{{0, testNow, `"k"`, `"v"`}}},
		"surplus bytes in a message":   {rehash(cat(a, []byte{1, 2, 3})), []entry{{0, testNow, `"k"`, `"v"`}}},
	} {
		out, err := UpConvert(nil, tc.set, openRules())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := stored(t, out)
		if len(got) != len(tc.want) {
			t.Errorf("%s: %v", name, got)
			continue
		}
		for i := range got {
			if got[i] != tc.want[i] {
				t.Errorf("%s: %v, want %v", name, got[i], tc.want[i])
			}
		}
	}
}

func TestNothingToAppendIsASuccess(t *testing.T) {
	whole := m1(0, 0, nil, []byte("v"))
	for n := range whole {
		if out, err := UpConvert([]byte("mine"), whole[:n], openRules()); err != nil || string(out) != "mine" {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
}

func TestUpConvertStampsLogAppendTime(t *testing.T) {
	r := openRules()
	r.LogAppendTime, r.NowMs = true, testNow+99
	out, err := UpConvert(nil, bytes.Join([][]byte{m1(0, 0, nil, nil), m1(1, 0, nil, nil)}, nil), r)
	if err != nil {
		t.Fatal(err)
	}
	info := batch.Batch(out).Info()
	if info.LogAppendTimeMs != testNow+99 || info.MaxTimestamp != testNow+99 || stored(t, out)[0].timestamp != testNow+99 {
		t.Errorf("%+v", info)
	}
}

func TestMagic(t *testing.T) {
	set := m1(0, 0, nil, nil)
	if m, ok := Magic(set); !ok || m != 1 {
		t.Error(m, ok)
	}
	if _, ok := Magic(set[:16]); ok {
		t.Error("16 bytes do not have it yet")
	}
}

func TestRefusedRecordsAreLimited(t *testing.T) {
	r := openRules()
	r.Compacted = true
	var set []byte
	for i := range 500 {
		set = append(set, m1(int64(i), 0, nil, nil)...)
	}
	if _, err := UpConvert(nil, set, r); err == nil || len(err.Records) != batch.MaxRecordErrors {
		t.Fatal(err)
	}
}
