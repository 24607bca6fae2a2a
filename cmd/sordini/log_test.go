package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// logDir is a data directory whose topic orders has one segment with three batches, and no broker any more.
func logDir(t *testing.T) (data, segment string) {
	t.Helper()
	data = filepath.Join(t.TempDir(), "data")
	b := startServing(t, nil, "-d", data, "-o", anyPort)
	c := &cluster{t, b.port, func() { b.stop(t) }}
	c.run(0, "", "topic", "create", "orders", "--partitions", "1")
	for i := range 3 {
		c.run(0, "", "produce", "orders", "-k", fmt.Sprint("key ", i), "-v", fmt.Sprint("value ", i), "--timestamp", "1769860800123", "-H", "h=1")
	}
	if out, errOut := c.run(0, "", "log", "stat", filepath.Join(data, "orders-0")); !strings.HasPrefix(out, "orders\t0\t1\t") || !strings.Contains(errOut, data+" open") {
		t.Errorf("stat beside a running broker: %q %q", out, errOut)
	}
	c.stop()
	return data, filepath.Join(data, "orders-0", "00000000000000000000.log")
}

func TestLogsAreReadWithoutABroker(t *testing.T) {
	data, segment := logDir(t)
	c := &cluster{t: t, port: "1"}

	// Given a whole log, then verify ends with 0 and says so.
	if out, errOut := c.run(0, "", "log", "verify", data); out != "" || !strings.Contains(errOut, ": no damage\n") {
		t.Errorf("verify: %q %q", out, errOut)
	}
	// When one offset is asked for, then nothing else is printed.
	out, _ := c.run(0, "", "log", "dump", "--records", "--offsets", "1", segment)
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) != 4 || lines[0] != "Dumping "+segment || lines[1] != "Log starting offset: 0" || !strings.HasPrefix(lines[2], "baseOffset: 1 lastOffset: 1 count: 1 ") ||
		!strings.HasSuffix(lines[3], "headerKeys: [h] key: key 1 payload: value 1") {
		t.Errorf("dump: %q", lines)
	}
	if out, _ := c.run(0, "", "log", "dump", "-n", "2", filepath.Dir(segment)); strings.Count(out, "baseOffset: ") != 2 {
		t.Errorf("-n 2: %q", out)
	}
	out, _ = c.run(0, "", "log", "dump", "--records", "--from", "2", "-o", "json", "--files", segment)
	var record struct {
		Kind, Key, Value string
		Offset           int64
	}
	jsonLines := strings.Split(strings.TrimSpace(out), "\n")
	if len(jsonLines) != 2 || json.Unmarshal([]byte(jsonLines[1]), &record) != nil || record.Kind != "record" || record.Key != "key 2" || record.Value != "value 2" || record.Offset != 2 {
		t.Errorf("json: %q, %+v", jsonLines, record)
	}

	// Given a torn tail, then it is told from damage, except with --strict.
	whole, err := os.ReadFile(segment)
	if err != nil {
		t.Fatal(err)
	}
	write := func(b []byte) {
		t.Helper()
		if err := os.WriteFile(segment, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(whole[:len(whole)-5])
	if out, _ := c.run(0, "", "log", "verify", data); !strings.HasPrefix(out, "torn-tail\t"+segment+"\t") {
		t.Errorf("a torn tail: %q", out)
	}
	c.run(1, "", "log", "verify", "--strict", data)

	// Given a flipped bit in the middle, then verify ends with 1 and names the place.
	second := 12 + int(binary.BigEndian.Uint32(whole[8:]))
	broken := append([]byte(nil), whole...)
	broken[second+70] ^= 1
	write(broken)
	out, errOut := c.run(1, "", "log", "verify", data)
	if !strings.HasPrefix(out, fmt.Sprintf("corrupt\t%s\t%d\t", segment, second)) || !strings.Contains(out, "\t1..1\twrong checksum") || !strings.Contains(errOut, "1 damage") {
		t.Errorf("a flipped bit: %q %q", out, errOut)
	}
	out, _ = c.run(1, "", "log", "verify", data, "-o", "json")
	if !strings.Contains(out, `"kind":"corrupt"`) || !strings.Contains(out, `"from_offset":1,"to_offset":1`) || !strings.Contains(out, `"kind":"summary"`) {
		t.Errorf("json: %q", out)
	}
	if out, _ := c.run(0, "", "log", "dump", segment); !strings.Contains(out, "isvalid: false") {
		t.Errorf("dump of a flipped bit: %q", out)
	}
}

func TestOurOwnMetadataIsDecoded(t *testing.T) {
	data, _ := logDir(t)
	c := &cluster{t: t, port: "1"}
	out, _ := c.run(0, "", "log", "dump", "--cluster-metadata-decoder", filepath.Join(data, "__cluster_metadata-0"))
	if !strings.Contains(out, `"type":"Topic"`) || !strings.Contains(out, `"name":"orders"`) || !strings.Contains(out, `"topicId":"`) || strings.Contains(out, "Error at") {
		t.Errorf("%s", out)
	}
}

func TestMistakesWithLogs(t *testing.T) {
	c := &cluster{t: t, port: "1"}
	empty := t.TempDir()
	for _, args := range [][]string{
		{"log", "dump"}, {"log", "verify"}, {"log", "stat"}, {"log", "dump", "--offsets", "x", empty}, {"log", "dump", "--from", "9", "--to", "3", empty},
		{"log", "dump", "--offsets-decoder", "--transaction-log-decoder", empty}, {"log", "stat", "--sort", "age", empty}, {"log", "verify", "-j", "0", empty},
	} {
		c.run(2, "", args...)
	}
	for _, path := range []string{empty, filepath.Join(empty, "missing")} {
		if _, errOut := c.run(1, "", "log", "verify", path); !strings.Contains(errOut, path) || !strings.Contains(errOut, "give a data directory") {
			t.Errorf("%s: %q", path, errOut)
		}
	}
}

// What others wrote into a record must not move the cursor of a terminal.
func TestTerminalsGetNoControlCharacters(t *testing.T) {
	text := &dumpText{escape: true}
	if got := string(text.clean(nil, []byte("a\x1b[2J\nü\x9f"))); got != `a\x1b[2J\nü`+"\ufffd" {
		t.Errorf("%q", got)
	}
}
