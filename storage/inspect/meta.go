package inspect

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	metaFile      = "meta.properties"
	partitionFile = "partition.metadata"
	metaMaxBytes  = 64 << 10
)

// CheckMeta holds meta.properties and the partition.metadata of a data directory's partitions against what brokers demand of them: the
// versions, the fields, and one topic id per topic.
func CheckMeta(d *DataDir, partitions []Partition, report func(Finding)) {
	whole := checkDirMeta(d.Path, report)
	for _, name := range d.Skipped {
		report(about(Note, filepath.Join(d.Path, name), "", "not a partition in use (deleted, moving or stray), and not looked at"))
	}
	ids := map[string]string{}
	for i := range partitions {
		p := &partitions[i]
		if filepath.Dir(p.Dir) != filepath.Clean(d.Path) || !p.Whole {
			continue
		}
		id, finding := partitionID(p.Dir)
		if finding != nil {
			if whole || finding.Kind.Damage() { // partitions that were copied somewhere need not have everything
				report(*finding)
			}
			continue
		}
		if other, ok := ids[p.Topic]; ok && other != id {
			report(about(Metadata, p.Dir, partitionFile, "topic id %s, and other partitions of %s have %s: they are of topics that were created one after the other", id, p.Topic, other))
			continue
		}
		ids[p.Topic] = id
	}
}

// checkDirMeta checks meta.properties, and says whether there is one.
func checkDirMeta(dir string, report func(Finding)) bool {
	b, err := readSmall(filepath.Join(dir, metaFile))
	if errors.Is(err, fs.ErrNotExist) {
		report(about(Note, dir, metaFile, "missing: no broker takes the directory for one of its own"))
		return false
	}
	if err != nil {
		report(about(Metadata, dir, metaFile, "cannot be read: %v", err))
		return true
	}
	keys := properties(string(b))
	number := func(key string) bool {
		n, err := strconv.ParseInt(keys[key], 10, 32)
		return err == nil && n >= 0
	}
	switch {
	case keys["version"] == "0" && !number("broker.id"):
		report(about(Metadata, dir, metaFile, "broker.id %q is not a broker id", keys["broker.id"]))
	case keys["version"] == "1" && !number("node.id"):
		report(about(Metadata, dir, metaFile, "node.id %q is not a node id", keys["node.id"]))
	case keys["version"] != "0" && keys["version"] != "1":
		report(about(Metadata, dir, metaFile, "version %q is not known", keys["version"]))
	case keys["cluster.id"] == "":
		report(about(Metadata, dir, metaFile, "no cluster.id"))
	}
	return true
}

// properties reads the plain subset of Java's properties that such files consist of.
func properties(text string) map[string]string {
	keys := map[string]string{}
	unescape := strings.NewReplacer(`\\`, `\`, `\=`, "=", `\:`, ":")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		keys[strings.TrimSpace(key)] = unescape.Replace(strings.TrimSpace(value))
	}
	return keys
}

// partitionID reads a partition's topic id, or says what is wrong. A file that is missing or zeros is none of a broker's that crashed
// before anything of the partition was durable, or of a Kafka before 2.8.
func partitionID(dir string) (string, *Finding) {
	b, err := readSmall(filepath.Join(dir, partitionFile))
	if errors.Is(err, fs.ErrNotExist) || err == nil && strings.Trim(string(b), "\x00") == "" {
		f := about(Note, dir, partitionFile, "missing or empty: there is no topic id")
		return "", &f
	}
	fail := func(format string, args ...any) (string, *Finding) {
		f := about(Metadata, dir, partitionFile, format, args...)
		return "", &f
	}
	if err != nil {
		return fail("cannot be read: %v", err)
	}
	fields := map[string]string{}
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		fields[key] = strings.TrimSpace(value)
	}
	if fields["version"] != "0" {
		return fail("version %q is not known", fields["version"])
	}
	id := strings.TrimRight(fields["topic_id"], "=")
	if raw, err := base64.RawURLEncoding.DecodeString(id); err != nil || len(raw) != 16 {
		return fail("topic id %q is none", fields["topic_id"])
	}
	return id, nil
}

// readSmall reads a file that has no business being large.
func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, metaMaxBytes+1))
	if err == nil && len(b) > metaMaxBytes {
		err = fmt.Errorf("more than %d bytes", metaMaxBytes)
	}
	return b, err
}
