package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// ruleCase is a small module and what one rule says about it. Files are named from the root; go.mod is there already.
type ruleCase struct {
	rule  string
	name  string
	files map[string]string
	want  []string // "path:line" of each finding; none: the rule is content
}

func TestRules(t *testing.T) {
	for _, c := range slices.Concat(packageCases(), codeCases(), fileCases()) {
		t.Run(c.rule+"/"+c.name, func(t *testing.T) {
			// given
			dir := writeTree(t, c.files)
			loaded, err := load(dir)
			if err != nil {
				t.Fatal(err)
			}
			loaded.hosts = []string{"registry.invalid"}

			// when
			findings := sorted(check(loaded, []rule{ruleNamed(t, c.rule)}))

			// then
			var got []string
			for _, f := range findings {
				place, _, _ := strings.Cut(f.String(), ": ")
				got = append(got, place)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q; the findings are:\n%v", got, c.want, findings)
			}
		})
	}
}

// A rule that cannot fail is no rule, and one that always fails is none either.
func TestEveryRuleFailsSomewhereAndPassesSomewhere(t *testing.T) {
	cases := slices.Concat(packageCases(), codeCases(), fileCases())
	for _, r := range rules {
		fails := slices.ContainsFunc(cases, func(c ruleCase) bool { return c.rule == r.name && len(c.want) > 0 })
		passes := slices.ContainsFunc(cases, func(c ruleCase) bool { return c.rule == r.name && len(c.want) == 0 })
		if !fails || !passes {
			t.Errorf("rule %q: a case in which it fails: %v, in which it passes: %v", r.name, fails, passes)
		}
	}
}

// The data cannot say more than the layout has: a row without its package is an old name.
func TestDataNamesOnlyPackagesThatExist(t *testing.T) {
	loaded, err := load(".")
	if err != nil {
		t.Fatal(err)
	}
	patterns := slices.Concat(testSupport, pure, pooled, belowBroker)
	for p, allowed := range arrows {
		patterns = append(append(patterns, p), allowed...)
	}
	for _, o := range only {
		patterns = append(patterns, o.in...)
	}
	for _, pattern := range patterns {
		if !slices.ContainsFunc(loaded.packages, func(p *pkg) bool { return in(p.path, []string{pattern}) }) {
			t.Errorf("no package is called %s", pattern)
		}
	}
}

// The arrows point down: whoever follows them never comes back.
func TestArrowsHaveNoCycle(t *testing.T) {
	var visit func(p string, way []string)
	visit = func(p string, way []string) {
		if slices.Contains(way, p) {
			t.Fatalf("%s is reached from itself: %s", p, strings.Join(way, " -> "))
		}
		allowed := arrows[p]
		for next := range arrows {
			if p != next && in(next, allowed) && !strings.HasSuffix(p, "/...") {
				visit(next, append(slices.Clone(way), p))
			}
		}
	}
	for p := range arrows {
		visit(p, nil)
	}
}

func ruleNamed(t *testing.T, name string) rule {
	t.Helper()
	i := slices.IndexFunc(rules, func(r rule) bool { return r.name == name })
	if i < 0 {
		t.Fatalf("there is no rule %q", name)
	}
	return rules[i]
}

// writeTree makes a module of this module's name, so that the data of the rules holds in it.
func writeTree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		full := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module github.com/sordini/sordini\n\ngo 1.26\n")
	for name, text := range files {
		write(name, text)
	}
	return dir
}
