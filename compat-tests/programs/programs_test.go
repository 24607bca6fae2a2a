package programs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sordini/sordini/compat-tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	patience   = 60 * time.Second
	partitions = 3
	perStep    = 60 // lines
)

func TestPrograms(t *testing.T) {
	for _, version := range harness.Versions(t, "versions.txt") {
		if out, err := exec.Command("./run.sh", "prepare", version).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		t.Run(version, func(t *testing.T) { runProgram(t, version) })
	}
}

// runProgram: each step adds lines and waits for what must come of them; before it, something was stopped or killed.
func runProgram(t *testing.T, version string) {
	b := harness.Start(t)
	p := newProgram(t, b, version)
	p.start(t)
	step := func(name string, exact bool, before func(t *testing.T)) {
		t.Helper()
		harness.Measure(t, b, version, name, func(t *testing.T) string {
			before(t)
			p.send(t)
			p.await(t, exact)
			if exact {
				return "every line once"
			}
			return "every line at least once"
		})
	}
	step("run", true, func(*testing.T) {})
	step("restart", true, func(t *testing.T) {
		p.end(t, syscall.SIGTERM)
		if err := os.RemoveAll(p.state); err != nil { // a store is restored from its changelog
			t.Fatal(err)
		}
		p.start(t)
	})
	step("broker restart", false, func(t *testing.T) { b.Restart(t, harness.Graceful) })
	step("broker crash", false, func(t *testing.T) { b.Restart(t, harness.Crash) })
	step("crash", false, func(t *testing.T) {
		p.end(t, syscall.SIGKILL)
		p.start(t)
	})
	p.end(t, syscall.SIGTERM)
}

// program is one running program, the lines that it was given, and what it made of them.
type program struct {
	b       *harness.Broker
	version string
	name    string
	state   string
	cmd     *exec.Cmd
	log     string

	client *kgo.Client
	lines  int
	words  map[string]int    // how often each word was in a line
	counts map[string]string // of streams: the last count of each word
	shouts map[string]int    // of Spring: how often each line came out
}

func newProgram(t *testing.T, b *harness.Broker, version string) *program {
	t.Helper()
	p := &program{b: b, version: version, name: "program-" + version, state: filepath.Join(t.TempDir(), "state"), log: filepath.Join(t.TempDir(), "log"),
		words: map[string]int{}, counts: map[string]string{}, shouts: map[string]int{}}
	b.Admin(t, func(ctx context.Context, adm *kadm.Client) error {
		_, err := adm.CreateTopics(ctx, partitions, 1, nil, p.name+"-lines", p.name+"-out")
		return err
	})
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr), kgo.DefaultProduceTopic(p.name+"-lines"), kgo.ConsumeTopics(p.name+"-out"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	p.client = client
	t.Cleanup(func() {
		if p.cmd != nil {
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		}
		if text, err := os.ReadFile(p.log); t.Failed() && err == nil {
			all := strings.Split(string(text), "\n")
			t.Logf("the last of %s:\n%s", version, strings.Join(all[max(0, len(all)-40):], "\n"))
		}
	})
	return p
}

func (p *program) start(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p.cmd = exec.Command("./run.sh", p.version, p.b.Addr, p.name, p.state)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
}

// end ends the program; one that was asked to and does not within the patience is killed, and that is an error.
func (p *program) end(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatalf("%s has ended before it was told to: %v", p.version, err)
	}
	slow := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
	_ = p.cmd.Wait() // a JVM that was ended by a signal says so with its code
	if !slow.Stop() {
		t.Errorf("%s did not end within %v of %v", p.version, patience, sig)
	}
	p.cmd = nil
}

// send adds lines, each of a word of its own and two that others share.
func (p *program) send(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var records []*kgo.Record
	for range perStep {
		line := fmt.Sprintf("line%d all third%d", p.lines, p.lines%3)
		for word := range strings.FieldsSeq(line) {
			p.words[word]++
		}
		records = append(records, kgo.KeyStringRecord(fmt.Sprint(p.lines), line))
		p.lines++
	}
	if err := p.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// await reads what the program writes until it is all that must come. Exact says that nothing may come twice.
func (p *program) await(t *testing.T, exact bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		missing, doubled := p.judge()
		if len(missing) == 0 {
			if exact && len(doubled) > 0 {
				t.Errorf("%d came more often than they were sent: %.200v", len(doubled), doubled)
			}
			return
		}
		fetches := p.client.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("not within %v: %d are missing: %.200v", patience, len(missing), missing)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			p.counts[string(r.Key)] = string(r.Value)
			p.shouts[string(r.Value)]++
		})
	}
}

// judge compares what came with what was sent.
func (p *program) judge() (missing, doubled []string) {
	if strings.HasPrefix(p.version, "streams-") {
		for word, times := range p.words {
			var count int
			_, _ = fmt.Sscan(p.counts[word], &count)
			if count < times {
				missing = append(missing, word)
			}
			if count > times {
				doubled = append(doubled, word)
			}
		}
		slices.Sort(missing)
		return missing, doubled
	}
	for i := range p.lines {
		line := strings.ToUpper(fmt.Sprintf("line%d all third%d", i, i%3))
		switch n := p.shouts[line]; {
		case n == 0:
			missing = append(missing, line)
		case n > 1:
			doubled = append(doubled, line)
		}
	}
	return missing, doubled
}
