package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// offsetsHelp is the offset language, for the help of commands that take one.
const offsetsHelp = `Where to start, for each partition:
  start         the oldest record that is kept
  end           after the newest record
  47            offset 47
  +10           10 after the oldest
  -10           10 before the end
  @2026-01-31   the first record of that time or later; also @2026-01-31T12:00:00Z, without Z in local time,
                or @1769860800000 in milliseconds
  @-1h          the first record of the last hour; also 30s, 15m, 7d
An offset outside of what is kept becomes the nearest one that is.`

type offsetKind uint8

const (
	offsetStart offsetKind = iota // n after the start
	offsetEnd                     // n before the end
	offsetAt                      // n
	offsetTime                    // first at or after n, in ms
)

// offsetSpec is a place in a partition as a user names it.
type offsetSpec struct {
	kind offsetKind
	n    int64
}

// parseOffset reads the offset language. Relative times count back from now.
func parseOffset(text string, now time.Time) (offsetSpec, error) {
	switch {
	case text == "start" || text == "earliest" || text == "beginning":
		return offsetSpec{kind: offsetStart}, nil
	case text == "end" || text == "latest":
		return offsetSpec{kind: offsetEnd}, nil
	case strings.HasPrefix(text, "@"):
		ms, err := parseTime(text[1:], now)
		return offsetSpec{kind: offsetTime, n: ms}, err
	}
	kind, digits := offsetAt, text
	if after, ok := strings.CutPrefix(text, "+"); ok {
		kind, digits = offsetStart, after
	}
	if after, ok := strings.CutPrefix(text, "-"); ok {
		kind, digits = offsetEnd, after
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		return offsetSpec{}, fmt.Errorf("%q is no offset; there are start, end, 47, +10, -10, @2026-01-31 and @-1h", text)
	}
	return offsetSpec{kind: kind, n: int64(n)}, nil
}

// timeLayouts are tried in this order; those without a zone are local time.
var timeLayouts = [...]string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly}

// parseTime reads a time as milliseconds since 1970.
func parseTime(text string, now time.Time) (ms int64, err error) {
	if after, ok := strings.CutPrefix(text, "-"); ok {
		ago, err := parseDuration(after)
		if err != nil {
			return 0, err
		}
		return max(now.Add(-ago).UnixMilli(), 0), nil
	}
	if text == "now" {
		return now.UnixMilli(), nil
	}
	if n, err := strconv.ParseUint(text, 10, 63); err == nil {
		return int64(n), nil
	}
	for _, layout := range timeLayouts {
		if at, err := time.ParseInLocation(layout, text, now.Location()); err == nil && at.UnixMilli() >= 0 {
			return at.UnixMilli(), nil
		}
	}
	return 0, fmt.Errorf("%q is no time; it takes 2026-01-31, 2026-01-31T12:00:00Z, milliseconds since 1970, or a time ago as -1h", text)
}

// parseDuration is Go's plus days.
func parseDuration(text string) (time.Duration, error) {
	if digits, ok := strings.CutSuffix(text, "d"); ok {
		days, err := strconv.ParseUint(digits, 10, 31)
		if err != nil || days > math.MaxInt64/uint64(24*time.Hour) {
			return 0, fmt.Errorf("%q is no number of days", text)
		}
		return time.Duration(days) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no span of time; it takes 30s, 15m, 1h or 7d", text)
	}
	return d, nil
}

// bounds are the offsets of one partition that an offsetSpec is resolved against. atTime is the first offset of the time asked for, or the end.
type bounds struct{ start, end, atTime int64 }

// resolve returns the offset meant, within what the partition keeps.
func (s offsetSpec) resolve(b bounds) int64 {
	at := s.n
	switch s.kind {
	case offsetStart:
		at = b.start + min(s.n, b.end-b.start)
	case offsetEnd:
		at = b.end - min(s.n, b.end-b.start)
	case offsetTime:
		at = b.atTime
	}
	return min(max(at, b.start), b.end)
}

// reset is the same place for a group's partitions that have no commit, which the client resolves by itself.
func (s offsetSpec) reset() kgo.Offset {
	switch s.kind {
	case offsetStart:
		return kgo.NewOffset().AtStart().Relative(s.n)
	case offsetEnd:
		return kgo.NewOffset().AtEnd().Relative(-s.n)
	case offsetTime:
		return kgo.NewOffset().AfterMilli(s.n)
	}
	return kgo.NewOffset().At(s.n)
}
