package main

import "strings"

func named(text, pkg string) string { return strings.Replace(text, "%", pkg, 1) }

func codeCases() []ruleCase {
	const goroutine = "package %\n\nfunc f() {\n\tgo f()\n}\n"
	return []ruleCase{
		{"pure", "time as a value, and tests", map[string]string{
			"groupcoord/group/a.go": "package group\n\nimport \"time\"\n\nconst limit = time.Second\n", "groupcoord/group/a_test.go": "package group\n\nimport \"os\"\n\nvar now = os.Args\n"}, nil},
		{"pure", "imports", map[string]string{
			"protocol/a.go":           "package protocol\n\nimport (\n\t\"net/http\"\n\t\"sync\"\n)\n",
			"storage/producer/a.go":   "package producer\n\nimport r \"math/rand/v2\"\n",
			"controller/machine/a.go": "package machine\n\nimport \"log/slog\"\nimport \"context\"\nimport \"os\"\n"},
			[]string{"controller/machine/a.go:3", "controller/machine/a.go:4", "controller/machine/a.go:5", "protocol/a.go:4", "protocol/a.go:5", "storage/producer/a.go:3"}},
		{"pure", "a name that only begins alike", map[string]string{"protocol/a.go": "package protocol\n\nimport \"math\"\nimport \"example.org/net\"\n"}, nil},
		{"pure", "goroutines", map[string]string{"controller/image/a.go": named(goroutine, "image"), "controller/record/a.go": named(goroutine, "record"),
			"controller/a.go": named(goroutine, "controller")},
			[]string{"controller/image/a.go:4", "controller/record/a.go:4"}},
		{"pure", "the clock under another name", map[string]string{
			"groupcoord/group/a.go": "package group\n\nimport wall \"time\"\n\nvar now = wall.Now\n\nvar t = wall.NewTimer(1)\n"},
			[]string{"groupcoord/group/a.go:5", "groupcoord/group/a.go:7"}},
		{"pure", "pools of coders", map[string]string{"protocol/codec/a.go": "package codec\n\nimport \"sync\"\n\nvar p sync.Pool\n"}, nil},
		{"pure", "pools and more", map[string]string{"protocol/codec/a.go": "package codec\n\nimport \"sync\"\n\nvar p sync.Pool\nvar m sync.Mutex\n",
			"protocol/batch/a.go": "package batch\n\nimport \"sync\"\n\nvar p sync.Pool\n"},
			[]string{"protocol/batch/a.go:3", "protocol/codec/a.go:6"}},

		{"clock", "broker and timers", map[string]string{
			"broker/a.go": "package broker\n\nimport \"time\"\n\nvar now = time.Now\n", "groupcoord/runtime/a.go": "package runtime\n\nimport \"time\"\n\nvar t = time.NewTimer(1)\n",
			"storage/a_test.go": "package storage\n\nimport \"time\"\n\nvar now = time.Now()\n"}, nil},
		{"clock", "below", map[string]string{
			"storage/a.go":    "package storage\n\nimport \"time\"\n\nvar now = time.Now()\n",
			"controller/a.go": "package controller\n\nimport \"time\"\n\nvar d = time.Since(time.Time{})\n"},
			[]string{"controller/a.go:5", "storage/a.go:5"}},
		{"clock", "something else called time", map[string]string{"storage/a.go": "package storage\n\ntype c struct{ Now int }\n\nfunc f(time c) int { return time.Now }\n"}, nil},

		{"output", "programs and writers", map[string]string{
			"cmd/tidy/a.go": "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(1) }\n",
			"storage/a.go":  "package storage\n\nimport (\n\t\"fmt\"\n\t\"io\"\n)\n\nfunc f(w io.Writer) { fmt.Fprintln(w) }\n\ntype p struct{}\n\nfunc (p) print() {}\n\nfunc g(x p) { x.print() }\n"}, nil},
		{"output", "stdout", map[string]string{"storage/a.go": "package storage\n\nimport \"fmt\"\n\nfunc f() {\n\tfmt.Printf(\"x\")\n\tprintln(1)\n}\n"},
			[]string{"storage/a.go:6", "storage/a.go:7"}},

		{"exit", "program", map[string]string{"cmd/tidy/a.go": "package main\n\nimport \"os\"\n\nfunc main() { os.Exit(1) }\n"}, nil},
		{"exit", "library", map[string]string{"broker/a.go": "package broker\n\nimport (\n\t\"log\"\n\t\"os\"\n)\n\nfunc f() {\n\tos.Exit(1)\n\tlog.Fatalf(\"x\")\n}\n"},
			[]string{"broker/a.go:9", "broker/a.go:10"}},

		{"panic", "with values", map[string]string{
			"storage/a.go": "package storage\n\nimport \"fmt\"\n\nfunc f(a, b int, err error) {\n\tif a > b {\n\t\tpanic(fmt.Sprintf(\"%d > %d\", a, b))\n\t}\n\tpanic(err)\n}\n"}, nil},
		{"panic", "constant", map[string]string{"storage/a.go": "package storage\n\nimport (\n\t\"errors\"\n\t\"fmt\"\n)\n\nconst text = \"x\"\n\nfunc f(n int) {\n\tswitch n {\n\tcase 1:\n" +
			"\t\tpanic(\"x\")\n\tcase 2:\n\t\tpanic(\"x\" + (text))\n\tcase 3:\n\t\tpanic(errors.New(\"x\"))\n\t}\n\tpanic(fmt.Sprintf(\"x\"))\n}\n"},
			[]string{"storage/a.go:13", "storage/a.go:15", "storage/a.go:17", "storage/a.go:19"}},

		{"init", "a method of that name", map[string]string{"storage/a.go": "package storage\n\ntype l struct{}\n\nfunc (l) init() {}\n"}, nil},
		{"init", "function", map[string]string{"storage/a.go": "package storage\n\nfunc init() {}\n"}, []string{"storage/a.go:3"}},
	}
}
