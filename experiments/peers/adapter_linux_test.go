package peers

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"medusa/control"
)

// patience bounds what should happen at once.
const patience = 20 * time.Second

// running is an adapter with its server.
type running struct {
	t      *testing.T
	cmd    *exec.Cmd
	in     io.WriteCloser
	events *bufio.Scanner
	stderr bytes.Buffer
}

// begin starts an adapter over a server of the given mode.
func begin(t *testing.T, mode string, change func(*Config)) *running {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Spec:    Spec{Name: mode, Command: []string{self, "server", mode, "{address}", "{port}"}, Ready: "/"},
		Address: netip.MustParseAddr("127.0.0.1"), Temp: t.TempDir(), Patience: patience,
	}
	if change != nil {
		change(&cfg)
	}
	return start(t, self, "adapter", cfg)
}

// start runs this test binary in a role, in a process group of its own that does
// not outlive the test.
func start(t *testing.T, self, role string, cfg any) *running {
	t.Helper()
	text, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, cmd: exec.Command(self, role, string(text))}
	r.cmd.Stderr = &r.stderr
	r.cmd.WaitDelay = time.Second
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if r.in, err = r.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.events = bufio.NewScanner(out)
	r.events.Buffer(nil, 1<<20)
	t.Cleanup(func() {
		_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
		_ = r.cmd.Wait()
	})
	return r
}

func (r *running) next() control.Event {
	r.t.Helper()
	if !r.events.Scan() {
		r.t.Fatalf("no event; standard error: %s", r.stderr.String())
	}
	var e control.Event
	if err := json.Unmarshal(r.events.Bytes(), &e); err != nil {
		r.t.Fatal(err)
	}
	return e
}

func (r *running) ready() control.Ready {
	r.t.Helper()
	e := r.next()
	if e.Event != "ready" || e.Ready == nil {
		r.t.Fatalf("first event: %+v; standard error: %s", e, r.stderr.String())
	}
	return *e.Ready
}

func (r *running) snapshot(full bool) *control.Snapshot {
	r.t.Helper()
	fmt.Fprintf(r.in, "{\"do\":\"snapshot\",\"full\":%v}\n", full)
	e := r.next()
	if e.Snapshot == nil {
		r.t.Fatalf("instead of a snapshot: %+v", e)
	}
	return e.Snapshot
}

// gone waits until none of the processes is left.
func (r *running) gone(pids ...int) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		left := 0
		for _, pid := range pids {
			if syscall.Kill(pid, 0) == nil {
				left++
			}
		}
		if left == 0 {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%d of the processes %v are left", left, pids)
		}
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// The CPU time of a tree has that of children that have ended and of those
// that live.
func TestTreeTime(t *testing.T) {
	t.Parallel()
	r := begin(t, "burn", nil)
	ready := r.ready()
	s := r.snapshot(true)
	// A child's time comes in ticks.
	if least := int64(2*burnt - 10*time.Millisecond); s.CPUNs < least {
		t.Errorf("CPU time is %d ns, at least %d were spent", s.CPUNs, least)
	}
	if len(s.PIDs) != 1 || s.PIDs[0] != ready.PID {
		t.Errorf("processes %v, started was %d", s.PIDs, ready.PID)
	}
	if s.Full.RSSBytes <= 0 || s.Full.AnonBytes <= 0 || s.Full.AnonBytes > s.Full.RSSBytes || s.Full.OpenFDs < 4 || s.VoluntarySwitches <= 0 {
		t.Errorf("snapshot %+v, %+v", s, s.Full)
	}
	if again := r.snapshot(false); again.Full != nil || again.CPUNs < s.CPUNs || again.AtNs <= s.AtNs {
		t.Errorf("from %+v to %+v", s, again)
	}
}

// Connections are those that the kernel has.
func TestConnections(t *testing.T) {
	t.Parallel()
	r := begin(t, "answer", nil)
	ready := r.ready()
	for i := range 3 {
		c, err := net.Dial("tcp", ready.HTTP)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if got := r.snapshot(true).Connections; got != i+1 {
			t.Errorf("%d connections, %d are open", got, i+1)
		}
	}
}

// The server has its limit of descriptors and its CPUs from the start.
func TestConfined(t *testing.T) {
	t.Parallel()
	all := control.CPUs()
	last := all[len(all)-1]
	r := begin(t, "answer", func(c *Config) { c.NoFile, c.CPUs, c.Own = 321, []int{last}, []int{all[0]} })
	ready := r.ready()
	if got, want := get(t, "http://"+ready.HTTP+"/facts"), fmt.Sprintf("[%d] 321", last); got != want {
		t.Errorf("the server says %q, want %q", got, want)
	}
	if ready.NoFile != 321 || ready.Backend != "answer" || ready.Engine != "peer" || ready.UsableFDs != control.Usable(321, ready.OpenFDs) {
		t.Errorf("ready: %+v", ready)
	}
}

// What does not start fails, with the reason, and leaves nothing.
func TestDoesNotStart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ mode, ready, want, said string }{
		{"die", "/", "die ended by itself with status 3", "cannot read the configuration"},
		{"mute", "/", "mute does not answer GET / within", ""},
		{"answer", "/missing", "answer does not answer GET /missing within", ""},
		{"answer", "/die", "answer ended by itself with status 4", ""},
	} {
		t.Run(c.mode+c.ready, func(t *testing.T) {
			t.Parallel()
			r := begin(t, c.mode, func(cfg *Config) {
				if cfg.Ready = c.ready; strings.Contains(c.want, "within") {
					cfg.Patience = 300 * time.Millisecond
				}
			})
			e := r.next()
			if e.Event != "error" || !strings.Contains(e.Message, c.want) {
				t.Errorf("event %+v, want %q", e, c.want)
			}
			if err := r.cmd.Wait(); err == nil || !strings.Contains(r.stderr.String(), c.said) {
				t.Errorf("it ended with %v, and said %q", err, r.stderr.String())
			}
			if err := syscall.Kill(-r.cmd.Process.Pid, 0); err == nil {
				t.Error("something is left of its group")
			}
		})
	}
}

// Whatever a server does, it and all that it started end with the adapter:
// when told to stop, when the input ends, at a signal.
func TestEndsWithAll(t *testing.T) {
	t.Parallel()
	ways := map[string]func(r *running){
		"stop":   func(r *running) { fmt.Fprintln(r.in, `{"do":"stop"}`) },
		"eof":    func(r *running) { r.in.Close() },
		"signal": func(r *running) { _ = r.cmd.Process.Signal(syscall.SIGTERM) },
	}
	for mode, processes := range map[string]int{"answer": 1, "leave": 2, "stubborn": 2} {
		for way, end := range ways {
			t.Run(mode+" "+way, func(t *testing.T) {
				t.Parallel()
				r := begin(t, mode, nil)
				r.ready()
				pids := r.snapshot(false).PIDs
				if len(pids) != processes {
					t.Errorf("processes %v, want %d", pids, processes)
				}
				end(r)
				if err := r.cmd.Wait(); err != nil {
					t.Errorf("it ended with %v", err)
				}
				for _, pid := range pids {
					if syscall.Kill(pid, 0) == nil {
						t.Errorf("process %d is left", pid)
					}
				}
			})
		}
	}
}

// A killed adapter takes its server along.
func TestKilled(t *testing.T) {
	t.Parallel()
	r := begin(t, "answer", nil)
	ready := r.ready()
	if err := r.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = r.cmd.Wait()
	r.gone(ready.PID)
}

// A server that ends while it is measured is an error.
func TestEndsEarly(t *testing.T) {
	t.Parallel()
	r := begin(t, "answer", nil)
	c, err := net.Dial("tcp", r.ready().HTTP)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET /die HTTP/1.1\r\nHost: a\r\n\r\n")
	if e := r.next(); e.Event != "error" || !strings.Contains(e.Message, "ended by itself with status 4") {
		t.Errorf("event %+v", e)
	}
}

// Words in braces are filled in, in the command and in files; other braces
// stay. What was made for a server is removed with it.
func TestFilledIn(t *testing.T) {
	t.Parallel()
	kept := filepath.Join(t.TempDir(), "kept")
	r := begin(t, "answer", func(c *Config) {
		c.Config = []File{{"a/one.conf", "listen {address}:{port}; { return {other}; }"}, {"two.conf", "cpus {cpus} nofile {nofile}"}}
		c.NoFile = 200
		c.Command = []string{"/bin/sh", "-c", "cp {config} " + kept + "; cat {dir}/two.conf >> " + kept + "; echo {dir} >> " + kept + "; exec \"$@\"", "sh", c.Command[0], "server", "answer", "{address}", "{port}"}
	})
	ready := r.ready()
	text, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	got, dir, _ := strings.Cut(strings.TrimSpace(string(text)), "200")
	if want := "listen " + ready.HTTP + "; { return {other}; }cpus 1 nofile "; got != want {
		t.Errorf("filled in is %q, want %q", got, want)
	}
	if p := ready.Peer; p == nil || len(p.Files) != 2 || p.Files[0].Name != "a/one.conf" || len(p.Files[1].SHA256) != 64 {
		t.Errorf("described as %+v", p)
	}
	r.in.Close()
	_ = r.cmd.Wait()
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder %q is left: %v", dir, err)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for argument, want := range map[string]string{
		"{port}": "", "a{address}:{port}b": "", "{prot}": `{prot} stands for nothing; the nearest is {port}`, "{ port }": "", "{Port}": "",
	} {
		err := CheckWords(argument)
		if got := fmt.Sprint(err); err == nil && want != "" || err != nil && got != want {
			t.Errorf("%s: %v, want %q", argument, err, want)
		}
	}
}
