package loadgen

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"medusa/control"
	"medusa/poller/loop"
)

// serveReal answers with hello on a loop of its own, on a real socket, until
// the test ends. It returns the address.
func serveReal(t *testing.T, backend string) string {
	t.Helper()
	w := &world{t: t, serve: func(c *loop.Conn, n int) { c.WriteShared(helloBytes) }}
	return listenReal(t, backend, func(*loop.Conn) loop.Handler { return &testConn{w: w} })
}

// echoReal sends back what it receives, like serveReal.
func echoReal(t *testing.T, backend string) string {
	t.Helper()
	w := &echoWorld{size: 1}
	return listenReal(t, backend, func(*loop.Conn) loop.Handler { return &echoEnd{w: w} })
}

func listenReal(t *testing.T, backend string, accept func(*loop.Conn) loop.Handler) string {
	t.Helper()
	l, err := loop.New(loop.Config{Backend: backend})
	if err != nil {
		t.Fatal(err)
	}
	n, err := l.Listen(loop.ListenOptions{Address: addrPort("127.0.0.1:0")}, accept)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- l.Run() }()
	t.Cleanup(func() {
		l.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return n.Addr().String()
}

func here(t *testing.T) (names []string) {
	t.Helper()
	for _, b := range loop.Backends() {
		if b.Missing == "" {
			names = append(names, b.Name)
		}
	}
	if len(names) == 0 {
		t.Fatal("no backend is available here")
	}
	return names
}

// short is a load of some milliseconds on a real server.
func short(url string) Config {
	c := Config{Spec: Default()}
	c.URL = url
	c.Connections, c.Idle, c.Schedule.Rate = 4, 3, 500
	c.Warmup, c.Duration, c.Timeout = 20*time.Millisecond, 100*time.Millisecond, 10*time.Second
	return c
}

// The generator on every backend: JSON, histograms and agreement of what was
// sent and answered. Times are not judged.
func TestRunOnBackends(t *testing.T) {
	for _, backend := range here(t) {
		for _, mode := range []string{"open", "closed", "a connection for each request", "a connection for 7 requests", "closed, a connection for 7 requests", "closed, 20 requests each", "echo", "echo, 16 requests each", "echo of 1 MiB"} {
			t.Run(backend+", "+mode, func(t *testing.T) {
				cfg := short("http://" + serveReal(t, backend) + "/")
				cfg.Backend = backend
				cfg.JSON = filepath.Join(t.TempDir(), "report.json")
				cfg.HLog = filepath.Join(t.TempDir(), "log")
				switch mode {
				case "closed":
					cfg.Closed, cfg.Schedule.Rate, cfg.Pacing = true, 0, Busy
				case "a connection for each request":
					cfg.NoKeepAlive = true
				case "a connection for 7 requests":
					cfg.PerConnection = 7
				case "closed, a connection for 7 requests":
					cfg.PerConnection, cfg.Closed, cfg.Schedule.Rate = 7, true, 0
				case "closed, 20 requests each":
					cfg.Closed, cfg.Schedule.Rate, cfg.Depth = true, 0, 20
				case "echo":
					cfg.URL = "echo://" + echoReal(t, backend) + "/512"
				case "echo, 16 requests each":
					cfg.URL = "echo://" + echoReal(t, backend) + "/5000"
					cfg.Closed, cfg.Schedule.Rate, cfg.Depth = true, 0, 16
				case "echo of 1 MiB":
					cfg.URL = "echo://" + echoReal(t, backend) + "/1048576"
					cfg.Closed, cfg.Schedule.Rate = true, 0
					// On a machine that is busy one takes longer than the others' window,
					// in which none would begin then.
					cfg.Duration = time.Second
				}
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
				if r.Requests == 0 || r.Requests != r.Scheduled || len(r.Errors) > 0 || r.TotalSent != r.TotalAnswered {
					t.Errorf("%d of %d requests, failures %v, %d sent, %d answered", r.Requests, r.Scheduled, r.Errors, r.TotalSent, r.TotalAnswered)
				}
				if r.Backend != backend || r.Opened != r.Offered || r.CPUNs <= 0 || r.Snapshot.AtNs <= r.Start.AtNs || r.BytesReceived == 0 {
					t.Errorf("backend %s, %d of %d opened, cpu %d", r.Backend, r.Opened, r.Offered, r.CPUNs)
				}
				if *r.Response.Min < *r.FirstByte.Min || *r.Service.Min <= 0 {
					t.Errorf("response from %d, service from %d", *r.Response.Min, *r.Service.Min)
				}
				if log, err := os.ReadFile(cfg.HLog); err != nil || !strings.Contains(string(log), "Tag=response,") {
					t.Errorf("histogram log: %v, %d bytes", err, len(log))
				}
				if !strings.Contains(out.String(), "answered") {
					t.Errorf("summary %q", out.String())
				}
			})
		}
	}
}

// Nothing is allocated for a request on a kept connection.
func TestNoAllocationPerRequest(t *testing.T) {
	for _, tc := range []struct {
		name  string
		url   string
		depth int
	}{
		{"http", "http://" + serveReal(t, here(t)[0]) + "/", 1}, {"http, 16 requests each", "http://" + serveReal(t, here(t)[0]) + "/", 16},
		{"echo", "echo://" + echoReal(t, here(t)[0]) + "/512", 1}, {"echo, 16 requests each", "echo://" + echoReal(t, here(t)[0]) + "/512", 16},
	} {
		t.Run(tc.name, func(t *testing.T) { noAllocation(t, tc.url, tc.depth) })
	}
}

func noAllocation(t *testing.T, url string, depth int) {
	cfg := short(url)
	cfg.Closed, cfg.Schedule.Rate, cfg.Idle, cfg.Duration, cfg.Depth = true, 0, 0, 200*time.Millisecond, depth
	var err error
	if cfg.Address, err = lookUp(cfg.Spec); err != nil {
		t.Fatal(err)
	}
	l, err := openLoop(cfg.Spec)
	if err != nil {
		t.Fatal(err)
	}
	var g *Generator
	var before, after runtime.MemStats
	g, err = New(l, cfg.Spec, func(e Event) {
		switch e.Stage {
		case Filled:
			g.Go()
		case Measuring:
			runtime.ReadMemStats(&before)
		case Measured:
			runtime.ReadMemStats(&after)
		case Reported:
			l.Stop()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	l.Post(g.Start)
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	// The other things that a process does in 0.2 s allocate a little.
	if n := g.Report().Requests; n < 100 {
		t.Skipf("SKIPPED: only %d requests: this machine is too busy to tell", n)
	} else if each := float64(after.Mallocs-before.Mallocs) / float64(n); each > 0.5 {
		t.Errorf("%.2f allocations for each request", each)
	}
}

// dialogue is a runner's end of the conversation with a load process.
type dialogue struct {
	t       *testing.T
	in      *io.PipeWriter
	out     *bufio.Scanner
	done    chan error
	signals chan os.Signal
}

func converse(t *testing.T, cfg Config) *dialogue {
	t.Helper()
	cfg.Control = true
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	d := &dialogue{t: t, in: inW, out: bufio.NewScanner(outR), done: make(chan error, 1), signals: make(chan os.Signal, 1)}
	d.out.Buffer(nil, 1<<20)
	go func() {
		err := Run(d.signals, cfg, inR, outW)
		outW.Close()
		d.done <- err
	}()
	return d
}

func (d *dialogue) say(line string) {
	d.t.Helper()
	if _, err := io.WriteString(d.in, line+"\n"); err != nil {
		d.t.Fatal(err)
	}
}

func (d *dialogue) hear(event string) control.Event {
	d.t.Helper()
	if !d.out.Scan() {
		d.t.Fatalf("the process ended before %q: %v", event, d.out.Err())
	}
	var e control.Event
	if err := json.Unmarshal(d.out.Bytes(), &e); err != nil {
		d.t.Fatalf("%s: %v", d.out.Bytes(), err)
	}
	if e.Event != event {
		d.t.Fatalf("heard %s, want %q", d.out.Bytes(), event)
	}
	return e
}

func (d *dialogue) end() error {
	d.t.Helper()
	for d.out.Scan() {
		d.t.Errorf("heard %s at the end", d.out.Bytes())
	}
	return <-d.done
}

func TestConversation(t *testing.T) {
	d := converse(t, short("raw://"+serveReal(t, here(t)[0])))
	ready := d.hear("ready")
	if ready.Ready == nil || ready.PID != os.Getpid() || ready.Backend == "" || ready.UsableFDs == 0 {
		t.Errorf("ready: %+v", ready.Ready)
	}
	if f := d.hear("filled").Filled; f == nil || f.Offered != 7 || f.Open != 7 || f.Admitted != 7 || f.FillNs <= 0 {
		t.Errorf("filled: %+v", f)
	}
	d.say(`{"do":"snapshot"}`)
	if s := d.hear("snapshot").Snapshot; s == nil || s.Connections != 7 || s.BytesIn == 0 || s.Calls["read"] == 0 && s.Calls["connect"] == 0 {
		t.Errorf("snapshot: %+v", s)
	}
	d.say(`{"do":"go"}`)
	begin, end := d.hear("measure"), d.hear("done")
	if begin.AtNs <= 0 || end.AtNs <= begin.AtNs {
		t.Errorf("the window was announced from %d to %d", begin.AtNs, end.AtNs)
	}
	var r Report
	if err := json.Unmarshal(d.hear("report").Report, &r); err != nil || r.Requests == 0 || r.URL == "" {
		t.Errorf("report: %v, %+v", err, r)
	}
	if err := d.end(); err != nil {
		t.Error(err)
	}
}

// Go may come before the fill has ended.
func TestImpatientRunner(t *testing.T) {
	d := converse(t, short("http://"+serveReal(t, here(t)[0])+"/"))
	go io.WriteString(d.in, "{\"do\":\"go\"}\n")
	for _, e := range []string{"ready", "filled", "measure", "done", "report"} {
		d.hear(e)
	}
	if err := d.end(); err != nil {
		t.Error(err)
	}
}

// A load process does not outlive its runner, and ends when it is told to.
func TestToldToEnd(t *testing.T) {
	address := serveReal(t, here(t)[0])
	for name, end := range map[string]func(*dialogue){
		"end of input": func(d *dialogue) { d.in.Close() },
		"stop":         func(d *dialogue) { d.say(`{"do":"stop"}`) },
	} {
		for _, when := range []string{"filled", "measure"} {
			t.Run(name+" after "+when, func(t *testing.T) {
				cfg := short("http://" + address + "/")
				cfg.Duration = time.Hour
				d := converse(t, cfg)
				d.hear("ready")
				d.hear("filled")
				if when == "measure" {
					d.say(`{"do":"go"}`)
					d.hear("measure")
				}
				end(d)
				if err := d.end(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestNonsenseOnInput(t *testing.T) {
	d := converse(t, short("http://"+serveReal(t, here(t)[0])+"/"))
	d.hear("ready")
	d.hear("filled")
	d.say(`{"do":"dance"}`)
	if e := d.hear("error"); !strings.Contains(e.Message, "dance") {
		t.Errorf("error %q", e.Message)
	}
	if err := d.end(); err == nil {
		t.Error("the process ended as if all were well")
	}
}

func TestInterrupted(t *testing.T) {
	cfg := short("http://" + serveReal(t, here(t)[0]) + "/")
	cfg.Duration = time.Hour
	signals := make(chan os.Signal, 1)
	signals <- os.Interrupt
	if err := Run(signals, cfg, nil, io.Discard); !errors.Is(err, ErrInterrupted) {
		t.Errorf("error %v", err)
	}
}

func TestRunRefuses(t *testing.T) {
	address := serveReal(t, here(t)[0])
	for _, tc := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"no load", func(c *Config) { c.Schedule.Rate = 0 }, "--rate R"},
		{"port", func(c *Config) { c.URL = "http://127.0.0.1:70000/" }, `port "70000"`},
		{"host", func(c *Config) { c.URL = "http://nowhere.invalid/" }, "looking its host up"},
		{"backend", func(c *Config) { c.Backend = "magic" }, `unknown backend "magic"`},
		{"nobody there", func(c *Config) { c.URL = "http://" + deserted(t) + "/" }, "7 refused"},
		{"too many", func(c *Config) { c.Idle, c.Processes = 1<<20, 1 }, "1048580 connections do not fit"},
		{"json to the runner", func(c *Config) { c.Control, c.JSON = true, "-" }, "--json -"},
		{"hlog to standard output", func(c *Config) { c.HLog = "-" }, "--hlog -"},
		{"json", func(c *Config) { c.JSON = "/nonexistent/x" }, "--json"},
		{"hlog", func(c *Config) { c.HLog = "/nonexistent/x" }, "--hlog"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := short("http://" + address + "/")
			tc.change(&cfg)
			if tc.name == "too many" && control.NoFile() > 1<<20 {
				t.Skip("SKIPPED: the descriptor limit here is above a million")
			}
			var out bytes.Buffer
			err := Run(nil, cfg, nil, &out)
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one about %s", err, tc.want)
			}
			if out.Len() > 0 && !cfg.Control {
				t.Errorf("printed %q", out.String())
			}
		})
	}
}

// deserted is an address that nobody listens on.
func deserted(t *testing.T) string {
	t.Helper()
	l, err := loop.New(loop.Config{Backend: here(t)[0]})
	if err != nil {
		t.Fatal(err)
	}
	n, err := l.Listen(loop.ListenOptions{Address: addrPort("127.0.0.1:0")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	l.Stop()
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	return n.Addr().String()
}

// When every request fails the report is written all the same, and the error
// says why.
func TestNothingMeasured(t *testing.T) {
	cfg := short("http://" + serveReal(t, here(t)[0]) + "/")
	cfg.JSON = "-"
	cfg.Timeout = time.Millisecond
	// Replies that come after a millisecond at the earliest.
	l, err := loop.New(loop.Config{Backend: here(t)[0]})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, l: l}
	w.serve = func(c *loop.Conn, n int) { w.after(50*time.Millisecond, c, hello) }
	n, err := l.Listen(loop.ListenOptions{Address: addrPort("127.0.0.1:0")}, func(*loop.Conn) loop.Handler { return &testConn{w: w} })
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- l.Run() }()
	defer func() {
		l.Stop()
		<-ended
	}()
	cfg.URL = fmt.Sprintf("http://%v/", n.Addr())
	var out bytes.Buffer
	if err := Run(nil, cfg, nil, &out); err == nil || !strings.Contains(err.Error(), "nothing could be measured") {
		t.Errorf("error %v", err)
	}
	var r Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil || r.Response.Failed != r.Scheduled || r.Scheduled == 0 {
		t.Errorf("report: %v, %d failed of %d", err, r.Response.Failed, r.Scheduled)
	}
}
