package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// systemDataDir is where a system service keeps its data.
const systemDataDir = "/var/lib/sordini"

// defaultDataDir is the data directory of somebody who configured none: the system's for root, else the user's own. It is "" when the user has no home.
func defaultDataDir(euid int, environ []string) string {
	if euid == 0 {
		return systemDataDir
	}
	if dir := variable(environ, "XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "sordini")
	}
	if home := variable(environ, "HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".local", "share", "sordini")
	}
	return ""
}

// explainDataDir adds to an error about a data directory whose it is and what to do, where the cause is a missing permission.
func explainDataDir(err error, dirs []string) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	for _, dir := range dirs {
		owned := nearestExisting(dir)
		info, statErr := os.Stat(owned)
		if statErr != nil {
			continue
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			continue
		}
		return fmt.Errorf("%w; %s belongs to user %d and this process runs as user %d: run `chown -R %d %s`, or choose another directory with --data",
			err, owned, stat.Uid, os.Geteuid(), os.Geteuid(), dir)
	}
	return err
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
