package servers

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"medusa/control"
	"medusa/poller/loop"
)

// several is a server of two processes that is told what to do.
func several(backend string) Config {
	return Config{Backend: backend, HTTP: "127.0.0.1:0", Fixed: true, NoFile: 256, Control: true, Processes: 2}
}

// spawnSeveral starts it in a process of its own, and returns its children.
func spawnSeveral(t *testing.T, cfg Config) (p *process, address string, children []int) {
	t.Helper()
	if !loop.SpreadsConnections {
		t.Skip("SKIPPED: this system does not spread connections")
	}
	p = spawn(t, cfg)
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		t.Fatalf("no line: %v; stderr %q", err, p.stderr.String())
	}
	var e control.Event
	if err := json.Unmarshal(line, &e); err != nil || e.Ready == nil || e.PID != p.cmd.Process.Pid || len(e.PIDs) != cfg.Processes {
		t.Fatalf("%v: first line %q", err, line)
	}
	t.Cleanup(func() {
		p.stdin.Close()
		gone(t, e.PIDs)
	})
	return p, e.HTTP, e.PIDs
}

// gone waits until processes have ended.
func gone(t *testing.T, pids []int) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		left := slices.DeleteFunc(slices.Clone(pids), func(pid int) bool { return !runs(pid) })
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("processes %v are left", left)
		}
	}
}

// runs says that a process exists and is no zombie.
func runs(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return runtime.GOOS != "linux" // else it has just ended
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return !strings.HasPrefix(rest, "Z")
}

// holders counts the connections to an address that each of the processes has.
func holders(t *testing.T, address string, pids []int) []int {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Skipf("SKIPPED: this system does not tell whose a socket is: %v", err)
	}
	inodes := map[string]bool{}
	var number int
	fmt.Sscan(port, &number)
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) > 9 && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", number)) && f[3] == "01" {
			inodes["socket:["+f[9]+"]"] = true
		}
	}
	out := make([]int, len(pids))
	for i, pid := range pids {
		dir := fmt.Sprintf("/proc/%d/fd/", pid)
		fds, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, fd := range fds {
			if at, err := os.Readlink(dir + fd.Name()); err == nil && inodes[at] {
				out[i]++
			}
		}
	}
	return out
}

// Many connections are served by both processes; what these count is added up,
// and what was begun is answered before they end.
func TestSeveralProcesses(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend string) {
		p, address, children := spawnSeveral(t, several(backend))
		const clients, each = 64, 3
		var open []net.Conn
		for range clients {
			c := dial(t, address)
			in := bufio.NewReader(c)
			for range each {
				if _, err := c.Write([]byte(get("/fixed/13"))); err != nil {
					t.Fatal(err)
				}
				if status, body := answer(t, in); status != 200 || len(body) != 13 {
					t.Fatalf("%d, %q", status, body)
				}
			}
			open = append(open, c)
		}
		s := p.snapshot(false)
		if s.Requests != clients*each || s.Connections != clients || s.Accepted != clients || !slices.Equal(s.PIDs, children) || s.Full != nil {
			t.Errorf("%+v", s)
		}
		full := p.snapshot(true)
		if f := full.Full; f == nil || f.OpenFDs < clients+2*3 || f.RSSBytes <= 0 || full.CPUNs < s.CPUNs || full.AtNs <= s.AtNs {
			t.Errorf("%+v %+v", full, f)
		}
		// The kernel spreads by a hash: with 64 clients one has none once in 2^63.
		if has := holders(t, address, children); has[0] == 0 || has[1] == 0 || has[0]+has[1] != clients {
			t.Errorf("the processes have %v connections", has)
		}
		if _, err := io.WriteString(p.stdin, `{"do":"stop"}`+"\n"); err != nil {
			t.Fatal(err)
		}
		p.end(0)
		gone(t, children)
		if rest, err := io.ReadAll(open[0]); err != nil || len(rest) > 0 {
			t.Errorf("after the end %q, %v", rest, err)
		}
	})
}

// The time of the process that passes on commands is in the sum, which the last of
// the others stamps.
func TestSeveralCountTheirParent(t *testing.T) {
	var out strings.Builder
	p := &parent{events: control.NewWriter(&out), parts: make([]Config, 2), copies: control.NewCopies(2, "")}
	defer p.copies.End(0)
	least := control.CPUTime()
	if err := p.report([]control.Event{
		{Snapshot: &control.Snapshot{AtNs: 7, CPUNs: 1e9, Requests: 3}},
		{Snapshot: &control.Snapshot{AtNs: 6, CPUNs: 2e9, Requests: 4}},
	}); err != nil {
		t.Fatal(err)
	}
	var e control.Event
	if err := json.Unmarshal([]byte(out.String()), &e); err != nil {
		t.Fatal(err)
	}
	if s := e.Snapshot; s.AtNs != 7 || s.Requests != 7 || s.CPUNs < 3e9+least || s.CPUNs > 3e9+control.CPUTime() {
		t.Errorf("%+v; this process had used %d ns", s, least)
	}
}

// However it is ended, nothing is left, and the exit status says how it went.
func TestSeveralEnd(t *testing.T) {
	for name, c := range map[string]struct {
		do     func(p *process, children []int)
		status int
		stderr string
	}{
		"a signal":     {func(p *process, _ []int) { p.signal(syscall.SIGTERM) }, 0, ""},
		"stop":         {func(p *process, _ []int) { _, _ = io.WriteString(p.stdin, `{"do":"stop"}`+"\n") }, 0, ""},
		"end of input": {func(p *process, _ []int) { p.stdin.Close() }, 0, ""},
		"no command":   {func(p *process, _ []int) { _, _ = io.WriteString(p.stdin, `{"do":"go"}`+"\n") }, 1, `a server does not know the command "go"`},
		"first killed": {func(_ *process, children []int) { _ = syscall.Kill(children[0], syscall.SIGKILL) }, 1, "process 1 of 2 (PID) ended: signal: killed"},
		"last killed":  {func(_ *process, children []int) { _ = syscall.Kill(children[1], syscall.SIGKILL) }, 1, "process 2 of 2 (PID) ended: signal: killed"},
		"one crashes":  {func(_ *process, children []int) { _ = syscall.Kill(children[1], syscall.SIGQUIT) }, 1, "process 2 of 2 (PID) ended: exit status 2: "},
		"killed":       {func(p *process, _ []int) { p.signal(syscall.SIGKILL) }, -1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p, address, children := spawnSeveral(t, several("poll"))
			dial(t, address) // stays, idle
			c.do(p, children)
			p.end(c.status)
			gone(t, children)
			want := c.stderr
			for _, pid := range children {
				if strings.Contains(p.stderr.String(), fmt.Sprintf("(%d)", pid)) {
					want = strings.Replace(want, "PID", fmt.Sprint(pid), 1)
				}
			}
			if !strings.Contains(p.stderr.String(), want) || want == "" && p.stderr.String() != "" {
				t.Errorf("stderr %q, want %q", p.stderr.String(), want)
			}
			if name == "one crashes" && !strings.Contains(p.stderr.String(), "goroutine") {
				t.Errorf("of what the process wrote last nothing is told: %q", p.stderr.String())
			}
		})
	}
}

// A first signal lets all processes answer what is under way, and ends their
// listening; a second one does not wait.
func TestSeveralFinish(t *testing.T) {
	for _, again := range []bool{false, true} {
		t.Run(fmt.Sprintf("again=%t", again), func(t *testing.T) {
			p, address, children := spawnSeveral(t, several("poll"))
			const clients, asked = 32, 20
			var in []*bufio.Reader
			for range clients {
				c := dial(t, address)
				if _, err := c.Write([]byte(strings.Repeat(get("/fixed/1048576"), asked))); err != nil {
					t.Fatal(err)
				}
				r := bufio.NewReader(c)
				if _, err := r.Peek(1); err != nil {
					t.Fatal(err)
				}
				in = append(in, r)
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
				if !strings.Contains(p.stderr.String(), "aborted by a second signal (terminated)") {
					t.Errorf("stderr %q", p.stderr.String())
				}
				gone(t, children)
				return
			}
			for _, r := range in {
				if status, body := answer(t, r); status != 200 || len(body) != 1<<20 {
					t.Errorf("%d, %d bytes", status, len(body))
				}
			}
			for _, r := range in {
				_, _ = io.Copy(io.Discard, r)
			}
			p.end(0)
			gone(t, children)
		})
	}
}

// Each process has its CPU, limit on descriptors and share of the bound on
// connections; the ready line is that of all.
func TestSeveralLimits(t *testing.T) {
	cpus := control.CPUs()
	if len(cpus) == 0 {
		t.Skip("SKIPPED: this system cannot pin")
	}
	cfg := several("poll")
	cfg.Processes, cfg.NoFile, cfg.MaxConnections, cfg.CPUs, cfg.Raw = 3, 99, 8, cpus[:min(2, len(cpus))], "127.0.0.1:0"
	p := spawn(t, cfg)
	ready := p.ready()
	if ready.NoFile != 99 || ready.UsableFDs != 8 || ready.ReserveFDs != 3*reserveFor(99, 2, 1) || ready.GOMAXPROCS != 3 || !slices.Equal(ready.CPUs, cfg.CPUs) || ready.Raw == "" {
		t.Errorf("%+v", ready)
	}
	children := p.snapshot(false).PIDs
	for i, pid := range children {
		if got := allowed(t, pid); got != fmt.Sprint(cfg.CPUs[i%len(cfg.CPUs)]) {
			t.Errorf("process %d may run on CPUs %s", i+1, got)
		}
		limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
		if err == nil && !strings.Contains(strings.Join(strings.Fields(string(limits)), " "), "Max open files 99 99 files") {
			t.Errorf("limits of process %d:\n%s", i+1, limits)
		}
	}
	p.stdin.Close()
	p.end(0)
	gone(t, children)
}

// allowed is the list of CPUs that a process may run on.
func allowed(t *testing.T, pid int) string {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if list, ok := strings.CutPrefix(line, "Cpus_allowed_list:"); ok {
			return strings.TrimSpace(list)
		}
	}
	return ""
}

// What makes no sense is said before anything is served; an address that another
// server of several processes has is not shared with it.
func TestSeveralRefuse(t *testing.T) {
	_, address, _ := spawnSeveral(t, several("poll"))
	for want, change := range map[string]func(*Config){
		"65 processes: give a number from 1 to 64":                              func(c *Config) { c.Processes = 65 },
		"-1 processes: give a number from 1 to 64":                              func(c *Config) { c.Processes = -1 },
		"an access log of 2 processes: one process writes that file":            func(c *Config) { c.AccessLog = "log" },
		"at most 1 connections in 2 processes: each needs one at least":         func(c *Config) { c.MaxConnections = 1 },
		"failed: http: listen on " + address + ": bind: address already in use": func(c *Config) { c.HTTP = address },
		"failed: no descriptor is left for a connection: of 20,":                func(c *Config) { c.NoFile, c.ReserveFDs = 20, 20 },
		"failed: raw: listen on " + address + ": bind: address already in use":  func(c *Config) { c.Raw = address },
	} {
		t.Run(want, func(t *testing.T) {
			cfg := several("poll")
			change(&cfg)
			p := spawn(t, cfg)
			late := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
			defer late.Stop()
			line, _ := io.ReadAll(p.out)
			p.end(1)
			if !strings.Contains(p.stderr.String(), want) || !strings.HasPrefix(string(line), `{"event":"error"`) {
				t.Errorf("stderr %q, output %q", p.stderr.String(), line)
			}
		})
	}
}

// A part has one CPU, its share, and the ports of the first.
func TestDivide(t *testing.T) {
	cfg := Config{Backend: "poll", HTTP: ":0", Raw: "127.0.0.1:9", Echo: "[::1]:0", Fixed: true, CPUs: []int{4, 6}, MaxConnections: 5, Processes: 3}
	parts := cfg.divide()
	var got []string
	for _, p := range parts {
		p, err := p.at(&control.Ready{HTTP: "0.0.0.0:81", Raw: "127.0.0.1:9", Echo: "[::1]:83"})
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(p.Part, p.Processes, p.Control, p.CPUs, p.MaxConnections, []string{p.HTTP, p.Raw, p.Echo}))
	}
	want := "1 0 true [4] 2 [:81 127.0.0.1:9 [::1]:83], 2 0 true [6] 2 [:81 127.0.0.1:9 [::1]:83], 3 0 true [4] 1 [:81 127.0.0.1:9 [::1]:83]"
	if strings.Join(got, ", ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
	}
	if _, err := parts[1].at(&control.Ready{HTTP: "0.0.0.0:81"}); err == nil {
		t.Error("a port that was not told")
	}
}
