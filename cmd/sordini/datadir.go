package main

import "path/filepath"

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
