package loadgen

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
)

// download is a reply with a body of n bytes.
func download(n int) []byte {
	return append(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", n), bytes.Repeat([]byte{'x'}, n)...)
}

// In virtual time the last byte of each reply is read in the nanosecond in which
// a line of that rate has carried it.
func TestReadRateIsExact(t *testing.T) {
	t.Parallel()
	for _, rate := range []int64{3500, 7 << 10, 100_003, 10 << 20} {
		for _, size := range []int{0, 13, 5000, 100_000} {
			w := newWorld(t, nil)
			reply := download(size)
			w.serve = func(c *loop.Conn, n int) { c.WriteShared(reply) }
			s := w.spec()
			// Each connection begins with an empty line and has one request.
			s.Closed, s.Schedule.Rate, s.Connections, s.NoKeepAlive, s.ReadRate = true, 0, 2, true, rate
			carried := (int64(len(reply))*second + rate - 1) / rate
			s.Timeout, s.Duration = 5*time.Minute, max(time.Millisecond, 10*time.Duration(carried))
			r := w.run(s)
			if r.Requests == 0 || len(r.Errors) > 0 {
				t.Fatalf("rate %d, %d bytes: %d requests, failures %v", rate, size, r.Requests, r.Errors)
			}
			for _, q := range r.all {
				if took := int64(q.End - q.Opened); took != carried {
					t.Fatalf("rate %d: %d bytes took %d ns, a line needs %d", rate, len(reply), took, carried)
				}
			}
		}
	}
}

// Slow clients in virtual time: what they read, to the byte, and the account of
// both ends, whatever they have of a reply when the load ends.
func TestSlowIsExact(t *testing.T) {
	t.Parallel()
	for name, sim := range map[string]*loop.SimConfig{"plain": nil, "in pieces, over a small window": {Seed: 3, MaxChunk: 700, Window: 2000, Latency: time.Millisecond}} {
		w := newWorld(t, sim)
		small, large := []byte(hello), download(50_000)
		var sentBytes uint64
		asked := map[string]int{}
		serveBy(w, func(c *loop.Conn, path string) {
			asked[path]++
			p := small
			if path == "/large" {
				p = large
			}
			sentBytes += uint64(len(p))
			c.WriteShared(p)
		})
		s := w.spec()
		s.Idle, s.Slow, s.SlowRate, s.SlowPath = 2, 20, 7<<10, "/large"
		s.Duration = 10 * time.Second
		r := w.run(s)
		slow := r.Slow
		if slow == nil || slow.Connections != 20 || slow.OpenAtEnd != 20 || len(slow.Errors) > 0 || slow.ReadRate != 7<<10 {
			t.Fatalf("%s: %+v", name, slow)
		}
		// Each line begins before the window: it carries rate*window to within
		// what it holds back for one waking at each edge.
		want := float64(20 * 10 * 7 << 10)
		if d := float64(slow.Bytes) - want; d < -0.01*want || d > 0.01*want || slow.Rate != float64(slow.Bytes)/10 || slow.AchievedShare != slow.Rate/(20*7<<10) {
			t.Errorf("%s: %d bytes of %v, rate %v, share %v", name, slow.Bytes, want, slow.Rate, slow.AchievedShare)
		}
		if r.Requests != r.Scheduled || int(r.Response.Count) != int(r.Scheduled) || r.Admitted != s.Connections+s.Idle || r.Admission.Count != uint64(r.Admitted) {
			t.Errorf("%s: active %d of %d, %d in response, %d admitted, %d in admission", name, r.Requests, r.Scheduled, r.Response.Count, r.Admitted, r.Admission.Count)
		}
		// The server counts a request when it has come.
		served := uint64(asked["/"] + asked["/large"])
		if asked["/large"] <= 20 || slow.Replies == 0 || served != r.TotalSent || r.TotalSent-r.TotalAnswered != 20 {
			t.Errorf("%s: served %v, %d sent, %d answered, %d replies", name, asked, r.TotalSent, r.TotalAnswered, slow.Replies)
		}
		if r.TotalBytesIn >= sentBytes+r.TotalBytesOut {
			t.Errorf("%s: %d bytes came of %d", name, r.TotalBytesIn, sentBytes)
		}
	}
}

// serveBy makes a world's server answer by the path that is asked for.
func serveBy(w *world, serve func(c *loop.Conn, path string)) {
	n, err := w.l.Listen(loop.ListenOptions{Address: addrPort("127.0.0.1:81")}, func(*loop.Conn) loop.Handler { return &pathConn{serve: serve} })
	if err != nil {
		w.t.Fatal(err)
	}
	w.addr = n.Addr()
}

// pathConn is the server's end of a connection in serveBy.
type pathConn struct {
	testConn
	serve func(c *loop.Conn, path string)
}

func (h *pathConn) Closed(*loop.Conn, error) {}
func (h *pathConn) Received(c *loop.Conn, p []byte) (used int) {
	for {
		head, _, whole := bytes.Cut(p[used:], headEnd)
		if !whole {
			return used
		}
		used += len(head) + len(headEnd)
		path, _, _ := strings.Cut(strings.TrimPrefix(string(head), "GET "), " ")
		h.serve(c, path)
	}
}

// What goes wrong with slow clients: counted by kind, replaced, and never in
// the requests of the active ones.
func TestSlowFailures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		reply string
		then  func(c *loop.Conn)
		want  string // kinds, without their numbers
		open  int
		fates string
	}{
		{name: "status", reply: "HTTP/1.1 404 Not Found\r\nContent-Length: 1000\r\n\r\n" + strings.Repeat("x", 1000), want: "status", open: 4},
		{name: "not http", reply: "SSH-2.0-OpenSSH\r\n\r\n", want: "wrong_bytes", fates: "closed"},
		{name: "more than a reply", reply: hello + "x", want: "wrong_bytes", fates: "closed"},
		{name: "reset", then: (*loop.Conn).Abort, want: "reset", fates: "reset"},
		{name: "turned away", then: (*loop.Conn).CloseWhenDone, want: "shed", fates: "shed"},
		{name: "cut short", reply: hello[:len(hello)-3], then: (*loop.Conn).CloseWhenDone, want: "short", fates: "closed"},
		{name: "closed as announced", reply: "HTTP/1.0 200 OK\r\nContent-Length: 1000\r\n\r\n" + strings.Repeat("x", 1000), then: (*loop.Conn).CloseWhenDone},
		{name: "until the end", reply: "HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", 1000), then: (*loop.Conn).CloseWhenDone},
		{name: "silent", open: 0, fates: "unserved"},
	} {
		for _, redial := range []bool{true, false} {
			w := newWorld(t, nil)
			asked := 0
			serveBy(w, func(lc *loop.Conn, path string) {
				if path == "/" {
					lc.WriteShared(helloBytes)
					return
				}
				asked++
				lc.Write([]byte(c.reply))
				if c.then != nil {
					c.then(lc)
				}
			})
			s := w.spec()
			s.Slow, s.SlowRate, s.SlowPath, s.Redial = 4, 5000, "/slow", redial
			r := w.run(s)
			if r.Report == nil {
				t.Fatalf("%s: %v", c.name, r.failed)
			}
			kinds := ""
			for k := range maps.Keys(r.Slow.Errors) {
				kinds += k
			}
			if kinds != c.want || len(r.Errors) > 0 || r.Requests != r.Scheduled {
				t.Errorf("%s, redial %v: failures %v, want %q; of the others %v", c.name, redial, r.Slow.Errors, c.want, r.Errors)
			}
			if c.open > 0 && r.Slow.OpenAtEnd != c.open || r.Slow.OpenAtEnd > 4 {
				t.Errorf("%s, redial %v: %d open at the end, want %d", c.name, redial, r.Slow.OpenAtEnd, c.open)
			}
			if c.fates != "" && r.Fate[c.fates] == 0 {
				t.Errorf("%s, redial %v: fates %v", c.name, redial, r.Fate)
			}
			if again := asked > 4; c.then != nil && c.want != "" && again != redial {
				t.Errorf("%s, redial %v: %d asked", c.name, redial, asked)
			}
			if c.want == "" && c.then != nil && (r.Slow.Replies == 0 || asked < 8) {
				t.Errorf("%s, redial %v: %d replies, %d asked", c.name, redial, r.Slow.Replies, asked)
			}
			if uint64(asked) > r.TotalSent || r.TotalAnswered > r.TotalSent {
				t.Errorf("%s, redial %v: %d asked, %d sent, %d answered", c.name, redial, asked, r.TotalSent, r.TotalAnswered)
			}
		}
	}
}

// A slow client's connection and a line on every backend: the rates are bounds,
// and what both ends count agrees.
func TestSlowOnBackends(t *testing.T) {
	for _, backend := range here(t) {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			large := download(1 << 20)
			address := listenReal(t, backend, func(*loop.Conn) loop.Handler {
				return &pathConn{serve: func(c *loop.Conn, path string) {
					if path == "/large" {
						c.WriteShared(large)
					} else {
						c.WriteShared(helloBytes)
					}
				}}
			})
			cfg := short("http://" + address + "/")
			cfg.Backend, cfg.JSON = backend, filepath.Join(t.TempDir(), "report.json")
			cfg.Duration = 400 * time.Millisecond
			cfg.ReadRate, cfg.ReceiveBuffer = 64<<10, 4096
			cfg.Slow, cfg.SlowRate, cfg.SlowPath, cfg.SlowReceiveBuffer = 10, 100_000, "/large", 8192
			var out bytes.Buffer
			if err := Run(nil, cfg, nil, &out); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(cfg.JSON)
			if err != nil {
				t.Fatal(err)
			}
			var r Report
			if err := json.Unmarshal(text, &r); err != nil {
				t.Fatal(err)
			}
			if r.Requests == 0 || r.Requests != r.Scheduled || len(r.Errors) > 0 {
				t.Errorf("%d of %d requests, failures %v", r.Requests, r.Scheduled, r.Errors)
			}
			s := r.Slow
			if s == nil || s.OpenAtEnd != 10 || len(s.Errors) > 0 || r.TotalSent != r.TotalAnswered+10 {
				t.Fatalf("%+v, %d sent, %d answered", s, r.TotalSent, r.TotalAnswered)
			}
			// The window's edges may be read late on a busy machine, so the bound
			// is twice what the lines carry in it.
			b := newBucket(cfg.SlowRate, 0)
			if most := uint64(10 * (b.depth + 40_000)); s.Bytes == 0 || s.Bytes > 2*most {
				t.Errorf("%d bytes, most %d", s.Bytes, most)
			}
			// What came is what was read, and what the loop and the kernel hold.
			if most := uint64(10*(1<<20)) / 2; r.TotalBytesIn > most {
				t.Errorf("%d bytes came: the window of a slow line did not close", r.TotalBytesIn)
			}
			if !strings.Contains(out.String(), "10 slow") {
				t.Errorf("summary %q", out.String())
			}
		})
	}
}

// No reply is faster than its line on any backend, and all come.
func TestReadRateOnBackends(t *testing.T) {
	for _, backend := range here(t) {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			reply := download(100_000)
			address := listenReal(t, backend, func(*loop.Conn) loop.Handler {
				return &pathConn{serve: func(c *loop.Conn, _ string) { c.WriteShared(reply) }}
			})
			cfg := short("http://" + address + "/")
			cfg.Backend, cfg.JSON = backend, filepath.Join(t.TempDir(), "report.json")
			cfg.Closed, cfg.Schedule.Rate, cfg.Duration, cfg.ReadRate = true, 0, 300*time.Millisecond, 1_000_000
			if err := Run(nil, cfg, nil, &bytes.Buffer{}); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(cfg.JSON)
			if err != nil {
				t.Fatal(err)
			}
			var r Report
			if err := json.Unmarshal(text, &r); err != nil {
				t.Fatal(err)
			}
			b := newBucket(cfg.ReadRate, 0)
			least := (int64(len(reply)) - b.depth) * second / b.rate
			if r.Requests == 0 || r.Requests != r.Scheduled || r.ReadRate != 1_000_000 || *r.Service.Min < least {
				t.Errorf("%d of %d requests, failures %v, the fastest took %d ns, a line needs %d", r.Requests, r.Scheduled, r.Errors, *r.Service.Min, least)
			}
		})
	}
}

func TestCheckLines(t *testing.T) {
	t.Parallel()
	good := Default()
	good.URL, good.Closed = "http://h/", true
	for _, c := range []struct {
		change func(*Spec)
		want   string
	}{
		{func(s *Spec) { s.Slow = 1 }, "--slow-rate 0"},
		{func(s *Spec) { s.Slow, s.SlowRate = 1, maxByteRate+1 }, "--slow-rate"},
		{func(s *Spec) { s.Slow, s.SlowRate = -1, 1 }, "--slow -1"},
		{func(s *Spec) { s.SlowRate = 1 }, "--slow N"},
		{func(s *Spec) { s.SlowPath = "/" }, "--slow N"},
		{func(s *Spec) { s.Slow, s.SlowRate, s.SlowPath = 1, 1, "x" }, "--slow-path"},
		{func(s *Spec) { s.Slow, s.SlowRate, s.SlowPath = 1, 1, "/a b" }, "--slow-path"},
		{func(s *Spec) { s.Slow, s.SlowRate, s.URL = 1, 1, "raw://h:1" }, "only http"},
		{func(s *Spec) { s.Slow, s.SlowRate, s.URL = 1, 1, "echo://h:1/5" }, "only http"},
		{func(s *Spec) { s.Slow, s.SlowRate, s.Leave, s.Redial = 1, 1, 0.5, false }, "--slow and --leave"},
		{func(s *Spec) { s.Slow, s.SlowRate, s.SlowReceiveBuffer = 1, 1, -1 }, "--slow-receive-buffer"},
		{func(s *Spec) { s.ReadRate = -1 }, "--read-rate"},
		{func(s *Spec) { s.ReceiveBuffer = 1 << 30 }, "--receive-buffer"},
		{func(s *Spec) { s.PerConnection = -1 }, "--requests-per-connection"},
		{func(s *Spec) { s.PerConnection, s.NoKeepAlive = 2, true }, "--no-keep-alive"},
		{func(s *Spec) { s.PerConnection, s.Depth = 2, 2 }, "--depth 2"},
		{func(s *Spec) { s.PerConnection, s.Closed, s.Schedule.Rate, s.Assign = 2, false, 1, AssignTurn }, "--assign turn"},
	} {
		s := good
		c.change(&s)
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
}

// Slow connections go where there is room, as idle ones do, and none is lost on
// the way.
func TestDivideSlow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ active, idle, slow, n, holds int }{
		{30, 0, 270, 3, 1000}, {30, 100, 170, 3, 1000}, {1, 5, 4, 4, 1000}, {100, 900, 1050, 0, 1000}, {1000, 1, 999, 2, 1000}, {10, 7, 0, 3, 1000},
	} {
		s := Config{Spec: Default()}
		s.Connections, s.Idle, s.Slow, s.SlowRate = c.active, c.idle, c.slow, 1
		loads, err := s.divide(c.n, c.holds)
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		active, idle, slow, rate := 0, 0, 0, 0.0
		for _, l := range loads {
			active, idle, slow, rate = active+l.Connections, idle+l.Idle, slow+l.Slow, rate+l.FillRate
			if l.Connections < 0 || l.Idle < 0 || l.Slow < 0 || l.open() > c.holds || l.open() == 0 {
				t.Errorf("%+v: a process has %d+%d+%d", c, l.Connections, l.Idle, l.Slow)
			}
		}
		if active != c.active || idle != c.idle || slow != c.slow || rate < 0.999*s.FillRate || rate > 1.001*s.FillRate {
			t.Errorf("%+v: %d+%d+%d, filled at %v/s", c, active, idle, slow, rate)
		}
	}
}

// Several processes have slow connections, two of them no others: the account is
// of all, over one window.
func TestSlowInProcesses(t *testing.T) {
	large := download(1 << 20)
	address := listenReal(t, here(t)[0], func(*loop.Conn) loop.Handler {
		return &pathConn{serve: func(c *loop.Conn, path string) {
			if path == "/large" {
				c.WriteShared(large)
			} else {
				c.WriteShared(helloBytes)
			}
		}}
	})
	cfg := short("http://" + address + "/")
	cfg.Processes, cfg.JSON, cfg.Duration = 3, filepath.Join(t.TempDir(), "report.json"), 400*time.Millisecond
	cfg.Slow, cfg.SlowRate, cfg.SlowPath, cfg.SlowReceiveBuffer = 30, 50_000, "/large", 4096
	if err := Run(nil, cfg, nil, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(cfg.JSON)
	if err != nil {
		t.Fatal(err)
	}
	var r Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	s := r.Slow
	if s == nil || s.Connections != 30 || s.OpenAtEnd != 30 || len(s.Errors) > 0 || s.Bytes == 0 || len(r.Processes) != 3 {
		t.Fatalf("%+v of %d processes", s, len(r.Processes))
	}
	b := newBucket(cfg.SlowRate, 0)
	if most := uint64(30 * (20_000 + b.depth)); s.Bytes > 2*most {
		t.Errorf("%d bytes in the window, lines carry %d", s.Bytes, most)
	}
	if r.TotalSent != r.TotalAnswered+30 || r.IdleOpen != 3 {
		t.Errorf("%d sent, %d answered, %d idle", r.TotalSent, r.TotalAnswered, r.IdleOpen)
	}
}
