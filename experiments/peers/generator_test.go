package peers

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What both programs print.
const wrkOutput = `Running 1s test @ http://127.0.0.1:18080/fixed/13
  1 threads and 8 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     2.63ms    5.67ms  38.52ms   90.84%
    Req/Sec    11.27k     6.87k   22.25k    70.00%
  Latency Distribution
     50%  279.00us
     75%    2.20ms
     90%    7.55ms
     99%   29.77ms
  11293 requests in 1.02s, 1.57MB read
Requests/sec:  11104.81
Transfer/sec:      1.55MB
`

const h2loadOutput = `finished in 1.01s, 23892.00 req/s, 3.33MB/s
requests: 23892 total, 23900 started, 23892 done, 23892 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 23892 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 3.33MB (3488232) total, 2.23MB (2342004) headers (space savings 0.00%), 303.39KB (310674) data
                     min         max         mean         sd        +/- sd
time for request:       44us      7.40ms       332us       255us    94.34%
time for connect:       12us       386us       252us       117us    75.00%
`

func TestReadOutputs(t *testing.T) {
	t.Parallel()
	ms := func(v float64) int64 { return int64(v * 1e6) }
	wrkTimes := map[string]int64{"mean": ms(2.63), "max": ms(38.52), "p50": ms(.279), "p90": ms(7.55), "p99": ms(29.77)}
	h2loadTimes := map[string]int64{"min": ms(.044), "max": ms(7.4), "mean": ms(.332)}
	h2load := func(counts string) string {
		return strings.Replace(h2loadOutput, "23892 succeeded, 0 failed, 0 errored, 0 timeout", counts, 1)
	}
	for _, c := range []struct {
		name, program, text string
		want                told
	}{
		{"wrk", "wrk", wrkOutput, told{11293, 11104.81, 1646264, map[string]uint64{}, wrkTimes, nil}},
		{"wrk, errors", "wrk", wrkOutput + "  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 293\n",
			told{11000, 11104.81, 1646264, map[string]uint64{"refused": 1, "reset": 5, "timeout": 4, "status": 293}, wrkTimes, nil}},
		{"h2load", "h2load", h2loadOutput, told{23892, 23892, 3488232, map[string]uint64{}, h2loadTimes, nil}},
		{"h2load, errors", "h2load", h2load("23800 succeeded, 92 failed, 10 errored, 2 timeout"),
			told{23800, 23892, 3488232, map[string]uint64{"reset": 10, "timeout": 2, "status": 80}, h2loadTimes, nil}},
	} {
		got, err := read(c.program, c.text)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if len(got.notes) == 0 {
			t.Errorf("%s: nothing is said of its latencies", c.name)
		}
		got.notes = nil
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(told{})); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		r := Load{Generator: Generator{Name: c.name}, Connections: 8, Duration: time.Second}.report(got, 5e8, 0, "1")
		var failed uint64
		for _, n := range r.Errors {
			failed += n
		}
		if r.Requests+failed != r.Scheduled || r.Sent > r.Scheduled || r.BusyShare != .5 || r.Response.P50 != nil || r.Response.Missing["p50"] == "" {
			t.Errorf("%s: report %+v", c.name, r)
		}
	}
	for program, text := range map[string]string{"wrk": "unable to connect to 127.0.0.1:1 Connection refused\n", "h2load": "", "ab": wrkOutput} {
		if got, err := read(program, text); err == nil {
			t.Errorf("%s: %q is read as %+v", program, text, got)
		}
	}
}

func TestLoadCheck(t *testing.T) {
	t.Parallel()
	whole := Load{Generator: Generator{Name: "a", Command: []string{"a", "{connections}", "{seconds}s", "{timeout}", "{url}"}}, URL: "http://b/", Connections: 3, Duration: 2 * time.Second, Timeout: 1500 * time.Millisecond}
	if err := whole.Check(); err != nil {
		t.Error(err)
	}
	if got := strings.Join(whole.argv(2), " "); got != "a 3 2s 2 http://b/" {
		t.Errorf("command %q", got)
	}
	for _, change := range []func(*Load){
		func(l *Load) { l.Duration = 1500 * time.Millisecond },
		func(l *Load) { l.Duration = 0 },
		func(l *Load) { l.Connections = 0 },
		func(l *Load) { l.Command = nil },
		func(l *Load) { l.URL = "" },
	} {
		l := whole
		if change(&l); l.Check() == nil {
			t.Errorf("%+v is let pass", l)
		}
	}
}
