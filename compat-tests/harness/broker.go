package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Stop says how a broker is ended.
type Stop int

const (
	Graceful Stop = iota // SIGTERM; Sordini must answer what is in flight and exit with 0
	Crash                // SIGKILL
)

func (s Stop) String() string {
	if s == Graceful {
		return "SIGTERM"
	}
	return "SIGKILL"
}

// Broker is one running broker process with a data directory and an address that survive restarts.
type Broker struct {
	Addr   string // host:port
	Dir    string // data directory
	Target string // sordini or kafka-VERSION

	command  func() *exec.Cmd
	patience time.Duration // for starting and for a graceful end
	logPath  string
	proc     *process
}

// baseline is what the lanes ask of either broker. Everything else stays at its default.
var baseline = []string{
	"num.partitions=4",                   // topics are auto-created; groups need something to share
	"group.initial.rebalance.delay.ms=0", // the default of 3 s would be most of a lane's time
}

// Start starts a broker for the length of the test: the one that SORDINI_COMPAT_TARGET names, or Sordini.
// Overrides are "key=value" in the words of server.properties.
func Start(t testing.TB, overrides ...string) *Broker {
	t.Helper()
	target := os.Getenv("SORDINI_COMPAT_TARGET")
	if target == "" {
		target = "sordini"
	}
	return startTarget(t, target, "", overrides)
}

// StartKafka starts a released Apache Kafka for the length of the test. Its log directory is Dir + "/data".
func StartKafka(t testing.TB, version string, overrides ...string) *Broker {
	t.Helper()
	return startTarget(t, "kafka-"+version, "", overrides)
}

// StartOn starts Sordini on a data directory that is there.
func StartOn(t testing.TB, dir string, overrides ...string) *Broker {
	t.Helper()
	return startTarget(t, "sordini", dir, overrides)
}

// Command is a command of the binary under test.
func Command(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	bin, err := brokerBinary()
	if err != nil {
		t.Fatal(err)
	}
	return exec.Command(bin, args...)
}

func startTarget(t testing.TB, target, dir string, overrides []string) *Broker {
	t.Helper()
	skipShort(t)
	port, err := FreePort()
	if err != nil {
		t.Fatal(err)
	}
	if dir == "" {
		dir = dataDir(t)
	}
	b := &Broker{Addr: fmt.Sprintf("127.0.0.1:%d", port), Dir: dir, Target: target}
	settings := append(append([]string{}, baseline...), overrides...)
	version, isKafka := strings.CutPrefix(b.Target, "kafka-")
	switch {
	case b.Target == "sordini":
		b.command, b.patience = sordiniCommand(t, b, settings), 20*time.Second
	case isKafka:
		b.command, b.patience = peerCommand(t, b, version, port, settings), 60*time.Second
	default:
		t.Fatalf("SORDINI_COMPAT_TARGET=%q: want sordini or kafka-VERSION", b.Target)
	}
	b.logPath = b.Dir + ".log"
	t.Cleanup(func() { b.cleanUp(t) })
	b.launch(t)
	return b
}

func skipShort(t testing.TB) {
	if testing.Short() {
		t.Skip("compatibility lanes start brokers and foreign clients; not with -short")
	}
}

func (b *Broker) launch(t testing.TB) {
	t.Helper()
	begin := time.Now()
	proc, err := startProcess(b.Target, b.command(), b.logPath)
	if err != nil {
		t.Fatal(err)
	}
	b.proc = proc
	if err := awaitReady(proc, b.Addr, b.patience); err != nil {
		t.Fatalf("%v\n%s", err, proc.tail(40))
	}
	t.Logf("%s answers on %s after %d ms", b.Target, b.Addr, time.Since(begin).Milliseconds())
}

// Restart ends the broker and starts it again on the same data and address.
func (b *Broker) Restart(t testing.TB, how Stop) {
	t.Helper()
	b.End(t, how)
	b.launch(t)
}

// End ends the broker; Launch may follow.
func (b *Broker) End(t testing.TB, how Stop) {
	t.Helper()
	sig := syscall.SIGTERM
	if how == Crash {
		sig = syscall.SIGKILL
	}
	if err := b.proc.signal(sig, b.patience); err != nil {
		t.Fatalf("%v\n%s", err, b.proc.tail(40))
	}
	if how == Graceful && b.Target == "sordini" && b.proc.err != nil {
		t.Errorf("%s after SIGTERM: %v, want exit code 0\n%s", b.Target, b.proc.err, b.proc.tail(40))
	}
}

// Launch starts a broker that was ended by End.
func (b *Broker) Launch(t testing.TB) { t.Helper(); b.launch(t) }

// PID is the broker's process id.
func (b *Broker) PID() int { return b.proc.cmd.Process.Pid }

// Tail returns the last lines of the broker's log.
func (b *Broker) Tail(lines int) string { return b.proc.tail(lines) }

// cleanUp ends the broker and shows its log when the test failed. A broker that ended by itself is a failure.
func (b *Broker) cleanUp(t testing.TB) {
	if b.proc == nil {
		return
	}
	const javaAfterSIGTERM = 128 + int(syscall.SIGTERM)
	if !b.proc.ended() {
		b.proc.kill()
	} else if code := b.proc.cmd.ProcessState.ExitCode(); code > 0 && (b.Target == "sordini" || code != javaAfterSIGTERM) {
		t.Errorf("%s ended by itself: %v", b.Target, b.proc.err)
	}
	if t.Failed() {
		t.Log(b.proc.tail(60))
	}
}

func dataDir(t testing.TB) string { return filepath.Join(Folder(t), "data") }

// Folder is a fresh folder that is removed after the test, unless SORDINI_COMPAT_KEEP is set.
func Folder(t testing.TB) string {
	dir, err := os.MkdirTemp("", "sordini-compat-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if os.Getenv("SORDINI_COMPAT_KEEP") != "" {
			t.Logf("kept %s", dir)
			return
		}
		os.RemoveAll(dir)
	})
	return dir
}

func sordiniCommand(t testing.TB, b *Broker, settings []string) func() *exec.Cmd {
	t.Helper()
	args := []string{"serve", "--data", b.Dir, "--override", "listeners=PLAINTEXT://" + b.Addr, "--override", "sordini.http.address="}
	for _, s := range settings {
		args = append(args, "--override", s)
	}
	return func() *exec.Cmd { return Command(t, args...) }
}

func peerCommand(t testing.TB, b *Broker, version string, port int, settings []string) func() *exec.Cmd {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	launcher := filepath.Join(root, "compat-tests", "peer", "kafka.sh")
	// A killed Kafka waits until the session of its former self is over, 9 s by default.
	settings = append(settings, "broker.session.timeout.ms=1500", "broker.heartbeat.interval.ms=300")
	args := append([]string{"run", version, fmt.Sprint(port), b.Dir}, settings...)
	return func() *exec.Cmd {
		cmd := exec.Command(launcher, args...)
		// A lane wants a peer that is up soon, not one that is fast for long.
		cmd.Env = append(os.Environ(), "HEAP=384m", "JVM_FLAGS=-XX:+UseSerialGC -XX:TieredStopAtLevel=1")
		return cmd
	}
}
