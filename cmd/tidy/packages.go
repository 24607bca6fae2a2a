package main

import (
	"path"
	"slices"
	"strings"
)

// Rules about what packages are called, what they say of themselves and what they import.

func checkArrows(t *tree, report reporter) {
	for _, p := range t.packages {
		if _, ok := arrowsOf(p.path); !ok {
			report(p.path, 0, "the package has no row in the arrows of cmd/tidy/rules.go")
		}
	}
	for p, f := range t.code {
		allowed, ok := arrowsOf(p.path)
		if !ok {
			continue
		}
		for imported, spec := range imports(f) {
			if imported != t.module && !under(imported, t.module) {
				continue
			}
			local := strings.TrimPrefix(strings.TrimPrefix(imported, t.module), "/")
			if !in(local, allowed) {
				report(f.path, t.line(spec), "%s must not import %s; the arrows are in cmd/tidy/rules.go", p.path, local)
			}
		}
	}
}

// arrowsOf prefers the row with the package's own name.
func arrowsOf(path string) ([]string, bool) {
	if allowed, ok := arrows[path]; ok {
		return allowed, true
	}
	for pattern, allowed := range arrows {
		if in(path, []string{pattern}) {
			return allowed, true
		}
	}
	return nil, false
}

func checkOnly(t *tree, report reporter) {
	for _, p := range t.packages {
		for _, f := range p.files {
			for imported, spec := range imports(f) {
				for _, o := range only {
					if under(imported, o.library) && !in(p.path, o.in) && !(f.test && o.tests) {
						report(f.path, t.line(spec), "%s is imported only in %s", o.library, strings.Join(o.in, ", "))
					}
				}
			}
		}
	}
}

func checkTestSupport(t *tree, report reporter) {
	for p, f := range t.code {
		if in(p.path, testSupport) {
			continue
		}
		for imported, spec := range imports(f) {
			if local, ok := strings.CutPrefix(imported, t.module+"/"); ok && in(local, testSupport) {
				report(f.path, t.line(spec), "%s is for tests alone", local)
			}
		}
	}
}

func checkNames(t *tree, report reporter) {
	for _, p := range t.packages {
		if slices.Contains(noNames, p.name) || slices.Contains(noNames, path.Base(p.path)) {
			report(p.path, 0, "name the package after what it owns; %s says nothing", strings.Join(noNames, ", "))
		}
	}
}

// checkPackageComment wants one in the way of godoc. A package that is only tests has it in one of those.
func checkPackageComment(t *tree, report reporter) {
	for _, p := range t.packages {
		start := "Package " + p.name + " "
		if p.name == "main" {
			start = "Command " + path.Base(p.path) + " "
		}
		onlyTests := !slices.ContainsFunc(p.files, func(f *file) bool { return !f.test })
		found := slices.ContainsFunc(p.files, func(f *file) bool {
			return (!f.test || onlyTests) && f.ast.Doc != nil && strings.HasPrefix(f.ast.Doc.Text(), strings.TrimSuffix(start, " "))
		})
		if !found && len(p.files) > 0 {
			report(p.path, 0, "the package comment is missing: what it owns, who calls it, what must always hold; it begins %q", start)
		}
	}
}

// checkDotImports keeps the other rules honest: they know a function by its package.
func checkDotImports(t *tree, report reporter) {
	for _, p := range t.packages {
		for _, f := range p.files {
			for imported, spec := range imports(f) {
				if spec.Name != nil && spec.Name.Name == "." {
					report(f.path, t.line(spec), "a dot import of %s hides where names come from", imported)
				}
			}
		}
	}
}

func checkCgo(t *tree, report reporter) {
	for _, p := range t.packages {
		for _, f := range p.files {
			for imported, spec := range imports(f) {
				if imported == "C" {
					report(f.path, t.line(spec), "no cgo: the binary is built with CGO_ENABLED=0")
				}
			}
		}
	}
}
