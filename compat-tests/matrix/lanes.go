package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sordini/sordini/compat-tests/harness"
)

// target is the broker that the page is about.
const target = "sordini"

// lane is a folder with a versions.txt, and what was measured of its versions.
type lane struct {
	name     string // of the folder
	title    string // the first line of its versions.txt
	versions []string
	path     string // of its results
	results  []harness.Result
}

// readLanes reads the lanes below a folder, in order of their names.
func readLanes(folder string) ([]*lane, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*", "versions.txt"))
	if err != nil {
		return nil, err
	}
	var lanes []*lane
	for _, path := range paths {
		l := &lane{name: filepath.Base(filepath.Dir(path))}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		first, _, _ := strings.Cut(string(text), "\n")
		l.title = strings.TrimSpace(strings.TrimPrefix(first, "#"))
		listed, err := harness.ReadVersions(path)
		if err != nil {
			return nil, err
		}
		for _, v := range listed {
			l.versions = append(l.versions, v.Name)
		}
		l.path = filepath.Join(folder, "matrix", "results", l.name+".jsonl")
		l.results, err = readResults(l.path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		lanes = append(lanes, l)
	}
	return lanes, nil
}

func readResults(path string) ([]harness.Result, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var results []harness.Result
	for d := json.NewDecoder(f); ; {
		var r harness.Result
		err := d.Decode(&r)
		if err == io.EOF {
			return results, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, len(results)+1, err)
		}
		results = append(results, r)
	}
}

// merge takes the lane's lines out of what was measured anew and writes its file again. A version that was measured loses
// all that was known of it on that target: a step that is gone is gone.
func (l *lane) merge(fresh []harness.Result) error {
	type run struct{ version, target string }
	again := map[run]bool{}
	var kept []harness.Result
	for _, r := range fresh {
		if r.Client == l.name {
			again[run{r.Version, r.Target}] = true
		}
	}
	if len(again) == 0 {
		return nil
	}
	for _, r := range l.results {
		if !again[run{r.Version, r.Target}] {
			kept = append(kept, r)
		}
	}
	for i, r := range fresh {
		later := slices.ContainsFunc(fresh[i+1:], func(o harness.Result) bool { return sameStep(o, r) })
		if r.Client == l.name && !later {
			kept = append(kept, r)
		}
	}
	kept = slices.DeleteFunc(kept, func(r harness.Result) bool { return !slices.Contains(l.versions, r.Version) })
	slices.SortStableFunc(kept, func(a, b harness.Result) int {
		return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(slices.Index(l.versions, a.Version), slices.Index(l.versions, b.Version)))
	})
	l.results = kept
	var text bytes.Buffer
	lines := json.NewEncoder(&text)
	for _, r := range kept {
		if err := lines.Encode(r); err != nil {
			return err
		}
	}
	return os.WriteFile(l.path, text.Bytes(), 0o644)
}

func sameStep(a, b harness.Result) bool {
	return a.Client == b.Client && a.Version == b.Version && a.Step == b.Step && a.Target == b.Target
}
