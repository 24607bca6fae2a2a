package broker

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/sordini/sordini/storage"
	"github.com/sordini/sordini/storage/vfs"
)

// The first of several log directories keeps a list of all of them, for one that is not there must be missed: what an unmounted disk leaves is
// an empty directory, and to format it would give its partitions' offsets to other records.

const (
	knownDirsFile  = ".log-dirs"
	knownDirsLimit = 1 << 20
	knownDirsText  = "# The log directories whose partitions the metadata beside this file knows: directory.id and path. The broker does not\n" +
		"# start without one of them. Take a line out to give up for good what is in that directory.\n"
)

// knownDir is a line of the file.
type knownDir struct{ id, path string }

func parseKnownDirs(b []byte) []knownDir {
	var dirs []knownDir
	for line := range strings.Lines(string(b)) {
		id, path, ok := strings.Cut(strings.TrimSpace(line), " ")
		if ok && !strings.HasPrefix(id, "#") {
			dirs = append(dirs, knownDir{id, strings.TrimSpace(path)})
		}
	}
	return dirs
}

func appendKnownDirs(dst []byte, dirs []knownDir) []byte {
	dst = append(dst, knownDirsText...)
	for _, d := range dirs {
		dst = append(dst, d.id+" "+d.path+"\n"...)
	}
	return dst
}

// checkKnownDirs refuses to start without a directory that was in use. found are the identities of those that are formatted.
func (s *Server) checkKnownDirs(found []storage.Meta) error {
	first := s.cfg.LogDirs[0]
	file := s.opts.FS.PathJoin(first, knownDirsFile)
	b, err := vfs.ReadFile(s.opts.FS, file, knownDirsLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("log directory %s: %w", first, err)
	}
	there := map[string]bool{}
	for _, meta := range found {
		there[meta.DirectoryID] = true
	}
	for _, d := range parseKnownDirs(b) {
		if !there[d.id] {
			return fmt.Errorf("log directory %s (directory.id %s) is in use, and log.dirs has no directory with that id: nothing was changed; mount its disk, or put it back into log.dirs; to give up for good what is in it, take its line out of %s", d.path, d.id, file)
		}
	}
	return nil
}

// writeKnownDirs keeps the list, where it has changed. A single directory needs none.
func (s *Server) writeKnownDirs() error {
	file := s.opts.FS.PathJoin(s.dirs[0].Path(), knownDirsFile)
	old, err := vfs.ReadFile(s.opts.FS, file, knownDirsLimit)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read %s: %w", file, err)
	}
	if len(s.dirs) == 1 && err != nil {
		return nil
	}
	var dirs []knownDir
	for _, d := range s.dirs {
		if id := d.Meta().DirectoryID; id != "" {
			dirs = append(dirs, knownDir{id, d.Path()})
		}
	}
	b := appendKnownDirs(nil, dirs)
	if string(b) == string(old) {
		return nil
	}
	if err := vfs.WriteFileAtomic(s.dirs[0].ReserveFS(), file, b); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}
