package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write golden files anew")

// golden compares output with a file under testdata.
func golden(t *testing.T, file, got string) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *rewrite {
		write(t, path, got)
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; look at it and run the test with -rewrite:\n%s", file, got)
	}
}

// execute runs a command line as the binary would.
func execute(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errOut bytes.Buffer
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&errOut)
	err = root.Execute()
	return out.String(), errOut.String(), err
}

const exampleFile = "testdata/example.properties"

func TestConfigCommands(t *testing.T) {
	t.Setenv("KAFKA_NUM_PARTITIONS", "4")
	for _, c := range []struct {
		file string
		args []string
	}{
		{"explain-topic.txt", []string{"config", "explain", "retention.ms"}},
		{"explain-both.txt", []string{"config", "explain", "min.insync.replicas"}},
		{"explain-idle.txt", []string{"config", "explain", "num.io.threads"}},
		{"explain-own.txt", []string{"config", "explain", "sordini.durability"}},
		{"show.txt", []string{"config", "show", "-c", exampleFile, "-d", "/data", "-o", "log.retention.hours=24"}},
		{"show-origin.txt", []string{"config", "show", "--origin", "-c", exampleFile, "-d", "/data", "-o", "log.retention.hours=24"}},
		{"validate.txt", []string{"config", "validate", exampleFile}},
	} {
		out, _, err := execute(t, c.args...)
		if err != nil {
			t.Errorf("%v: %v", c.args, err)
		}
		golden(t, c.file, out)
	}
}

func TestConfigShowCanBeReadAgain(t *testing.T) {
	// Given everything that show prints, defaults included.
	out, _, err := execute(t, "config", "show", "--all", "-d", "/data", "-o", `broker.rack= a\b`)
	if err != nil {
		t.Fatal(err)
	}
	// When it is used as a file, then the configuration is the same.
	file := filepath.Join(t.TempDir(), "again.properties")
	write(t, file, out)
	again, _, err := execute(t, "config", "show", "--all", "-c", file)
	if err != nil || again != out {
		t.Errorf("%v\n%s", err, again)
	}
}

func TestConfigValidateFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bad.properties")
	write(t, file, "num.partitions=abc\nlog.retnetion.ms=5\nfetch.max.bytes=1\n")
	_, errOut, err := execute(t, "config", "validate", "-q", file)
	if exitCode(err) != exitFailed || strings.Count(errOut, "\n") != 2 || !strings.Contains(errOut, file+":1: num.partitions=abc") {
		t.Errorf("%v\n%s", err, errOut)
	}
	// A refused key is not listed as one without effect too, and problems are in the order of the file.
	write(t, file, "security.inter.broker.protocol=SSL\nnum.io.threads=5\nauthorizer.class.name=a.B\nlisteners=SSL://:1\n")
	out, errOut, err := execute(t, "config", "validate", file)
	if lines := strings.Split(errOut, "\n"); exitCode(err) != exitFailed || len(lines) != 4 || !strings.HasPrefix(lines[0], file+":1: ") || !strings.HasPrefix(lines[1], file+":3: ") || !strings.HasPrefix(lines[2], file+":4: ") {
		t.Errorf("%v\n%s", err, errOut)
	}
	if strings.Count(out, "\n") != 1 || !strings.Contains(out, "num.io.threads has no effect") {
		t.Errorf("printed\n%s", out)
	}
	write(t, file, "log.retnetion.ms=5\n")
	if _, _, err = execute(t, "config", "validate", file); err != nil {
		t.Errorf("unknown key: %v", err)
	}
	if _, errOut, err = execute(t, "config", "validate", "--strict", file); exitCode(err) != exitFailed || !strings.Contains(errOut, "log.retention.ms?") {
		t.Errorf("unknown key, strict: %v\n%s", err, errOut)
	}
}

func exitCode(err error) int {
	if exit, ok := err.(*exitError); ok {
		return exit.code
	}
	return 0
}

func TestUsageErrors(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"serv"}, exitUsage, `there is no command "serv", did you mean serve?; see sordini --help`},
		{[]string{"serve", "now"}, exitUsage, `unexpected argument "now"; see sordini serve --help`},
		{[]string{"serve", "--nope"}, exitUsage, "unknown flag: --nope; see sordini serve --help"},
		{[]string{"config", "explain"}, exitUsage, "it takes one key; see sordini config explain --help"},
		{[]string{"config", "explain", "log.retention.mss"}, exitNotFound, "no config is called log.retention.mss; did you mean log.retention.ms?"},
		{[]string{"config", "explain", "xyzzy"}, exitNotFound, "no config is called xyzzy; docs/configuration.md lists all of them"},
	} {
		_, _, err := execute(t, c.args...)
		if exitCode(err) != c.code || err.Error() != c.want {
			t.Errorf("%v: exit code %d, %v", c.args, exitCode(err), err)
		}
	}
}

func TestDocsAreUpToDate(t *testing.T) {
	out, _, err := execute(t, "config", "docs")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	if out != string(want) {
		t.Error("docs/configuration.md is not what the registry says; run `go run ./cmd/sordini config docs > docs/configuration.md`")
	}
}
