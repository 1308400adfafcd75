package loadgen

import (
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

func TestURL(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		url  string
		want target
		err  string
	}{
		{"http://h:81/a/b?c=d", target{"h:81", "h", "81", "/a/b?c=d", 0}, ""},
		{"http://h", target{"h", "h", "80", "/", 0}, ""},
		{"http://[::1]:8080/x", target{"[::1]:8080", "::1", "8080", "/x", 0}, ""},
		{"http://h/a%20b#frag", target{"h", "h", "80", "/a%20b", 0}, ""},
		{"http://h?q", target{"h", "h", "80", "/?q", 0}, ""},
		{"raw://127.0.0.1:9000", target{"127.0.0.1:9000", "127.0.0.1", "9000", "/", 0}, ""},
		{"raw://h", target{}, "no port"},
		{"echo://h:7/512", target{"h:7", "h", "7", "/512", 512}, ""},
		{"echo://h:7/1048576", target{"h:7", "h", "7", "/1048576", 1 << 20}, ""},
		{"echo://h/512", target{}, "no port"},
		{"echo://h:7", target{}, "1 to 1048576 bytes"},
		{"echo://h:7/0", target{}, "1 to 1048576 bytes"},
		{"echo://h:7/1048577", target{}, "1 to 1048576 bytes"},
		{"echo://h:7/512?x", target{}, "1 to 1048576 bytes"},
		{"echo://h:7/many", target{}, "1 to 1048576 bytes"},
		{"https://h/", target{}, "unknown scheme"},
		{"h:80", target{}, "unknown scheme"},
		{"/x", target{}, "unknown scheme"},
		{"", target{}, "unknown scheme"},
		{"http:///x", target{}, "no host"},
		{"http://u:p@h/", target{}, "user"},
		{"http://h:port/", target{}, "invalid port"},
		{"http://h:99999/", target{}, "1 to 65535"},
		{"raw://h:0", target{}, "1 to 65535"},
		{"http://h/\x7f", target{}, "control character"},
		{"http://h/?a b", target{}, "space"},
	} {
		got, err := Spec{URL: tc.url}.parse()
		if got != tc.want || (err == nil) != (tc.err == "") || (err != nil && !strings.Contains(err.Error(), tc.err)) {
			t.Errorf("%q: %+v, %v, want %+v, %q", tc.url, got, err, tc.want, tc.err)
		}
	}
}

func TestRequestBytes(t *testing.T) {
	t.Parallel()
	s := Spec{URL: "http://h:81/a?b"}
	if got, size, err := s.request(); err != nil || size != len(got) || string(got) != "GET /a?b HTTP/1.1\r\nHost: h:81\r\nUser-Agent: medusa\r\n\r\n" {
		t.Errorf("%q, %d, %v", got, size, err)
	}
	s.NoKeepAlive = true
	if got, _, _ := s.request(); string(got) != "GET /a?b HTTP/1.1\r\nHost: h:81\r\nUser-Agent: medusa\r\nConnection: close\r\n\r\n" {
		t.Errorf("%q", got)
	}
}

func TestSpecCheck(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(*Spec)
		want   string
	}{
		{"good", func(*Spec) {}, ""},
		{"closed", func(s *Spec) { s.Closed, s.Schedule.Rate = true, 0 }, ""},
		{"closed needs no schedule", func(s *Spec) { s.Closed, s.Schedule = true, Schedule{} }, ""},
		{"depth", func(s *Spec) { s.Closed, s.Schedule.Rate, s.Depth = true, 0, 1024 }, ""},
		{"leaving in no time", func(s *Spec) { s.Leave, s.Redial, s.RecoverLimit = 0.5, false, 0 }, "--recover-limit 0s and --leave"},
		{"depth of 0", func(s *Spec) { s.Depth = 0 }, "--depth 0"},
		{"too deep", func(s *Spec) { s.Closed, s.Schedule.Rate, s.Depth = true, 0, 1025 }, "--depth 1025: give a number from 1 to 1024"},
		{"deep and open", func(s *Spec) { s.Depth = 2 }, "--depth 2: in an open loop"},
		{"deep and without keep-alive", func(s *Spec) { s.Closed, s.Schedule.Rate, s.Depth, s.NoKeepAlive = true, 0, 2, true }, "--depth 2 and --no-keep-alive"},
		{"too much on its way", func(s *Spec) {
			s.URL, s.Closed, s.Schedule.Rate, s.Depth = "echo://h:7/65537", true, 0, 16
		}, "--depth 16: requests of 65537 bytes"},
		{"as much as may be", func(s *Spec) { s.URL, s.Closed, s.Schedule.Rate, s.Depth = "echo://h:7/65536", true, 0, 16 }, ""},
		{"both", func(s *Spec) { s.Closed = true }, "--closed and --rate"},
		{"neither", func(s *Spec) { s.Schedule.Rate = 0 }, "--rate R"},
		{"negative rate", func(s *Spec) { s.Schedule.Rate = -5 }, "rate of -5"},
		{"no rate at all", func(s *Spec) { s.Schedule.Rate = math.NaN() }, "rate of NaN"},
		{"arrivals", func(s *Spec) { s.Schedule.Arrivals = "gauss" }, `arrivals "gauss"`},
		{"URL", func(s *Spec) { s.URL = "x" }, `URL "x"`},
		{"connections", func(s *Spec) { s.Connections = 0 }, "--connections 0"},
		{"idle", func(s *Spec) { s.Idle = -1 }, "--idle -1"},
		{"pacing", func(s *Spec) { s.Pacing = "" }, `--pacing ""`},
		{"timeout", func(s *Spec) { s.Timeout = 0 }, "--timeout 0s"},
		{"connect timeout", func(s *Spec) { s.ConnectTimeout = -1 }, "--connect-timeout"},
		{"warm-up", func(s *Spec) { s.Warmup = -1 }, "--warmup"},
		{"no warm-up", func(s *Spec) { s.Warmup = 0 }, ""},
		{"duration", func(s *Spec) { s.Duration = 25 * time.Hour }, "--duration 25h"},
		{"fill rate", func(s *Spec) { s.FillRate = 0 }, "--fill-rate 0"},
		{"sources", func(s *Spec) { s.Sources = []netip.Addr{netip.MustParseAddr("::1")} }, "--sources ::1"},
	} {
		s := Default()
		s.URL, s.Schedule.Rate, s.Address = "http://h/", 10, addrPort("127.0.0.1:80")
		tc.change(&s)
		err := s.Check()
		if (err == nil) != (tc.want == "") || (err != nil && (!strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n"))) {
			t.Errorf("%s: error %v, want one about %q", tc.name, err, tc.want)
		}
	}
}

func TestCheckBackend(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"kpoll", "sim"} {
		c := Config{Spec: Default()}
		c.URL, c.Closed, c.Backend = "http://h/", true, name
		if err := c.Check(); err == nil || !strings.HasPrefix(err.Error(), `--backend: unknown backend "`+name+`"`) || strings.Contains(err.Error(), ", sim") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func parseFlags(t *testing.T, args ...string) (Config, error) {
	t.Helper()
	var f Flags
	k, err := kong.New(&f)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Parse(args); err != nil {
		return Config{}, err
	}
	return f.Config()
}

// Without flags the command line gives what Default gives.
func TestFlagDefaults(t *testing.T) {
	t.Parallel()
	got, err := parseFlags(t, "http://h/")
	want := Config{Spec: Default()}
	want.URL = "http://h/"
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	got, err := parseFlags(t, "raw://h:1", "--backend", "poll", "--connections", "3", "--idle", "4", "--no-idle-first-request", "--rate", "5.5", "--depth", "6",
		"--arrivals", "burst", "--burst", "6", "--seed", "7", "--timeout", "8ms", "--connect-timeout", "9ms",
		"--warmup", "10ms", "--duration", "11ms", "--no-keep-alive", "--no-redial", "--pacing", "busy", "--loose-body",
		"--fill-rate", "12", "--fill-limit", "13ms", "--sources", "127.0.0.1,127.0.0.2", "--cpu", "0,1", "--json", "-",
		"--hlog", "f", "--hlog-tag", "g", "--control", "stdio", "--processes", "3",
		"--assign", "turn", "--leave", "0.5", "--recover-limit", "14ms")
	want := Config{
		Spec: Spec{
			URL: "raw://h:1", Backend: "poll", Connections: 3, Idle: 4, IdleSilent: true, Depth: 6,
			Assign: AssignTurn, Leave: 0.5, RecoverLimit: 14 * time.Millisecond,
			Schedule: Schedule{Arrivals: Burst, Rate: 5.5, Burst: 6, Seed: 7},
			Timeout:  8 * time.Millisecond, ConnectTimeout: 9 * time.Millisecond, Warmup: 10 * time.Millisecond, Duration: 11 * time.Millisecond,
			NoKeepAlive: true, Pacing: Busy, LooseBody: true, FillRate: 12, FillLimit: 13 * time.Millisecond,
			Sources: []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")},
		},
		CPUs: []int{0, 1}, JSON: "-", HLog: "f", HLogTag: "g", Control: true, Processes: 3,
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if got, err := parseFlags(t, "http://h/", "--closed"); err != nil || !got.Closed || got.Check() != nil {
		t.Errorf("closed: %+v, %v", got, err)
	}
	for _, bad := range [][]string{{}, {"http://h/", "--pacing", "fast"}, {"http://h/", "--sources", "localhost"}, {"http://h/", "--control", "tcp"}} {
		if _, err := parseFlags(t, bad...); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
