package dumplog

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sordini/sordini/compat-tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	launcher = "../peer/kafka.sh"
	// toolVersion is asked for; kafka-tools 4.4.0 was never published, so kafka.sh takes the class of 4.3.1.
	toolVersion = "4.4.0"
	toolClass   = "org.apache.kafka.tools.DumpLogSegments"
)

// modes are the ways in which Kafka's tool prints a file, and how to ask for the same here.
var modes = map[string]struct{ kafka, ours string }{
	"batches":      {"", ""},
	"deep":         {"--deep-iteration", "--deep"},
	"records":      {"--print-data-log", "--records"},
	"skip":         {"--print-data-log --skip-record-metadata", "--print-data-log --skip-record-metadata"},
	"offsets":      {"--offsets-decoder", "--offsets-decoder"},
	"transactions": {"--transaction-log-decoder", "--transaction-log-decoder"},
	"metadata":     {"--cluster-metadata-decoder", "--cluster-metadata-decoder"},
}

// mustShow is what Kafka's tool prints of the files in a mode when they are as varied as they should be.
var mustShow = map[string][]string{
	"batches": {"magic: 0 compresscodec: lz4", "magic: 1 compresscodec: gzip", " LogAppendTime: ", "compresscodec: zstd", "compresscodec: snappy", "deleteHorizonMs: OptionalLong[",
		"isTransactional: true isControl: true", "isvalid: false", " invalid bytes at the end of "},
	"deep":         {"endTxnMarker: COMMIT", "endTxnMarker: ABORT", "LeaderChange: ", " NoTimestampType: -1 ", "keySize: -1", "valueSize: -1", "headerKeys: [h0 "},
	"records":      {"key: wörter ", "\ufffd"},
	"offsets":      {`{"type":"1",`, `{"type":"2",`, `{"type":"5",`, `{"type":"8",`, "<DELETE>", `"subscription":{"topics":["orders"]`},
	"transactions": {`"transactionalId":"mover"`, `"topic":"orders"`},
	"metadata":     {"TOPIC_RECORD", "PARTITION_CHANGE_RECORD", "REGISTER_BROKER_RECORD", "FEATURE_LEVEL_RECORD", "KRaft bootstrap snapshot"},
}

// The lane writes everything first and compares afterwards: Kafka's tool is a JVM, and takes many files at once.
func TestDumpPrintsWhatKafkasToolPrints(t *testing.T) {
	if testing.Short() {
		t.Skip("starts Kafka; not with -short")
	}
	seed := rand.Uint64() >> 16
	t.Logf("seed %d", seed)
	dirs := []string{writeSegments(t, seed)}
	for _, version := range []string{"3.9.1", "4.4.0"} {
		kafka := harness.StartKafka(t, version, "log.segment.bytes=1048576", "log.initial.task.delay.ms=500", "log.cleaner.backoff.ms=200")
		data := filepath.Join(kafka.Dir, "data")
		fill(t, kafka, seed, version == "4.4.0")
		awaitCompaction(t, data)
		kafka.End(t, harness.Graceful)
		dirs = append(dirs, data)
	}
	ours := filepath.Join(t.TempDir(), "data")
	broker := harness.StartOn(t, ours)
	fill(t, broker, seed, true)
	broker.End(t, harness.Graceful)
	verifyAll(t, append(dirs, ours))
	compare(t, append(dirs, ours, damaged(t, dirs[1])), ours)
	out, err := harness.Command(t, "log", "dump", "--cluster-metadata-decoder", filepath.Join(ours, "__cluster_metadata-0")).Output()
	if err != nil || !strings.Contains(string(out), `"name":"orders"`) || strings.Contains(string(out), "Error at") {
		t.Errorf("our own metadata is not decoded: %v\n%.3000s", err, out)
	}
}

// compare runs both tools over all files, mode by mode.
func compare(t *testing.T, dirs []string, ours string) {
	byMode := map[string][]string{}
	add := func(mode string, files ...string) { byMode[mode] = append(byMode[mode], files...) }
	for _, dir := range dirs {
		for _, file := range segments(t, dir) {
			name := filepath.Base(filepath.Dir(file))
			if filepath.Ext(file) == ".checkpoint" {
				if dir != ours { // whose checkpoint is another thing
					add("metadata", file)
				}
				continue
			}
			add("batches", file)
			if strings.Contains(dir, "damaged") {
				continue // Kafka's tool ends with an exception where it meets the records
			}
			add("deep", file)
			add("records", file)
			add("skip", file)
			switch {
			case strings.HasPrefix(name, "__consumer_offsets-"):
				add("offsets", file)
			case strings.HasPrefix(name, "__transaction_state-"):
				add("transactions", file)
			case name == "__cluster_metadata-0" && dir != ours: // which has records of its own
				add("metadata", file)
			}
		}
	}
	for mode, flags := range modes {
		t.Run(mode, func(t *testing.T) {
			files := byMode[mode]
			if len(files) == 0 {
				t.Fatal("there is no file for this mode: the lane has nothing to compare")
			}
			want := kafkaDump(t, strings.Fields(flags.kafka), files)
			for _, part := range mustShow[mode] {
				if !strings.Contains(want, part) {
					t.Errorf("Kafka's tool shows no %q: the lane compares less than it should", part)
				}
			}
			cmd := harness.Command(t, slices.Concat([]string{"log", "dump"}, strings.Fields(flags.ours), files)...)
			got, err := cmd.Output()
			if err != nil {
				t.Fatalf("log dump: %v\n%s", err, stderrOf(err))
			}
			t.Logf("%d files, %d bytes of output", len(files), len(want))
			differ(t, want, string(got))
		})
	}
}

// differ reports the first differing line of each file.
func differ(t *testing.T, want, got string) {
	if want == got {
		return
	}
	wanted, gotten := byFile(want), byFile(got)
	for file, lines := range wanted {
		other := gotten[file]
		for i := range max(len(lines), len(other)) {
			a, b := "(nothing)", "(nothing)"
			if i < len(lines) {
				a = lines[i]
			}
			if i < len(other) {
				b = other[i]
			}
			if a != b {
				t.Errorf("%s, line %d\nKafka: %.1500q\nours:  %.1500q", file, i+1, a, b)
				break
			}
		}
	}
	if !t.Failed() {
		t.Errorf("the outputs differ, but in no file")
	}
}

func byFile(text string) map[string][]string {
	files, file := map[string][]string{}, ""
	for _, line := range strings.Split(text, "\n") {
		if name, ok := strings.CutPrefix(line, "Dumping "); ok {
			file = name
		}
		files[file] = append(files[file], line)
	}
	return files
}

func kafkaDump(t *testing.T, flags, files []string) string {
	t.Helper()
	args := slices.Concat([]string{"tool", toolVersion, toolClass}, flags, []string{"--files", strings.Join(files, ",")})
	cmd := exec.Command(launcher, args...)
	const utf8 = "-Dfile.encoding=UTF-8 -Dsun.stdout.encoding=UTF-8 -Dstdout.encoding=UTF-8"
	cmd.Env = append(os.Environ(), "JDK_JAVA_OPTIONS="+utf8)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("DumpLogSegments: %v\n%s\n%.2000s", err, stderrOf(err), out)
	}
	return string(out)
}

// writeSegments lets Kafka's record classes write a partition in each format.
func writeSegments(t *testing.T, seed uint64) string {
	t.Helper()
	for _, tool := range []string{"java", "javac"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%s is not installed; this lane needs a JDK, 17 or newer (Debian: apt-get install default-jdk-headless)", tool)
		}
	}
	classes, err := exec.Command(launcher, "classpath", "3.9.1").Output()
	if err != nil {
		t.Fatalf("the class path of Kafka 3.9.1: %v\n%s", err, stderrOf(err))
	}
	dir := filepath.Join(t.TempDir(), "written")
	out, err := exec.Command("java", "-cp", strings.TrimSpace(string(classes)), "src/WriteSegments.java", dir, fmt.Sprint(seed)).CombinedOutput()
	if err != nil {
		t.Fatalf("WriteSegments: %v\n%s", err, out)
	}
	return dir
}

// damaged copies a segment twice: one that ends within a batch, and one with a wrong checksum.
func damaged(t *testing.T, data string) string {
	t.Helper()
	source := filepath.Join(data, "orders-0", "00000000000000000000.log")
	whole, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "damaged")
	flipped := slices.Clone(whole)
	flipped[len(flipped)-2] ^= 1
	for name, b := range map[string][]byte{"torn-0": whole[:len(whole)-9], "flipped-0": flipped} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, filepath.Base(source)), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// verifyAll: what Kafka and Sordini wrote is whole.
func verifyAll(t *testing.T, dirs []string) {
	for _, dir := range dirs {
		out, err := harness.Command(t, "log", "verify", dir).CombinedOutput()
		t.Logf("%s", out)
		if err != nil || !strings.Contains(string(out), ": no damage\n") {
			t.Errorf("log verify %s: %v", dir, err)
		}
		if out, err := harness.Command(t, "log", "stat", "--deep", dir).CombinedOutput(); err != nil {
			t.Errorf("log stat: %v\n%s", err, out)
		}
	}
}

// awaitCompaction waits until Kafka's cleaner has been at work: it leaves a delete horizon in the batches that have tombstones.
func awaitCompaction(t *testing.T, data string) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		out, err := harness.Command(t, "log", "dump", filepath.Join(data, "table-0")).CombinedOutput()
		if err == nil && strings.Contains(string(out), "deleteHorizonMs: OptionalLong[") {
			if !strings.Contains(string(out), "has "+data+" open") {
				t.Errorf("nothing is said of the broker that runs on the directory:\n%.400s", out)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("nothing was compacted within 30 s:\n%s", out)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// segments lists the files of a directory that have something in them, by name; snapshots of Kafka's metadata too.
func segments(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() && strings.HasPrefix(e.Name(), ".") {
			return fs.SkipDir // our index
		}
		if err != nil || e.IsDir() || filepath.Ext(path) != ".log" && filepath.Ext(path) != ".checkpoint" {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Size() > 0 {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func stderrOf(err error) string {
	if exit := (*exec.ExitError)(nil); asExit(err, &exit) {
		return string(exit.Stderr)
	}
	return ""
}
