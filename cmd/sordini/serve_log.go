package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

type slogLevel = slog.Level

const (
	levelInfo = slog.LevelInfo
	levelWarn = slog.LevelWarn
)

// logFlags say how the log is written.
type logFlags struct {
	format string
	level  string
}

const (
	formatVariable = "SORDINI_LOG_FORMAT"
	levelVariable  = "SORDINI_LOG_LEVEL"
)

func (f *logFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.format, "log-format", "", "text, logfmt or json; text on a terminal, else logfmt [$"+formatVariable+"]")
	cmd.Flags().StringVar(&f.level, "log-level", "", "debug, info, warn or error (default info) [$"+levelVariable+"]")
}

// logger makes the logger of the process. The log goes to stderr, so that stdout is left to what a person or a script waits for.
func (f *logFlags) logger(w *os.File, environ []string) (*slog.Logger, *slog.LevelVar, error) {
	format, level := f.format, f.level
	if format == "" {
		format = variable(environ, formatVariable)
	}
	if level == "" {
		level = variable(environ, levelVariable)
	}
	if format == "" {
		format = "logfmt"
		if term.IsTerminal(int(w.Fd())) {
			format = "text"
		}
	}
	return newLogger(w, format, level)
}

// newLogger returns a logger and its level, which can be changed while it is used.
func newLogger(w io.Writer, format, level string) (*slog.Logger, *slog.LevelVar, error) {
	least := new(slog.LevelVar)
	if level != "" {
		if err := least.UnmarshalText([]byte(level)); err != nil {
			return nil, nil, fmt.Errorf("there is no log level %q; there are debug, info, warn and error", level)
		}
	}
	options := &slog.HandlerOptions{Level: least}
	switch format {
	case "text":
		return slog.New(&textHandler{out: &lockedWriter{w: w}, least: least}), least, nil
	case "logfmt":
		return slog.New(slog.NewTextHandler(w, options)), least, nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), least, nil
	}
	return nil, nil, fmt.Errorf("there is no log format %q; there are text, logfmt and json", format)
}

// textHandler writes short lines for people: time of day, level, message, attributes.
type textHandler struct {
	out    *lockedWriter
	least  slog.Leveler
	prefix string // of groups, as "group."
	attrs  string // already written out
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) write(line string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := io.WriteString(l.w, line)
	return err
}

// Enabled implements slog.Handler.
func (h *textHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.least.Level()
}

// Handle implements slog.Handler.
func (h *textHandler) Handle(_ context.Context, r slog.Record) error {
	var line strings.Builder
	fmt.Fprintf(&line, "%s %-5s %s%s", r.Time.Format("15:04:05.000"), r.Level, r.Message, h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		appendAttr(&line, h.prefix, a)
		return true
	})
	line.WriteByte('\n')
	return h.out.write(line.String())
}

// WithAttrs implements slog.Handler.
func (h *textHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var more strings.Builder
	for _, a := range attrs {
		appendAttr(&more, h.prefix, a)
	}
	copied := *h
	copied.attrs += more.String()
	return &copied
}

// WithGroup implements slog.Handler.
func (h *textHandler) WithGroup(name string) slog.Handler {
	copied := *h
	if name != "" {
		copied.prefix += name + "."
	}
	return &copied
}

func appendAttr(line *strings.Builder, prefix string, a slog.Attr) {
	value := a.Value.Resolve()
	if a.Equal(slog.Attr{}) {
		return
	}
	if value.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, inner := range value.Group() {
			appendAttr(line, prefix, inner)
		}
		return
	}
	text := value.String()
	if text == "" || strings.ContainsAny(text, " =\"\n\t") {
		text = fmt.Sprintf("%q", text)
	}
	line.WriteString(" " + prefix + a.Key + "=" + text)
}
