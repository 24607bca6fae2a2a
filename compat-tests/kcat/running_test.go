package kcat

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sordini/sordini/compat-tests/harness"
)

// stream keeps a kcat -P for each partition. What kcat writes at verbosity 3 tells which sends were acknowledged.
type stream struct {
	stop   chan struct{}
	feeder sync.WaitGroup
	parts  []*streamPart
}

type streamPart struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	read sync.WaitGroup

	mu struct {
		sync.Mutex
		sent, acked int
		other       []string // what else kcat had to say
	}
}

func (c *client) Stream(t testing.TB, topic string, partitions int) harness.Stream {
	t.Helper()
	s := &stream{stop: make(chan struct{})}
	for p := range partitions {
		flags := []string{"-P", "-vvv", "-t", topic, "-p", fmt.Sprint(p), "-K", keyEnd, "-D", recordEnd, "-X", "acks=all"}
		if c.features.Idempotent {
			flags = append(flags, "-X", "enable.idempotence=true")
		}
		part := &streamPart{cmd: c.command(context.Background(), flags...)}
		var err error
		if part.in, err = part.cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		said, err := part.cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := part.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { part.cmd.Process.Kill() })
		part.read.Go(func() { part.listen(said) })
		s.parts = append(s.parts, part)
	}
	s.feeder.Go(s.feed)
	return s
}

func (s *stream) feed() {
	// kcat reads its input 4 KiB at a time; short records would wait for each other.
	key := strings.Repeat("k", 2000)
	tick := time.NewTicker(8 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-s.stop:
			return
		case <-tick.C:
		}
		part := s.parts[i%len(s.parts)]
		if _, err := fmt.Fprintf(part.in, "%s%s%d%s", key, keyEnd, i, recordEnd); err != nil {
			return // kcat has ended; Stop sees its exit code
		}
		part.mu.Lock()
		part.mu.sent++
		part.mu.Unlock()
	}
}

func (p *streamPart) listen(said io.Reader) {
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		p.mu.Lock()
		if strings.Contains(lines.Text(), "Message delivered to partition") {
			p.mu.acked++
		} else {
			p.mu.other = append(p.mu.other, lines.Text())
		}
		p.mu.Unlock()
	}
}

func (s *stream) Acked(testing.TB) (n int) {
	for _, p := range s.parts {
		p.mu.Lock()
		n += p.mu.acked
		p.mu.Unlock()
	}
	return n
}

// Stop ends the input: kcat delivers what is left and ends, and then either all was acknowledged or something failed.
func (s *stream) Stop(t testing.TB) (acked []int, failures []string) {
	t.Helper()
	close(s.stop)
	s.feeder.Wait()
	for i, p := range s.parts {
		p.in.Close()
		timer := time.AfterFunc(40*time.Second, func() { p.cmd.Process.Kill() })
		p.read.Wait()
		err := p.cmd.Wait()
		timer.Stop()
		p.mu.Lock()
		if err != nil || p.mu.acked != p.mu.sent {
			failures = append(failures, fmt.Sprintf("partition %d: %d of %d delivered, %v, %q", i, p.mu.acked, p.mu.sent, err, p.mu.other))
		} else {
			for n := range p.mu.sent {
				acked = append(acked, n*len(s.parts)+i)
			}
		}
		p.mu.Unlock()
	}
	return acked, failures
}

// member is a kcat -G.
type member struct {
	client       *client
	group, topic string
	limit        int
	cmd          *exec.Cmd
	read         sync.WaitGroup

	mu struct {
		sync.Mutex
		assigned []int32
		fresh    []harness.Record
		said     []string
	}
}

func (c *client) Join(t testing.TB, group, topic string, limit int) harness.Member {
	t.Helper()
	flags := []string{"-G", group, "-J", "-u", "-X", "auto.offset.reset=earliest",
		"-X", "heartbeat.interval.ms=300", "-X", "session.timeout.ms=6000"}
	if limit > 0 {
		flags = append(flags, "-c", fmt.Sprint(limit))
	}
	m := &member{client: c, group: group, topic: topic, limit: limit, cmd: c.command(context.Background(), append(flags, topic)...)}
	out, err := m.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	said, err := m.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.cmd.Process.Kill()
		if t.Failed() {
			m.mu.Lock()
			t.Logf("%s member of %s:\n%s", c.name, group, strings.Join(m.mu.said, "\n"))
			m.mu.Unlock()
		}
	})
	m.read.Go(func() { m.receive(out) })
	m.read.Go(func() { m.listen(said) })
	return m
}

func (m *member) receive(out io.Reader) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		r, err := parse(lines.Bytes())
		m.mu.Lock()
		if err != nil {
			m.mu.said = append(m.mu.said, err.Error())
		} else {
			m.mu.fresh = append(m.mu.fresh, r)
		}
		m.mu.Unlock()
	}
}

var (
	rebalanced = regexp.MustCompile(`^% Group .* rebalanced \(memberid [^)]*\): (assigned|revoked): ?(.*)$`)
	inBrackets = regexp.MustCompile(`\[(\d+)\]`)
)

func (m *member) listen(said io.Reader) {
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		m.mu.Lock()
		m.mu.said = append(m.mu.said, lines.Text())
		if parts := rebalanced.FindStringSubmatch(lines.Text()); parts != nil {
			m.mu.assigned = []int32{}
			if parts[1] == "assigned" {
				for _, p := range inBrackets.FindAllStringSubmatch(parts[2], -1) {
					n, _ := strconv.Atoi(p[1])
					m.mu.assigned = append(m.mu.assigned, int32(n))
				}
			}
		}
		m.mu.Unlock()
	}
}

func (m *member) Assigned(testing.TB) []int32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mu.assigned)
}

func (m *member) Take(testing.TB) []harness.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := m.mu.fresh
	m.mu.fresh = nil
	return taken
}

// Commit has little to do: kcat commits what it has printed when it ends and before it gives partitions away (its timer
// of 5 s cannot be set). A member with a limit ends by itself.
func (m *member) Commit(testing.TB) {
	if m.limit > 0 {
		m.read.Wait()
	}
}

// vanish kills the process: the group is told nothing.
func (m *member) vanish() {
	m.cmd.Process.Kill()
	m.read.Wait()
	m.cmd.Wait()
}

func (m *member) Leave(t testing.TB) {
	t.Helper()
	if m.limit == 0 {
		m.cmd.Process.Signal(syscall.SIGTERM)
	}
	timer := time.AfterFunc(20*time.Second, func() { m.cmd.Process.Kill() })
	defer timer.Stop()
	m.read.Wait()
	if err := m.cmd.Wait(); err != nil {
		t.Errorf("%s, a member of %s: %v", m.client.name, m.group, err)
	}
}
