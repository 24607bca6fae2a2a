package broker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/sordini/sordini/storage"
	"github.com/sordini/sordini/storage/vfs"
)

// explainDir adds to an error about a data directory what is the matter with the directory and what to do.
func explainDir(err error, dirs []string) error {
	const another = "choose another directory with --data"
	if held := (*vfs.LockedError)(nil); errors.As(err, &held) {
		holder := "another process"
		if held.PID != 0 {
			holder = processText(strconv.Itoa(held.PID))
		}
		return fmt.Errorf("log directory %s is in use by %s, which holds its %s; stop that process or %s", filepath.Dir(held.Name), holder, filepath.Base(held.Name), another)
	}
	switch {
	case errors.Is(err, storage.ErrForeignDir):
		return fmt.Errorf("%w; nothing was changed in it: %s, one that is empty or not there yet", err, another)
	case errors.Is(err, storage.ErrBadMeta):
		return fmt.Errorf("%w; nothing was changed: put the right file back (it has version=1, cluster.id, node.id and directory.id) or %s", err, another)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w; mount it so that it can be written to, or %s", err, another)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w; there is a file where a directory should be: %s", err, another)
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%w; make room there, for example by deleting files that are not the broker's, and start again", err)
	case errors.Is(err, fs.ErrPermission):
		return explainPermission(err, dirs, another)
	}
	return err
}

// explainPermission says whose the directory is, or that its owner may not use it either.
func explainPermission(err error, dirs []string, another string) error {
	dir := refusedDir(err, dirs)
	owned := nearestExisting(dir)
	info, statErr := os.Stat(owned)
	if statErr != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return err
	}
	euid := os.Geteuid()
	if int(stat.Uid) == euid {
		return fmt.Errorf("%w; %s belongs to this process's user %d, who may not use it as it is (mode %v): run `chmod -R u+rwX %s`, or %s",
			err, owned, euid, info.Mode().Perm(), owned, another)
	}
	return fmt.Errorf("%w; %s belongs to user %d and this process runs as user %d: run `chown -R %d %s`, or %s", err, owned, stat.Uid, euid, euid, dir, another)
}

// refusedDir is the directory among those of the configuration that an error is about: the first, unless the error has a path in another.
func refusedDir(err error, dirs []string) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		for _, dir := range dirs {
			inside, relErr := filepath.Rel(dir, at.Path)
			if relErr == nil && filepath.IsLocal(inside) {
				return dir
			}
		}
	}
	return dirs[0]
}

// nearestExisting returns the directory itself, or the closest one above it that is there.
func nearestExisting(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil || filepath.Dir(dir) == dir {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}
