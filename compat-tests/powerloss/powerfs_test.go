package powerloss

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/sordini/sordini/compat-tests/harness"
)

// powerFS is a running powerfs.
type powerFS struct {
	bin, mount, socket string
	in                 io.WriteCloser
	out                *bufio.Scanner
}

// startFS mounts an empty file system below dir.
func startFS(t *testing.T, dir string) *powerFS {
	t.Helper()
	if os.Getenv("SORDINI_NO_MOUNT") != "" {
		t.Skip("SORDINI_NO_MOUNT is set: nothing is to be mounted on this machine")
	}
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("a FUSE file system of our own needs Linux and root")
	}
	bin, err := harness.Build("compat-tests/powerloss/fs", ".", "powerfs")
	if err != nil {
		t.Fatal(err)
	}
	fs := &powerFS{bin: bin, mount: filepath.Join(dir, "mnt"), socket: filepath.Join(dir, "syncs")}
	if err := os.MkdirAll(fs.mount, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "serve", fs.mount, fs.socket)
	cmd.Stderr = os.Stderr
	if fs.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	fs.out = bufio.NewScanner(out)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		fs.in.Close() // it unmounts and ends, also when this process dies
		io.Copy(io.Discard, out)
		cmd.Wait()
		syscall.Unmount(fs.mount, syscall.MNT_DETACH)
	})
	if got := fs.answer(); got != "ready" {
		t.Fatalf("powerfs cannot mount (SORDINI_NO_MOUNT=1 skips this test): %q", got)
	}
	return fs
}

func (fs *powerFS) answer() string {
	if !fs.out.Scan() {
		return fmt.Sprintf("powerfs has ended: %v", fs.out.Err())
	}
	return fs.out.Text()
}

func (fs *powerFS) ask(t *testing.T, format string, args ...any) string {
	t.Helper()
	if _, err := fmt.Fprintf(fs.in, format+"\n", args...); err != nil {
		t.Fatal(err)
	}
	answer := fs.answer()
	if strings.HasPrefix(answer, "error") || strings.HasPrefix(answer, "powerfs") {
		t.Fatalf("%s: %s", fmt.Sprintf(format, args...), answer)
	}
	return answer
}

// medium says how the medium behaves; see fs/doc.go.
func (fs *powerFS) medium(t *testing.T, journal bool) {
	t.Helper()
	if journal {
		fs.ask(t, "journal")
		return
	}
	fs.ask(t, "strict")
}

// cut is the loss of power; the programs that used the file system are dead. It says what was lost.
func (fs *powerFS) cut(t *testing.T, seed uint64, percent int, journal bool) string {
	t.Helper()
	fs.ask(t, "unmount")
	lost := fs.ask(t, "crash %d %d", seed, percent)
	medium := "strict"
	if journal {
		medium = "journal"
	}
	fs.ask(t, "mount")
	return fmt.Sprintf("%s (%s, %d %%)", lost, medium, percent)
}

// wrap starts a program such that the file system learns of its syncfs calls.
func (fs *powerFS) wrap() []string { return []string{fs.bin, "launch", fs.socket} }
