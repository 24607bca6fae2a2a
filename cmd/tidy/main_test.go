package main

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRunOutsideAModuleFails(t *testing.T) {
	t.Chdir(t.TempDir())
	var out, complaints bytes.Buffer

	code := run(nil, &out, &complaints)

	if code != 2 || out.Len() > 0 || complaints.Len() == 0 {
		t.Errorf("code %d, stdout %q, stderr %q", code, &out, &complaints)
	}
}

func TestRunRefusesArgumentsItDoesNotKnow(t *testing.T) {
	for _, args := range [][]string{{"storage"}, {"fuzz"}, {"fuzz", "soon"}, {"fuzz", "-1s"}, {"-verbose"}} {
		var out, complaints bytes.Buffer
		if code := run(args, &out, &complaints); code != 2 || complaints.Len() == 0 {
			t.Errorf("%q: code %d, stderr %q", args, code, &complaints)
		}
	}
}

func TestFileThatDoesNotParseIsAFinding(t *testing.T) {
	loaded, err := load(writeTree(t, map[string]string{"storage/a.go": "package storage\n\nfunc {\n"}))
	if err != nil {
		t.Fatal(err)
	}

	findings := check(loaded, rules[:0])

	if len(findings) != 1 || findings[0].path != "storage/a.go" || findings[0].line != 3 {
		t.Errorf("got %v", findings)
	}
}

// Files that git does not know are nobody's business; files in the index are.
func TestTrackedFilesAreThoseOfGit(t *testing.T) {
	dir := writeTree(t, map[string]string{"known.md": "[x](gone.md)\n", "notes.md": "[x](gone.md)\n"})
	for _, args := range [][]string{{"init", "-q"}, {"add", "known.md"}} {
		if _, err := output(dir, "git", args...); err != nil {
			t.Fatal(err)
		}
	}

	loaded, err := load(dir)

	if err != nil || !slices.Equal(loaded.tracked, []string{"known.md"}) {
		t.Errorf("got %q, %v", loaded.tracked, err)
	}
}

func TestHostsComeFromTheSettings(t *testing.T) {
	t.Setenv("GOPROXY", "https://go.invalid/x,https://second.invalid|direct")
	t.Setenv("PIP_INDEX_URL", "https://user@py.invalid:8080/simple")
	t.Setenv("NPM_CONFIG_REGISTRY", "")
	t.Setenv("npm_config_registry", "")

	hosts, err := registryHosts(t.TempDir())

	if want := []string{"go.invalid", "second.invalid", "py.invalid:8080"}; err != nil || !slices.Equal(hosts, want) {
		t.Errorf("got %q, %v, want %q", hosts, err, want)
	}
}

func TestToolLinesBecomeFindings(t *testing.T) {
	vet := "# example.org/x\n./a.go:3:2: self-assignment of x to x\nvet: storage/b.go:7:1: expected declaration\n\tnot a place\n"
	diff := "diff current/go.mod tidy/go.mod\n--- current/go.mod\n+++ tidy/go.mod\n@@ -1 +1 @@\n-old\n+new\n--- current/go.sum\n+++ tidy/go.sum\n+sum\n"

	got := append(readPositions("go vet", vet), readDiff("go mod tidy", diff)...)

	want := []finding{
		{"a.go", 3, "go vet: self-assignment of x to x"}, {"storage/b.go", 7, "go vet: expected declaration"},
		{"go.mod", 0, "go mod tidy: -old"}, {"go.mod", 0, "go mod tidy: +new"}, {"go.sum", 0, "go mod tidy: +sum"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A tool that could not work must not look like one that found nothing.
func TestToolThatFailsWithoutFindingsIsAnError(t *testing.T) {
	for _, args := range [][]string{{"go", "vet", "./nowhere"}, {"no-such-program-here"}} {
		findings, err := tool{"tool", args, readPositions}.run(writeTree(t, nil))
		if err == nil || len(findings) > 0 {
			t.Errorf("%q: findings %v, error %v", args, findings, err)
		}
	}
}

func TestVetIsRunOnTheTree(t *testing.T) {
	dir := writeTree(t, map[string]string{"storage/a.go": "package storage\n\nfunc f(x int) {\n\tx = x\n}\n"})

	findings, err := tools(false)[0].run(dir)

	if err != nil || len(findings) != 1 || findings[0].path != "storage/a.go" || findings[0].line != 4 {
		t.Errorf("got %v, %v", findings, err)
	}
}

func TestModulesAreCheckedOnDemand(t *testing.T) {
	last := func(all []tool) string { return all[len(all)-1].name }
	if last(tools(true)) != "go mod tidy" || last(tools(false)) == "go mod tidy" {
		t.Errorf("with modules: %s, without: %s", last(tools(true)), last(tools(false)))
	}
}

func TestFuzzGoesOnAfterAFinding(t *testing.T) {
	if testing.Short() {
		t.Skip("builds two instrumented test binaries")
	}
	target := "package %\n\nimport \"testing\"\n\nfunc FuzzIt(f *testing.F) {\n\tf.Add(1)\n\tf.Fuzz(func(t *testing.T, n int) {\n\t\tif n == # {\n\t\t\tt.Fatal(n)\n\t\t}\n\t})\n}\n"
	loaded, err := load(writeTree(t, map[string]string{
		"bad/a_test.go":  strings.Replace(named(target, "bad"), "#", "n", 1),
		"good/a_test.go": strings.Replace(named(target, "good"), "#", "n+1", 1),
	}))
	if err != nil {
		t.Fatal(err)
	}
	var out, complaints bytes.Buffer

	code := fuzz(loaded, time.Second, &out, &complaints)

	for _, line := range []string{"FAILED\tbad FuzzIt\n", "ok\tgood FuzzIt\n", "2 fuzz targets, 1s each, 1 with findings\n"} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("no line %q in:\n%s", line, &out)
		}
	}
	if code != 1 || complaints.Len() == 0 {
		t.Errorf("code %d, stderr %q", code, &complaints)
	}
}

func TestVerdictNamesTheInput(t *testing.T) {
	failed := errors.New("exit status 1")
	found := "--- FAIL: FuzzX\n    Failing input written to testdata/fuzz/FuzzX/1234\n"
	if got := verdict(found, failed); got != "FOUND testdata/fuzz/FuzzX/1234" {
		t.Errorf("got %q", got)
	}
	if got := verdict("context deadline exceeded", failed); got != "FAILED" {
		t.Errorf("got %q", got)
	}
	if outOfTime(found+"context deadline exceeded") || !outOfTime("    context deadline exceeded\n") {
		t.Error("a finding at the end of the time must stay a finding; no finding must be tried again")
	}
}
