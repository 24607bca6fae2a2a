package load

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/sordini/sordini/compat-tests/harness"
)

// Broker is a broker process that is started and killed over and over. Unlike harness.Broker it may be killed while it starts,
// run under another program, and end by itself without failing a test.
type Broker struct {
	Bin      string
	Wrap     []string // a program and its arguments that start Bin
	Addr     string   // host:port
	Dir      string
	Settings []string // key=value
	LogPath  string

	cmd  *exec.Cmd
	done chan struct{} // closed when the process was reaped
}

// Start starts the process and does not wait for it.
func (b *Broker) Start() error {
	argv := append(append([]string{}, b.Wrap...), b.Bin, "serve", "--data", b.Dir, "--override", "listeners=PLAINTEXT://"+b.Addr,
		"--override", "sordini.http.address=")
	for _, s := range b.Settings {
		argv = append(argv, "--override", s)
	}
	log, err := os.OpenFile(b.LogPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	b.cmd = exec.Command(argv[0], argv[1:]...)
	b.cmd.Stdout, b.cmd.Stderr = log, log
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := b.cmd.Start(); err != nil {
		return fmt.Errorf("start the broker: %w", err)
	}
	done := make(chan struct{})
	b.done = done
	go func() {
		b.cmd.Wait()
		close(done)
	}()
	return nil
}

// Kill sends SIGKILL and waits until the process is gone. A broker that has ended before, or never began, is no error.
func (b *Broker) Kill() {
	if b.cmd == nil {
		return
	}
	b.cmd.Process.Kill()
	<-b.done
}

// Ended says whether the process has ended.
func (b *Broker) Ended() bool {
	select {
	case <-b.done:
		return true
	default:
		return false
	}
}

// Ready waits until the broker answers.
func (b *Broker) Ready(patience time.Duration) error {
	deadline := time.Now().Add(patience)
	for {
		err := harness.Probe(b.Addr)
		switch {
		case err == nil:
			return nil
		case b.Ended():
			return fmt.Errorf("the broker ended while it started: %v\n%s", b.cmd.ProcessState, b.Tail(30))
		case time.Now().After(deadline):
			return fmt.Errorf("the broker does not answer after %v: %w\n%s", patience, err, b.Tail(30))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Tail returns the last lines of the broker's log.
func (b *Broker) Tail(lines int) string {
	text, err := os.ReadFile(b.LogPath)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	return strings.Join(all[max(len(all)-lines, 0):], "\n")
}
