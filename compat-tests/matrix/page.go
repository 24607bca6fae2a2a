package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sordini/sordini/compat-tests/harness"
)

const preface = `# Clients, measured

Which released, unmodified clients were run against this broker, and what came of it. Written by ` + "`make compat-all`" + ` from
the results in ` + "`compat-tests/matrix/results`" + `; not to be edited. What each step does is told in
[compat-tests/README.md](../compat-tests/README.md).

A cell says yes when everything in the step held, *fails* when something did not, - when the client has no such thing, and
*later* when the broker does not advertise it yet. Notes below a table say why a cell is no yes.
`

// page renders docs/clients.md: a table for each lane, a row for each of its versions.
func page(lanes []*lane) string {
	var out strings.Builder
	out.WriteString(preface)
	for _, l := range lanes {
		fmt.Fprintf(&out, "\n## %s\n\n%s.\n\n", l.name, strings.TrimSuffix(l.title, "."))
		steps := l.steps()
		fmt.Fprintf(&out, "| version | %s | date | commit |\n|---|%s---|---|\n", strings.Join(steps, " | "), strings.Repeat("---|", len(steps)))
		for _, version := range l.versions {
			fmt.Fprintf(&out, "| %s |%s\n", version, l.row(version, steps))
		}
		if notes := l.notes(); len(notes) > 0 {
			fmt.Fprintf(&out, "\n%s\n", strings.Join(notes, "\n"))
		}
	}
	return out.String()
}

// steps are the lane's steps, in the order in which the version that has most of them went through them.
func (l *lane) steps() []string {
	byVersion := map[string][]string{}
	for _, r := range l.results {
		if r.Target == target {
			byVersion[r.Version] = append(byVersion[r.Version], r.Step)
		}
	}
	var longest []string
	for _, version := range l.versions {
		if len(byVersion[version]) > len(longest) {
			longest = byVersion[version]
		}
	}
	for _, version := range l.versions {
		for _, step := range byVersion[version] {
			if !slices.Contains(longest, step) {
				longest = append(longest, step)
			}
		}
	}
	return longest
}

func (l *lane) find(version, step string) (harness.Result, bool) {
	i := slices.IndexFunc(l.results, func(r harness.Result) bool {
		return r.Version == version && r.Step == step && r.Target == target
	})
	if i < 0 {
		return harness.Result{}, false
	}
	return l.results[i], true
}

func (l *lane) row(version string, steps []string) string {
	var row strings.Builder
	date, commit := "", ""
	for _, step := range steps {
		r, ok := l.find(version, step)
		cell := " "
		switch {
		case !ok:
		case r.Verdict == harness.Passed:
			cell = "yes"
		case r.Verdict == harness.Failed:
			cell = "*fails*"
		case r.Verdict == harness.Later:
			cell = "*later*"
		default:
			cell = "-"
		}
		if ok {
			date, commit = r.Date, r.Commit
		}
		fmt.Fprintf(&row, " %s |", cell)
	}
	fmt.Fprintf(&row, " %s | %s |", date, commit)
	return row.String()
}

// notes are the details, each once with the versions that share it.
func (l *lane) notes() []string {
	type note struct{ step, detail string }
	versions := map[note][]string{}
	var order []note
	for _, r := range l.results {
		n := note{r.Step, r.Detail}
		if r.Detail == "" || r.Target != target {
			continue
		}
		if versions[n] == nil {
			order = append(order, n)
		}
		versions[n] = append(versions[n], r.Version)
	}
	steps := l.steps()
	slices.SortStableFunc(order, func(a, b note) int { return slices.Index(steps, a.step) - slices.Index(steps, b.step) })
	var notes []string
	for _, n := range order {
		who := strings.Join(versions[n], ", ")
		if len(versions[n]) == len(l.versions) {
			who = "all"
		}
		notes = append(notes, fmt.Sprintf("- %s: %s (%s)", n.step, n.detail, who))
	}
	return notes
}
