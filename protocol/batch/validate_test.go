package batch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/protocol/codec"
)

// three is a batch of three small records, one without a key.
func three(tb testing.TB, c codec.Codec) []byte {
	return build(tb, Options{Codec: c}, []Record{
		{Timestamp: testNow, Key: []byte("k"), Value: []byte("abcde")},
		{Timestamp: testNow + 9, Value: []byte("abcde")},
		{Timestamp: testNow + 5, Key: []byte("k"), Headers: []Header{{Key: "h", Value: []byte("v")}}},
	})
}

// Most rows were sent to Kafka 3.9.1 and got the same code. Where it answers -1, or takes what some clients cannot read,
// ours is the code that says what is wrong.
func TestRefusals(t *testing.T) {
	good, gz := three(t, codec.None), three(t, codec.Gzip)
	p := bytes.Clone(good[HeaderSize:])
	q := func(at int, v ...byte) []byte { return edit2(p, at, v...) }
	cat := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	gzip := func(payload []byte) []byte { return withPayload(t, gz, payload) }
	raw := func(payload ...byte) []byte { return refit(append(bytes.Clone(gz[:HeaderSize]), payload...)) }

	var (
		corrupt = kerr.CorruptMessage
		invalid = kerr.InvalidRecord
		codecs  = kerr.UnsupportedCompressionType
		late    = kerr.InvalidTimestamp
		big     = kerr.MessageTooLarge
	)
	small := func(r *Rules) { r.MaxMessageBytes = len(good) - 1 }
	compacted := func(r *Rules) { r.Compacted = true }
	bounded := func(r *Rules) { r.MaxDecompressedBytes = 20 }
	lat := func(r *Rules) { r.LogAppendTime = true }
	v := func(n int16) func(*Rules) { return func(r *Rules) { r.Version = n } }
	past := func(r *Rules) { r.NowMs, r.TimestampBeforeMaxMs = testNow+1006, 1000 }
	future := func(r *Rules) { r.NowMs, r.TimestampAfterMaxMs = testNow-1000, 1005 }

	for _, tc := range []struct {
		name string
		in   []byte
		rule func(*Rules)
		code *kerr.Error
		says string
		recs []int32
	}{
		{"null", nil, nil, invalid, "at least one record batch", nil},
		{"eleven bytes", good[:11], nil, invalid, "at least one", nil},
		{"torn", good[:50], nil, invalid, "at least one", nil},
		{"length 13", cat(make([]byte, 11), []byte{13}, make([]byte, 40)), nil, corrupt, "13 is less than", nil},
		{"length -1", edit2(good, posLength, 255, 255, 255, 255), nil, corrupt, "-1 is less than", nil},
		{"length 40", cat(make([]byte, 11), []byte{40, 0, 0, 0, 0, 2}, make([]byte, 40)), nil, corrupt, "smaller than", nil},
		{"magic 1", edit(good, posMagic, 1), nil, invalid, "magic version 2", nil},
		{"magic 3", edit(good, posMagic, 3), nil, corrupt, "Invalid magic found in record: 3", nil},
		{"two batches", cat(good, good), nil, invalid, "exactly one record batch", nil},
		{"zeros behind", cat(good, make([]byte, 40)), nil, corrupt, "less than", nil},
		{"magic 9 behind", cat(good, good[:16], []byte{9}), nil, corrupt, "Invalid magic", nil},
		{"base offset 1", edit(good, 7, 1), nil, invalid, "should be 0, but it is 1", nil},
		{"too large", good, small, big, "exceeds the maximum configured value", nil},
		{"wrong CRC", edit2(good, 70, 0), nil, corrupt, "stored crc", nil},
		{"codec 5", edit(good, posAttributes+1, 5), nil, codecs, "5", nil},
		{"codec 7", edit(good, posAttributes+1, 7), nil, codecs, "7", nil},
		{"zstd in version 3", three(t, codec.Zstd), v(3), codecs, "ZStandard", nil},
		{"zstd in version 6", three(t, codec.Zstd), v(6), codecs, "ZStandard", nil},
		{"count 0", edit(good, posCount, 0, 0, 0, 0), nil, invalid, "count for record batch: 0", nil},
		{"count -1", edit(good, posCount, 255, 255, 255, 255), nil, invalid, "-1", nil},
		{"count 4 of 3", edit(good, posCount, 0, 0, 0, 4), nil, invalid, "Inconsistent", nil},
		{"last offset -1", edit(good, posLastOffsetDelta, 255, 255, 255, 255), nil, invalid, "offset range", nil},
		{"huge count", edit(edit(good, posCount, 127, 255, 255, 255), posLastOffsetDelta, 127, 255, 255, 254), nil, invalid, "premature", nil},
		{"count one more", edit(edit(good, posCount, 0, 0, 0, 4), posLastOffsetDelta, 0, 0, 0, 3), nil, invalid, "premature", nil},
		{"count one less", edit(edit(good, posCount, 0, 0, 0, 2), posLastOffsetDelta, 0, 0, 0, 1), nil, invalid, "still remaining", nil},
		{"control batch", edit(good, posAttributes+1, AttrControl), nil, invalid, "control records", nil},
		{"control and transactional", edit(good, posAttributes+1, AttrControl|AttrTransactional), nil, invalid, "control records", nil},
		{"producer without sequence", edit(good, posProducerID, 0, 0, 0, 0, 0, 0, 0, 5), nil, invalid, "sequence number -1", nil},
		{"append time on a topic that has it", edit(good, posAttributes+1, AttrLogAppendTime), lat, late, "invalid timestamp", []int32{0}},

		{"no payload", withPayload(t, good, nil), nil, invalid, "premature", nil},
		{"byte too many", withPayload(t, good, cat(p, []byte{0})), nil, invalid, "still remaining", nil},
		{"record too long", withPayload(t, good, q(0, 120)), nil, invalid, "premature", nil},
		{"record length negative", withPayload(t, good, q(0, 3)), nil, invalid, "structure", []int32{0}},
		{"offset delta", withPayload(t, good, q(3, 4)), nil, invalid, "consecutive", []int32{0}},
		{"offset delta negative", withPayload(t, good, q(3, 1)), nil, invalid, "consecutive", []int32{0}},
		{"key too long", withPayload(t, good, q(4, 100)), nil, invalid, "structure", []int32{0}},
		{"value too long", withPayload(t, good, q(6, 100)), nil, invalid, "structure", []int32{0}},
		{"value too short", withPayload(t, good, q(6, 2)), nil, invalid, "header", []int32{0}},
		{"header count", withPayload(t, good, q(12, 100)), nil, invalid, "number of record headers", []int32{0}},
		{"header count negative", withPayload(t, good, q(12, 1)), nil, invalid, "number of record headers", []int32{0}},
		{"header key null", withPayload(t, good, bytes.Replace(p, []byte{2, 'h'}, []byte{1, 'h'}, 1)), nil, invalid, "structure", []int32{2}},
		{"varint without end", withPayload(t, good, q(0, 255, 255, 255, 255, 255, 255)), nil, invalid, "premature", nil},

		{"gzip garbage", raw(1, 2, 3, 4), nil, invalid, "gzip", nil},
		{"gzip of nothing", raw(), nil, invalid, "gzip", nil},
		{"gzip torn", raw(gz[HeaderSize : len(gz)-4]...), nil, invalid, "gzip", nil},
		{"gzip, offset delta", gzip(q(3, 4)), nil, invalid, "consecutive", []int32{0}},
		{"gzip, record too long", gzip(q(0, 120)), nil, invalid, "premature", nil},
		{"gzip bomb", gz, bounded, big, "exceed 20 bytes", nil},

		{"no key on a compacted topic", good, compacted, invalid, "1 record errors", []int32{1}},
		{"no key, gzip", gz, compacted, invalid, "without key in topic partition t-7", []int32{1}},
		{"too old", good, past, late, "invalid timestamp", []int32{0, 2}},
		{"too new", good, future, late, "invalid timestamp", []int32{1}},
	} {
		for _, headerOnly := range []bool{false, true} {
			r := openRules()
			r.Topic, r.Partition = "t", 7
			if tc.rule != nil {
				tc.rule(r)
			}
			r.HeaderOnly = headerOnly
			before := bytes.Clone(tc.in)
			_, err := Validate(tc.in, r)
			if headerOnly && strings.HasPrefix(tc.name, "gzip") {
				if err != nil {
					t.Errorf("%s: the header alone is good, but %v", tc.name, err)
				}
				continue
			}
			if err == nil {
				t.Errorf("%s: accepted", tc.name)
				continue
			}
			if err.Code != tc.code || !strings.Contains(err.Error()+messages(err), tc.says) {
				t.Errorf("%s: %v, want %s saying %q", tc.name, err, tc.code.Message, tc.says)
			}
			var recs []int32
			for _, e := range err.Records {
				recs = append(recs, e.Index)
			}
			if !reflect.DeepEqual(recs, tc.recs) {
				t.Errorf("%s: records %v, want %v", tc.name, recs, tc.recs)
			}
			if !errors.Is(err, tc.code) || !bytes.Equal(tc.in, before) {
				t.Errorf("%s: a refused batch is not changed", tc.name)
			}
		}
	}
}

func messages(err *Error) string {
	var s []string
	for _, r := range err.Records {
		s = append(s, r.Message)
	}
	return strings.Join(s, "; ")
}

func TestAcceptedAsTheyAre(t *testing.T) {
	good := three(t, codec.None)
	for name, tc := range map[string]struct {
		in   []byte
		rule func(*Rules)
	}{
		"plain":                       {good, nil},
		"magic 2 in version 2":        {good, func(r *Rules) { r.Version = 2 }},
		"zstd in version 7":           {three(t, codec.Zstd), func(r *Rules) { r.Version = 7 }},
		"exactly the maximum":         {good, func(r *Rules) { r.MaxMessageBytes = len(good) }},
		"torn bytes behind":           {append(bytes.Clone(good), good[:40]...), nil},
		"a few bytes behind":          {append(bytes.Clone(good), 1, 2, 3), nil},
		"record attributes":           {withPayload(t, good, edit2(good[HeaderSize:], 1, 0xFF)), nil},
		"unused batch attributes":     {edit(good, posAttributes, 0x7F), nil},
		"sequence without producer":   {edit(good, posBaseSequence, 0, 0, 0, 5), nil},
		"transactional":               {edit(good, posAttributes+1, AttrTransactional), nil},
		"window just wide enough":     {good, func(r *Rules) { r.NowMs, r.TimestampBeforeMaxMs, r.TimestampAfterMaxMs = testNow+5, 5, 4 }},
		"window saturates":            {good, func(r *Rules) { r.NowMs = math.MinInt64 + 5; r.TimestampAfterMaxMs = math.MaxInt64 }},
		"no timestamp is not too old": {build(t, Options{}, []Record{{Timestamp: NoTimestamp}}), func(r *Rules) { r.TimestampBeforeMaxMs = 1 }},
	} {
		r := openRules()
		if tc.rule != nil {
			tc.rule(r)
		}
		if name == "window saturates" {
			tc.in = build(t, Options{}, []Record{{Timestamp: NoTimestamp}})
		}
		before := bytes.Clone(tc.in)
		info, err := Validate(tc.in, r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !bytes.Equal(tc.in, before) || !info.Batch.ValidCRC() || !bytes.HasPrefix(before, info.Batch) || info.LogAppendTimeMs != NoTimestamp {
			t.Errorf("%s: changed", name)
		}
	}
}

func TestInfo(t *testing.T) {
	for c := codec.None; c <= codec.Zstd; c++ {
		raw := three(t, c)
		info, err := Validate(raw, openRules())
		if err != nil || info.MaxTimestamp != testNow+9 || info.OffsetDeltaOfMaxTimestamp != 1 || info.UncompressedBytes == 0 {
			t.Errorf("%v: %+v %v", c, info, err)
		}
		r := openRules()
		r.HeaderOnly = true
		info, err = Validate(raw, r)
		if err != nil || info.MaxTimestamp != testNow+9 || (c != codec.None && info.OffsetDeltaOfMaxTimestamp != 2) {
			t.Errorf("%v, header only: %+v %v", c, info, err)
		}
	}
}

// Kafka sets a wrong maximum right, and so do we: time lookups depend on it.
func TestWrongMaxTimestampIsSetRight(t *testing.T) {
	for c := codec.None; c <= codec.Zstd; c++ {
		good := three(t, c)
		in := edit(good, posMaxTimestamp, 0, 0, 0, 0, 0, 0, 0, 5)
		info, err := Validate(in, openRules())
		if err != nil || !bytes.Equal(in, good) || info.MaxTimestamp != testNow+9 {
			t.Errorf("%v: %v %+v", c, err, info)
		}
	}
}

func TestLogAppendTimeTopicStamps(t *testing.T) {
	for c := codec.None; c <= codec.Zstd; c++ {
		raw := three(t, c)
		r := openRules()
		r.LogAppendTime, r.TimestampBeforeMaxMs, r.NowMs = true, 0, testNow+1_000_000 // the window does not count
		info, err := Validate(raw, r)
		if err != nil || info.LogAppendTimeMs != r.NowMs || info.MaxTimestamp != r.NowMs || info.OffsetDeltaOfMaxTimestamp != 0 {
			t.Fatalf("%v: %v %+v", c, err, info)
		}
		info.UncompressedBytes = 0 // the header does not have it
		if b := info.Batch; !b.IsLogAppendTime() || b.MaxTimestamp() != r.NowMs || !b.ValidCRC() || !reflect.DeepEqual(b.Info(), info) {
			t.Errorf("%v: %+v", c, b.Info())
		}
	}
}

// A producer may not claim the broker's time on a topic that keeps the producer's. Kafka clears the bit, so do we.
func TestClaimedAppendTimeIsTakenBack(t *testing.T) {
	good := three(t, codec.None)
	in := edit(good, posAttributes+1, AttrLogAppendTime)
	if _, err := Validate(in, openRules()); err != nil || !bytes.Equal(in, good) {
		t.Error(err)
	}
}

func TestRecordErrorsAreLimited(t *testing.T) {
	r := openRules()
	r.Compacted = true
	_, err := Validate(build(t, Options{}, make([]Record, 5000)), r)
	if err == nil || len(err.Records) != MaxRecordErrors || err.Records[99].Index != 99 {
		t.Fatal(err)
	}
}

// A batch with both kinds of fault in every place of the walk agrees with a judgement record by record.
func TestWalkAgreesWithJudgement(t *testing.T) {
	const seed = 11
	rnd := rand.New(rand.NewPCG(seed, 0))
	for round := range 300 {
		records := randomRecords(rnd, 1+rnd.IntN(150))
		r := openRules()
		r.Compacted = rnd.IntN(2) == 0
		r.TimestampBeforeMaxMs = 3000 + rnd.Int64N(4000)
		r.TimestampAfterMaxMs = 3000 + rnd.Int64N(4000)
		var want []int32
		for i, rec := range records {
			outside := rec.Timestamp < testNow-r.TimestampBeforeMaxMs || rec.Timestamp > testNow+r.TimestampAfterMaxMs
			if (r.Compacted && rec.Key == nil) || outside {
				want = append(want, int32(i))
			}
		}
		_, err := Validate(build(t, Options{Codec: codec.Codec(round % 5)}, records), r)
		var got []int32
		if err != nil {
			for _, e := range err.Records {
				got = append(got, e.Index)
			}
		}
		if !reflect.DeepEqual(got, want[:min(len(want), MaxRecordErrors)]) && len(got)+len(want) > 0 {
			t.Fatalf("seed %d round %d: %v, want %v", seed, round, got, want)
		}
	}
}

func TestVarints(t *testing.T) {
	for _, v := range []int64{0, -1, 1, 63, 64, -64, -65, 8191, 8192, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64} {
		b := appendVarlong(nil, v)
		if want := binary.AppendVarint(nil, v); !bytes.Equal(b, want) || sizeVarlong(v) != len(b) {
			t.Errorf("%d: % x, want % x", v, b, want)
		}
		if got, n := varlong(b, 0); got != v || n != len(b) {
			t.Errorf("%d read as %d", v, got)
		}
		got, n := varint(b, 0)
		if fits := v == int64(int32(v)); fits != (n == len(b)) || (fits && int64(got) != v) {
			t.Errorf("%d read as 32-bit %d, %d", v, got, n)
		}
		for cut := range b {
			if _, n := varlong(b[:cut], 0); n != -1 {
				t.Errorf("%d cut to %d bytes", v, cut)
			}
		}
	}
	if _, n := varint([]byte{1}, -1); n != -1 {
		t.Error("a failure is passed on")
	}
}
