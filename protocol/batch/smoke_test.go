package batch

import (
	"testing"

	"github.com/sordini/sordini/protocol/codec"
)

func TestBuildValidateReadRoundTrip(t *testing.T) {
	for c := codec.None; c <= codec.Zstd; c++ {
		bl := NewBuilder(Options{Codec: c})
		for i := range 1000 {
			bl.Add(int64(1000+i), []byte("key"), []byte("some value of a record"), []Header{{Key: "h", Value: nil}})
		}
		raw, err := bl.Build(nil)
		if err != nil {
			t.Fatal(err)
		}
		info, verr := Validate(raw, &Rules{Version: 9, TimestampBeforeMaxMs: 1 << 62, TimestampAfterMaxMs: 1 << 62})
		if verr != nil {
			t.Fatal(c, verr)
		}
		if info.MaxTimestamp != 1999 || info.OffsetDeltaOfMaxTimestamp != 999 {
			t.Fatalf("%v: %+v", c, info)
		}
		n := 0
		for rec, err := range Records(info.Batch, 1<<20) {
			if err != nil {
				t.Fatal(err)
			}
			if rec.Offset != int64(n) || string(rec.Key) != "key" || len(rec.Headers) != 1 {
				t.Fatalf("%+v", rec)
			}
			n++
		}
		if n != 1000 {
			t.Fatal(n)
		}
	}
}
