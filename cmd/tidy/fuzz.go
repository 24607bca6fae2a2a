package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// fuzz runs every target for the given time, one after the other: each takes all processors by itself. It goes on after a finding, and
// ends with one line for each target.
func fuzz(t *tree, each time.Duration, stdout, stderr io.Writer) int {
	targets := fuzzTargets(t)
	verdicts := make([]string, len(targets))
	bad := 0
	for i, target := range targets {
		fmt.Fprintf(stdout, "[%d/%d] %s %s\n", i+1, len(targets), target.dir, target.name)
		out, err := fuzzOne(t.root, target, each)
		if err != nil && outOfTime(out) {
			out, err = fuzzOne(t.root, target, each)
		}
		verdicts[i] = verdict(out, err)
		if err != nil {
			bad++
			fmt.Fprintln(stderr, strings.TrimSpace(out))
		}
	}
	for i, target := range targets {
		fmt.Fprintf(stdout, "%s\t%s %s\n", verdicts[i], target.dir, target.name)
	}
	fmt.Fprintf(stdout, "%d fuzz targets, %s each, %d with findings\n", len(targets), each, bad)
	if bad > 0 {
		return 1
	}
	return 0
}

func fuzzOne(root string, target fuzzTarget, each time.Duration) (string, error) {
	cmd := exec.Command("go", "test", "-run=^$", "-fuzz=^"+target.name+"$", "-fuzztime="+each.String(), "./"+target.dir)
	cmd.Dir = root
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return err.Error(), err
	}
	return out.String(), err
}

const written = "Failing input written to "

// outOfTime is Go's fuzzer failing because its time ended in the middle of an input, which says nothing about the target.
func outOfTime(out string) bool {
	return strings.Contains(out, "context deadline exceeded") && !strings.Contains(out, written)
}

// verdict is one word for the summary, with the input where there is one.
func verdict(out string, err error) string {
	if err == nil {
		return "ok"
	}
	for line := range strings.Lines(out) {
		if _, input, ok := strings.Cut(line, written); ok {
			return "FOUND " + strings.TrimSpace(input)
		}
	}
	return "FAILED"
}
