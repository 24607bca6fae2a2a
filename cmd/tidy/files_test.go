package main

import (
	"fmt"
	"maps"
	"strings"
)

func fileCases() []ruleCase {
	secret := machinePaths[0] + "main"
	return []ruleCase{
		{"size", "one large file in ten", sized(9, 401), nil},
		{"size", "too many large files", sized(8, 401), []string{"storage/large.go:401"}},
		{"size", "too large", sized(20, 801), []string{"storage/large.go:801"}},
		{"size", "tests may be long", with(sized(1, 10), "storage/a_test.go", lines(900)), nil},

		{"gofmt", "as it writes", map[string]string{"storage/a.go": "package storage\n\nvar a = 1\n"}, nil},
		{"gofmt", "not as it writes", map[string]string{"storage/a.go": "package storage\n\nvar a  =  1\n", "storage/a_test.go": "package storage\n\n\n\nvar b = 1\n"},
			[]string{"storage/a.go:3", "storage/a_test.go:3"}},

		{"seeds", "given in three ways", map[string]string{
			"storage/a_test.go": "package storage\n\nimport \"testing\"\n\nfunc FuzzA(f *testing.F) { f.Add(1) }\n\nfunc FuzzB(f *testing.F) { seeds(1, f) }\n\n" +
				"func FuzzC(f *testing.F) {}\n\nfunc seeds(n int, f *testing.F) { f.Add(n) }\n\nfunc Fuzzy() {}\n",
			"storage/testdata/fuzz/FuzzC/one": "go test fuzz v1\nint(1)\n"}, nil},
		{"seeds", "none", map[string]string{
			"storage/a_test.go": "package storage\n\nimport \"testing\"\n\nfunc FuzzA(f *testing.F) { f.Fuzz(nil) }\n\nfunc FuzzB(f *testing.F) { other(f) }\n\n" +
				"func other(f *testing.F) { var g set; g.Add(1); other(f) }\n\ntype set struct{}\n\nfunc (set) Add(int) {}\n"},
			[]string{"storage/a_test.go:5", "storage/a_test.go:7"}},

		{"machine", "relative and similar", map[string]string{"README.md": "see frame" + secret + " and ./" + "work and https://example.org\n", "blob": "\x00" + secret}, nil},
		{"machine", "paths and hosts", map[string]string{"README.md": "\n" + secret + "\n", "run.sh": "cd \"" + secret + "\"\n", "ci/x.yaml": "url: https://registry.invalid/x\nfile://" + secret + "\n"},
			[]string{"README.md:2", "ci/x.yaml:1", "ci/x.yaml:2", "run.sh:1"}},

		{"links", "that lead somewhere", map[string]string{
			"README.md":   "# Top\n[a](docs/a.md) [b](docs/a.md#what-it-is) ![c](docs/ \"title\") [d](#top) [e](https://example.org/nowhere.md) [f]: x\n`[g](nowhere)`\n```\n[h](nowhere)\n```\n",
			"docs/a.md":   "## What `it` is?\n[up](../README.md) [root](/docs/b_c.md)\n[r]: a.md\n",
			"docs/b_c.md": "# B\n"}, nil},
		{"links", "that lead nowhere", map[string]string{
			"README.md": "[a](docs/b.md)\n[b](docs/a.md#gone)\n[c](#gone)\n[d](../outside.md)\n[e]: gone.md\n", "docs/a.md": "# A\n```\n# gone\n```\n"},
			[]string{"README.md:1", "README.md:2", "README.md:3", "README.md:4", "README.md:5"}},
	}
}

// sized is a package of small files and one with the given number of lines.
func sized(small, large int) map[string]string {
	files := map[string]string{"storage/large.go": lines(large)}
	for i := range small {
		files[fmt.Sprintf("storage/small%d.go", i)] = "package storage\n"
	}
	return files
}

func lines(n int) string { return "package storage\n" + strings.Repeat("\n", n-1) }

func with(files map[string]string, name, text string) map[string]string {
	files = maps.Clone(files)
	files[name] = text
	return files
}
