package storage

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/sordini/sordini/storage/vfs"
)

const (
	metaFile     = "meta.properties"
	metaVersion  = 1
	metaMaxBytes = 64 << 10
	lockFile     = ".lock"
	indexDir     = ".index"
)

// Meta is the identity of a data directory, kept in Kafka's meta.properties, version 1.
type Meta struct {
	ClusterID   string
	NodeID      int32
	DirectoryID string // unique to the directory; empty in directories that an older Kafka made
}

// ErrNotFormatted: the directory is empty or missing, and FormatDir may make it a data directory.
var ErrNotFormatted = errors.New("storage: directory is not formatted")

// ErrForeignDir: the directory holds something, and it is not a data directory of ours.
var ErrForeignDir = errors.New("directory is not empty and has no meta.properties")

// ErrBadMeta: the directory has a meta.properties that says less, or something else, than it must.
var ErrBadMeta = errors.New("bad meta.properties")

// ReadMeta reads a directory's identity and changes nothing.
func ReadMeta(fsys vfs.FS, path string) (Meta, error) {
	b, err := vfs.ReadFile(fsys, fsys.PathJoin(path, metaFile), metaMaxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return Meta{}, unformatted(fsys, path)
	}
	if err != nil {
		return Meta{}, fmt.Errorf("read meta.properties: %w", err)
	}
	m, err := parseMeta(b)
	if err != nil {
		return Meta{}, fmt.Errorf("%w: %w", ErrBadMeta, err)
	}
	return m, nil
}

// unformatted tells an empty directory from somebody else's.
func unformatted(fsys vfs.FS, path string) error {
	names, err := fsys.List(path)
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNotFormatted
	}
	if err != nil {
		return fmt.Errorf("list %s: %w", path, err)
	}
	for _, name := range names {
		switch name {
		case lockFile, "lost+found", metaFile + ".tmp":
		default:
			return fmt.Errorf("%w, but %q", ErrForeignDir, name)
		}
	}
	return ErrNotFormatted
}

// FormatDir makes an empty or missing directory a data directory. It is durable when FormatDir returns.
func FormatDir(fsys vfs.FS, path string, m Meta) error {
	_, err := ReadMeta(fsys, path)
	if err == nil {
		return fmt.Errorf("format %s: it is formatted already", path)
	}
	if !errors.Is(err, ErrNotFormatted) {
		return err
	}
	if err := fsys.MkdirAll(path, 0o755); err != nil {
		return fmt.Errorf("format %s: %w", path, err)
	}
	if err := vfs.WriteFileAtomic(fsys, fsys.PathJoin(path, metaFile), appendMeta(nil, m)); err != nil {
		return fmt.Errorf("format %s: %w", path, err)
	}
	if err := fsys.SyncDir(fsys.PathDir(path)); err != nil {
		return fmt.Errorf("format %s: %w", path, err)
	}
	return nil
}

func appendMeta(dst []byte, m Meta) []byte {
	dst = append(dst, "#\n"...)
	dst = append(dst, "cluster.id="+escapeProperty(m.ClusterID)+"\n"...)
	if m.DirectoryID != "" {
		dst = append(dst, "directory.id="+escapeProperty(m.DirectoryID)+"\n"...)
	}
	dst = append(dst, "node.id="+strconv.Itoa(int(m.NodeID))+"\n"...)
	return append(dst, "version="+strconv.Itoa(metaVersion)+"\n"...)
}

// parseMeta accepts version 1 and refuses every other, because a newer one may mean what we do not know.
func parseMeta(b []byte) (Meta, error) {
	props := parseProperties(b)
	version, ok := props["version"]
	if !ok {
		return Meta{}, errors.New("it has no version")
	}
	if version == "0" {
		return Meta{}, errors.New("version 0 is of a ZooKeeper-based broker, which is not supported")
	}
	if version != strconv.Itoa(metaVersion) {
		return Meta{}, fmt.Errorf("version %q is not supported, only %d is", version, metaVersion)
	}
	node, err := strconv.ParseInt(props["node.id"], 10, 32)
	if err != nil || node < 0 {
		return Meta{}, fmt.Errorf("node.id %q is not a node id", props["node.id"])
	}
	if props["cluster.id"] == "" {
		return Meta{}, errors.New("it has no cluster.id")
	}
	return Meta{ClusterID: props["cluster.id"], NodeID: int32(node), DirectoryID: props["directory.id"]}, nil
}

// parseProperties reads the plain subset of Java's properties that such files consist of: one key=value or
// key:value per line, comments, and backslash escapes of single characters.
func parseProperties(b []byte) map[string]string {
	props := make(map[string]string)
	for line := range bytes.Lines(b) {
		text := strings.TrimSpace(string(line))
		if text == "" || text[0] == '#' || text[0] == '!' {
			continue
		}
		key, value, _ := cutProperty(text)
		props[unescapeProperty(strings.TrimSpace(key))] = unescapeProperty(strings.TrimSpace(value))
	}
	return props
}

// cutProperty splits at the first = or : that no backslash escapes.
func cutProperty(text string) (key, value string, found bool) {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '=', ':':
			return text[:i], text[i+1:], true
		}
	}
	return text, "", false
}

func unescapeProperty(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

func escapeProperty(s string) string {
	return strings.NewReplacer(`\`, `\\`, "=", `\=`, ":", `\:`).Replace(s)
}
