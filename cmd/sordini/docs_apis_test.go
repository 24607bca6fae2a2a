package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/broker"
)

// TestDocsOfAPIsAreUpToDate writes docs/apis.md anew with -rewrite.
func TestDocsOfAPIsAreUpToDate(t *testing.T) {
	got := printDocs(t, "apis")

	golden(t, "../../../docs/apis.md", got)
}

// TestDocsOfToolsAreUpToDate writes docs/tools.md anew with -rewrite.
func TestDocsOfToolsAreUpToDate(t *testing.T) {
	got := printDocs(t, "tools")

	golden(t, "../../../docs/tools.md", got)
}

func TestToolDocsNameWhatIsMissing(t *testing.T) {
	served := map[int16]bool{0: true, 1: true}
	for want, needs := range map[string][]kmsg.Key{
		"yes": {kmsg.Produce, kmsg.Fetch},
		"not yet: Metadata (3), DeleteGroups (42)": {kmsg.Produce, kmsg.Metadata, kmsg.DeleteGroups},
	} {
		if got := verdict(needs, served); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestDocsOfConfigurationAreThoseOfTheConfigCommand(t *testing.T) {
	want, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}

	got := printDocs(t, "configuration")

	if got != string(want) {
		t.Error("docs/configuration.md is out of date; `make docs` writes it")
	}
}

// A window that is not narrower than ours does not belong in the comparison, and a misspelt name would never be printed.
func TestKafkasWindowsAreInsideOurs(t *testing.T) {
	ours := map[string]broker.API{}
	for _, row := range broker.APITable() {
		ours[row.Name] = row
	}
	for name, kafka := range narrowerInKafka() {
		row, ok := ours[name]
		if !ok {
			t.Errorf("%s is not in the API table", name)
			continue
		}
		narrower := kafka.min > row.Min || kafka.max < row.Max
		if kafka.min < row.Min || kafka.max > row.Max || !narrower {
			t.Errorf("%s: Kafka's %v is not narrower than our %d-%d", name, kafka, row.Min, row.Max)
		}
	}
}

func TestAPIDocsShowOneVersionAsOneNumber(t *testing.T) {
	var out bytes.Buffer

	if err := writeAPIDocs(&out, []broker.API{{Key: 47, Name: "OffsetDelete"}, {Key: 0, Name: "Produce", Max: 13}}); err != nil {
		t.Fatal(err)
	}

	rows := strings.TrimPrefix(out.String(), apiDocsHead)
	if want := "| 47 | OffsetDelete | 0 | same |\n| 0 | Produce | 0-13 | 3-13 |\n"; rows != want {
		t.Errorf("got %q, want %q", rows, want)
	}
}

func printDocs(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	docs := newDocsCommand()
	docs.SetArgs(args)
	docs.SetOut(&out)
	if err := docs.Execute(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
