package kcat

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sordini/sordini/compat-tests/harness"
)

// Keys and values are text here, so two separators of ASCII are enough to tell them apart.
const (
	keyEnd    = "\x1f"
	recordEnd = "\x1e"
)

// client is kcat as a harness.Client: a process for each call.
type client struct {
	name     string
	broker   *harness.Broker
	features harness.Features
	settings []string // librdkafka properties of the profile
}

func (c *client) Name() string               { return c.name }
func (c *client) Features() harness.Features { return c.features }
func (c *client) Close(testing.TB)           {}

// command builds "kcat -b BROKER -X SETTING... ARG...".
func (c *client) command(ctx context.Context, args ...string) *exec.Cmd {
	all := []string{"-b", c.broker.Addr, "-E"}
	for _, s := range c.settings {
		all = append(all, "-X", s)
	}
	cmd := exec.CommandContext(ctx, "./run.sh", append(all, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

func (c *client) Produce(t testing.TB, args harness.ProduceArgs) {
	t.Helper()
	// kcat sends to one partition, with one set of headers.
	byPartition := map[int32][]harness.Record{}
	for _, r := range args.Records {
		byPartition[r.Partition] = append(byPartition[r.Partition], r)
	}
	for partition, records := range byPartition {
		var in bytes.Buffer
		for _, r := range records {
			in.Write(r.Key)
			in.WriteString(keyEnd)
			in.Write(r.Value)
			in.WriteString(recordEnd)
		}
		flags := []string{"-P", "-t", args.Topic, "-p", fmt.Sprint(partition), "-K", keyEnd, "-D", recordEnd,
			"-z", args.Codec, "-X", "acks=" + args.Acks, "-X", "message.timeout.ms=30000"}
		for _, h := range records[0].Headers {
			flags = append(flags, "-H", h.Name+"="+string(h.Value))
		}
		ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
		cmd := c.command(ctx, flags...)
		cmd.Stdin = &in
		out, err := cmd.CombinedOutput()
		cancel()
		if err != nil || bytes.Contains(out, []byte("Delivery failed")) {
			t.Fatalf("%s: produce to %s: %v\n%s", c.name, args.Topic, err, out)
		}
	}
}

func (c *client) Fetch(t testing.TB, topic string, partition int32, offset int64, count int) []harness.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	cmd := c.command(ctx, "-C", "-t", topic, "-p", fmt.Sprint(partition), "-o", fmt.Sprint(offset), "-c", fmt.Sprint(count),
		"-J", "-u", "-q", "-X", "fetch.wait.max.ms=50")
	var errors bytes.Buffer
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil && ctx.Err() == nil {
		t.Fatalf("%s: fetch from %s: %v\n%s", c.name, topic, err, &errors)
	}
	if ctx.Err() != nil || errors.Len() > 0 {
		t.Logf("%s: fetch from %s-%d at %d, %d wanted, timeout: %v\n%s", c.name, topic, partition, offset, count, ctx.Err() != nil, &errors)
	}
	var records []harness.Record
	for line := range strings.Lines(string(out)) {
		r, err := parse([]byte(line))
		if err != nil {
			t.Fatalf("%s: fetch from %s: %v", c.name, topic, err)
		}
		records = append(records, r)
	}
	return records
}

// parse reads a line of kcat -J. Headers are a list of names and values in turn.
func parse(line []byte) (harness.Record, error) {
	var j struct {
		Partition int32
		Offset    int64
		TS        int64
		Key       *string
		Payload   *string
		Headers   []string
	}
	if err := json.Unmarshal(line, &j); err != nil {
		return harness.Record{}, fmt.Errorf("not a record of kcat: %w: %.200s", err, line)
	}
	r := harness.Record{Partition: j.Partition, Offset: j.Offset, Timestamp: j.TS}
	if j.Key != nil {
		r.Key = []byte(*j.Key)
	}
	if j.Payload != nil {
		r.Value = []byte(*j.Payload)
	}
	for i := 0; i+1 < len(j.Headers); i += 2 {
		r.Headers = append(r.Headers, harness.Header{Name: j.Headers[i], Value: []byte(j.Headers[i+1])})
	}
	return r, nil
}
