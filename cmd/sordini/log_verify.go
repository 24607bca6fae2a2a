package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/sordini/sordini/storage/inspect"
)

func newLogVerifyCommand() *cobra.Command {
	var out outputFlag
	var strict bool
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
			found, err := findLogs(cmd, paths)
			if err != nil {
				return err
			}
			return runVerify(ctx, o, cmd.ErrOrStderr(), found, strict)
		}),
	}
	out.add(cmd)
	cmd.Flags().BoolVar(&strict, "strict", false, "count a torn tail as damage")
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

func runVerify(ctx context.Context, o *output, errOut io.Writer, found *inspect.Found, strict bool) error {
	begin := time.Now()
	var failed error // to write
	v := &inspect.Verifier{}
	progress := newProgress(errOut, found)
	v.Progress = progress.show
	v.Report = func(f inspect.Finding) {
		progress.clear()
		failed = errors.Join(failed, printFinding(o, f))
	}
	damaged := 0
	for i := range found.DataDirs {
		inspect.CheckMeta(&found.DataDirs[i], found.Partitions, func(f inspect.Finding) {
			if f.Kind.Damage() {
				damaged++
			}
			v.Report(f)
		})
	}
	for i := range found.Partitions {
		if err := v.Partition(ctx, &found.Partitions[i]); err != nil {
			progress.clear()
			return err
		}
		if failed != nil {
			return failed
		}
	}
	progress.clear()
	t := v.Totals
	t.Damages += damaged
	if err := printVerified(o, errOut, t, time.Since(begin)); err != nil {
		return err
	}
	if t.Damages > 0 || strict && t.TornTails > 0 {
		return &exitError{code: exitFailed}
	}
	return nil
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

// progress is a line on a terminal that is rewritten in place.
type progress struct {
	w     io.Writer // nil: not a terminal
	all   int64
	begin time.Time
	last  time.Time
	shown bool
}

const progressEvery = 200 * time.Millisecond

func newProgress(w io.Writer, found *inspect.Found) *progress {
	p := &progress{begin: time.Now(), last: time.Now()}
	if file, ok := w.(*os.File); ok && isTerminal(file) {
		p.w = file
	}
	for i := range found.Partitions {
		p.all += found.Partitions[i].Size()
	}
	return p
}

func (p *progress) show(done int64) {
	if p.w == nil || time.Since(p.last) < progressEvery {
		return
	}
	p.last, p.shown = time.Now(), true
	fmt.Fprintf(p.w, "\r\x1b[K%s of %s, %s/s", sizeText(done), sizeText(p.all), sizeText(int64(float64(done)/time.Since(p.begin).Seconds())))
}

func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}
