package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// process is a child that the harness owns: its output goes to a file, its end is always awaited.
type process struct {
	name    string
	cmd     *exec.Cmd
	logPath string
	done    chan struct{} // closed when the child was reaped; err is set before
	err     error
}

// startProcess starts cmd with its output appended to logPath. Stdout is left alone when the caller has taken it.
func startProcess(name string, cmd *exec.Cmd, logPath string) (*process, error) {
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", name, err)
	}
	defer log.Close()
	if cmd.Stdout == nil {
		cmd.Stdout = log
	}
	cmd.Stderr = log
	// A test binary that is killed or panics runs no clean-up: the kernel ends its children then.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &process{name: name, cmd: cmd, logPath: logPath, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// signal ends the process by its own pid and waits; a process that does not listen within patience is killed, and that
// is an error.
func (p *process) signal(sig syscall.Signal, patience time.Duration) error {
	if p.ended() {
		return fmt.Errorf("%s had already ended: %v", p.name, p.err)
	}
	if err := p.cmd.Process.Signal(sig); err != nil && !p.ended() {
		return fmt.Errorf("send %v to %s: %w", sig, p.name, err)
	}
	if p.await(patience) {
		return nil
	}
	p.kill()
	return fmt.Errorf("%s did not end within %v of %v", p.name, patience, sig)
}

func (p *process) await(patience time.Duration) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.done:
		return true
	case <-timer.C:
		return false
	}
}

func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.done
}

// tail returns the last lines of the log, for the message of a failed test.
func (p *process) tail(lines int) string {
	b, err := os.ReadFile(p.logPath)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	for i, line := range all {
		all[i] = fmt.Sprintf("%.240s", line)
	}
	return fmt.Sprintf("--- last lines of %s ---\n%s", filepath.Base(p.logPath), strings.Join(all, "\n"))
}
