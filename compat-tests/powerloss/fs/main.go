package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "powerfs:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 3 && args[0] == "serve":
		return serve(args[1], args[2])
	case len(args) >= 3 && args[0] == "launch":
		return launch(args[1], args[2:])
	}
	return errors.New("want serve MOUNTPOINT SOCKET, or launch SOCKET PROGRAM ARGUMENTS")
}

// session is one mounted disk and the one who gives commands.
type session struct {
	disk       *disk
	mountPoint string
	mounted    *fuse.Server
}

func serve(mountPoint, socket string) error {
	signal.Ignore(os.Interrupt, syscall.SIGTERM) // they go to the whole process group; the end of stdin comes after them
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		return err
	}
	defer l.Close()
	s := &session{disk: newDisk(), mountPoint: mountPoint}
	go listen(l, s.disk)
	if err := s.mount(); err != nil {
		return fmt.Errorf("mount at %s: %w", mountPoint, err)
	}
	fmt.Println("ready")
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		answer, err := s.command(in.Text())
		if err != nil {
			answer = "error: " + err.Error()
		}
		fmt.Println(answer)
	}
	return errors.Join(in.Err(), s.unmount())
}

func (s *session) command(line string) (string, error) {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "halt":
		var n int
		if _, err := fmt.Sscan(rest, &n); err != nil {
			return "", err
		}
		s.disk.haltAfter(n)
		return "ok", nil
	case "halted":
		if s.disk.isHalted() {
			return "yes", nil
		}
		return "no", nil
	case "journal", "strict":
		s.disk.setJournal(verb == "journal")
		return "ok", nil
	case "unmount":
		return "ok", s.unmount()
	case "mount":
		return "ok", s.mount()
	case "crash":
		var seed uint64
		var percent int
		if _, err := fmt.Sscan(rest, &seed, &percent); err != nil {
			return "", err
		}
		if s.mounted != nil {
			return "", errors.New("still mounted: the kernel's cache would survive")
		}
		l := s.disk.crash(seed, percent)
		return fmt.Sprintf("lost %d of %d writes and %d of %d names", l.lostWrites, l.writes, l.lostChanges, l.changes), nil
	}
	return "", fmt.Errorf("unknown command %q", line)
}

func (d *disk) haltAfter(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.ops, d.mu.haltAt = 0, n
}

func (d *disk) isHalted() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mu.halted
}

func (d *disk) setJournal(journal bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.journal = journal
}

func (s *session) mount() error {
	if s.mounted != nil {
		return errors.New("mounted already")
	}
	server, err := fuse.NewServer(newServer(s.disk), s.mountPoint, &fuse.MountOptions{
		Name: "powerfs", FsName: "powerfs", DirectMountStrict: true, DisableXAttrs: true, DisableReadDirPlus: true, MaxWrite: 1 << 20,
	})
	if err != nil {
		return err
	}
	go server.Serve()
	if err := server.WaitMount(); err != nil {
		return err
	}
	s.mounted = server
	return nil
}

// unmount waits a little for the kernel to let go of files of a program that was just killed.
func (s *session) unmount() error {
	if s.mounted == nil {
		return nil
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		err := syscall.Unmount(s.mountPoint, 0)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EBUSY) || time.Now().After(deadline) {
			syscall.Unmount(s.mountPoint, syscall.MNT_DETACH)
			return fmt.Errorf("unmount %s: %w", s.mountPoint, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.mounted.Wait()
	s.mounted = nil
	return nil
}
