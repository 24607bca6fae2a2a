package storage

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/sordini/sordini/storage/vfs"
)

// partition.metadata holds a partition directory's topic id, in Kafka's format, version 0.
const (
	partitionFile     = "partition.metadata"
	partitionMaxBytes = 4 << 10
)

var errNoPartitionFile = errors.New("no readable partition.metadata")

func appendPartitionMeta(dst []byte, id TopicID) []byte {
	dst = append(dst, "version: 0\ntopic_id: "...)
	dst = base64.RawURLEncoding.AppendEncode(dst, id[:])
	return append(dst, '\n')
}

func parsePartitionMeta(b []byte) (TopicID, error) {
	var id TopicID
	text, haveVersion, haveID := string(b), false, false
	for line := range strings.Lines(text) {
		key, value, found := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		switch {
		case !found:
			return id, fmt.Errorf("line %q", line)
		case key == "version":
			if value != "0" {
				return id, fmt.Errorf("version %q is not supported, only 0 is", value)
			}
			haveVersion = true
		case key == "topic_id":
			raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(value, "="))
			if err != nil || len(raw) != len(id) {
				return id, fmt.Errorf("topic id %q is not a topic id", value)
			}
			copy(id[:], raw)
			haveID = true
		}
	}
	if !haveVersion || !haveID {
		return id, errNoPartitionFile
	}
	return id, nil
}

// readPartitionMeta reads a directory's topic id. A file that is missing, or empty or zeros after a crash of
// the machine, is errNoPartitionFile: then nothing in the directory was ever synced, for the file is synced first.
func readPartitionMeta(fsys vfs.FS, dir string) (TopicID, error) {
	b, err := vfs.ReadFile(fsys, fsys.PathJoin(dir, partitionFile), partitionMaxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return TopicID{}, errNoPartitionFile
	}
	if err != nil {
		return TopicID{}, fmt.Errorf("read partition.metadata: %w", err)
	}
	if strings.Trim(string(b), "\x00") == "" {
		return TopicID{}, errNoPartitionFile
	}
	id, err := parsePartitionMeta(b)
	if err != nil && !errors.Is(err, errNoPartitionFile) {
		return TopicID{}, fmt.Errorf("%s: %w", fsys.PathJoin(dir, partitionFile), err)
	}
	return id, err
}

// dirName is Kafka's name of a partition's directory.
func (p Partition) dirName() string { return p.Topic + "-" + strconv.Itoa(int(p.Index)) }

const (
	deleteSuffix = "-delete"
	maxNameBytes = 255
)

// parseDirName takes a partition directory's name apart; false for every other name.
func parseDirName(name string) (topic string, partition int32, ok bool) {
	i := strings.LastIndexByte(name, '-')
	if i <= 0 || strings.HasPrefix(name, ".") {
		return "", 0, false
	}
	n, err := strconv.ParseUint(name[i+1:], 10, 31)
	if err != nil || strconv.FormatUint(n, 10) != name[i+1:] {
		return "", 0, false
	}
	return name[:i], int32(n), true
}

// deletedName is what a directory is called while it waits for its deletion: Kafka's form, with the topic's name
// cut so that it stays a legal file name.
func deletedName(p Partition, unique string) string {
	suffix := "-" + strconv.Itoa(int(p.Index)) + "." + unique + deleteSuffix
	return p.Topic[:min(len(p.Topic), maxNameBytes-len(suffix))] + suffix
}
