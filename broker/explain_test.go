package broker

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sordini/sordini/broker/config"
	"github.com/sordini/sordini/storage"
	"github.com/sordini/sordini/storage/vfs"
)

func TestExplainDir(t *testing.T) {
	dir := t.TempDir()
	pid, euid := os.Getpid(), os.Geteuid()
	owner := fmt.Sprintf("permission denied; %s belongs to this process's user %d, who may not use it as it is (mode -rwxr-xr-x): run `chmod -R u+rwX %s`, or choose another directory with --data", dir, euid, dir)
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("open x: %w", syscall.EACCES), "open x: " + owner},
		{fmt.Errorf("lock: %w", &vfs.LockedError{Name: "/d/.lock", PID: pid}), fmt.Sprintf("log directory /d is in use by %s, which holds its .lock; stop that process or choose another directory with --data", processText(fmt.Sprint(pid)))},
		{&vfs.LockedError{Name: "/d/.lock"}, "log directory /d is in use by another process, which holds its .lock; stop that process or choose another directory with --data"},
		{fmt.Errorf("mkdir x: %w", syscall.EROFS), "mkdir x: read-only file system; mount it so that it can be written to, or choose another directory with --data"},
		{fmt.Errorf("mkdir x: %w", syscall.ENOTDIR), "mkdir x: not a directory; there is a file where a directory should be: choose another directory with --data"},
		{fmt.Errorf("log directory x: %w", storage.ErrBadMeta), "log directory x: bad meta.properties; nothing was changed: put the right file back (it has version=1, cluster.id, node.id and directory.id) or choose another directory with --data"},
		{fmt.Errorf("log directory x: %w", storage.ErrForeignDir), "log directory x: directory is not empty and has no meta.properties; nothing was changed in it: choose another directory with --data, one that is empty or not there yet"},
		{fmt.Errorf("write x: %w", syscall.ENOSPC), "write x: no space left on device; make room there, for example by deleting files that are not the broker's, and start again"},
		{fs.ErrExist, fs.ErrExist.Error()},
	} {
		if got := explainDir(c.err, []string{filepath.Join(dir, "not", "there")}); got.Error() != c.want {
			t.Errorf("got  %v\nwant %s", got, c.want)
		}
	}
}

// With several log directories the first one was named, whichever it was that could not be used, and its owner was told to give it to himself.
func TestPermissionNamesTheDirectoryThatWasRefused(t *testing.T) {
	base := t.TempDir()
	fine, refused := filepath.Join(base, "a"), filepath.Join(base, "b")
	for _, dir := range []string{fine, refused} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	err := fmt.Errorf("lock data directory: %w", &fs.PathError{Op: "open", Path: filepath.Join(refused, ".lock"), Err: syscall.EACCES})

	got := explainDir(err, []string{fine, refused}).Error()

	if !strings.Contains(got, "run `chmod -R u+rwX "+refused+"`") || strings.Contains(got, fine) {
		t.Error(got)
	}
	if os.Geteuid() != 0 {
		return // only root can make somebody else the owner
	}
	if err := os.Chown(refused, 12345, -1); err != nil {
		t.Fatal(err)
	}
	if got := explainDir(err, []string{fine, refused}).Error(); !strings.Contains(got, "belongs to user 12345 and this process runs as user 0: run `chown -R 0 "+refused+"`") {
		t.Error(got)
	}
}

func TestListenersThatCannotBeOpened(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	for _, c := range []struct {
		host string
		want string
	}{
		{"127.0.0.1", fmt.Sprintf("listener PLAINTEXT://127.0.0.1:%d: the port is in use by process %d (", port, os.Getpid())},
		{"192.0.2.1", "192.0.2.1 is no address of this machine, whose addresses are 127.0.0.1"}, // of a network for documents
	} {
		_, err := openListener(config.Listener{Name: "PLAINTEXT", Host: c.host, Port: int32(port)})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.host, err)
		}
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{syscall.EACCES, "this process may not listen there; ports below 1024 need a privilege: listen on another port"},
		{&net.DNSError{Name: "h"}, "the name h is not known; correct it, or listen without a host on all addresses (:7)"},
		{syscall.EINVAL, syscall.EINVAL.Error()},
	} {
		if got := explainListen(c.err, "h", 7); got.Error() != c.want {
			t.Errorf("got  %v\nwant %s", got, c.want)
		}
	}
}
