package main

import (
	"cmp"
	"fmt"
	"slices"
)

// finding is one line of the answer. Line 0 is a finding about the whole file or directory.
type finding struct {
	path    string // from the root, with slashes
	line    int
	message string
}

func (f finding) String() string {
	if f.line == 0 {
		return f.path + ": " + f.message
	}
	return fmt.Sprintf("%s:%d: %s", f.path, f.line, f.message)
}

// sorted drops what two tools say in the same words.
func sorted(findings []finding) []finding {
	slices.SortFunc(findings, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.line, b.line), cmp.Compare(a.message, b.message))
	})
	return slices.Compact(findings)
}

// rule looks at the tree and reports what it does not like.
type rule struct {
	name  string
	check func(t *tree, report reporter)
}

type reporter func(path string, line int, format string, args ...any)

// check runs the rules on what could be parsed; what could not is a finding by itself.
func check(t *tree, rules []rule) []finding {
	findings := slices.Clone(t.broken)
	for _, r := range rules {
		r.check(t, func(path string, line int, format string, args ...any) {
			findings = append(findings, finding{path, line, fmt.Sprintf(format, args...)})
		})
	}
	return findings
}
