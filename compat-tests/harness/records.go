package harness

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// recordSeed makes the records of all lanes the same in every run.
const recordSeed = 0x50bd1

// MakeRecords returns n records for a partition that ask of a client all it can do: repetitive and random values, from
// empty to tens of kilobytes, null keys, tombstones, headers with doubled names, timestamps out of order.
func MakeRecords(f Features, partition int32, n int) []Record {
	rng := rand.New(rand.NewPCG(recordSeed, uint64(n)))
	base := time.Now().Add(-time.Hour).UnixMilli()
	records := make([]Record, n)
	for i := range records {
		r := Record{Partition: partition, Timestamp: TimestampNow, Key: fmt.Appendf(nil, "key-%d", i%7), Value: makeValue(rng, f.Binary, i)}
		if f.Timeless {
			r.Timestamp = TimestampNone
		}
		if f.Timestamps {
			r.Timestamp = base + int64(i)*1000 - int64(i%3)*5000
		}
		if f.Nulls && i%5 == 1 {
			r.Key = nil
		}
		if f.Nulls && i%5 == 3 {
			r.Value = nil
		}
		trace := i
		if f.Uniform {
			trace = 1
		}
		if f.Headers && trace%4 != 0 {
			r.Headers = []Header{{"trace", fmt.Appendf(nil, "%032x", trace)}, {"ünï", []byte("ça")}, {"trace", []byte("again")}}
		}
		if f.HeaderOnce && r.Headers != nil {
			r.Headers = r.Headers[:2]
		}
		records[i] = r
	}
	return records
}

func makeValue(rng *rand.Rand, binary bool, i int) []byte {
	switch {
	case i%10 == 0 && binary:
		return []byte{}
	case i%10 == 5: // compresses to nearly nothing
		return bytes.Repeat([]byte("sordini "), 2000+rng.IntN(4000))
	case i%10 == 7 && binary: // does not compress
		v := make([]byte, 1000+rng.IntN(20000))
		for j := range v {
			v[j] = byte(rng.Uint32())
		}
		return v
	}
	return fmt.Appendf(nil, "value %d %x %s", i, rng.Uint64(), "smörgåsbord")
}

// Difference says in words where got is not what was sent, or "". Offsets must follow each other from first on; what the
// reader cannot see is left out of the comparison.
func Difference(sent, got []Record, first int64, reader Features) string {
	for i := range min(len(sent), len(got)) {
		if s := RecordDifference(&sent[i], &got[i], reader); s != "" {
			return fmt.Sprintf("record %d: %s", i, s)
		}
		if got[i].Offset != first+int64(i) {
			return fmt.Sprintf("record %d: offset %d, want %d", i, got[i].Offset, first+int64(i))
		}
	}
	if len(sent) != len(got) {
		return fmt.Sprintf("%d records, want %d", len(got), len(sent))
	}
	return ""
}

// RecordDifference says in which field a record that was read is not what was written; offsets are the caller's.
func RecordDifference(want, got *Record, reader Features) string {
	same := func(a, b []byte) bool {
		return bytes.Equal(a, b) && (!reader.Nulls || (a == nil) == (b == nil))
	}
	switch {
	case got.Partition != want.Partition:
		return fmt.Sprintf("partition %d, want %d", got.Partition, want.Partition)
	case !same(want.Key, got.Key):
		return fmt.Sprintf("key %.60q, want %.60q", got.Key, want.Key)
	case !same(want.Value, got.Value):
		return fmt.Sprintf("value of %d bytes %.60q, want %d bytes %.60q", len(got.Value), got.Value, len(want.Value), want.Value)
	case reader.Timeless:
		return ""
	case want.Timestamp == TimestampNone && got.Timestamp != -1:
		return fmt.Sprintf("timestamp %d, want -1 for none", got.Timestamp)
	case want.Timestamp >= 0 && got.Timestamp != want.Timestamp:
		return fmt.Sprintf("timestamp %d, want %d", got.Timestamp, want.Timestamp)
	case want.Timestamp == TimestampNow && (got.Timestamp < time.Now().Add(-10*time.Minute).UnixMilli() || got.Timestamp > time.Now().Add(time.Minute).UnixMilli()):
		return fmt.Sprintf("timestamp %d, want one of the last minutes", got.Timestamp)
	case reader.Headers && !sameHeaders(want.Headers, got.Headers, reader):
		return fmt.Sprintf("headers %q, want %q", got.Headers, want.Headers)
	}
	return ""
}

// sameHeaders compares as far as the reader can tell: one with HeaderOnce sees the last header of a name.
func sameHeaders(want, got []Header, reader Features) bool {
	if reader.HeaderOnce {
		last := map[string]int{}
		for i, h := range want {
			last[h.Name] = i
		}
		var seen []Header
		for i, h := range want {
			if last[h.Name] == i {
				seen = append(seen, h)
			}
		}
		want = seen
	}
	if reader.HeaderMap {
		byName := func(a, b Header) int { return cmp.Compare(a.Name, b.Name) }
		want, got = slices.Clone(want), slices.Clone(got)
		slices.SortStableFunc(want, byName)
		slices.SortStableFunc(got, byName)
	}
	return slices.EqualFunc(want, got, func(a, b Header) bool { return a.Name == b.Name && bytes.Equal(a.Value, b.Value) })
}
