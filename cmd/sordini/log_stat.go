package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sordini/sordini/storage/inspect"
)

// logStat is one partition of `log stat -o json`. What was not looked at is null.
type logStat struct {
	Topic              string           `json:"topic"`
	Partition          int32            `json:"partition"`
	Dir                string           `json:"dir"`
	Segments           int              `json:"segments"`
	Bytes              int64            `json:"bytes"`
	StartOffset        int64            `json:"start_offset"`
	EndOffset          int64            `json:"end_offset"`
	Batches            int64            `json:"batches"`
	ControlBatches     int64            `json:"control_batches"`
	TransactionBatches int64            `json:"transaction_batches"`
	Records            int64            `json:"records"`
	CodecBytes         map[string]int64 `json:"codec_bytes"`
	MagicBatches       map[int8]int64   `json:"magic_batches"`
	OldestMs           *int64           `json:"oldest_ms"`
	NewestMs           *int64           `json:"newest_ms"`
	Producers          int              `json:"producers"`
	InvalidBytes       int64            `json:"invalid_bytes"`
	UncompressedBytes  *int64           `json:"uncompressed_bytes"`
	Tombstones         *int64           `json:"tombstones"`
	KeylessRecords     *int64           `json:"keyless_records"`
	BadBatches         *int64           `json:"bad_batches"`
}

func newLogStatCommand() *cobra.Command {
	var out outputFlag
	var deep bool
	var order string
	cmd := &cobra.Command{
		Use:   "stat DIR|FILE...",
		Short: "Show what logs consist of",
		Long: `Show for each partition: segments, bytes, start and end offset, batches, records, the share of each codec in the bytes, message formats, oldest and newest timestamp, and
how many producers with an id wrote. Only headers are read. --deep reads everything, and adds how much compression saves (RATIO: size without it by size with it) and the
share of tombstones (records with a null value).
START is where the first segment begins; the log start offset may lie above it. Timestamps are in UTC, of batches, or with --deep of records.

` + logPathsHelp + `

JSON is an array of {topic, partition, dir, segments, bytes, start_offset, end_offset, batches, control_batches, transaction_batches, records, codec_bytes, magic_batches,
oldest_ms, newest_ms, producers, invalid_bytes} and, with --deep, {uncompressed_bytes, tombstones, keyless_records, bad_batches}, which are null without.`,
		Example: `  sordini log stat /var/lib/sordini
  sordini log stat --sort bytes /var/lib/kafka/data | head
  sordini log stat --deep orders-0 -o json`,
		Args:              atLeastOne("one or more data directories, partition directories or segment files"),
		ValidArgsFunction: logCompletion,
		RunE: clientCommand(func(ctx context.Context, cmd *cobra.Command, paths []string) error {
			o, err := out.open(cmd)
			if err != nil {
				return err
			}
			compare, ok := statOrders[order]
			if !ok {
				return usageError(cmd, fmt.Errorf("there is no order %q; there are name, bytes and records", order))
			}
			found, err := findLogs(cmd, paths)
			if err != nil {
				return err
			}
			stats, err := collectStats(ctx, found, deep)
			if err != nil {
				return err
			}
			slices.SortStableFunc(stats, compare)
			return printStats(o, cmd.ErrOrStderr(), stats, deep)
		}),
	}
	out.add(cmd)
	f := cmd.Flags()
	f.BoolVar(&deep, "deep", false, "read all records")
	f.StringVar(&order, "sort", "name", "name, bytes or records; the largest first")
	_ = cmd.RegisterFlagCompletionFunc("sort", cobra.FixedCompletions([]string{"name", "bytes", "records"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

var statOrders = map[string]func(a, b logStat) int{
	"name": func(a, b logStat) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	},
	"bytes":   func(a, b logStat) int { return cmp.Compare(b.Bytes, a.Bytes) },
	"records": func(a, b logStat) int { return cmp.Compare(b.Records, a.Records) },
}

func collectStats(ctx context.Context, found *inspect.Found, deep bool) ([]logStat, error) {
	stats := []logStat{}
	for i := range found.Partitions {
		p := &found.Partitions[i]
		s, err := inspect.StatPartition(ctx, p, deep, inspect.DefaultLimits())
		if err != nil {
			return nil, err
		}
		known := func(n int64, is bool) *int64 {
			if !is {
				return nil
			}
			return &n
		}
		stats = append(stats, logStat{
			Topic: p.Topic, Partition: p.Index, Dir: p.Dir, Segments: s.Segments, Bytes: s.Bytes, StartOffset: s.StartOffset, EndOffset: s.EndOffset,
			Batches: s.Batches, ControlBatches: s.ControlBatches, TransactionBatches: s.TransactionBatches, Records: s.Records,
			CodecBytes: s.CodecBytes, MagicBatches: s.MagicBatches, OldestMs: known(s.OldestMs, s.OldestMs >= 0), NewestMs: known(s.NewestMs, s.NewestMs >= 0),
			Producers: s.Producers, InvalidBytes: s.InvalidBytes, UncompressedBytes: known(s.UncompressedBytes, deep), Tombstones: known(s.Tombstones, deep),
			KeylessRecords: known(s.KeylessRecords, deep), BadBatches: known(s.BadBatches, deep),
		})
	}
	return stats, nil
}

func printStats(o *output, errOut io.Writer, stats []logStat, deep bool) error {
	if o.json {
		return o.document(stats)
	}
	heading := []string{"TOPIC", "PARTITION", "SEGMENTS", "BYTES", "START", "END", "BATCHES", "RECORDS", "CODECS", "FORMATS", "OLDEST", "NEWEST", "PRODUCERS"}
	if deep {
		heading = append(heading, "RATIO", "TOMBSTONES")
	}
	rows := [][]string{}
	for _, s := range stats {
		row := []string{s.Topic, number(int64(s.Partition)), strconv.Itoa(s.Segments), number(s.Bytes), number(s.StartOffset), number(s.EndOffset), number(s.Batches), number(s.Records),
			codecShares(s.CodecBytes), formats(s.MagicBatches), utcTime(s.OldestMs), utcTime(s.NewestMs), strconv.Itoa(s.Producers)}
		if deep {
			row = append(row, s.ratio(), percent(*s.Tombstones, s.Records))
		}
		rows = append(rows, row)
	}
	if err := o.list(heading, rows); err != nil {
		return err
	}
	for _, s := range stats {
		if s.InvalidBytes > 0 || s.BadBatches != nil && *s.BadBatches > 0 {
			fmt.Fprintf(errOut, "sordini: %s has bytes that are no good batches; see sordini log verify %s\n", s.Dir, s.Dir)
		}
	}
	return nil
}

// ratio is uncompressed by stored size.
func (s *logStat) ratio() string {
	stored := int64(0)
	for _, n := range s.CodecBytes {
		stored += n
	}
	if stored == 0 {
		return "-"
	}
	return strconv.FormatFloat(float64(*s.UncompressedBytes)/float64(stored), 'f', 2, 64)
}

// codecShares lists codecs by their share in the bytes, the largest first.
func codecShares(bytes map[string]int64) string {
	all := int64(0)
	for _, n := range bytes {
		all += n
	}
	names := slices.SortedFunc(maps.Keys(bytes), func(a, b string) int { return cmp.Or(cmp.Compare(bytes[b], bytes[a]), strings.Compare(a, b)) })
	if len(names) == 1 {
		return names[0]
	}
	for i, name := range names {
		names[i] = name + " " + percent(bytes[name], all)
	}
	return orDash(strings.Join(names, ", "))
}

func formats(batches map[int8]int64) string {
	names := []string{}
	for _, magic := range slices.Sorted(maps.Keys(batches)) {
		names = append(names, strconv.Itoa(int(magic)))
	}
	return orDash(strings.Join(names, ","))
}

func percent(part, all int64) string {
	if all <= 0 {
		return "-"
	}
	return strconv.FormatFloat(100*float64(part)/float64(all), 'f', 1, 64) + "%"
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func utcTime(ms *int64) string {
	if ms == nil {
		return "-"
	}
	return time.UnixMilli(*ms).UTC().Format("2006-01-02T15:04:05.000Z")
}
