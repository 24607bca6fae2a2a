// Package python is the lane of kafka-python in the versions of pins/.
package python

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/sordini/sordini/compat-tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

func TestClients(t *testing.T) {
	pins, err := filepath.Glob("pins/*.txt") // in order: the oldest first
	if err != nil || len(pins) == 0 {
		t.Fatalf("no pins: %v", err)
	}
	var versions []string
	for _, pin := range pins {
		versions = append(versions, strings.TrimSuffix(filepath.Base(pin), ".txt"))
	}
	harness.Lane(t, harness.Agents("./run.sh", versions...)...)
}
