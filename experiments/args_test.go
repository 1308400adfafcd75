package experiments

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"medusa/control"
	"medusa/poller/loop"
	"medusa/servers"
)

// firstOf returns the settings of the first trial of a suite.
func firstOf(t *testing.T, text string) values {
	return values(mustPlan(t, text, Request{}, testHost()).Trials[0].Settings)
}

func TestServerArguments(t *testing.T) {
	v := firstOf(t, smallSuite)
	got := strings.Join(serverArgs(v, netip.MustParseAddr("127.1.1.1"), []int{0}), " ")
	want := "serve --control stdio --backend " + v.text("backend") + " --http 127.1.1.1:0 --nofile 20000 --wait block --fixed --cpu 0"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	v["idle_connections"] = 10.0
	if got := strings.Join(serverArgs(v, netip.MustParseAddr("127.1.1.1"), nil), " "); !strings.HasSuffix(got, " --idle-timeout 10m0s") {
		t.Errorf("beside idle connections: %s", got)
	}
	v["protocol"], v["congestion"], v["in_bytes"], v["out_bytes"], v["server_wait"] = "raw", "cubic", 1024.0, 4096.0, "poll"
	v["window_s"] = 100.0
	got = strings.Join(serverArgs(v, netip.MustParseAddr("::1"), []int{0, 1}), " ")
	want = "serve --control stdio --backend " + v.text("backend") + " --raw [::1]:0 --nofile 20000 --wait poll --cpu 0,1 --congestion cubic --idle-timeout 16m45s --in 1024 --out 4096"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A server is told of its buffers, and how it shall send files.
func TestBufferArguments(t *testing.T) {
	v := firstOf(t, smallSuite)
	at := netip.MustParseAddr("127.1.1.1")
	v["buffers"], v["file_io"] = "auto", "copy"
	if got := strings.Join(serverArgs(v, at, nil), " "); !strings.HasSuffix(got, " --buffers default=auto --file-io copy") {
		t.Errorf("got %s", got)
	}
	v["buffers"] = "default=4KiB; 127.0.0.0/8=auto"
	if got := serverArgs(v, at, nil); got[len(got)-3] != v["buffers"] {
		t.Errorf("got %s", got)
	}
	for text, want := range map[string]string{"buffers: auto": "", "buffers: much": "give entries such as", "buffers: 4kB": "is not a size", "file_io: mmap": "file_io must be sendfile or copy"} {
		_, err := Parse("small.yaml", []byte(strings.Replace(smallSuite, "trial:", "fixed: {"+text+"}\ntrial:", 1)))
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// A server of echo is told what a message is, one on io_uring what to do without.
func TestEchoArguments(t *testing.T) {
	v := firstOf(t, strings.Replace(smallSuite, "trial:", "fixed: {protocol: echo, message_bytes: 512}\ntrial:", 1))
	at := netip.MustParseAddr("127.1.1.1")
	want := "serve --control stdio --backend " + v.text("backend") + " --echo 127.1.1.1:0 --nofile 20000 --wait block --echo-bytes 512"
	if got := strings.Join(serverArgs(v, at, nil), " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	r := loadRun{server: control.Ready{Echo: "127.1.1.1:7"}, backend: "epoll", active: 16}
	want = "load echo://127.1.1.1:7/512 --control stdio --backend epoll --connections 16 --idle 0 --closed --seed 0"
	if got := strings.Join(loadArgs(v, r), " "); !strings.HasPrefix(got, want) {
		t.Errorf("got  %s\nwant %s ...", got, want)
	}
	v["depth"], v["ring_without"] = 16.0, "multishot"
	if got := strings.Join(loadArgs(v, r), " "); !strings.Contains(got, " --closed --depth 16 ") {
		t.Errorf("16 on their way: %s", got)
	}
	if got := strings.Join(serverArgs(v, at, nil), " "); !strings.HasSuffix(got, " --ring-without multishot") {
		t.Errorf("without multishot: %s", got)
	}
	v["burn"] = 0.05
	if got := strings.Join(serverArgs(v, at, nil), " "); !strings.HasSuffix(got, " --burn 0.05") {
		t.Errorf("burning: %s", got)
	}
	v["fd_base"] = 900.0
	if got := strings.Join(serverArgs(v, at, nil), " "); !strings.HasSuffix(got, " --fd-base 900") {
		t.Errorf("high numbers: %s", got)
	}
	delete(v, "fd_base")
	v["ring_without"], v["burn"] = nothing, 0.0
	if got := strings.Join(serverArgs(v, at, nil), " "); strings.Contains(got, "ring") || strings.Contains(got, "burn") {
		t.Errorf("without nothing: %s", got)
	}
}

// The server takes the arguments that a suite can lead to.
func TestServerTakesArguments(t *testing.T) {
	for _, extra := range []string{"protocol: http", "protocol: raw", "protocol: echo, message_bytes: 1"} {
		v := firstOf(t, strings.Replace(smallSuite, "trial:", "fixed: {"+extra+"}\ntrial:", 1))
		cfg := servers.Config{Backend: "poll"}
		at := map[string]*string{"--http": &cfg.HTTP, "--raw": &cfg.Raw, "--echo": &cfg.Echo}
		args := serverArgs(v, netip.MustParseAddr("127.0.0.1"), nil)
		for i, a := range args {
			if s := at[a]; s != nil {
				*s = args[i+1]
			}
			cfg.Fixed = cfg.Fixed || a == "--fixed"
		}
		if err := cfg.Check(); err != nil {
			t.Errorf("%s: %v: %v", extra, args, err)
		}
	}
}

// The features that a suite can leave out are those of the loop.
func TestRingFeatures(t *testing.T) {
	all := strings.Join(ringWithout[1:], ",")
	if f, err := loop.ParseRingFeatures(all); err != nil || f.String() != all || (^loop.RingFeature(0)).String() != all || ringWithout[0] != nothing {
		t.Errorf("%q are %v (%v), the loop has %v", ringWithout, f, err, ^loop.RingFeature(0))
	}
}

func TestLoadArguments(t *testing.T) {
	v := firstOf(t, smallSuite)
	r := loadRun{server: control.Ready{HTTP: "127.1.1.1:8080", Raw: "127.1.1.1:8081"}, backend: "epoll", active: 100, idle: 10, seed: 42, cpu: []int{1}, hlog: "/run/1.hlog", tag: "1"}
	got := strings.Join(loadArgs(v, r), " ")
	want := "load http://127.1.1.1:8080/fixed/13 --control stdio --backend epoll --connections 100 --idle 10 --closed --seed 42" +
		" --timeout 1s --connect-timeout 3s --warmup 500ms --duration 2s --pacing busy --cpu 1 --hlog /run/1.hlog --hlog-tag 1"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	v["idle_first_request"] = false
	if got := strings.Join(loadArgs(v, r), " "); !strings.Contains(got, " --idle 10 ") || !strings.Contains(got, " --no-idle-first-request") {
		t.Errorf("silent from the start: %s", got)
	}
	v["idle_first_request"] = true
	v["mode"], v["rate_rps"], v["arrivals"], v["keep_alive"], v["protocol"] = "open", 1234.5, "constant", false, "raw"
	r.cpu, r.hlog, r.sources = nil, "", []netip.Addr{netip.MustParseAddr("127.252.1.1"), netip.MustParseAddr("127.252.1.2")}
	got = strings.Join(loadArgs(v, r), " ")
	want = "load raw://127.1.1.1:8081 --control stdio --backend epoll --connections 100 --idle 10 --rate 1234.5 --arrivals constant --seed 42" +
		" --timeout 1s --connect-timeout 3s --warmup 500ms --duration 2s --pacing busy --no-keep-alive --sources 127.252.1.1,127.252.1.2"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestTrialAddresses(t *testing.T) {
	seen := map[netip.Addr]bool{}
	for trial := 1; trial <= 200_000; trial++ {
		a := trialAddress(trial)
		b := a.As4()
		if seen[a] || b[0] != 127 || b[1] == 0 || b[1] >= 252 || b[3] == 0 || b[3] == 255 {
			t.Fatalf("trial %d: %v", trial, a)
		}
		seen[a] = true
	}
}

func TestSourceAddresses(t *testing.T) {
	keep, churn := values{"keep_alive": true}, values{"keep_alive": false}
	mac := testHost()
	mac.Loopback = false
	for _, c := range []struct {
		v           values
		connections int
		host        Host
		want        int
	}{{keep, 100, testHost(), 0}, {keep, 10_000, testHost(), 0}, {keep, 18_001, testHost(), 2}, {keep, 60_000, testHost(), 6}, {churn, 32, testHost(), 8}, {churn, 32, mac, 0}} {
		if got := sourceAddresses(c.v, c.connections, c.host); len(got) != c.want {
			t.Errorf("%d connections: %d addresses, want %d", c.connections, len(got), c.want)
		}
	}
}

func TestSplitOffered(t *testing.T) {
	for _, c := range []struct {
		v            values
		usable       int
		active, idle int
	}{
		{values{"active_connections": 100.0, "idle_connections": 5.0}, 50, 100, 5},
		{values{"offered_share": 2.0, "active_share": 0.1}, 50, 10, 90},
		{values{"offered_share": 0.5}, 51, 26, 0},
		{values{"offered_share": 1.0, "active_share": 0.0}, 50, 1, 49},
		{values{"offered_share": 0.01}, 3, 1, 0},
	} {
		if active, idle := split(c.v, c.usable); active != c.active || idle != c.idle {
			t.Errorf("%v of %d: %d active, %d idle", c.v, c.usable, active, idle)
		}
	}
}

func TestSplitWords(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{"  ssh   n1\t", []string{"ssh", "n1"}},
		{`srun -w 'n 2' "a b"c`, []string{"srun", "-w", "n 2", "a bc"}},
		{`a\ b 'c\d' "e\"f" ''`, []string{"a b", `c\d`, `e"f`, ""}},
	} {
		got, err := splitWords(c.text)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, %v", c.text, got, err)
		}
	}
	for _, bad := range []string{`'a`, `"a`, `a\`} {
		if _, err := splitWords(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

// The clients of a fault have a CPU of their own where there is one.
func TestFaultCPU(t *testing.T) {
	for _, c := range []struct {
		cpus         []int
		server, want int
	}{{[]int{0}, 1, 0}, {[]int{0, 1}, 1, 1}, {[]int{0, 1, 2}, 1, 1}, {[]int{0, 1, 2}, 2, 2}, {[]int{2, 4, 6, 8}, 1, 6}, {[]int{2, 4, 6, 8}, 3, 8}, {[]int{2, 4, 6, 8}, 9, 8}} {
		if got := (Host{CPUs: c.cpus}).faultCPU(c.server); got != c.want {
			t.Errorf("of CPUs %v, %d the server's: %d, want %d", c.cpus, c.server, got, c.want)
		}
	}
}

func TestHostDividesCPUs(t *testing.T) {
	for _, c := range []struct {
		cpus   []int
		n      int
		server []int
		load   int
		probed []int
	}{
		{[]int{0}, 1, []int{0}, 0, []int{0}},
		{[]int{0, 1}, 1, []int{0}, 1, []int{0, 1}},
		{[]int{0, 1}, 2, []int{0}, 1, []int{0, 1}},
		{[]int{2, 3, 6, 7}, 2, []int{2, 3}, 7, []int{2, 3, 7}},
	} {
		h := Host{CPUs: c.cpus, Pin: true}
		if s, l, p := h.serverCPUs(c.n), h.loadCPU(), h.probed(c.n); !slices.Equal(s, c.server) || l != c.load || !slices.Equal(p, c.probed) {
			t.Errorf("%v for %d: server %v, load %d, probed %v", c.cpus, c.n, s, l, p)
		}
	}
	if p := (Host{CPUs: []int{0, 1}}).probed(1); p != nil {
		t.Errorf("probed without pinning: %v", p)
	}
}
