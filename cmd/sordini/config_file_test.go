package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sordini/sordini/broker/config"
)

func TestParseConfigFile(t *testing.T) {
	for _, c := range []struct {
		name, file, content string
		want                string // key=value@line in order, or the end of the error after "!"
	}{
		{"properties", "a.properties", "# comment\n\nnum.partitions = 3\nlog.dirs: /data\n", "log.dirs=/data@4 num.partitions=3@3"},
		{"no extension", "a", "num.partitions=3", "num.partitions=3@1"},
		{"empty", "a.properties", "", ""},
		{"empty value", "a.properties", "sordini.http.address=\n", "sordini.http.address=@1"},
		{"last one wins", "a.properties", "a.b=1\na.b=2\n", "a.b=2@2"},
		{"no expansion", "a.properties", "a=${file:/x:y}\nb=$HOME\n", "a=${file:/x:y}@1 b=$HOME@2"},
		{"key that begins another", "a.properties", "log.dir=/a\nlog.dir.failure.timeout.ms=5\nbroker.id=1\nbroker.id.generation.enable=false\n", "broker.id=1@3 broker.id.generation.enable=false@4 log.dir=/a@1 log.dir.failure.timeout.ms=5@2"},
		{"continued line", "a.properties", "a=1,\\\n  2\nb=3\n", "a=1,2@1 b=3@3"},
		{"Windows lines", "a.properties", "a=1\r\nb=2\r\n", "a=1@1 b=2@2"},
		{"escapes", "a.properties", `a=C:\\data` + "\n" + `b=\u00e4` + "\n", `a=C:\data@1 b=ä@2`},
		{"capitals", "a.properties", "zookeeper.clientCnxnSocket=x\n", "zookeeper.clientcnxnsocket=x@1"},

		{"flat YAML", "a.yaml", "num.partitions: 3\nlog.dirs: /data\n", "log.dirs=/data@2 num.partitions=3@1"},
		{"nested YAML", "a.yml", "log:\n  retention.ms: 5\n  segment:\n    bytes: 6\nlog.dir: /a\n", "log.dir=/a@5 log.retention.ms=5@2 log.segment.bytes=6@4"},
		{"YAML list", "a.yaml", "listeners:\n  - PLAINTEXT://:9092\n  - A://:9093\n", "listeners=PLAINTEXT://:9092,A://:9093@1"},
		{"YAML scalars as written", "a.yaml", "a: 9223372036854775807\nb: 1.0E308\nc: 010\nd: yes\ne: true\nf: '5'\ng: ~\nh: \"\"\n", "a=9223372036854775807@1 b=1.0E308@2 c=010@3 d=yes@4 e=true@5 f=5@6 h=@8"},
		{"empty YAML", "a.yaml", "# nothing\n", ""},
		{"YAML null", "a.yaml", "~\n", ""},
		{"YAML list at the top", "a.yaml", "- a\n", "!line 1: it must hold keys and values, as in num.partitions: 3"},
		{"YAML key twice", "a.yaml", "log.dir: a\nlog:\n  dir: b\n", "!line 3: key log.dir stands there twice"},
		{"YAML list of maps", "a.yaml", "a:\n  - b: 1\n", "!line 2: a list may hold only plain values"},
		{"YAML alias", "a.yaml", "a: &x 1\nb: *x\n", "!line 2: aliases are not supported here"},
		{"YAML map as key", "a.yaml", "? [a]\n: 1\n", "!line 1: a key must be a single word"},
	} {
		layer, err := parseConfigFile(c.file, []byte(c.content))
		var got []string
		for _, s := range layer {
			if s.Origin.File != c.file {
				t.Errorf("%s: file %q", c.name, s.Origin.File)
			}
			got = append(got, fmt.Sprintf("%s=%s@%d", s.Key, s.Value, s.Origin.Line))
		}
		line := strings.Join(got, " ")
		if err != nil {
			line = "!" + strings.TrimPrefix(err.Error(), "cannot read the configuration file "+c.file+": ")
		}
		if line != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, line, c.want)
		}
	}
}

func TestReadConfigFileFails(t *testing.T) {
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken.yaml")
	large := filepath.Join(dir, "large.properties")
	write(t, broken, "a: [1\n")
	write(t, large, strings.Repeat("#", maxConfigFile+1))
	for path, want := range map[string]string{
		filepath.Join(dir, "none"): "no such file or directory",
		dir:                        "is a directory",
		broken:                     "yaml: ",
		large:                      "is it the right file?",
	} {
		if _, err := readConfigFile(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The files in configs are there to be used: they are good and say nothing that is unknown or does nothing.
func TestReadyFiles(t *testing.T) {
	files, err := filepath.Glob("../../configs/*")
	if err != nil || len(files) < 5 {
		t.Fatalf("found %q, %v", files, err)
	}
	for _, file := range files {
		layer, err := readConfigFile(file)
		if err != nil {
			t.Error(err)
			continue
		}
		if _, warnings, err := config.New(config.Options{DataDir: "/data"}, layer); err != nil || len(warnings) > 0 {
			t.Errorf("%s: %v, %v", file, err, warnings)
		}
	}
}

func FuzzParseConfigFile(f *testing.F) {
	f.Add("a.properties", []byte("a=1\\\n 2\n#x\n!y\nb : c"))
	f.Add("a.yaml", []byte("a:\n  b: [1, 2]\nc: ~\n"))
	f.Add("a.yaml", []byte("a: &x\n  b: *x\n"))
	f.Add("a.properties", []byte("a\\u00zz=1"))
	f.Add("a.properties", []byte("a::b=1\na=2"))
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		layer, err := parseConfigFile(name, content)
		if err != nil {
			return
		}
		lines := strings.Count(string(content), "\n") + 1
		for _, s := range layer {
			if s.Origin.Line < 0 || s.Origin.Line > lines {
				t.Fatalf("%q: line %d of %d", s.Key, s.Origin.Line, lines)
			}
		}
	})
}
