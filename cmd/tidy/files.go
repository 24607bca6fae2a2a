package main

import (
	"bytes"
	"go/format"
)

// Rules about files as such.

// checkSize counts lines of files that are no tests. When too many are large, each of the large ones is named.
func checkSize(t *tree, report reporter) {
	type large struct {
		path  string
		lines int
	}
	var many []large
	files := 0
	for _, f := range t.code {
		files++
		lines := bytes.Count(f.src, []byte("\n"))
		if lines > maxLines {
			report(f.path, lines, "%d lines, at most %d: divide the file by concern", lines, maxLines)
		}
		if lines > manyLines {
			many = append(many, large{f.path, lines})
		}
	}
	if len(many)*oneIn <= files {
		return
	}
	for _, l := range many {
		report(l.path, l.lines, "%d lines; %d of %d files are over %d, one in %d may be", l.lines, len(many), files, manyLines, oneIn)
	}
}

func checkFormat(t *tree, report reporter) {
	for _, p := range t.packages {
		for _, f := range p.files {
			want, err := format.Source(f.src)
			if err != nil {
				report(f.path, 0, "gofmt: %v", err)
			} else if !bytes.Equal(want, f.src) {
				report(f.path, firstDifference(f.src, want), "not as gofmt writes it")
			}
		}
	}
}

// firstDifference is the line on which two texts part.
func firstDifference(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return 1 + bytes.Count(a[:n], []byte("\n"))
}
