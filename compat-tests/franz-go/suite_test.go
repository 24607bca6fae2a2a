package franzgo

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/sordini/sordini/compat-tests/harness"
)

// TestOwnSuite is kgo's own test suite. Its verdict is run.sh's; see there.
func TestOwnSuite(t *testing.T) {
	b := harness.Start(t)
	out, err := exec.Command("./run.sh", b.Addr).CombinedOutput()
	if err != nil {
		t.Fatalf("kgo's own suite: %v\n%s", err, out)
	}
	t.Log(strings.TrimSpace(string(out)))
}
