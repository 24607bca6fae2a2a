package harness

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// answerTimeout bounds every call to an agent; the agents' own limits are shorter.
const answerTimeout = 60 * time.Second

// Sessions of group members: a busy machine must not end one, and only the member that is to vanish has the least that the
// broker allows by default.
const (
	longSessionMs  = 30_000
	shortSessionMs = 6_000
)

// Agent is a Client that lives in a program of another language, spoken to in JSON lines: one request to its stdin, one
// answer from its stdout, in turn. Work that goes on meanwhile (streams, group members) stays in the program under a
// handle. The operations are described in compat-tests/README.md.
type Agent struct {
	name     string
	proc     *process
	in       io.WriteCloser
	out      *bufio.Reader
	features Features
	handles  atomic.Int64

	sessionMs int // of the members that join
}

// StartAgent starts "command version bootstrap" in the folder of the running test.
func StartAgent(t testing.TB, b *Broker, command, version string) *Agent {
	t.Helper()
	abs, err := filepath.Abs(command)
	if err != nil {
		t.Fatal(err)
	}
	a := &Agent{name: filepath.Base(filepath.Dir(abs)) + "-" + version, sessionMs: longSessionMs}
	cmd := exec.Command(abs, version, b.Addr)
	a.in, err = cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	// A pipe of our own, and not StdoutPipe: that one is closed by Wait, which runs while answers may be unread.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = w
	a.out = bufio.NewReaderSize(r, 1<<20)
	a.proc, err = startProcess(a.name, cmd, filepath.Join(t.TempDir(), a.name+".log"))
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.proc.kill()
		r.Close()
		if t.Failed() {
			t.Log(a.proc.tail(25))
		}
	})
	a.call(t, "info", nil, &a.features)
	return a
}

// prepareAgent lets run.sh fetch and build what it needs, so that no time limit of the test includes a download.
func prepareAgent(t testing.TB, command, version string) {
	t.Helper()
	cmd := exec.Command(command, "prepare", version)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s prepare %s: %v\n%s", command, version, err, out)
	}
}

type request struct {
	Op     string `json:"op"`
	Handle string `json:"handle,omitempty"`
	Args   any    `json:"args,omitempty"`
}

type answer struct {
	Error  string          `json:"error"`
	Result json.RawMessage `json:"result"`
}

func (a *Agent) call(t testing.TB, op string, args, result any) {
	t.Helper()
	a.callHandle(t, op, "", args, result)
}

func (a *Agent) callHandle(t testing.TB, op, handle string, args, result any) {
	t.Helper()
	if err := a.try(t, op, handle, args, result); err != nil {
		t.Fatalf("%s: %s %s: %v", a.name, op, handle, err)
	}
}

// try returns what the client says went wrong. An agent that does not answer fails the test.
func (a *Agent) try(t testing.TB, op, handle string, args, result any) error {
	t.Helper()
	line, err := json.Marshal(request{Op: op, Handle: handle, Args: args})
	if err != nil {
		t.Fatal(err)
	}
	reply, err := a.exchange(line)
	if err != nil {
		t.Fatalf("%s: %s %s: %v\n%s", a.name, op, handle, err, a.proc.tail(25))
	}
	if reply.Error != "" {
		return errors.New(reply.Error)
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(reply.Result, result); err != nil {
		t.Fatalf("%s: %s: the answer is not what was expected: %v: %.300s", a.name, op, err, reply.Result)
	}
	return nil
}

func (a *Agent) exchange(line []byte) (*answer, error) {
	if _, err := a.in.Write(append(line, '\n')); err != nil {
		return nil, fmt.Errorf("the program does not read: %w", err)
	}
	// A program that hangs is killed: then the read ends.
	watchdog := time.AfterFunc(answerTimeout, func() { a.proc.cmd.Process.Kill() })
	defer watchdog.Stop()
	text, err := a.out.ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("no answer within %v or the program ended: %w", answerTimeout, err)
	}
	var reply answer
	if err := json.Unmarshal(text, &reply); err != nil {
		return nil, fmt.Errorf("not an answer: %w: %.300s", err, text)
	}
	return &reply, nil
}

func (a *Agent) Name() string       { return a.name }
func (a *Agent) Features() Features { return a.features }

func (a *Agent) Produce(t testing.TB, args ProduceArgs) {
	t.Helper()
	a.call(t, "produce", args, nil)
}

func (a *Agent) Fetch(t testing.TB, topic string, partition int32, offset int64, count int) []Record {
	t.Helper()
	return a.FetchWithin(t, topic, partition, offset, count, 15*time.Second)
}

// FetchWithin is Fetch with a patience of the caller's.
func (a *Agent) FetchWithin(t testing.TB, topic string, partition int32, offset int64, count int, patience time.Duration) []Record {
	t.Helper()
	var records []Record
	a.call(t, "fetch", map[string]any{"topic": topic, "partition": partition, "offset": offset, "count": count, "timeoutMs": patience.Milliseconds()}, &records)
	return records
}

func (a *Agent) Offsets(t testing.TB, topic string, partition int32, atMs int64) (first, end, byTime int64) {
	t.Helper()
	var o struct{ First, End, ByTime int64 }
	a.call(t, "offsets", map[string]any{"topic": topic, "partition": partition, "timestamp": atMs}, &o)
	return o.First, o.End, o.ByTime
}

func (a *Agent) Stream(t testing.TB, topic string, partitions int) Stream {
	t.Helper()
	s := &agentStream{agent: a, handle: a.newHandle("stream")}
	a.callHandle(t, "stream.start", s.handle, map[string]any{"topic": topic, "partitions": partitions, "everyMs": 8}, nil)
	return s
}

func (a *Agent) Join(t testing.TB, group, topic string, limit int) Member {
	t.Helper()
	m := &agentMember{agent: a, handle: a.newHandle("member")}
	a.callHandle(t, "member.join", m.handle, map[string]any{"group": group, "topic": topic, "limit": limit, "sessionMs": a.sessionMs}, nil)
	return m
}

func (a *Agent) AdminTopics(t testing.TB, topic string) TopicFacts {
	t.Helper()
	var facts TopicFacts
	a.call(t, "admin.topics", map[string]any{"topic": topic}, &facts)
	return facts
}

func (a *Agent) AdminGroup(t testing.TB, group string) GroupFacts {
	t.Helper()
	var facts GroupFacts
	a.call(t, "admin.group", map[string]any{"group": group}, &facts)
	return facts
}

func (a *Agent) newHandle(kind string) string { return fmt.Sprintf("%s-%d", kind, a.handles.Add(1)) }

// Close asks the program to end, by the end of its input.
func (a *Agent) Close(t testing.TB) {
	t.Helper()
	a.in.Close()
	if !a.proc.await(20 * time.Second) {
		a.proc.kill()
		t.Errorf("%s did not end when its input did", a.name)
		return
	}
	if a.proc.err != nil {
		t.Errorf("%s: %v\n%s", a.name, a.proc.err, a.proc.tail(25))
	}
}

type agentStream struct {
	agent  *Agent
	handle string
}

type streamState struct {
	Count    int      `json:"count"`
	Acked    []int    `json:"acked"`
	Failures []string `json:"failures"`
}

func (s *agentStream) Acked(t testing.TB) int {
	t.Helper()
	var state streamState
	s.agent.callHandle(t, "stream.status", s.handle, nil, &state)
	return state.Count
}

func (s *agentStream) Stop(t testing.TB) ([]int, []string) {
	t.Helper()
	var state streamState
	s.agent.callHandle(t, "stream.stop", s.handle, nil, &state)
	return state.Acked, state.Failures
}

type agentMember struct {
	agent  *Agent
	handle string
}

func (m *agentMember) Assigned(t testing.TB) []int32 {
	t.Helper()
	var assigned []int32
	m.agent.callHandle(t, "member.assigned", m.handle, nil, &assigned)
	return assigned
}

func (m *agentMember) Take(t testing.TB) []Record {
	t.Helper()
	var records []Record
	m.agent.callHandle(t, "member.take", m.handle, nil, &records)
	return records
}

func (m *agentMember) Commit(t testing.TB) {
	t.Helper()
	m.agent.callHandle(t, "member.commit", m.handle, nil, nil)
}

// Vanish kills the whole program, and with it all that it runs.
func (m *agentMember) Vanish(testing.TB) { m.agent.proc.kill() }

func (m *agentMember) Leave(t testing.TB) {
	t.Helper()
	m.agent.callHandle(t, "member.leave", m.handle, nil, nil)
}

// AdminCall is AdminCaller's.
func (a *Agent) AdminCall(t testing.TB, op string, args map[string]any, result any) error {
	t.Helper()
	return a.try(t, "admin."+op, "", args, result)
}
