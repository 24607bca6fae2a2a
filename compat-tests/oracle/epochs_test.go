package oracle

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sordini/sordini/compat-tests/harness"
)

// epochsDir is the log directory of a Kafka that was started several times. Sordini imports it, and is then the next leader, as Kafka was that
// started once more: so both are asked about the same log.
const epochsDir = "epochs.tar.gz"

func TestAnswersAboutEpochsAreKafkas(t *testing.T) {
	if os.Getenv("SORDINI_ORACLE") != "" {
		t.Skip("the broker that runs has not been started several times")
	}
	var tg *target
	if os.Getenv("SORDINI_COMPAT_TARGET") == "" || os.Getenv("SORDINI_COMPAT_TARGET") == "sordini" {
		tg = imported(t)
	} else {
		tg = restarted(t)
	}
	used := make([]bool, len(acceptedDifferences))
	for _, sc := range epochScripts() {
		t.Run(sc.name, func(t *testing.T) { holdAndCompare(t, tg, sc, used) })
	}
}

func imported(t *testing.T) *target {
	t.Helper()
	kafka, data := t.TempDir(), filepath.Join(t.TempDir(), "data")
	run(t, exec.Command("tar", "-xzf", filepath.Join("testdata", epochsDir), "-C", kafka))
	run(t, harness.Command(t, "import-dir", kafka, "--data", data))
	return newTarget(t, harness.StartOn(t, data, "node.id=1").Addr, "")
}

// restarted makes the log with a Kafka, and with -record keeps its directory.
func restarted(t *testing.T) *target {
	t.Helper()
	b := harness.Start(t, "node.id=1", "offsets.topic.num.partitions=1")
	release := strings.TrimPrefix(b.Target, "kafka-")
	write := func(at int64, partitions ...int32) {
		s := newTarget(t, b.Addr, release).session(t, 9)
		defer s.end()
		s.must(9, metadataRequest(epochsTopic))
		for _, p := range partitions {
			s.fill(epochsTopic, p, batchAt(base+at, 3))
		}
	}
	s := newTarget(t, b.Addr, release).session(t, 7)
	create := newTopic(epochsTopic, 3, 1)
	create.Configs = append(create.Configs, topicConfig("retention.ms", "-1"))
	s.must(7, createRequest(create))
	s.end()
	write(0, 0, 1)
	b.Restart(t, harness.Graceful)
	write(1000, 0)
	b.Restart(t, harness.Graceful)
	b.Restart(t, harness.Graceful)
	write(2000, 0)
	b.End(t, harness.Graceful)
	if *record {
		run(t, exec.Command("tar", "-czf", filepath.Join("testdata", epochsDir), "--owner=0", "--group=0", "--exclude=*.lock", "-C", filepath.Join(b.Dir, "data"), "."))
	}
	b.Launch(t)
	s = newTarget(t, b.Addr, release).session(t, 9)
	defer s.end()
	s.must(5, listRequest(epochsTopic, 2, -1))
	return s.target
}

func run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}
