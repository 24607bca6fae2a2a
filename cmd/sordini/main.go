// Command sordini is the broker and its tools in one binary: `sordini` alone serves, and every other command is a client that works
// against any Kafka.
//
// This package owns what concerns the process: commands and flags, the configuration file and the environment, signals, the log
// output and the exit code. It is the only one that knows viper and cobra. What always holds: a command that fails writes exactly one
// line that says what to do to stderr and ends with code 1; usage mistakes end with code 2.
package main

import (
	"errors"
	"fmt"
	"os"
)

// Exit codes. Commands that look for something use exitNotFound when it is not there.
const (
	exitFailed   = 1
	exitUsage    = 2
	exitNotFound = 3
)

// exitError is an error with an exit code of its own.
type exitError struct {
	code int
	err  error // nil says that everything was already printed
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func main() {
	os.Exit(run(os.Args[1:]))
}

// run is main without the end of the process.
func run(args []string) int {
	root := newRootCommand()
	root.SetArgs(args)
	err := root.Execute()
	if err == nil {
		return 0
	}
	code := exitFailed
	if exit := (*exitError)(nil); errors.As(err, &exit) {
		code = exit.code
		err = exit.err
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sordini: "+err.Error())
	}
	return code
}
