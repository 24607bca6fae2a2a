package main

import (
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Whole commands were missing in the table of docs/cli.md once.
func TestEveryCommandIsInTheDocsAndHasAnExample(t *testing.T) {
	docs, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, c := range cmd.Commands() {
			name := strings.TrimPrefix(c.CommandPath(), "sordini ")
			if c.Example == "" {
				t.Errorf("%s has no example", name)
			}
			if c.HasSubCommands() && !c.Hidden {
				walk(c)
				continue
			}
			if !strings.Contains(string(docs), "`"+name+"`") && !strings.Contains(string(docs), "`"+name+" ") {
				t.Errorf("%s is not in docs/cli.md", name)
			}
		}
	}
	walk(newRootCommand())
	if !strings.Contains(string(docs), "`completion ") { // the library makes it when the command line is run
		t.Error("completion is not in docs/cli.md")
	}
}
