package oracle

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/compat-tests/harness"
)

var record = flag.Bool("record", false, "write what Kafka says to testdata")

// releases are what is recorded, the measure first.
var releases = []string{"4.4.0", "3.9.1"}

func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv("SORDINI_ORACLE") != "" {
		os.Exit(m.Run()) // that broker runs already; no lane is in its way
	}
	harness.Main(m)
}

// start returns the broker to ask.
func start(t *testing.T) *target {
	t.Helper()
	if running := os.Getenv("SORDINI_ORACLE"); running != "" {
		name, addr, ok := strings.Cut(running, "@")
		if !ok {
			t.Fatalf("SORDINI_ORACLE=%q: want sordini@HOST:PORT or kafka-VERSION@HOST:PORT", running)
		}
		release, _ := strings.CutPrefix(name, "kafka-")
		return newTarget(t, addr, strings.TrimPrefix(release, "sordini"))
	}
	b := harness.Start(t, "node.id=1")
	release, isKafka := strings.CutPrefix(b.Target, "kafka-")
	if !isKafka {
		release = ""
	}
	return newTarget(t, b.Addr, release)
}

func recording(release, script string) string {
	return filepath.Join("testdata", release, strings.ReplaceAll(script, " ", "-")+".txt")
}

func TestAnswersAreKafkas(t *testing.T) {
	tg := start(t)
	if *record && tg.release == "" {
		t.Fatal("-record wants a Kafka: see SORDINI_COMPAT_TARGET")
	}
	used := make([]bool, len(acceptedDifferences))
	for _, sc := range append(scripts(), nullScripts()...) {
		t.Run(sc.name, func(t *testing.T) { holdAndCompare(t, tg, sc, used) })
	}
	if tg.release != "" || flag.Lookup("test.run").Value.String() != "" {
		return
	}
	for i := range acceptedDifferences {
		if !used[i] {
			t.Errorf("accepted difference %+v fits nothing", acceptedDifferences[i])
		}
	}
}

// holdAndCompare goes through a script and compares what was said with the recording, or records it.
func holdAndCompare(t *testing.T, tg *target, sc script, used []bool) {
	t.Helper()
	ours := hold(t, tg, sc)
	if *record {
		dropMeasured(ours, tg.release, sc.name)
		if len(ours) > 0 {
			write(t, recording(tg.release, sc.name), ours.String())
		}
		return
	}
	for _, v := range sortedKeys(ours) {
		theirs := measure(t, tg.release, sc.name, v)
		if theirs == nil {
			if tg.release == "" {
				t.Errorf("v%d: no recording", v)
			}
			continue // a newer release measures it
		}
		for _, d := range compare(v, theirs, ours[v]) {
			if tg.release != "" || !isAccepted(sc.name, &d, used) {
				t.Error(d)
			}
		}
	}
}

// hold goes through a script in every version that the broker serves.
func hold(t *testing.T, tg *target, sc script) transcript {
	t.Helper()
	tr := transcript{}
	window, ok := tg.serves[int16(sc.key)]
	if !ok {
		t.Fatalf("%s is not served", sc.key.Name())
	}
	for v := max(window[0], sc.from); v <= min(window[1], kmsg.RequestForKey(int16(sc.key)).MaxVersion()); v++ {
		if sc.to > 0 && v > sc.to {
			break
		}
		s := tg.session(t, v)
		s.api = sc.key
		sc.run(s)
		s.end()
		tr[v] = s.steps
	}
	return tr
}

// measure is what the newest release that serves the version said; for a Kafka it is what that release said before.
func measure(t *testing.T, release, script string, version int16) []step {
	t.Helper()
	for _, r := range releases {
		if release != "" && r != release {
			continue
		}
		tr, err := readTranscript(recording(r, script))
		if errors.Is(err, fs.ErrNotExist) {
			continue // a release without any version of the script
		}
		if err != nil {
			t.Fatal(err)
		}
		if steps, ok := tr[version]; ok {
			return steps
		}
	}
	return nil
}

// dropMeasured leaves out what a newer release measures.
func dropMeasured(tr transcript, release, script string) {
	for _, r := range releases {
		if r == release {
			return
		}
		newer, err := readTranscript(recording(r, script))
		if err != nil {
			continue
		}
		for v := range newer {
			delete(tr, v)
		}
	}
}

func isAccepted(script string, d *difference, used []bool) bool {
	for i := range acceptedDifferences {
		if acceptedDifferences[i].fits(script, d) {
			used[i] = true
			return true
		}
	}
	return false
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
