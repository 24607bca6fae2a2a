package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sordini/sordini/broker"
	"github.com/sordini/sordini/broker/config"
)

func TestDefaultDataDir(t *testing.T) {
	for _, c := range []struct {
		euid    int
		environ []string
		want    string
	}{
		{0, []string{"HOME=/root"}, "/var/lib/sordini"},
		{1000, []string{"HOME=/home/k"}, "/home/k/.local/share/sordini"},
		{1000, []string{"HOME=/home/k", "XDG_DATA_HOME=/data"}, "/data/sordini"},
		{1000, []string{"HOME=/home/k", "XDG_DATA_HOME=relative"}, "/home/k/.local/share/sordini"},
		{1000, nil, ""},
	} {
		if got := defaultDataDir(c.euid, c.environ); got != c.want {
			t.Errorf("%d %q: got %q, want %q", c.euid, c.environ, got, c.want)
		}
	}
}

func TestLoadOrder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "server.properties")
	write(t, file, "log.dirs=/file\nnum.partitions=2\nfetch.max.bytes=2000\n")
	environ := []string{"SORDINI_CONFIG=" + file, "KAFKA_NUM_PARTITIONS=3", "KAFKA_LOG_DIRS=/env", "KAFKA_HEAP_OPTS=-Xmx256M", "CLUSTER_ID=abc", "HOME=/home/k"}
	// Given a file that a variable names, when flags are given too, then the later place wins.
	l, err := configFlags{dataDir: "/flag", overrides: []string{"log.dirs=/override"}}.load(environ)
	if err != nil {
		t.Fatal(err)
	}
	b := l.values.Broker
	if b.LogDirs[0] != "/flag" || b.Topics.NumPartitions != 3 || b.Sockets.FetchMaxBytes != 2000 || l.maxHeap != 256<<20 || b.ClusterID != "abc" || l.file != file {
		t.Errorf("got %+v, %+v", l, b)
	}
	l, err = configFlags{}.load(environ)
	if err != nil || l.values.Broker.LogDirs[0] != "/env" {
		t.Errorf("without flags: %v, %+v", err, l.values)
	}
	if _, err = (configFlags{overrides: []string{"novalue"}}).load(nil); err == nil {
		t.Error("an override without a value was taken")
	}
}

func TestStartupMessages(t *testing.T) {
	got := startupMessages([]config.Warning{
		{Kind: config.WarnNoEffect, Key: "a"}, {Kind: config.WarnUnknown, Key: "b", Text: "unknown key b is ignored"},
		{Kind: config.WarnNoEffect, Key: "c"}, {Kind: config.WarnNotice, Text: "note"},
		{Kind: config.WarnUnprotected, Key: "d", Reason: "no TLS"}, {Kind: config.WarnUnprotected, Key: "e", Reason: "no SASL"},
		{Kind: config.WarnUnprotected, Key: "f", Reason: "no TLS"},
	})
	want := "WARN unknown key b is ignored|INFO note|WARN do not rely on d, f: without effect here, no TLS|WARN do not rely on e: without effect here, no SASL|INFO these keys are known and have no effect here: a, c (`sordini config explain KEY` says why)|"
	var line strings.Builder
	for _, m := range got {
		fmt.Fprintf(&line, "%s %s|", m.level, m.text)
	}
	if line.String() != want {
		t.Errorf("got %s", line.String())
	}
}

func TestAnnounce(t *testing.T) {
	l, err := configFlags{file: exampleFile}.load([]string{"HOME=/home/k"})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	announce(&out, broker.Info{
		Listeners: []string{"PLAINTEXT://:9095"}, Advertised: []string{"PLAINTEXT://broker.example.org:9095"},
		DataDirs: []string{"/data"}, ClusterID: "4L6g3nShT-eMCtK--X86sw", HTTPAddress: "127.0.0.1:9644",
	}, l, 42*time.Millisecond)
	golden(t, "banner.txt", strings.Replace(out.String(), buildVersion(), "VERSION", 1))
}

func TestTextLog(t *testing.T) {
	var out bytes.Buffer
	logger, level, err := newLogger(&out, "text", "info")
	if err != nil {
		t.Fatal(err)
	}
	logger.Debug("hidden")
	logger.With("topic", "a b").WithGroup("g").Warn("shown", "n", 5, slog.Group("h", "x", ""), "empty", "")
	_, line, _ := strings.Cut(out.String(), " ")
	if want := "WARN  shown topic=\"a b\" g.n=5 g.h.x=\"\" g.empty=\"\"\n"; line != want {
		t.Errorf("got %q, want %q", line, want)
	}
	level.Set(slog.LevelError)
	out.Reset()
	if logger.Warn("hidden by now"); out.Len() > 0 {
		t.Errorf("got %q", out.String())
	}
	for _, c := range [][2]string{{"xml", ""}, {"json", "loud"}} {
		if _, _, err := newLogger(&out, c[0], c[1]); err == nil {
			t.Errorf("%q was taken", c)
		}
	}
	for _, format := range []string{"logfmt", "json"} {
		if _, _, err := newLogger(&out, format, "debug"); err != nil {
			t.Error(err)
		}
	}
}

func TestProcessAge(t *testing.T) {
	stat := "7 (a) b) S 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 5 0 12345 1 1"
	if age, ok := processAge(stat, "123.50 99.00\n"); !ok || age.Round(time.Millisecond) != 50*time.Millisecond {
		t.Errorf("got %v, %t", age, ok)
	}
	for _, bad := range [][2]string{{"", ""}, {stat, "x"}, {"7 (a) S 1", "123.5 1"}, {stat, "100.0 1"}, {stat, "1000.0 1"}} {
		if age, ok := processAge(bad[0], bad[1]); ok {
			t.Errorf("%q: got %v", bad, age)
		}
	}
}
