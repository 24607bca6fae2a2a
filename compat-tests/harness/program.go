package harness

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Program is a foreign program that works by itself and reports on its output, until its input ends.
type Program struct {
	name string
	proc *process
	in   io.WriteCloser
	read chan struct{} // closed when the output has ended
}

// StartProgram starts a program for the length of the test. Its output is given to line, one line after the other, from a goroutine
// that has ended when Finish or Kill returns; what it says on stderr is shown when the test fails.
func StartProgram(t testing.TB, name string, cmd *exec.Cmd, line func([]byte)) *Program {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe() // as an agent's
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = w
	p := &Program{name: name, in: in, read: make(chan struct{})}
	p.proc, err = startProcess(name, cmd, filepath.Join(t.TempDir(), name+".log"))
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.read)
		defer r.Close()
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			line(lines.Bytes())
		}
	}()
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Log(p.proc.tail(40))
		}
	})
	return p
}

// Finish ends the program's input and waits for its end, which must be a good one.
func (p *Program) Finish(t testing.TB, patience time.Duration) {
	t.Helper()
	p.in.Close()
	if !p.proc.await(patience) {
		t.Errorf("%s did not end within %v of its input\n%s", p.name, patience, p.proc.tail(25))
	} else if p.proc.err != nil {
		t.Errorf("%s: %v\n%s", p.name, p.proc.err, p.proc.tail(25))
	}
	p.Kill()
}

// Kill ends the program without a word.
func (p *Program) Kill() {
	p.proc.kill()
	<-p.read
}
