package harness

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// Listed is one line of a lane's versions.txt: a name, and "ci" if every test run includes it.
type Listed struct {
	Name string
	CI   bool
}

// ReadVersions reads a versions.txt: one version per line, # begins a comment. Oldest first.
func ReadVersions(path string) ([]Listed, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var listed []Listed
	for line := range strings.Lines(string(b)) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) > 0 {
			listed = append(listed, Listed{Name: words[0], CI: slices.Contains(words[1:], "ci")})
		}
	}
	return listed, nil
}

// Versions are the versions of a versions.txt that this run includes: those marked ci, and all of them with
// SORDINI_COMPAT_ALL. A lane none of whose versions is marked is skipped without it.
func Versions(t testing.TB, path string) []string {
	t.Helper()
	listed, err := ReadVersions(path)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, v := range listed {
		if v.CI || os.Getenv("SORDINI_COMPAT_ALL") != "" {
			names = append(names, v.Name)
		}
	}
	if len(names) == 0 && len(listed) > 0 {
		t.Skip("no version of this lane is marked ci; SORDINI_COMPAT_ALL=1 runs them all")
	}
	if len(names) == 0 {
		t.Fatalf("%s names no version", path)
	}
	return names
}

// Pick is Versions for a lane whose clients are Go values, which it hands over by the names of its versions.txt.
func Pick(t testing.TB, path string, known map[string]Version) []Version {
	t.Helper()
	listed, err := ReadVersions(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(listed) != len(known) {
		t.Fatalf("%s names %d versions, the lane knows %d", path, len(listed), len(known))
	}
	var picked []Version
	for _, name := range Versions(t, path) {
		v, ok := known[name]
		if !ok {
			t.Fatalf("%s names %s, which the lane does not know", path, name)
		}
		picked = append(picked, v)
	}
	return picked
}
