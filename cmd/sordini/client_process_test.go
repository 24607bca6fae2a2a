package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
)

// cluster is a real broker process and the client commands against it.
type cluster struct {
	t    *testing.T
	port string
	stop func()
}

// run runs a client command as a process of its own; exit codes, stdin and stdout are those of the binary.
func (c *cluster) run(code int, in string, args ...string) (stdout, stderr string) {
	c.t.Helper()
	cmd := sordini(c.t, []string{brokersVariable + "=127.0.0.1:" + c.port}, args...)
	var out, errOut bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(in), &out, &errOut
	got := 0
	if err := cmd.Run(); err != nil {
		exit := (*exec.ExitError)(nil)
		if !errors.As(err, &exit) {
			c.t.Fatal(err)
		}
		got = exit.ExitCode()
	}
	if got != code {
		c.t.Fatalf("%q: exit code %d, want %d\n%s%s", args, got, code, out.String(), errOut.String())
	}
	return out.String(), errOut.String()
}

func startCluster(t *testing.T) *cluster {
	b := startServing(t, nil, "-d", filepath.Join(t.TempDir(), "data"), "-o", anyPort, "-o", "group.initial.rebalance.delay.ms=0")
	return &cluster{t, b.port, func() { b.stop(t) }}
}

func TestRecordsThroughTheCommandsAndBack(t *testing.T) {
	c := startCluster(t)
	defer c.stop()
	// Given a topic with records of every kind: text, bytes, null, empty, headers, a time.
	for _, topic := range []string{"orders", "copy"} {
		c.run(0, "", "topic", "create", topic, "--partitions", "3")
	}
	c.run(0, "k1:v1\nk2:\n:v3\n", "produce", "orders", "--key-separator", ":", "--compression", "zstd")
	c.run(0, "\xff\x00\xfe\r\n\nplain", "produce", "orders", "-H", "a=1", "-H", "b=", "-p", "2")
	c.run(0, "", "produce", "orders", "-k", "gone", "--tombstone", "--timestamp", "1769860800123", "--acks", "1")
	first, _ := c.run(0, "", "consume", "orders", "-e", "--json")
	if strings.Count(first, "\n") != 7 {
		t.Fatalf("not 7 records:\n%s", first)
	}
	// When they go through JSON into another topic, then nothing but the topic differs.
	c.run(0, first, "produce", "copy", "--json", "--keep-partition")
	second, _ := c.run(0, "", "consume", "copy", "-e", "--json")
	if a, b := byPartition(t, first), byPartition(t, strings.ReplaceAll(second, `"topic":"copy"`, `"topic":"orders"`)); !reflect.DeepEqual(a, b) {
		t.Errorf("records differ:\n%s\n%s", first, second)
	}
	// When the end of one partition is asked for, then no more is printed.
	if out, _ := c.run(0, "", "consume", "orders", "-p", "2", "-o", "-1", "-e", "-f", `%t %p %k %v %H\n`); strings.Count(out, "\n") != 1 || !strings.HasPrefix(out, "orders 2 ") {
		t.Errorf("the last record of partition 2: %q", out)
	}
	if out, _ := c.run(0, "", "consume", "orders", "-o", "end", "-e"); out != "" {
		t.Errorf("after the end: %q", out)
	}
	if out, _ := c.run(0, "", "consume", "orders", "-o", "@2026-02-01", "-e"); strings.Count(out, "v1\n") != 1 {
		t.Errorf("from a time: %q", out)
	}
}

// byPartition sorts lines of JSON into partitions: between those no order is promised.
func byPartition(t *testing.T, text string) map[int32][]string {
	t.Helper()
	partitions := map[int32][]string{}
	for line := range strings.Lines(text) {
		var at struct{ Partition int32 }
		if err := json.Unmarshal([]byte(line), &at); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		partitions[at.Partition] = append(partitions[at.Partition], line)
	}
	return partitions
}

func TestGroupThroughTheCommands(t *testing.T) {
	c := startCluster(t)
	defer c.stop()
	c.run(0, "", "topic", "create", "orders")
	c.run(0, "1\n2\n3\n4\n5\n", "produce", "orders")
	// Given a member that takes three of five records, when it is gone, then what it printed is committed and no more.
	if out, _ := c.run(0, "", "consume", "orders", "-g", "billing", "-n", "3"); out != "1\n2\n3\n" {
		t.Errorf("first member: %q", out)
	}
	out, _ := c.run(0, "", "group", "describe", "billing", "-o", "json")
	var groups []groupDescription
	if err := json.Unmarshal([]byte(out), &groups); err != nil || len(groups) != 1 || groups[0].Lag != 2 || groups[0].State != "Empty" || *groups[0].Partitions[0].CommittedOffset != 3 {
		t.Errorf("%v\n%s", err, out)
	}
	c.run(exitUnhealthy, "", "group", "describe", "billing", "--max-lag", "1")
	// When the next one comes, then it goes on there.
	if out, _ := c.run(0, "", "consume", "orders", "-g", "billing", "-e"); out != "4\n5\n" {
		t.Errorf("second member: %q", out)
	}
	c.run(0, "", "group", "describe", "billing", "--max-lag", "0")
	if out, _ := c.run(0, "", "group", "list"); out != "billing\tEmpty\tconsumer\t1\n" {
		t.Errorf("list: %q", out)
	}
	if out, _ := c.run(0, "", "__complete", "group", "describe", ""); !strings.HasPrefix(out, "billing\n") {
		t.Errorf("completion: %q", out)
	}
}

func TestExitCodesOfCommands(t *testing.T) {
	c := startCluster(t)
	defer c.stop()
	c.run(0, "", "topic", "create", "orders", "--dry-run")
	if out, _ := c.run(0, "", "topic", "list"); out != "" {
		t.Errorf("the dry run made %q", out)
	}
	c.run(0, "", "topic", "create", "orders", "--config", "retention.ms=86400000")
	for _, x := range []struct {
		code int
		args string
		want string
	}{
		{exitFailed, "topic create orders", "--if-not-exists"},
		{0, "topic create orders --if-not-exists", ""},
		{exitFailed, "topic create other --config foo=1", "INVALID_CONFIG: Unknown topic config name: foo"},
		{exitNotFound, "topic describe order", "did you mean orders?"},
		{0, "topic describe orders --check", ""},
		{exitNotFound, "topic alter order -p 2", "did you mean orders?"},
		{exitFailed, "topic alter orders -p 1", "topic orders has as many partitions as before: INVALID_PARTITIONS: Topic already has 1 partition(s)."},
		{exitFailed, "topic alter orders --config retention.ms=soon -p 5", "topic orders was not changed: INVALID_CONFIG: Invalid value soon for configuration retention.ms"},
		{exitNotFound, "topic delete order", "did you mean orders?"},
		{0, "topic delete order --if-exists", ""},
		{0, "topic delete orders --dry-run", ""},
		{exitNotFound, "produce order -v x", "did you mean orders?"},
		{exitNotFound, "produce orders -p 7 -v x", "there is no partition 7"},
		{exitNotFound, "consume order -e", "did you mean orders?"},
		{exitNotFound, "group describe nobody", "there is no group nobody"},
		{exitFailed, "topic list -b 127.0.0.1:1", "cannot connect to 127.0.0.1:1: connection refused"},
		{0, "topic delete orders", ""},
		{exitNotFound, "topic describe orders", "there is no topic orders"},
	} {
		if _, errOut := c.run(x.code, "", strings.Fields(x.args)...); !strings.Contains(errOut, x.want) || x.code == 0 && errOut != "" {
			t.Errorf("%s: %s", x.args, errOut)
		}
	}
}

func TestTopicAlterChangesWhatItIsTold(t *testing.T) {
	c := startCluster(t)
	defer c.stop()
	c.run(0, "", "topic", "create", "orders", "--config", "max.message.bytes=2000")
	for _, x := range []struct{ args, out string }{
		{"--config retention.ms=5000 --delete-config max.message.bytes -p 4 --dry-run", "would change the configs of orders\norders would have 4 partitions\n"},
		{"--config retention.ms=5000 --delete-config max.message.bytes -p 3", "changed the configs of orders\norders has 3 partitions\n"},
	} {
		if out, _ := c.run(0, "", append([]string{"topic", "alter", "orders"}, strings.Fields(x.args)...)...); out != x.out {
			t.Errorf("%s: %q", x.args, out)
		}
	}
	out, _ := c.run(0, "", "topic", "describe", "orders", "-o", "json")
	if !strings.Contains(out, "5000") || strings.Contains(out, "2000") || strings.Count(out, `"leader"`) != 3 {
		t.Errorf("afterwards it is %s", out)
	}
}

func TestConsumeEndsWithSignalsAndPipes(t *testing.T) {
	c := startCluster(t)
	defer c.stop()
	c.run(0, "", "topic", "create", "orders")
	c.run(0, strings.Repeat("0123456789\n", 20_000), "produce", "orders")
	consume := func() (*exec.Cmd, *bytes.Buffer) {
		var errOut bytes.Buffer
		cmd := sordini(t, []string{brokersVariable + "=127.0.0.1:" + c.port}, "consume", "orders")
		cmd.Stderr = &errOut
		return cmd, &errOut
	}
	// Given a consumer that follows the topic, when SIGINT comes, then it ends with 0 and says nothing.
	cmd, errOut := consume()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	all := make([]byte, 20_000*11)
	for read := 0; read < len(all); {
		n, err := out.Read(all[read:])
		if err != nil {
			t.Fatal(err)
		}
		read += n
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || errOut.Len() > 0 {
		t.Errorf("SIGINT: %v, %s", err, errOut)
	}
	// Given a reader that takes one line and closes the pipe, as head does, then it ends with 0 as well.
	cmd, errOut = consume()
	if out, err = cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 11)); err != nil {
		t.Fatal(err)
	}
	out.Close()
	if err := cmd.Wait(); err != nil || errOut.Len() > 0 {
		t.Errorf("closed pipe: %v, %s", err, errOut)
	}
}
