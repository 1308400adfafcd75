package servers

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"medusa/control"
	"medusa/loadgen"
	"medusa/loadgen/faults"
	"medusa/poller/loop"
)

// alone waits until the server has the connections and descriptors again that it
// had, and fails if that does not come about.
func (p *process) alone(start *control.Snapshot) {
	p.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		s := p.snapshot(true)
		if s.Connections == start.Connections && s.Full.OpenFDs <= start.Full.OpenFDs {
			return
		}
		if time.Now().After(end) {
			p.t.Fatalf("%d connections and %d descriptors are left, there were %d and %d", s.Connections, s.Full.OpenFDs, start.Connections, start.Full.OpenFDs)
		}
	}
}

// observers ask a server, each on a connection of its own, until they are told
// to end. Every request has to be answered well.
type observers struct {
	t     *testing.T
	stop  chan struct{}
	group sync.WaitGroup
	mu    sync.Mutex
	asked int
	err   error
}

func observe(t *testing.T, address string, n int) *observers {
	o := &observers{t: t, stop: make(chan struct{})}
	for range n {
		o.group.Go(func() {
			err := o.ask(address)
			o.mu.Lock()
			defer o.mu.Unlock()
			o.err = errors.Join(o.err, err)
		})
	}
	return o
}

// ask asks again and again on one connection.
func (o *observers) ask(address string) error {
	c, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return err
	}
	defer c.Close()
	in := bufio.NewReader(c)
	for n := 0; ; n++ {
		select {
		case <-o.stop:
			return nil
		default:
		}
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		if _, err := io.WriteString(c, get("/fixed/13")); err != nil {
			return fmt.Errorf("request %d: %w", n, err)
		}
		response, err := http.ReadResponse(in, nil)
		if err != nil {
			return fmt.Errorf("request %d: %w", n, err)
		}
		if body, err := io.ReadAll(response.Body); err != nil || response.StatusCode != 200 || len(body) != 13 {
			return fmt.Errorf("request %d: %d, %d bytes, %w", n, response.StatusCode, len(body), err)
		}
		o.mu.Lock()
		o.asked++
		o.mu.Unlock()
	}
}

// count is how many requests were answered so far.
func (o *observers) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.asked
}

// served waits until n more requests were answered.
func (o *observers) served(n int) {
	o.t.Helper()
	for from, end := o.count(), time.Now().Add(patience); o.count() < from+n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			o.t.Fatalf("the others are not served: %d requests answered, then %d; %v", from, o.count(), o.err)
		}
	}
}

func (o *observers) end() {
	o.t.Helper()
	close(o.stop)
	o.group.Wait()
	if o.err != nil {
		o.t.Errorf("a client that did no wrong: %v", o.err)
	}
}

// server of these tests: it has little patience, so that what its timeouts have
// to clear away is cleared away soon.
func faultServer(t *testing.T, backend string) (*process, string) {
	p := spawn(t, Config{
		Backend: backend, HTTP: "127.0.0.1:0", Fixed: true, Control: true,
		IdleTimeout: 300 * time.Millisecond, HeadTimeout: 300 * time.Millisecond,
	})
	return p, p.ready().HTTP
}

// TestFaults: whatever other clients do, those that do no wrong are served all
// the while, and when all have gone nothing of them is left.
func TestFaults(t *testing.T) {
	for _, kind := range faults.Kinds() {
		t.Run(kind.Name, func(t *testing.T) {
			if why := faults.Missing(kind.Name); why != "" {
				t.Skip("SKIPPED: " + why)
			}
			eachBackend(t, func(t *testing.T, backend string) {
				p, address := faultServer(t, backend)
				start := p.snapshot(true)
				o := observe(t, address, 4)
				o.served(20)
				did := putFault(t, kind, address, o)
				o.served(20)
				o.end()
				if did.Opened == 0 || kind.Total && did.Opened < did.Begun || kind.Name == faults.HalfOpen && did.Vanished != did.Begun {
					t.Errorf("the fault did %+v", did)
				}
				p.alone(start)
				after := observe(t, address, 1)
				after.served(5)
				after.end()
				p.stdin.Close()
				p.end(0)
			})
		})
	}
}

// putFault is the clients of a fault, in this process, and returns what they did
// when they have all gone. The others are served in between.
func putFault(t *testing.T, kind faults.Kind, address string, o *observers) faults.Did {
	t.Helper()
	s := faults.Default()
	s.Kind, s.URL, s.Connections, s.Duration, s.Every = kind.Name, "http://"+address+"/fixed/13", 100, 500*time.Millisecond, 20*time.Millisecond
	if kind.Large {
		s.URL = "http://" + address + "/fixed/1048576"
	}
	if kind.Total && !kind.Holds {
		s.Connections, s.Duration = 3000, patience // which end as fast as they come
	}
	at, request, err := loadgen.Resolve(s.URL, !faults.Closes(s.Kind))
	if err != nil {
		t.Fatal(err)
	}
	l, err := loop.New(loop.Config{Backend: "poll"})
	if err != nil {
		t.Fatal(err)
	}
	var did faults.Did
	var f *faults.Fault
	f, err = faults.New(l, s, at, request, func(e faults.Event) {
		if e.Stage == faults.Gone {
			did = f.Did()
			l.Stop()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	before := o.count()
	l.Post(f.Begin)
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	if during := o.count() - before; during < 10 {
		t.Errorf("%d requests of others were answered during the fault", during)
	}
	return did
}

// TestFaultStopped: a server that was stopped for a while goes on where it was.
func TestFaultStopped(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend string) {
		p, address := faultServer(t, backend)
		start := p.snapshot(true)
		o := observe(t, address, 4)
		o.served(20)
		p.signal(syscall.SIGSTOP)
		for stopped := false; !stopped; {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
			if err != nil {
				t.Skip("SKIPPED: this system does not tell whether a process has stopped")
			}
			stopped = strings.Contains(string(stat), ") T ")
		}
		// Whoever comes meanwhile waits in the backlog.
		late := observe(t, address, 20)
		p.signal(syscall.SIGCONT)
		o.served(20)
		late.served(40)
		o.end()
		late.end()
		p.alone(start)
		p.stdin.Close()
		p.end(0)
	})
}

// loadVariable has the URL that this binary puts a load on until it is killed.
const loadVariable = "MEDUSA_TEST_LOAD"

// beLoad is a closed loop that goes on for ever.
func beLoad(url string) int {
	cfg := loadgen.Config{Spec: loadgen.Default()}
	cfg.URL, cfg.Closed, cfg.Connections, cfg.Duration = url, true, 50, time.Hour
	if err := loadgen.Run(nil, cfg, nil, io.Discard); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// TestFaultKilled: of clients that were killed with a request in flight on each
// of their connections nothing is left, and others do not notice.
func TestFaultKilled(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend string) {
		p, address := faultServer(t, backend)
		start := p.snapshot(true)
		o := observe(t, address, 4)
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), loadVariable+"=http://"+address+"/fixed/13")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(patience); p.snapshot(true).Connections < 50; {
			if time.Now().After(end) {
				t.Fatal("the second load does not come")
			}
		}
		o.served(50)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		o.served(50)
		o.end()
		p.alone(start)
		p.stdin.Close()
		p.end(0)
	})
}
