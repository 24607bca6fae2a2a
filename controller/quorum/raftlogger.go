package quorum

import (
	"fmt"
	"log/slog"
)

// raftLogger gives Raft's messages to slog. What Raft calls information is detail here.
type raftLogger struct{ log *slog.Logger }

func (l *raftLogger) Debug(v ...any)                 { l.log.Debug("raft", "detail", fmt.Sprint(v...)) }
func (l *raftLogger) Debugf(format string, v ...any) { l.log.Debug("raft", "detail", lazy{format, v}) }
func (l *raftLogger) Info(v ...any)                  { l.Debug(v...) }
func (l *raftLogger) Infof(format string, v ...any)  { l.Debugf(format, v...) }
func (l *raftLogger) Warning(v ...any)               { l.log.Warn("raft", "detail", fmt.Sprint(v...)) }
func (l *raftLogger) Warningf(format string, v ...any) {
	l.log.Warn("raft", "detail", lazy{format, v})
}
func (l *raftLogger) Error(v ...any)                 { l.log.Error("raft", "detail", fmt.Sprint(v...)) }
func (l *raftLogger) Errorf(format string, v ...any) { l.log.Error("raft", "detail", lazy{format, v}) }

// Fatal and Panic are broken invariants of Raft: the caller must not go on.
func (l *raftLogger) Fatal(v ...any)                 { panic("raft: " + fmt.Sprint(v...)) }
func (l *raftLogger) Fatalf(format string, v ...any) { panic("raft: " + fmt.Sprintf(format, v...)) }
func (l *raftLogger) Panic(v ...any)                 { panic("raft: " + fmt.Sprint(v...)) }
func (l *raftLogger) Panicf(format string, v ...any) { panic("raft: " + fmt.Sprintf(format, v...)) }

// lazy formats only if the line is written.
type lazy struct {
	format string
	args   []any
}

// LogValue implements slog.LogValuer.
func (l lazy) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf(l.format, l.args...)) }
