package main

import (
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// tool is somebody else's check. Its lines become findings; a tool that fails and says nothing is an error, never a pass.
type tool struct {
	name string
	args []string
	read func(name, out string) []finding
}

func tools(modules bool) []tool {
	all := []tool{
		{"go vet", []string{"go", "vet", "./..."}, readPositions},
		{"staticcheck", []string{"go", "tool", "staticcheck", "./..."}, readPositions},
	}
	if modules {
		all = append(all, tool{"go mod tidy", []string{"go", "mod", "tidy", "-diff"}, readDiff})
	}
	return all
}

func (c tool) run(dir string) ([]finding, error) {
	cmd := exec.Command(c.args[0], c.args[1:]...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil, nil
	}
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	found := c.read(c.name, string(out))
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: %w: %s", c.name, err, strings.TrimSpace(string(out)))
	}
	return found, nil
}

var position = regexp.MustCompile(`^(?:vet: )?(?:\./)?([^\s:]+\.go):(\d+)(?::\d+)?: (.*)$`)

// readPositions takes the lines that say where; the others are headings and continuations.
func readPositions(name, out string) []finding {
	var found []finding
	for line := range strings.Lines(out) {
		if m := position.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
			number, _ := strconv.Atoi(m[2]) // digits, by the expression
			found = append(found, finding{m[1], number, name + ": " + m[3]})
		}
	}
	return found
}

// readDiff gives one finding for each line that go mod tidy would change.
func readDiff(name, out string) []finding {
	var found []finding
	path := "go.mod"
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "+++ ") || strings.HasPrefix(line, "--- "):
			path = "go.mod"
			if strings.Contains(line, "go.sum") {
				path = "go.sum"
			}
		case strings.HasPrefix(line, "+") || strings.HasPrefix(line, "-"):
			found = append(found, finding{path, 0, name + ": " + line})
		}
	}
	return found
}
