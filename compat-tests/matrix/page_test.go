package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sordini/sordini/compat-tests/harness"
)

// TestPageIsWhatTheResultsSay: docs/clients.md is rendered, not written, and every version that a lane names was measured.
func TestPageIsWhatTheResultsSay(t *testing.T) {
	lanes, err := readLanes("..")
	if err != nil {
		t.Fatal(err)
	}
	if len(lanes) < 4 {
		t.Fatalf("found %d lanes with a versions.txt", len(lanes))
	}
	for _, l := range lanes {
		for _, version := range l.versions {
			if !slices.ContainsFunc(l.results, func(r harness.Result) bool { return r.Version == version && r.Target == target }) {
				t.Errorf("%s %s is in versions.txt but was not measured: run `make compat-all`", l.name, version)
			}
		}
		for _, r := range l.results {
			if !slices.Contains(l.versions, r.Version) || r.Client != l.name {
				t.Errorf("%s has a result of %s %s, which is not in its versions.txt", l.path, r.Client, r.Version)
			}
		}
	}
	want := page(lanes)
	got, err := os.ReadFile(filepath.Join("..", "..", "docs", "clients.md"))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("docs/clients.md is not what the results say: run `go run ./compat-tests/matrix`")
	}
}

// TestPage: a lane of two versions, of which one was measured on another broker as well.
func TestPage(t *testing.T) {
	l := &lane{name: "snail", title: "A slow client", versions: []string{"1", "2"}, results: []harness.Result{
		{Client: "snail", Version: "1", Step: "codecs", Verdict: harness.Passed, Detail: "none", Target: target, Date: "2026-01-02", Commit: "abc"},
		{Client: "snail", Version: "2", Step: "codecs", Verdict: harness.Passed, Detail: "none", Target: target, Date: "2026-01-03", Commit: "def"},
		{Client: "snail", Version: "2", Step: "group", Verdict: harness.Failed, Target: target, Date: "2026-01-03", Commit: "def"},
		{Client: "snail", Version: "2", Step: "group", Verdict: harness.Passed, Target: "kafka-4.4.0", Date: "2026-01-04", Commit: "def"},
		{Client: "snail", Version: "2", Step: "admin", Verdict: harness.Absent, Detail: "has no admin", Target: target, Date: "2026-01-03", Commit: "def"},
	}}
	got := strings.TrimPrefix(page([]*lane{l}), preface)
	want := `
## snail

A slow client.

| version | codecs | group | admin | date | commit |
|---|---|---|---|---|---|
| 1 | yes |   |   | 2026-01-02 | abc |
| 2 | yes | *fails* | - | 2026-01-03 | def |

- codecs: none (all)
- admin: has no admin (2)
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestMerge: a version that was measured again loses its old lines, one that was not keeps them, one that is no longer
// listed goes.
func TestMerge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "snail.jsonl")
	line := func(version, step, verdict, date string) harness.Result {
		return harness.Result{Client: "snail", Version: version, Step: step, Verdict: verdict, Target: target, Date: date, Commit: "abc"}
	}
	l := &lane{name: "snail", versions: []string{"1", "2"}, path: path, results: []harness.Result{
		line("1", "codecs", harness.Passed, "old"), line("2", "codecs", harness.Passed, "old"), line("2", "gone", harness.Passed, "old"), line("0", "codecs", harness.Passed, "old"),
	}}
	other := line("1", "codecs", harness.Failed, "new")
	other.Client = "hare"
	err := l.merge([]harness.Result{line("2", "codecs", harness.Failed, "new"), line("2", "codecs", harness.Passed, "newer"), other})
	if err != nil {
		t.Fatal(err)
	}
	want := []harness.Result{line("1", "codecs", harness.Passed, "old"), line("2", "codecs", harness.Passed, "newer")}
	written, err := readResults(path)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(written, want) || !slices.Equal(l.results, want) {
		t.Errorf("written %v, held %v, want %v", written, l.results, want)
	}
}
