package main

import (
	"testing"
	"time"
)

var testNow = time.Date(2026, 2, 3, 12, 0, 0, 0, time.FixedZone("CET", 3600))

func TestParseOffset(t *testing.T) {
	for _, c := range []struct {
		text string
		want offsetSpec
	}{
		{"start", offsetSpec{offsetStart, 0}},
		{"end", offsetSpec{offsetEnd, 0}},
		{"0", offsetSpec{offsetAt, 0}},
		{"47", offsetSpec{offsetAt, 47}},
		{"9223372036854775807", offsetSpec{offsetAt, 1<<63 - 1}},
		{"+10", offsetSpec{offsetStart, 10}},
		{"-10", offsetSpec{offsetEnd, 10}},
		{"@1769860800000", offsetSpec{offsetTime, 1769860800000}},
		{"@now", offsetSpec{offsetTime, testNow.UnixMilli()}},
		{"@-1h", offsetSpec{offsetTime, testNow.Add(-time.Hour).UnixMilli()}},
		{"@-7d", offsetSpec{offsetTime, testNow.AddDate(0, 0, -7).UnixMilli()}},
		{"@-106751d", offsetSpec{offsetTime, 0}},
		{"@2026-01-31T12:00:00Z", offsetSpec{offsetTime, 1769860800000}},
		{"@2026-01-31T13:00:00", offsetSpec{offsetTime, 1769860800000}},
		{"@2026-01-31 13:00", offsetSpec{offsetTime, 1769860800000}},
		{"@2026-01-31", offsetSpec{offsetTime, 1769860800000 - 13*3600000}},
	} {
		if got, err := parseOffset(c.text, testNow); err != nil || got != c.want {
			t.Errorf("%s: got %+v, %v", c.text, got, err)
		}
	}
	for _, bad := range []string{"", "-", "+", "@", "@-", "@-h", "@--1h", "@-d", "@-106752d", "@-99999999999d", "@yesterday", "1.5", "--5", "+-5", "9223372036854775808", "@1900-01-01", "0x5", "middle"} {
		if got, err := parseOffset(bad, testNow); err == nil {
			t.Errorf("%q was taken as %+v", bad, got)
		}
	}
}

func TestResolveOffset(t *testing.T) {
	b := bounds{start: 10, end: 100, atTime: 60}
	for text, want := range map[string]int64{
		"start": 10, "end": 100, "0": 10, "47": 47, "500": 100, "+0": 10, "+5": 15, "+500": 100, "+9223372036854775807": 100, "-5": 95, "-500": 10, "@5": 60,
	} {
		spec, err := parseOffset(text, testNow)
		if err != nil {
			t.Fatal(err)
		}
		if got := spec.resolve(b); got != want {
			t.Errorf("%s: got %d, want %d", text, got, want)
		}
	}
	// Kafka answers -1 when no record is of that time or later.
	if got := (offsetSpec{kind: offsetTime}).resolve(bounds{start: 10, end: 100, atTime: 100}); got != 100 {
		t.Errorf("no record of that time: got %d", got)
	}
}

func FuzzParseOffset(f *testing.F) {
	for _, seed := range []string{"start", "-10", "+9223372036854775807", "@-1h", "@2026-01-31T12:00:00Z", "@-106751d"} {
		f.Add(seed, int64(3), int64(7))
	}
	f.Fuzz(func(t *testing.T, text string, a, b int64) {
		spec, err := parseOffset(text, testNow)
		if err != nil {
			return
		}
		start, end := max(min(a, b), 0), max(a, b, 0)
		if got := spec.resolve(bounds{start: start, end: end, atTime: end}); got < start || got > end || spec.n < 0 {
			t.Errorf("%q in %d to %d: %d", text, start, end, got)
		}
	})
}
