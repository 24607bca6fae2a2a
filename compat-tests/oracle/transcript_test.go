package oracle

import (
	"os"
	"path/filepath"
	"testing"
)

func TestATranscriptIsReadAsItWasWritten(t *testing.T) {
	tr := transcript{
		1: {{"one", []string{"A[x].B=1", "A[x].C=\"a=b\""}}, {"nothing", nil}},
		2: {{"one", []string{"A[x].B=1", "A[x].C=\"a=b\""}}, {"nothing", nil}},
		3: {{"one", []string{"closed"}}},
	}
	path := filepath.Join(t.TempDir(), "t.txt")
	if err := os.WriteFile(path, []byte(tr.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := readTranscript(path)
	if err != nil {
		t.Fatal(err)
	}
	if again.String() != tr.String() || len(again) != 3 {
		t.Errorf("wrote\n%s\nread\n%s", tr, again)
	}
}

func TestEveryKindOfDifferenceIsSeen(t *testing.T) {
	kafka := []step{{"one", []string{"T[a].Code=3", "T[a].Name=\"a\"", "T[a].ErrorMessage=\"no\"", "T[b].Name=\"b\""}}}
	for _, row := range []struct {
		name string
		ours []string
		want string
	}{
		{"the same", []string{"T[a].Code=3", "T[a].Name=\"a\"", "T[a].ErrorMessage=\"other words\"", "T[b].Name=\"b\""}, ""},
		{"another value", []string{"T[a].Code=4", "T[a].Name=\"a\"", "T[a].ErrorMessage=\"no\"", "T[b].Name=\"b\""}, "T[a].Code"},
		{"the default", []string{"T[a].Name=\"a\"", "T[a].ErrorMessage=\"no\"", "T[b].Name=\"b\""}, "T[a].Code"},
		{"no message", []string{"T[a].Code=3", "T[a].Name=\"a\"", "T[b].Name=\"b\""}, "T[a].ErrorMessage"},
		{"an element less", []string{"T[a].Code=3", "T[a].Name=\"a\"", "T[a].ErrorMessage=\"no\""}, "T[b]"},
		{"an element more", []string{"T[a].Code=3", "T[a].Name=\"a\"", "T[a].ErrorMessage=\"no\"", "T[b].Name=\"b\"", "T[c].Name=\"c\""}, "T[c]"},
		{"a close", []string{"closed"}, "T[a]"},
	} {
		got := compare(1, kafka, []step{{"one", row.ours}})
		if row.want == "" && len(got) > 0 || row.want != "" && (len(got) == 0 || got[0].path != row.want) {
			t.Errorf("%s: %v, want %q first", row.name, got, row.want)
		}
	}
	if got := compare(1, kafka, nil); len(got) != 1 {
		t.Errorf("no answer at all: %v", got)
	}
}
