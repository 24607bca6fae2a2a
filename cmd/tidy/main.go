// Command tidy is the linter of this repository: it checks what a program can check about how the packages hang together, how large files
// get and what code must not do. `make lint` runs it without arguments from any directory of the module.
//
//	tidy             every rule, then go vet and staticcheck
//	tidy -modules    also that go.mod and go.sum are tidy; always so where CI=true
//	tidy fuzz 30s    every fuzz target of the module in turn, that long each
//
// What is allowed stands as data in rules.go and nowhere else. What always holds: a finding is one line `path:line: message`, in the order
// of paths; the exit code is 1 when there are any, 2 when the tree could not be read. A rule without a test in which it fails does not
// pass the tests of this package.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is main without the end of the process.
func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("tidy", flag.ContinueOnError)
	flags.SetOutput(stderr)
	modules := flags.Bool("modules", os.Getenv("CI") == "true", "check that go.mod and go.sum are tidy")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	t, err := load(".")
	if err != nil {
		fmt.Fprintln(stderr, "tidy:", err)
		return 2
	}
	switch {
	case flags.NArg() == 0:
		return lint(t, *modules, stdout, stderr)
	case flags.Arg(0) == "fuzz" && flags.NArg() == 2:
		each, err := time.ParseDuration(flags.Arg(1))
		if err != nil || each <= 0 {
			fmt.Fprintf(stderr, "tidy: %q is no time to fuzz, say 30s\n", flags.Arg(1))
			return 2
		}
		return fuzz(t, each, stdout, stderr)
	}
	fmt.Fprintln(stderr, "tidy: it takes no arguments, or: fuzz DURATION")
	return 2
}

// lint runs the tools beside the rules, since they take longest.
func lint(t *tree, modules bool, stdout, stderr io.Writer) int {
	type outcome struct {
		findings []finding
		err      error
	}
	commands := tools(modules)
	outcomes := make(chan outcome, len(commands)) // room for each, so that none waits to end
	for _, c := range commands {
		go func() { // ends with its command, and is waited for below
			found, err := c.run(t.root)
			outcomes <- outcome{found, err}
		}()
	}
	findings := check(t, rules)
	for range commands {
		o := <-outcomes
		if o.err != nil {
			fmt.Fprintln(stderr, "tidy:", o.err)
			return 2
		}
		findings = append(findings, o.findings...)
	}
	for _, f := range sorted(findings) {
		fmt.Fprintln(stdout, f)
	}
	if len(findings) > 0 {
		fmt.Fprintf(stderr, "tidy: %d findings\n", len(findings))
		return 1
	}
	return 0
}
