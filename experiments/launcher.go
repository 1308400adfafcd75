package experiments

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"medusa/control"
)

// Launcher starts the processes of trials. The real one is Processes; tests
// drive whole suites with others.
type Launcher interface {
	// Launch starts a process with this argument vector.
	Launch(argv []string) (Process, error)
}

// Process is a started process with its standard streams.
type Process interface {
	PID() int
	Input() io.WriteCloser // its standard input
	Output() io.Reader     // its standard output
	// ErrorTail returns the last 4 KiB that it wrote to standard error.
	ErrorTail() string
	// Wait returns when the process has ended and is reaped. It may be
	// called more than once. The error says how it ended unless with 0.
	Wait() error
	// Kill ends the process and all that it started, at once. It does not
	// wait; on an ended process it does nothing.
	Kill()
}

// Processes launches operating system processes, each in a process group of
// its own: a Ctrl-C at the terminal does not reach them, and Kill takes what
// they started with them.
type Processes struct{}

type process struct {
	cmd    *exec.Cmd
	in     *os.File
	out    *os.File
	stderr control.Tail
	ended  chan struct{} // closed once reaped
	err    error         // how it ended; read after ended

	mu     sync.Mutex
	reaped bool
}

// Launch starts argv[0], looked up in PATH.
func (Processes) Launch(argv []string) (Process, error) {
	if len(argv) == 0 {
		return nil, errors.New("nothing to start")
	}
	inR, inW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		inR.Close()
		inW.Close()
		return nil, err
	}
	p := &process{cmd: exec.Command(argv[0], argv[1:]...), in: inW, out: outR, ended: make(chan struct{})}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = inR, outW, &p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// A grandchild that holds standard error open must not hold up Wait.
	p.cmd.WaitDelay = time.Second
	err = p.cmd.Start()
	inR.Close()
	outW.Close()
	if err != nil {
		inW.Close()
		outR.Close()
		return nil, fmt.Errorf("cannot start %s: %w", argv[0], err)
	}
	go p.reap()
	return p, nil
}

func (p *process) reap() {
	err := p.cmd.Wait()
	p.mu.Lock()
	p.reaped = true
	p.mu.Unlock()
	// What the process left behind in its group ends too. Its number cannot
	// have been given to another group in the moment since it was reaped:
	// numbers are given out in turn.
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	p.err = err
	close(p.ended)
}

func (p *process) PID() int              { return p.cmd.Process.Pid }
func (p *process) Input() io.WriteCloser { return p.in }
func (p *process) Output() io.Reader     { return p.out }
func (p *process) ErrorTail() string     { return p.stderr.String() }

func (p *process) Wait() error {
	<-p.ended
	// Closing also ends a reader that waits for a grandchild's output.
	p.in.Close()
	p.out.Close()
	return p.err
}

func (p *process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped {
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	}
}

// Signal sends a signal to the process and all that it started.
func (p *process) Signal(s syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped {
		return os.ErrProcessDone
	}
	return syscall.Kill(-p.cmd.Process.Pid, s)
}

// splitWords splits a command prefix such as `ssh -p 22 'my host'` into words
// the way a shell does without expanding anything: blanks separate, single and
// double quotes group, a backslash takes the next character as it is (inside
// single quotes it stands for itself).
func splitWords(s string) ([]string, error) {
	var words []string
	var word strings.Builder
	in, quote := false, rune(0)
	escaped := false
	for _, r := range s {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, in = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, in = r, true
		case r == ' ' || r == '\t' || r == '\n':
			if in {
				words = append(words, word.String())
				word.Reset()
				in = false
			}
		default:
			word.WriteRune(r)
			in = true
		}
	}
	if quote != 0 || escaped {
		return nil, fmt.Errorf("%q: a quote or a backslash is left open", s)
	}
	if in {
		words = append(words, word.String())
	}
	return words, nil
}
