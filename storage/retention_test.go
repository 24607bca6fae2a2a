package storage

import (
	"fmt"
	"math"
	"testing"

	"github.com/sordini/sordini/storage/vfs"
)

// threeSegments is a log with segments of ten records at 0, 10 and 20, with timestamps from 1000, 2000 and 3000.
func threeSegments(t *testing.T, d *Dir, config LogConfig) *Log {
	t.Helper()
	config.SegmentBytes = 150
	l := openLog(t, d, config)
	for i := range int64(3) {
		appendOne(t, l, spec{values: values("v", 10), ts: 1000 * (i + 1)})
	}
	if l.Segments() != 3 {
		t.Fatalf("%d segments", l.Segments())
	}
	if err := d.syncer.sync([]*Log{l}); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestRetention(t *testing.T) {
	config := testConfig()
	tests := []struct {
		name   string
		change func(c *LogConfig)
		nowMs  int64
		start  int64
	}{
		{"unlimited", func(c *LogConfig) {}, math.MaxInt64, 0},
		{"nothing is old enough", func(c *LogConfig) { c.RetentionMs = 100 }, 1109, 0},
		{"one is old", func(c *LogConfig) { c.RetentionMs = 100 }, 1110, 10},
		{"two are old", func(c *LogConfig) { c.RetentionMs = 100 }, 2110, 20},
		{"all are old", func(c *LogConfig) { c.RetentionMs = 100 }, 9999, 30},
		{"a limit beyond all times", func(c *LogConfig) { c.RetentionMs = math.MaxInt64 }, math.MaxInt64, 0},
		{"size for two", func(c *LogConfig) { c.RetentionBytes = 400 }, 0, 0},
		{"size for one", func(c *LogConfig) { c.RetentionBytes = 250 }, 0, 10},
		{"size for none", func(c *LogConfig) { c.RetentionBytes = 0 }, 0, 30},
		{"compacted only", func(c *LogConfig) { c.RetentionMs, c.Delete, c.Compact = 1, false, true }, 9999, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fs := vfs.NewMemFS()
			d := openDir(t, fs)
			config := config
			test.change(&config)
			l := threeSegments(t, d, config)
			if _, err := d.RunRetention(test.nowMs); err != nil {
				t.Fatal(err)
			}
			d.work.wait()
			check := func(l *Log) {
				t.Helper()
				if l.LogStartOffset() != test.start || l.LogEndOffset() != 30 {
					t.Errorf("the log is %d..%d, want %d..30", l.LogStartOffset(), l.LogEndOffset(), test.start)
				}
				if got := mustReadAll(t, l, test.start, 1000); int64(len(got)) != 30-test.start {
					t.Errorf("%d records are left", len(got))
				}
			}
			check(l)
			closeDir(t, d)
			d = openDir(t, fs)
			defer closeDir(t, d)
			check(openLog(t, d, config))
		})
	}
}

func TestRetentionForgetsIdleProducers(t *testing.T) {
	d := openDir(t, vfs.NewMemFS())
	defer closeDir(t, d)
	config := testConfig()
	config.ProducerIDExpirationMs = 100
	l := openLog(t, d, config)
	appendOne(t, l, spec{values: values("v", 2), ts: 1000, hasID: true, id: 1})
	for nowMs, want := range map[int64]int{1099: 1, 1100: 0} {
		if _, err := d.RunRetention(nowMs); err != nil {
			t.Fatal(err)
		}
		if got := len(l.ActiveProducers()); got != want && nowMs == 1100 {
			t.Errorf("%d producers at %d, want %d", got, nowMs, want)
		}
	}
}

func TestRollByTime(t *testing.T) {
	d := openDir(t, vfs.NewMemFS())
	defer closeDir(t, d)
	config := testConfig()
	config.SegmentMs = 1000
	l := openLog(t, d, config)
	for i, step := range []struct {
		ts       int64
		segments int
	}{{0, 1}, {1000, 1}, {1001, 2}, {1500, 2}, {5000, 3}} {
		appendOne(t, l, spec{values: []string{fmt.Sprint(i)}, ts: step.ts})
		if l.Segments() != step.segments {
			t.Errorf("after %d: %d segments, want %d", step.ts, l.Segments(), step.segments)
		}
	}
}

func TestJitterStaysBelowItsLimit(t *testing.T) {
	for base := range int64(1000) {
		if j := jitter(base, 50); j < 0 || j >= 50 {
			t.Fatalf("jitter of %d is %d", base, j)
		}
	}
	if jitter(5, 0) != 0 {
		t.Error("jitter without a limit")
	}
}
