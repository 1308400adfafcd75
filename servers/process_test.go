package servers

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"medusa/control"
)

// notify is for the server that TestMain makes of this binary.
func notify() <-chan os.Signal {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM)
	return signals
}

// process is a server in a process of its own.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	out    *bufio.Reader
	stderr strings.Builder
}

func spawn(t *testing.T, cfg Config) *process {
	t.Helper()
	text, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), configVariable+"="+string(text))
	p.cmd.Stderr = &p.stderr
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have ended
		_ = p.cmd.Wait()
	})
	return p
}

// ready reads the first line.
func (p *process) ready() control.Ready {
	p.t.Helper()
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		p.t.Fatalf("no line: %v; stderr %q", err, p.stderr.String())
	}
	// The keys stand in the line itself.
	var ready struct {
		Event string `json:"event"`
		control.Ready
	}
	if err := json.Unmarshal(line, &ready); err != nil || ready.Event != "ready" || ready.PID != p.cmd.Process.Pid {
		p.t.Fatalf("%v: first line %q", err, line)
	}
	return ready.Ready
}

// end waits for the end and checks the exit status.
func (p *process) end(want int) {
	p.t.Helper()
	timer := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	if got := p.cmd.ProcessState.ExitCode(); got != want {
		p.t.Errorf("exit status %d, want %d; stderr %q", got, want, p.stderr.String())
	}
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

func TestPinnedProcess(t *testing.T) {
	cpus := control.CPUs()
	if len(cpus) == 0 {
		t.Skip("SKIPPED: this system cannot pin")
	}
	last := cpus[len(cpus)-1]
	p := spawn(t, Config{Backend: "poll", HTTP: "127.0.0.1:0", Fixed: true, CPUs: []int{last}, NoFile: 77})
	ready := p.ready()
	if fmt.Sprint(ready.CPUs) != fmt.Sprint([]int{last}) || ready.GOMAXPROCS != 1 || ready.NoFile != 77 {
		t.Errorf("on CPUs %v with GOMAXPROCS %d and %d descriptors; want [%d], 1 and 77", ready.CPUs, ready.GOMAXPROCS, ready.NoFile, last)
	}
	if want := 77 - ready.OpenFDs - control.Reserve; ready.UsableFDs != want {
		t.Errorf("%d usable descriptors, want %d", ready.UsableFDs, want)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", ready.PID))
	if err == nil && !strings.Contains(strings.Join(strings.Fields(string(status)), " "), "Max open files 77 77 files") {
		t.Errorf("limits of the process:\n%s", status)
	}
	p.signal(syscall.SIGTERM)
	p.end(0)
}

// TestFullSnapshotAtTheLimit: it is whole, though connections have taken every
// descriptor and more wait.
func TestFullSnapshotAtTheLimit(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend string) {
		const limit = 64
		p := spawn(t, Config{Backend: backend, HTTP: "127.0.0.1:0", Fixed: true, NoFile: limit, Control: true})
		address := p.ready().HTTP
		for range 2 * limit {
			dial(t, address)
		}
		for end := time.Now().Add(patience); ; {
			if _, err := io.WriteString(p.stdin, `{"do":"snapshot","full":true}`+"\n"); err != nil {
				t.Fatal(err)
			}
			line, err := p.out.ReadBytes('\n')
			if err != nil {
				t.Fatal(err)
			}
			var event control.Event
			if err := json.Unmarshal(line, &event); err != nil || event.Snapshot == nil || event.Snapshot.Full == nil {
				t.Fatalf("%q: %v", line, err)
			}
			if event.Snapshot.ListenPauses == 0 {
				if time.Now().After(end) {
					t.Fatalf("it never met the limit: %s", line)
				}
				continue
			}
			// The reserve is free; descriptors inherited with numbers over the limit come on top.
			if f := event.Snapshot.Full; f.OpenFDs < limit-control.Reserve || f.RSSBytes <= 0 || runtime.GOOS == "linux" && (f.AnonBytes <= 0 || f.RunDelayNs < 0 || f.Sockets < limit/2) {
				t.Errorf("at the limit: %s", line)
			}
			break
		}
		p.stdin.Close()
		p.end(0)
	})
}

// TestTermFinishes: a first SIGTERM lets a response in flight arrive, but no
// new connection; a second one does not wait.
func TestTermFinishes(t *testing.T) {
	for _, again := range []bool{false, true} {
		t.Run(fmt.Sprintf("again=%t", again), func(t *testing.T) {
			p := spawn(t, Config{Backend: "poll", HTTP: "127.0.0.1:0", Fixed: true})
			address := p.ready().HTTP
			idle := dial(t, address)
			c := dial(t, address)
			// More than the socket buffers take.
			const asked = 40
			if _, err := c.Write([]byte(strings.Repeat(get("/fixed/1048576"), asked))); err != nil {
				t.Fatal(err)
			}
			in := bufio.NewReader(c)
			if _, err := in.Peek(1); err != nil {
				t.Fatal(err)
			}
			p.signal(syscall.SIGTERM)
			for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
				other, err := dialError(address)
				if err != nil {
					break
				}
				other.Close()
				if time.Now().After(end) {
					t.Fatal("it still accepts connections")
				}
			}
			if again {
				p.signal(syscall.SIGTERM)
				p.end(1)
				if !strings.Contains(p.stderr.String(), "second signal") {
					t.Errorf("stderr %q", p.stderr.String())
				}
				return
			}
			if _, err := idle.Write([]byte("GET /fix")); err != nil {
				t.Fatal(err)
			}
			answers := 0
			for {
				if _, err := in.Peek(1); err == io.EOF {
					break
				}
				if status, body := answer(t, in); status != 200 || len(body) != 1<<20 {
					t.Fatalf("%d, %d bytes", status, len(body))
				}
				answers++
			}
			if answers == 0 || answers == asked {
				t.Errorf("%d of %d were answered", answers, asked)
			}
			c.Close()
			p.end(0)
		})
	}
}

// TestEndOfInput: a server whose runner is gone does not stay.
func TestEndOfInput(t *testing.T) {
	p := spawn(t, Config{Backend: "poll", HTTP: "127.0.0.1:0", Fixed: true, Control: true})
	c := dial(t, p.ready().HTTP)
	if _, err := c.Write([]byte(get("/fixed/1048576"))); err != nil {
		t.Fatal(err)
	}
	p.stdin.Close()
	p.end(0)
}
