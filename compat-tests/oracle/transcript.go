package oracle

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// transcript is what a broker said in one script, by version.
type transcript map[int16][]step

// A recording looks like this; versions that said the same stand together:
//
//	## 1 2 3
//	> latest offset
//	Topics[a].Partitions[0].Offset=5
func (tr transcript) String() string {
	var b strings.Builder
	versions := sortedKeys(tr)
	for len(versions) > 0 {
		text := stepsText(tr[versions[0]])
		b.WriteString("##")
		var rest []int16
		for _, v := range versions {
			if stepsText(tr[v]) == text {
				fmt.Fprintf(&b, " %d", v)
			} else {
				rest = append(rest, v)
			}
		}
		b.WriteString("\n" + text)
		versions = rest
	}
	return b.String()
}

func stepsText(steps []step) string {
	var b strings.Builder
	for _, s := range steps {
		fmt.Fprintf(&b, "> %s\n", s.label)
		for _, line := range s.lines {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

func readTranscript(path string) (transcript, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	tr := transcript{}
	for _, part := range strings.Split("\n"+string(b), "\n## ")[1:] {
		head, body, _ := strings.Cut(part, "\n")
		steps := readSteps(body)
		for _, word := range strings.Fields(head) {
			v, err := strconv.ParseInt(word, 10, 16)
			if err != nil {
				return nil, fmt.Errorf("%s: version %q: %w", path, word, err)
			}
			tr[int16(v)] = steps
		}
	}
	return tr, nil
}

func readSteps(body string) []step {
	var steps []step
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		if label, ok := strings.CutPrefix(line, "> "); ok {
			steps = append(steps, step{label: label})
		} else if len(steps) > 0 && line != "" {
			last := &steps[len(steps)-1]
			last.lines = append(last.lines, line)
		}
	}
	return steps
}

// difference is one field that two brokers do not say alike. A side that does not say it at all is "".
type difference struct {
	version      int16
	label, path  string
	theirs, ours string
}

func (d difference) String() string {
	return fmt.Sprintf("v%d %q: %s: Kafka says %s, we say %s", d.version, d.label, d.path, orDefault(d.theirs), orDefault(d.ours))
}

func orDefault(s string) string {
	if s == "" {
		return "nothing (the default)"
	}
	return s
}

func compare(version int16, theirs, ours []step) []difference {
	var out []difference
	for i := range max(len(theirs), len(ours)) {
		if i >= len(theirs) || i >= len(ours) || theirs[i].label != ours[i].label {
			return append(out, difference{version: version, label: "step", path: fmt.Sprint(i), theirs: labelAt(theirs, i), ours: labelAt(ours, i)})
		}
		a, b := byPath(theirs[i].lines), byPath(ours[i].lines)
		missing := map[string]bool{}
		for _, path := range sortedKeys(a) {
			if b[path] == a[path] {
				continue
			}
			d := difference{version: version, label: ours[i].label, path: path, theirs: a[path], ours: b[path]}
			if element := elementIn(path, b); d.ours == "" && element != "" {
				d.path, d.theirs = element, "there"
			}
			if !missing[d.path] {
				out = append(out, d)
			}
			missing[d.path] = true
		}
		clear(missing)
		for _, path := range sortedKeys(b) {
			if _, both := a[path]; both {
				continue
			}
			d := difference{version: version, label: ours[i].label, path: path, ours: b[path]}
			if element := elementIn(path, a); element != "" {
				d.path, d.ours = element, "there"
			}
			if !missing[d.path] {
				out = append(out, d)
			}
			missing[d.path] = true
		}
	}
	return out
}

// elementIn returns the outermost element of a list on the way to path of which m has nothing, or "".
func elementIn(path string, m map[string]string) string {
	depth := 0
	for i, r := range path {
		switch r {
		case '[':
			depth++
		case ']':
			if depth--; depth == 0 && m[path[:i+1]] == "" {
				return path[:i+1]
			}
		}
	}
	return ""
}

func labelAt(steps []step, i int) string {
	if i >= len(steps) {
		return ""
	}
	return steps[i].label
}

// byPath splits lines. Of a message only its being there counts.
func byPath(lines []string) map[string]string {
	m := make(map[string]string, len(lines))
	for _, line := range lines {
		path, value, _ := strings.Cut(line, "=")
		if value == "" {
			value = "there"
		}
		if strings.HasSuffix(path, "ErrorMessage") {
			value = "a message"
		}
		m[path] = value
		for i := range len(path) { // its elements are there too
			if path[i] == ']' && m[path[:i+1]] == "" {
				m[path[:i+1]] = "there"
			}
		}
	}
	return m
}

func sortedKeys[K int16 | string, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
