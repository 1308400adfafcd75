package servers

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"medusa/control"
	"medusa/poller/loop"
)

// moment is long enough for a server on this machine to answer, if it will.
const moment = 200 * time.Millisecond

// snapshot asks a process for one.
func (p *process) snapshot(full bool) *control.Snapshot {
	p.t.Helper()
	if _, err := fmt.Fprintf(p.stdin, `{"do":"snapshot","full":%t}`+"\n", full); err != nil {
		p.t.Fatal(err)
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		p.t.Fatal(err)
	}
	var event control.Event
	if err := json.Unmarshal(line, &event); err != nil || event.Snapshot == nil {
		p.t.Fatalf("%q: %v", line, err)
	}
	return event.Snapshot
}

// ask makes a request and reads the answer.
func ask(t *testing.T, c net.Conn, path string) (status, size int) {
	t.Helper()
	if _, err := c.Write([]byte(get(path))); err != nil {
		t.Fatal(err)
	}
	status, body := answer(t, bufio.NewReader(c))
	return status, len(body)
}

// TestEveryPlaceIsServed: a server holds exactly the connections that it says it has
// descriptors for. With every place taken each is served a file that was not open
// before; one more waits, and is served when a place is free.
func TestEveryPlaceIsServed(t *testing.T) {
	root := t.TempDir()
	const size = 20_000 // more than is held in memory
	for i := range 256 {
		if err := os.WriteFile(filepath.Join(root, fmt.Sprintf("f%d", i)), make([]byte, size), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, limit := range []uint64{64, 256} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			eachBackend(t, func(t *testing.T, backend string) {
				p := spawn(t, Config{Backend: backend, HTTP: "127.0.0.1:0", Fixed: true, Root: root, NoFile: limit, Control: true})
				ready := p.ready()
				if want := int(limit) - ready.OpenFDs - control.Reserve; ready.UsableFDs != want || want < 30 {
					t.Fatalf("%d places, want %d", ready.UsableFDs, want)
				}
				var held []net.Conn
				for range ready.UsableFDs {
					held = append(held, dial(t, ready.HTTP))
				}
				for round := range 2 {
					for i, c := range held {
						if status, n := ask(t, c, fmt.Sprintf("/f%d", i)); status != 200 || n != size {
							t.Fatalf("round %d: connection %d got status %d and %d bytes", round, i, status, n)
						}
					}
				}
				more := dial(t, ready.HTTP)
				if _, err := more.Write([]byte(get("/f0"))); err != nil {
					t.Fatal(err)
				}
				if err := more.SetReadDeadline(time.Now().Add(moment)); err != nil {
					t.Fatal(err)
				}
				if _, err := more.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("one more than there are places got %v", err)
				}
				s := p.snapshot(true)
				if s.Connections != ready.UsableFDs || s.AcceptFailures != 0 || s.Full.OpenFDs > int(limit) {
					t.Errorf("%d connections, %d accept failures, %d descriptors", s.Connections, s.AcceptFailures, s.Full.OpenFDs)
				}
				held[0].Close()
				if err := more.SetReadDeadline(time.Now().Add(patience)); err != nil {
					t.Fatal(err)
				}
				if status, body := answer(t, bufio.NewReader(more)); status != 200 || len(body) != size {
					t.Errorf("who waited got status %d and %d bytes", status, len(body))
				}
				p.stdin.Close()
				p.end(0)
			})
		})
	}
}

// TestEveryPlaceIsProxied: with every place taken all can be passed on at once, and
// descriptors are left for the files of others.
func TestEveryPlaceIsProxied(t *testing.T) {
	root := t.TempDir()
	const size = 20_000 // more than is held in memory
	if err := os.WriteFile(filepath.Join(root, "f"), make([]byte, size), 0o644); err != nil {
		t.Fatal(err)
	}
	eachBackend(t, func(t *testing.T, backend string) {
		var together sync.WaitGroup
		origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			together.Done()
			together.Wait()
			_, _ = io.WriteString(w, "all are here")
		}))
		t.Cleanup(origin.Close)
		p := spawn(t, Config{Backend: backend, HTTP: "127.0.0.1:0", Root: root, Proxies: []string{"/up=" + origin.URL}, NoFile: 64, Control: true})
		ready := p.ready()
		if ready.UsableFDs < 10 {
			t.Fatalf("%d places", ready.UsableFDs)
		}
		together.Add(ready.UsableFDs)
		var held []net.Conn
		for range ready.UsableFDs {
			c := dial(t, ready.HTTP)
			if _, err := c.Write([]byte(get("/up"))); err != nil {
				t.Fatal(err)
			}
			held = append(held, c)
		}
		for i, c := range held {
			if status, body := answer(t, bufio.NewReader(c)); status != 200 || string(body) != "all are here" {
				t.Fatalf("connection %d got status %d and %q", i, status, body)
			}
		}
		for i, c := range held {
			if status, n := ask(t, c, "/f"); status != 200 || n != size {
				t.Fatalf("connection %d got status %d and %d bytes of a file", i, status, n)
			}
		}
		if s := p.snapshot(true); s.AcceptFailures != 0 || s.Full.OpenFDs > 64 {
			t.Errorf("%d accept failures, %d descriptors", s.AcceptFailures, s.Full.OpenFDs)
		}
		p.stdin.Close()
		p.end(0)
	})
}

// TestShedProcess: curl reads the 503 of a server that has no place; raw and echo
// clients get FIN. --max-connections lowers the bound.
func TestShedProcess(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("SKIPPED: there is no curl")
	}
	eachBackend(t, func(t *testing.T, backend string) {
		p := spawn(t, Config{Backend: backend, HTTP: "127.0.0.1:0", Raw: "127.0.0.1:0", Echo: "127.0.0.1:0", Fixed: true,
			NoFile: 64, MaxConnections: 5, OnFull: "shed", Control: true})
		ready := p.ready()
		if ready.UsableFDs != 5 {
			t.Fatalf("%d places, want 5", ready.UsableFDs)
		}
		var held []net.Conn
		for range 5 {
			c := dial(t, ready.HTTP)
			held = append(held, c)
			if status, _ := ask(t, c, "/fixed/13"); status != 200 {
				t.Fatalf("status %d", status)
			}
		}
		const calls = 10
		for range calls {
			out, err := exec.Command(curl, "--silent", "--show-error", "--max-time", "20", "--noproxy", "*",
				"--write-out", "%{http_code} %header{retry-after} %header{connection}", "http://"+ready.HTTP+"/fixed/13").CombinedOutput()
			if want := "503 Service Unavailable\n503 1 close"; err != nil || string(out) != want {
				t.Errorf("curl: %v, %q, want %q", err, out, want)
			}
		}
		for _, at := range []string{ready.Raw, ready.Echo} {
			c := dial(t, at)
			if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("%s: %d bytes, %v", at, n, err)
			}
		}
		if s := p.snapshot(false); s.Shed != calls+2 || s.Accepted != 5 || s.ListenPauses != 0 {
			t.Errorf("%d shed, %d accepted, %d pauses", s.Shed, s.Accepted, s.ListenPauses)
		}
		for _, c := range held {
			if status, _ := ask(t, c, "/fixed/13"); status != 200 {
				t.Errorf("who has a place: status %d", status)
			}
		}
		p.stdin.Close()
		p.end(0)
	})
}

// TestReapProcess: the connection that has been idle longest makes a place for who
// comes; one with half a request does not.
func TestReapProcess(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend string) {
		for service, request := range map[string][2]string{
			"http": {get("/fixed/13"), "GET /fix"}, "raw": {"x\r\n\r\n", "x\r\n\r"}, "echo": {"Hello, World!", "Hello"},
		} {
			p := spawn(t, Config{Backend: backend, HTTP: "127.0.0.1:0", Raw: "127.0.0.1:0", Echo: "127.0.0.1:0", EchoBytes: 13, Fixed: true,
				NoFile: 64, MaxConnections: 6, OnFull: "reap", Control: true})
			ready := p.ready()
			at := map[string]string{"http": ready.HTTP, "raw": ready.Raw, "echo": ready.Echo}[service]
			var all []net.Conn
			answered := uint64(0) // bytes
			serve := func() {
				c := dial(t, at)
				all = append(all, c)
				if _, err := c.Write([]byte(request[0])); err != nil {
					t.Fatal(err)
				}
				answered += uint64(responseSize(t, c, 1))
				// An engine that sends outside of the loop may tell it later than
				// the client sees it; the next must not have come by then.
				for end := time.Now().Add(patience); p.snapshot(false).BytesOut < answered; {
					if time.Now().After(end) {
						t.Fatal("the server does not tell what it has sent")
					}
				}
			}
			for range 6 {
				serve()
			}
			for _, busy := range []int{0, 2} {
				if _, err := all[busy].Write([]byte(request[1])); err != nil {
					t.Fatal(err)
				}
			}
			for end := time.Now().Add(patience); p.snapshot(false).BytesIn < uint64(6*len(request[0])+2*len(request[1])); {
				if time.Now().After(end) {
					t.Fatal("the halves of requests do not arrive")
				}
			}
			for range 3 {
				serve()
			}
			for _, gone := range []int{1, 3, 4} {
				if n, err := all[gone].Read(make([]byte, 1)); n != 0 || err != io.EOF {
					t.Errorf("%s: connection %d: %d bytes, %v", service, gone, n, err)
				}
			}
			if rest := strings.TrimPrefix(request[0], request[1]); service != "raw" {
				for _, busy := range []int{0, 2} {
					if _, err := all[busy].Write([]byte(rest)); err != nil {
						t.Fatal(err)
					}
					responseSize(t, all[busy], 1)
				}
			}
			if s := p.snapshot(false); s.Reaped != 3 || s.Accepted != 9 {
				t.Errorf("%s: %d reaped, %d accepted", service, s.Reaped, s.Accepted)
			}
			p.stdin.Close()
			p.end(0)
		}
	})
}

// TestNoPlace: a limit that leaves no descriptor for a connection is an error, in one
// line, and not a server without a bound.
func TestNoPlace(t *testing.T) {
	p := spawn(t, Config{Backend: "poll", HTTP: "127.0.0.1:0", Fixed: true, NoFile: 64, ReserveFDs: 64})
	p.end(1)
	if text := p.stderr.String(); !strings.Contains(text, "no descriptor is left for a connection: of 64,") || strings.Count(text, "\n") != 1 {
		t.Errorf("stderr %q", text)
	}
	// Neither is one below which nothing is left.
	for base, want := range map[int]string{63: "no descriptor is left for a connection: of 64,", 100: "--fd-base 100: "} {
		p = spawn(t, Config{Backend: "poll", HTTP: "127.0.0.1:0", Fixed: true, NoFile: 64, FDBase: base})
		p.end(1)
		if text := p.stderr.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, want) && !strings.Contains(text, "too many open files") {
			t.Errorf("above descriptor %d: %q", base, text)
		}
	}
}

// TestBudget: the reserve and what files may have of it, which with all else that
// is taken from it is not more than it.
func TestBudget(t *testing.T) {
	for _, test := range []struct {
		limit            uint64
		asked            int // 0: what is usual
		listeners, sites int
		reserve, files   int
	}{
		{64, 0, 1, 1, 8, 1}, {64, 0, 3, 1, 10, 1}, {64, 0, 3, 4, 13, 1}, {256, 0, 1, 1, 8, 1},
		{1024, 0, 1, 1, 16, 9}, {1024, 0, 1, 3, 18, 3}, {16384, 0, 1, 1, 256, 249}, {1 << 30, 0, 2, 1, 257, 249},
		{1 << 20, 1000, 1, 1, 1000, 256}, {1 << 20, 1, 1, 1, 1, 1},
	} {
		s := &server{reserve: test.asked, sites: make([]*site, test.sites)}
		if s.reserve == 0 {
			s.reserve = reserveFor(test.limit, test.listeners, test.sites)
		}
		files := s.openFiles(test.listeners)
		if s.reserve != test.reserve || files != test.files {
			t.Errorf("%+v: %d in reserve, %d files open", test, s.reserve, files)
		}
		if test.asked == 0 && loop.Overdraft(test.listeners)+looking+test.sites*files > s.reserve {
			t.Errorf("%+v: %d in reserve are too few", test, s.reserve)
		}
	}
}
