package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// Further exit codes of client commands; see main.go for the others.
const (
	exitUnhealthy   = 4
	exitInterrupted = 128 + 2 // as shells show SIGINT
)

// outputFlag is -o of the commands that list or describe. `consume -o` is another flag: the offset to start at.
type outputFlag struct{ format string }

func (f *outputFlag) add(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.format, "output", "o", "text", "text or json")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
}

// output is where a command prints its result: aligned tables for people, lines with tabs for pipes, or JSON.
type output struct {
	w        io.Writer
	terminal bool
	json     bool
}

func (f *outputFlag) open(cmd *cobra.Command) (*output, error) {
	switch f.format {
	case "text", "json":
	default:
		return nil, usageError(cmd, fmt.Errorf("there is no output %q; there are text and json", f.format))
	}
	w := cmd.OutOrStdout()
	return &output{w: w, terminal: isTerminal(w), json: f.format == "json"}, nil
}

func isTerminal(w any) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// document prints one JSON value.
func (o *output) document(v any) error {
	encoder := json.NewEncoder(o.w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// list prints one table. Only people get its heading, so that `cut` and `while read` see nothing but rows.
func (o *output) list(heading []string, rows [][]string) error {
	if !o.terminal {
		heading = nil
	}
	_, err := io.WriteString(o.w, o.table(heading, rows))
	return err
}

// section prints one table of several with its heading, and a blank line before it.
func (o *output) section(heading []string, rows [][]string) error {
	_, err := io.WriteString(o.w, "\n"+o.table(heading, rows))
	return err
}

// summary prints names and values, without a heading.
func (o *output) summary(rows [][]string) error {
	_, err := io.WriteString(o.w, o.table(nil, rows))
	return err
}

// table aligns columns on a terminal, numbers to the right, and else puts a tab between cells.
func (o *output) table(heading []string, rows [][]string) string {
	all := make([][]string, 0, len(rows)+1)
	if heading != nil {
		all = append(all, heading)
	}
	for _, row := range rows {
		clean := make([]string, len(row))
		for i, cell := range row {
			clean[i] = printable(cell)
		}
		all = append(all, clean)
	}
	var text strings.Builder
	if !o.terminal {
		for _, row := range all {
			text.WriteString(strings.Join(row, "\t") + "\n")
		}
		return text.String()
	}
	widths, numeric := measure(all, heading != nil)
	for _, row := range all {
		var line strings.Builder
		for i, cell := range row {
			gap := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if numeric[i] {
				line.WriteString(gap + cell + "  ")
				continue
			}
			line.WriteString(cell + gap + "  ")
		}
		text.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return text.String()
}

// measure returns how wide each column is, and whether it holds nothing but numbers and dashes.
func measure(rows [][]string, heading bool) (widths []int, numeric []bool) {
	for r, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths, numeric = append(widths, 0), append(numeric, true)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
			if heading && r == 0 {
				continue
			}
			if _, err := strconv.ParseInt(cell, 10, 64); err != nil && cell != "-" {
				numeric[i] = false
			}
		}
	}
	return widths, numeric
}

// printable makes text that others chose safe for a line of a terminal: what would move the cursor or break the columns is escaped.
func printable(text string) string {
	if utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return text
	}
	return strconv.Quote(text)
}

// number prints an offset or count; negative ones mean that it is not known.
func number(n int64) string {
	if n < 0 {
		return "-"
	}
	return strconv.FormatInt(n, 10)
}

func numbers(list []int32) string {
	if len(list) == 0 {
		return "-"
	}
	texts := make([]string, len(list))
	for i, n := range list {
		texts[i] = strconv.FormatInt(int64(n), 10)
	}
	return strings.Join(texts, ",")
}

// plural counts things in words.
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + one + "s"
}
