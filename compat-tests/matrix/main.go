// Command matrix turns what the lanes measured into docs/clients.md. Results stay in results/, one file per lane, one line for each
// step of each version: the newest. With a file as argument (what SORDINI_COMPAT_RESULTS gathered) its lines are merged in
// first; lines of versions that a lane's versions.txt no longer names are dropped. It is run in the root of the tree.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "matrix:", err)
		os.Exit(1)
	}
}

func run(files []string) error {
	lanes, err := readLanes("compat-tests")
	if err != nil {
		return err
	}
	for _, file := range files {
		fresh, err := readResults(file)
		if err != nil {
			return err
		}
		for _, l := range lanes {
			if err := l.merge(fresh); err != nil {
				return err
			}
		}
	}
	return os.WriteFile("docs/clients.md", []byte(page(lanes)), 0o644)
}
