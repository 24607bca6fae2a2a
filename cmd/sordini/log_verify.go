package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/sordini/sordini/storage/inspect"
)

func newLogVerifyCommand() *cobra.Command {
	var out outputFlag
	var strict bool
	var jobs int
	cmd := &cobra.Command{
		Use:   "verify DIR|FILE...",
		Short: "Check every batch of logs",
		Long: `Check every batch: length, magic, checksum, offsets that rise within a segment and from one to the next, and every record, decompressed.
Of data directories, meta.properties and partition.metadata too. Each finding is a line: kind, file, position, bytes, offsets, reason. The kinds:
  corrupt    bytes that are no batch, or a wrong checksum
  order      offsets that go back or lie outside of the segment
  records    a right checksum, and records that cannot be read
  metadata   meta.properties or partition.metadata
  torn-tail  the last segment ends within a batch: ordinary after a crash, and cut when a broker starts; damage with --strict
  note       worth knowing; no damage

It ends with 0 when there is no damage, with 1 when there is, with 2 when the command line is wrong. A summary with the throughput goes to stderr.

` + logPathsHelp + `

-o json prints one object a line, {kind, dir, file, position, bytes, from_offset, to_offset, reason}, with null for what is not known or not meant; the last line is
{kind: "summary", partitions, segments, batches, records, bytes, seconds, damages, torn_tails}.`,
		Example: `  sordini log verify /var/lib/sordini
  sordini log verify --strict orders-0 && echo whole
  sordini log verify /var/lib/kafka/data -o json | jq -r 'select(.kind == "corrupt") | .file'`,
		Args:              atLeastOne("one or more data directories, partition directories or segment files"),
		ValidArgsFunction: logCompletion,
		RunE: clientCommand(func(ctx context.Context, cmd *cobra.Command, paths []string) error {
			o, err := out.open(cmd)
			if err != nil {
				return err
			}
			if jobs < 1 {
				return usageError(cmd, fmt.Errorf("--jobs %d: it takes 1 or more", jobs))
			}
			found, err := findLogs(cmd, paths)
			if err != nil {
				return err
			}
			v := &verifying{o: o, errOut: cmd.ErrOrStderr(), found: found, jobs: jobs, begin: time.Now()}
			totals, err := v.run(ctx)
			if err != nil {
				return err
			}
			if totals.Damages > 0 || strict && totals.TornTails > 0 {
				return &exitError{code: exitFailed} // the findings were printed
			}
			return nil
		}),
	}
	out.add(cmd)
	cmd.Flags().BoolVar(&strict, "strict", false, "count a torn tail as damage")
	cmd.Flags().IntVarP(&jobs, "jobs", "j", runtime.GOMAXPROCS(0), "partitions that are read at the same time")
	return cmd
}

// findingLine is one finding of `log verify -o json`.
type findingLine struct {
	Kind       inspect.Kind `json:"kind"`
	Dir        string       `json:"dir"`
	File       string       `json:"file"`
	Position   *int64       `json:"position"`
	Bytes      *int64       `json:"bytes"`
	FromOffset *int64       `json:"from_offset"`
	ToOffset   *int64       `json:"to_offset"`
	Reason     string       `json:"reason"`
}

// verifySummary is the last line of `log verify -o json`.
type verifySummary struct {
	Kind       string  `json:"kind"`
	Partitions int     `json:"partitions"`
	Segments   int     `json:"segments"`
	Batches    int64   `json:"batches"`
	Records    int64   `json:"records"`
	Bytes      int64   `json:"bytes"`
	Seconds    float64 `json:"seconds"`
	Damages    int     `json:"damages"`
	TornTails  int     `json:"torn_tails"`
}

func printFinding(o *output, f inspect.Finding) error {
	if o.json {
		known := func(n int64) *int64 {
			if n < 0 {
				return nil
			}
			return &n
		}
		return jsonLine(o.w, findingLine{
			Kind: f.Kind, Dir: f.Dir, File: f.File, Position: known(f.Position), Bytes: known(f.Bytes), FromOffset: known(f.FromOffset), ToOffset: known(f.ToOffset), Reason: f.Reason,
		})
	}
	offsets := "-"
	if f.FromOffset >= 0 {
		offsets = number(f.FromOffset) + ".." + number(f.ToOffset)
	}
	return o.list(nil, [][]string{{string(f.Kind), filepath.Join(f.Dir, f.File), number(f.Position), number(f.Bytes), offsets, f.Reason}})
}

func printVerified(o *output, errOut io.Writer, t inspect.Totals, took time.Duration) error {
	if o.json {
		return jsonLine(o.w, verifySummary{"summary", t.Partitions, t.Segments, t.Batches, t.Records, t.Bytes, took.Seconds(), t.Damages, t.TornTails})
	}
	result := "no damage"
	if t.Damages > 0 {
		result = plural(t.Damages, "damage")
	}
	if t.TornTails > 0 {
		result += ", " + plural(t.TornTails, "torn tail")
	}
	_, err := fmt.Fprintf(errOut, "%s, %s, %d batches, %d records, %s in %.1f s (%s/s): %s\n", plural(t.Partitions, "partition"), plural(t.Segments, "segment"),
		t.Batches, t.Records, sizeText(t.Bytes), took.Seconds(), sizeText(int64(float64(t.Bytes)/max(took.Seconds(), 1e-6))), result)
	return err
}

func jsonLine(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// sizeText is a size for people.
func sizeText(n int64) string {
	const units = "KMGTPE"
	if n < 1<<10 {
		return strconv.FormatInt(n, 10) + " B"
	}
	v, i := float64(n)/1024, 0
	for v >= 1024 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	return fmt.Sprintf("%.1f %ciB", v, units[i])
}
