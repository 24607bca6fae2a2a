package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sordini/sordini/storage/inspect"
)

// logPathsHelp is what the commands of `sordini log` take.
const logPathsHelp = `Each DIR is a data directory (one of log.dirs) or a partition's directory, and each FILE a segment (.log); of Sordini or of Apache Kafka, in message format
0, 1 or 2. No broker is needed and nothing is written. When a broker has the directory open, stderr says so: the end of a log may then be in the middle of a write.`

func newLogCommand() *cobra.Command {
	cmd := nounCommand("log", "Look into log segments without a broker",
		`  sordini log stat /var/lib/sordini
  sordini log verify /var/lib/kafka/data
  sordini log dump --records orders-0/00000000000000000000.log`,
		newLogDumpCommand(), newLogVerifyCommand(), newLogStatCommand())
	return cmd
}

// findLogs resolves paths and says on stderr which of the directories are in use.
func findLogs(cmd *cobra.Command, paths []string) (*inspect.Found, error) {
	found, err := inspect.Find(paths)
	if err != nil {
		return nil, err
	}
	warnRunning(cmd.ErrOrStderr(), found)
	return found, nil
}

func warnRunning(w io.Writer, found *inspect.Found) {
	var dirs []string
	for _, d := range found.DataDirs {
		dirs = append(dirs, d.Path)
	}
	for _, p := range found.Partitions {
		dirs = append(dirs, filepath.Dir(filepath.Clean(p.Dir)))
	}
	asked := map[string]bool{}
	for _, dir := range dirs {
		dir = filepath.Clean(dir)
		if asked[dir] {
			continue
		}
		asked[dir] = true
		holder := inspect.Running(dir)
		if holder == nil {
			continue
		}
		who := "a broker"
		if holder.PID > 0 {
			who = fmt.Sprintf("a broker (process %d)", holder.PID)
		}
		fmt.Fprintf(w, "sordini: %s has %s open: the end of its logs may be in the middle of a write\n", who, dir)
	}
}

// logCompletion lets the shell complete names of files and directories.
func logCompletion(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// offsetRange is which offsets are wanted, both ends inclusive.
type offsetRange struct{ from, to int64 }

func (r *offsetRange) check() error {
	if r.from < 0 || r.to < r.from {
		return errors.New("--from and --to take offsets of 0 and more, the smaller one first")
	}
	return nil
}
