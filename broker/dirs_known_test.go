package broker

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A disk that was not mounted left an empty directory, which was formatted: its topics were empty then, and their offsets began at 0 again.
func TestADirectoryThatIsNotThereIsMissed(t *testing.T) {
	root := t.TempDir()
	first, second, away := filepath.Join(root, "a"), filepath.Join(root, "b"), filepath.Join(root, "away")
	s := startServerOn(t, nil, root, "log.dirs", first+","+second)
	produce(t, s, "orders", 0, 5)
	s.stop()
	if err := os.Rename(second, away); err != nil {
		t.Fatal(err)
	}
	for name, prepare := range map[string]func() error{
		"no directory":       func() error { return nil },
		"an empty directory": func() error { return os.Mkdir(second, 0o755) },
	} {
		if err := prepare(); err != nil {
			t.Fatal(err)
		}
		for _, dirs := range [][]string{{first, second}, {first}, {first, filepath.Join(root, "c")}} {
			before := snapshot(t, root)
			err := tryServer(t, dirs...)
			if err == nil || !strings.Contains(err.Error(), "log directory "+second) || !strings.Contains(err.Error(), filepath.Join(first, ".log-dirs")) {
				t.Errorf("%s, log.dirs %v: %v", name, dirs, err)
			}
			if after := snapshot(t, root); after != before {
				t.Errorf("%s, log.dirs %v: something was changed:\n%s\nbefore:\n%s", name, dirs, after, before)
			}
		}
	}
	// It may come back under another name, and another may join.
	s = startServerOn(t, nil, root, "log.dirs", strings.Join([]string{first, away, filepath.Join(root, "c")}, ","))
	consume(t, s, 5, kgo.ConsumeTopics("orders"))
	s.stop()
	// And it can be given up.
	list := filepath.Join(first, ".log-dirs")
	text, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, away) {
			kept = append(kept, line)
		}
	}
	if err := os.WriteFile(list, []byte(strings.Join(kept, "")), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := tryServer(t, first, filepath.Join(root, "c")); err != nil {
		t.Error(err)
	}
}

func FuzzKnownDirs(f *testing.F) {
	f.Add(appendKnownDirs(nil, []knownDir{{"a", "/data one"}, {"b", "/data/two"}}))
	f.Add([]byte("#\n\nid\nid  \x00\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		dirs := parseKnownDirs(b)
		if again := parseKnownDirs(appendKnownDirs(nil, dirs)); !slices.Equal(again, dirs) {
			t.Errorf("%q became %q", dirs, again)
		}
	})
}
