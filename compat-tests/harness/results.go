package harness

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Result is one line of the results file: what one step of one version of a client came to.
type Result struct {
	Client  string `json:"client"` // the lane's folder
	Version string `json:"version"`
	Step    string `json:"step"`
	Verdict string `json:"verdict"`
	Detail  string `json:"detail,omitempty"` // what was measured, or why nothing was
	Target  string `json:"target"`           // sordini or kafka-VERSION
	Date    string `json:"date"`
	Commit  string `json:"commit"` // of this tree
}

// Verdicts.
const (
	Passed = "passed"
	Failed = "failed"
	Absent = "absent" // the client has no such thing
	Later  = "later"  // the broker does not advertise it
)

// Measure runs a step as a subtest and writes its verdict to the file that SORDINI_COMPAT_RESULTS names. What the step
// returns is the detail: no times and no places, so that two good runs write the same.
func Measure(t *testing.T, b *Broker, version, step string, do func(t *testing.T) (detail string)) {
	t.Helper()
	ran, detail := false, ""
	good := t.Run(step, func(t *testing.T) {
		ran = true
		detail = do(t)
	})
	switch {
	case !ran: // left out by -run
	case good:
		writeResult(t, b.Target, version, step, Passed, detail)
	default:
		writeResult(t, b.Target, version, step, Failed, "")
	}
}

// Unmeasured writes a verdict on a step that was not run, and why.
func Unmeasured(t testing.TB, b *Broker, version, step, verdict, why string) {
	t.Helper()
	writeResult(t, b.Target, version, step, verdict, why)
}

// writeResult appends one line; a single write of a file opened for appending stays whole.
func writeResult(t testing.TB, target, version, step, verdict, detail string) {
	t.Helper()
	path := os.Getenv("SORDINI_COMPAT_RESULTS")
	if path == "" {
		return
	}
	commit, err := treeCommit()
	if err != nil {
		t.Fatal(err)
	}
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	line, err := json.Marshal(Result{
		Client: filepath.Base(folder), Version: version, Step: step, Verdict: verdict, Detail: detail,
		Target: target, Date: time.Now().UTC().Format(time.DateOnly), Commit: commit,
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatalf("SORDINI_COMPAT_RESULTS: %v", err)
	}
	_, err = f.Write(append(line, '\n'))
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		t.Fatalf("write a result: %v", err)
	}
}

// treeCommit names the commit under test, with a + when files of it were changed.
var treeCommit = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("git", "rev-parse", "--short=10", "HEAD").Output()
	if err != nil {
		return "", fmt.Errorf("ask git for the commit: %w", err)
	}
	commit := strings.TrimSpace(string(out))
	changed, err := exec.Command("git", "status", "--porcelain", "--untracked-files=no", "--", ":/", ":!/docs", ":!/compat-tests/matrix/results").Output()
	if err != nil {
		return "", fmt.Errorf("ask git for changes: %w", err)
	}
	if len(changed) > 0 {
		commit += "+"
	}
	return commit, nil
})
