package servers

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

func dialError(address string) (net.Conn, error) { return net.DialTimeout("tcp", address, patience) }

func TestBadConfigs(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	good := Config{Backend: "poll", HTTP: "127.0.0.1:0", Fixed: true}
	tests := []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"nothing to listen for", func(c *Config) { c.HTTP = "" }, "nothing to listen for"},
		{"nothing to serve", func(c *Config) { c.Fixed = false }, "nothing to serve over http"},
		{"no port", func(c *Config) { c.HTTP = "127.0.0.1" }, `http address "127.0.0.1": give host:port`},
		{"port of letters", func(c *Config) { c.HTTP = "127.0.0.1:http" }, "the port is a number"},
		{"port too large", func(c *Config) { c.Raw = "127.0.0.1:65536" }, `raw address "127.0.0.1:65536": the port is a number`},
		{"echo without a port", func(c *Config) { c.Echo = "127.0.0.1" }, `echo address "127.0.0.1": give host:port`},
		{"bytes of no echo", func(c *Config) { c.EchoBytes = 1 }, "echo-bytes needs an echo address"},
		{"negative message", func(c *Config) { c.Echo, c.EchoBytes = "127.0.0.1:0", -1 }, "echo-bytes -1: give a number from 1 to 1048576"},
		{"message too large", func(c *Config) { c.Echo, c.EchoBytes = "127.0.0.1:0", 1<<20+1 }, "echo-bytes 1048577"},
		{"a name", func(c *Config) { c.HTTP = "example.org:80" }, "the host is an IP address"},
		{"listing of nothing", func(c *Config) { c.Listing = true }, "nothing to list"},
		{"no address", func(c *Config) { c.HTTP, c.Raw = "", "127.0.0.1:0" }, "nowhere to serve http"},
		{"redirect without =", func(c *Config) { c.Redirects = []string{"/a"} }, `redirect "/a": give FROM=TO`},
		{"redirect from nowhere", func(c *Config) { c.Redirects = []string{"a=/b"} }, `redirect from "a"`},
		{"redirect to nowhere", func(c *Config) { c.Redirects = []string{"/a=b"} }, `redirect to "b"`},
		{"redirect twice", func(c *Config) { c.Redirects = []string{"/a=/b", "/a/=/c"} }, `redirect "/a/=/c": redirect "/a=/b" is for that path`},
		{"redirect twice from the root", func(c *Config) { c.Redirects = []string{"/=/b", "//=/c"} }, `redirect "//=/c": redirect "/=/b" is for that path`},
		{"redirect and proxy", func(c *Config) { c.Redirects, c.Proxies = []string{"/a=/b"}, []string{"/a/=http://127.0.0.1"} }, `proxy "/a/=http://127.0.0.1": redirect "/a=/b" is for that path`},
		{"proxy twice", func(c *Config) { c.Proxies = []string{"/a=http://127.0.0.1", "/a=http://127.0.0.1:81"} }, `proxy "/a=http://127.0.0.1:81": proxy "/a=http://127.0.0.1" is for that path`},
		{"proxy without =", func(c *Config) { c.Proxies = []string{"/a"} }, `proxy "/a": give PREFIX=http://HOST:PORT`},
		{"proxy over TLS", func(c *Config) { c.Proxies = []string{"/a=https://127.0.0.1"} }, `give PREFIX=http://HOST:PORT`},
		{"proxy for no path", func(c *Config) { c.Proxies = []string{"a=http://127.0.0.1"} }, `proxy for "a"`},
		{"proxy to a path", func(c *Config) { c.Proxies = []string{"/a=http://127.0.0.1/b"} }, "requests keep their paths"},
		{"proxy to a name", func(c *Config) { c.Proxies = []string{"/a=http://example.org"} }, `proxy to "example.org:80": the host is an IP address`},
		{"proxy to nobody", func(c *Config) { c.Proxies = []string{"/a=http://:81"} }, "give the upstream server's address"},
		{"proxy to port 0", func(c *Config) { c.Proxies = []string{"/a=http://127.0.0.1:0"} }, "give the upstream server's address"},
		{"vhost without =", func(c *Config) { c.Hosts = []string{"a"} }, `vhost "a": give NAME=DIR`},
		{"vhost without a directory", func(c *Config) { c.Hosts = []string{"a="} }, `vhost "a=": give NAME=DIR`},
		{"vhost twice", func(c *Config) { c.Hosts = []string{"a=.", "a=/"} }, `vhost "a=/": vhost "a=." is for that host`},
		{"vhost in two cases", func(c *Config) { c.Hosts = []string{"a=.", "A.=/"} }, `vhosts: "A." and "a" are one host`},
		{"vhost with a port", func(c *Config) { c.Hosts = []string{"a:80=."} }, `vhosts: host "a:80": give a host name or an IP address, without a port`},
		{"vhost of nothing", func(c *Config) { c.Hosts = []string{"b=.", "a=testdata/nothing"} }, "vhost a: root directory: open testdata/nothing: no such file or directory"},
		{"negative content", func(c *Config) { c.MaxContent = -1 }, "at most -1 bytes of content"},
		{"access log", func(c *Config) { c.AccessLog = "testdata/nothing/log" }, "access log: open testdata/nothing/log: no such file"},
		{"negative descriptor", func(c *Config) { c.FDBase = -1 }, "fd-base -1: give the number of a descriptor"},
		{"wait", func(c *Config) { c.Wait = "spin" }, `wait "spin": give "block" or "poll"`},
		{"burning too much", func(c *Config) { c.Burn = 1.5 }, "burn of 1.5: give a share from 0 to 1"},
		{"burning goroutines", func(c *Config) { c.Backend, c.Burn = "goroutines", 0.1 }, "backend goroutines cannot burn"},
		{"burning without sleep", func(c *Config) { c.Wait, c.Burn = "poll", 0.1 }, "a loop that polls without sleeping cannot burn"},
		{"policy", func(c *Config) { c.OnFull = "drop" }, `on-full "drop": give "pause", "shed" or "reap"`},
		{"negative reserve", func(c *Config) { c.ReserveFDs = -1 }, "-1 descriptors in reserve"},
		{"too many accepts", func(c *Config) { c.AcceptsPerTurn = 1<<16 + 1 }, "65537 accepts per turn: give a number from 1 to 65536"},
		{"accepted before", func(c *Config) { c.DeferAccept = -time.Second }, "accept deferred by -1s"},
		{"backend", func(c *Config) { c.Backend = "kpoll" }, `unknown backend "kpoll"`},
		{"backend of simulations", func(c *Config) { c.Backend = "sim" }, `unknown backend "sim"`},
		{"buffer", func(c *Config) { c.In = 1000 }, "in buffer of 1000 bytes"},
		{"no root", func(c *Config) { c.Root = "testdata/nothing" }, "testdata/nothing: no such file or directory"},
		{"root is a file", func(c *Config) { c.Root = "server.go" }, "server.go: not a directory"},
		{"port in use", func(c *Config) { c.HTTP = taken.Addr().String() }, "http: listen on " + taken.Addr().String() + ": bind: address already in use"},
		{"third port in use", func(c *Config) { c.Echo = taken.Addr().String() }, "echo: listen on " + taken.Addr().String()},
		{"second port in use", func(c *Config) { c.Raw = taken.Addr().String() }, "raw: listen on " + taken.Addr().String()},
		{"address of another machine", func(c *Config) { c.HTTP = "192.0.2.1:0" }, "cannot assign requested address"},
		{"congestion control", func(c *Config) { c.Congestion = "nonesuch" }, "TCP_CONGESTION nonesuch"},
		{"CPU", func(c *Config) { c.CPUs = []int{100000} }, "CPU"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := good
			test.change(&cfg)
			var out strings.Builder
			err := Run(nil, cfg, strings.NewReader(""), &out)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want a line with %q", err, test.want)
			}
			if out.Len() > 0 {
				t.Errorf("it said %q", out.String())
			}
			cfg.Control = true
			if err := Run(nil, cfg, strings.NewReader(""), &out); err == nil || !strings.Contains(out.String(), `{"event":"error","message":"`) {
				t.Errorf("with a runner: %v, it said %q", err, out.String())
			}
		})
	}
}

func TestControl(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend string) {
		r := start(t, Config{Backend: backend, Control: true, MaxConnections: 1})
		if r.ready.Backend != backend || r.ready.Engine == "" || r.ready.OpenFDs < 3 || r.ready.Raw != "" {
			t.Errorf("ready: %+v", r.ready)
		}
		c := dial(t, r.ready.HTTP)
		in := bufio.NewReader(c)
		before := r.snapshot()
		for range 5 {
			if _, err := c.Write([]byte(get("/fixed/10"))); err != nil {
				t.Fatal(err)
			}
			answer(t, in)
		}
		after := r.snapshot()
		if n := after.Requests - before.Requests; n != 5 {
			t.Errorf("%d requests between the snapshots, want 5", n)
		}
		if after.AtNs <= before.AtNs || after.CPUNs <= before.CPUNs || after.BytesOut <= before.BytesOut ||
			backend != "goroutines" && after.Calls["wait"] <= before.Calls["wait"] {
			t.Errorf("before %+v, after %+v", before, after)
		}
		r.command(`{"do":"snapshot"}`)
		if s := r.next().Snapshot; s == nil || s.Full != nil {
			t.Errorf("a cheap snapshot: %+v", s)
		}
		r.command(`{"do":"stop"}`)
		if err := r.wait(); err != nil {
			t.Error(err)
		}
		if _, err := in.ReadByte(); err != io.EOF {
			t.Errorf("the idle connection ended with %v", err)
		}
	})
}

func TestBadCommands(t *testing.T) {
	for line, want := range map[string]string{
		`{"do":"go"}`: `does not know the command "go"`, `stop`: "line 1 of the commands: not a JSON command",
		`{"do":"stop","now":true}`: "unknown field",
	} {
		r := start(t, Config{Backend: "poll", Control: true})
		r.command("%s", line)
		event := r.next()
		if event.Event != "error" || !strings.Contains(event.Message, want) {
			t.Errorf("%s: event %+v, want %q", line, event, want)
		}
		if err := r.wait(); err == nil || err.Error() != event.Message {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// TestBusy: a server that never sleeps serves and ends too.
func TestBusy(t *testing.T) {
	r := start(t, Config{Backend: "poll", Wait: "poll", IdleTimeout: 100 * time.Millisecond})
	c := dial(t, r.ready.HTTP)
	if _, err := c.Write([]byte(get("/fixed/1"))); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	if status, _ := answer(t, in); status != 200 {
		t.Errorf("status %d", status)
	}
	if _, err := in.ReadByte(); err != io.EOF {
		t.Errorf("the idle connection ended with %v", err)
	}
	c.Close()
	r.terminate()
}
