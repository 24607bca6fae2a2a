package machine

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/controller/image"
	"github.com/sordini/sordini/controller/record"
)

var rewrite = flag.Bool("rewrite", false, "write what the machine says into the transcripts")

// TestTranscripts runs the scripts in testdata: one command a line, below it, indented, what the machine decided. An
// empty line or a line with '#' is kept. After each command the machine must have the same image as one that has
// applied all records again from their bytes.
func TestTranscripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := runTranscript(t, string(want))
			if got == string(want) {
				return
			}
			if *rewrite {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Errorf("%s differs; -rewrite accepts this:\n%s", path, got)
		})
	}
}

// script is a machine with a log beside it.
type script struct {
	t      *testing.T
	m      *Machine
	offset int64
	lists  [][]byte
	nextID byte
}

func runTranscript(t *testing.T, text string) string {
	s := &script{t: t, m: New(testConfig(), image.Empty())}
	var out strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "  ") {
			continue
		}
		fmt.Fprintln(&out, line)
		if line == "" || line[0] == '#' {
			continue
		}
		for l := range strings.Lines(s.run(line)) {
			fmt.Fprint(&out, "  ", l)
		}
		s.checkReplay()
	}
	return out.String()
}

func testConfig() Config {
	known := map[string]bool{"retention.ms": true, "cleanup.policy": true, "segment.bytes": true}
	validate := func(what string) func(map[string]string) error {
		return func(c map[string]string) error {
			for _, name := range slices.Sorted(maps.Keys(c)) {
				if !known[name] {
					return fmt.Errorf("Unknown %s config name: %s", what, name)
				}
			}
			if _, err := strconv.Atoi(c["retention.ms"]); c["retention.ms"] != "" && err != nil {
				return errors.New("Invalid value " + c["retention.ms"] + " for configuration retention.ms: Not a number of type LONG")
			}
			return nil
		}
	}
	return Config{
		ValidateTopicConfig: validate("topic"),
		ValidateBrokerConfig: func(allBrokers bool, c map[string]string) error {
			if err := validate("broker")(c); err != nil || !allBrokers || c["segment.bytes"] == "" {
				return err
			}
			return fmt.Errorf("%w", kerr.InvalidRequest)
		},
		ListConfig: func(_ image.ResourceType, name string) (string, bool) { return "delete", name == "cleanup.policy" },
	}
}

// decide carries an event out and describes its records.
func (s *script) decide(ev Event, out *strings.Builder) any {
	before := s.m.Image()
	d := s.m.Decide(s.offset, ev)
	if s.m.Image() != before {
		s.t.Error("Decide has changed the machine")
	}
	for _, r := range d.Records {
		fmt.Fprintln(out, describe(r))
	}
	if len(d.Records) > 0 {
		s.m.Apply(s.offset, d.Records)
		s.lists = append(s.lists, record.AppendList(nil, d.Records))
		s.offset++
	}
	return d.Reply
}

func (s *script) checkReplay() {
	s.t.Helper()
	d := image.NewDelta(image.Empty())
	for _, list := range s.lists {
		records, err := record.DecodeList(list)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, r := range records {
			if err := d.Apply(r); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	want := record.AppendList(nil, slices.Collect(s.m.Image().Records()))
	if got := record.AppendList(nil, slices.Collect(d.Image().Records())); !bytes.Equal(got, want) {
		s.t.Fatal("the log replays to another image")
	}
}

func describe(r record.Record) string {
	s := strings.TrimPrefix(fmt.Sprintf("%T", r), "*record.")
	switch r := r.(type) {
	case *record.Topic:
		return fmt.Sprintf("%s %s id=%d", s, r.Name, r.ID[15])
	case *record.Partition:
		return fmt.Sprintf("%s %d/%d leader=%d replicas=%v isr=%v", s, r.TopicID[15], r.Index, r.Leader, r.Replicas, r.ISR)
	case *record.PartitionChange:
		s = fmt.Sprintf("%s %d/%d", s, r.TopicID[15], r.Index)
		if r.SetLeader {
			s += fmt.Sprintf(" leader=%d", r.Leader)
		}
		if r.ISR != nil {
			s += fmt.Sprintf(" isr=%v", r.ISR)
		}
		return s
	case *record.RemoveTopic:
		return fmt.Sprintf("%s id=%d", s, r.TopicID[15])
	case *record.Config:
		value := "deleted"
		if r.Value != nil {
			value = strconv.Quote(*r.Value)
		}
		return fmt.Sprintf("%s %d/%s %s=%s", s, r.ResourceType, r.ResourceName, r.Name, value)
	case *record.RegisterBroker:
		return fmt.Sprintf("%s %d epoch=%d fenced=%v listeners=%d", s, r.BrokerID, r.BrokerEpoch, r.Fenced, len(r.Listeners))
	}
	return s + strings.TrimPrefix(fmt.Sprintf("%+v", r), "&")
}

// failure describes a refusal.
func failure(err *kerr.Error, message string) string {
	if err == nil {
		return "ok"
	}
	return fmt.Sprintf("%d %s: %s", err.Code, err.Message, message)
}
