package peers

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"medusa/control"
	"medusa/results"
)

// Generator is a load generator of another program as a suite names it. In its
// command stand {url}, {connections}, {seconds} (a whole number), {timeout} (of
// a request, in seconds, rounded up) and {dir}.
type Generator struct {
	Name    string   `json:"name"`
	Command []string `json:"command"`
	// Output is whose output it prints: a name of Outputs.
	Output  string   `json:"output"`
	Needs   []string `json:"needs,omitempty"`
	Version []string `json:"version,omitempty"`
}

// GeneratorWords are what may stand in braces in its commands.
var GeneratorWords = []string{"url", "connections", "seconds", "timeout"}

// Outputs are the programs whose output is understood.
var Outputs = []string{"wrk", "h2load"}

// Load is one load to be put by a Generator: a closed loop, the only one that
// these programs have.
type Load struct {
	Generator
	URL         string
	Connections int
	Warmup      time.Duration // a run of its own, whole seconds, whose figures are thrown away
	Duration    time.Duration // whole seconds
	Timeout     time.Duration
	CPUs        []int
}

// Check refuses a Load that makes no sense on any system.
func (l Load) Check() error {
	switch {
	case len(l.Command) == 0 || l.Name == "" || l.URL == "":
		return errors.New("a generator needs a name, a command and a URL")
	case l.Connections < 1:
		return fmt.Errorf("%d connections: give one or more", l.Connections)
	case l.Duration < time.Second || l.Duration%time.Second != 0:
		return fmt.Errorf("a window of %v: other programs count whole seconds", l.Duration)
	}
	return nil
}

// argv is the command for so many seconds.
func (l Load) argv(seconds int) []string {
	return filledAll(l.Command, map[string]string{
		"url": l.URL, "connections": strconv.Itoa(l.Connections), "seconds": strconv.Itoa(seconds),
		"timeout": strconv.Itoa(max(1, int((l.Timeout+time.Second-1)/time.Second))),
	})
}

// told is what a program's output says.
type told struct {
	requests uint64 // answered well
	rate     float64
	bytes    uint64
	errors   map[string]uint64
	ns       map[string]int64 // its latencies: p50, p90, p99, mean, min, max
	notes    []string
}

// read understands a program's output.
func read(program, text string) (told, error) {
	switch program {
	case "wrk":
		return readWrk(text)
	case "h2load":
		return readH2load(text)
	}
	return told{}, fmt.Errorf("nobody here understands the output of %q", program)
}

// find returns the groups of a pattern in a text; none where it does not occur.
func find(text, pattern string) []string {
	if m := regexp.MustCompile(pattern).FindStringSubmatch(text); m != nil {
		return m[1:]
	}
	return nil
}

// counter reads one number; 0 where the text does not have it.
func counter(text, pattern string) uint64 {
	m := find(text, pattern)
	if m == nil {
		return 0
	}
	n, err := strconv.ParseUint(m[0], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// readWrk reads what wrk 4 prints with --latency.
func readWrk(text string) (told, error) {
	t := told{errors: map[string]uint64{}, ns: map[string]int64{}}
	rate := find(text, `Requests/sec:\s+([\d.]+)`)
	all := find(text, `(\d+) requests in \S+, ([\d.]+)([KMG]?)B read`)
	if rate == nil || all == nil {
		return t, errors.New("the output of wrk has no Requests/sec, or no number of requests")
	}
	total, _ := strconv.ParseUint(all[0], 10, 64)
	t.rate, _ = strconv.ParseFloat(rate[0], 64)
	size, _ := strconv.ParseFloat(all[1], 64)
	t.bytes = uint64(size * map[string]float64{"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}[all[2]])
	t.count("status", counter(text, `Non-2xx or 3xx responses: (\d+)`))
	t.requests = total - min(total, t.errors["status"])
	t.count("refused", counter(text, `Socket errors: connect (\d+)`))
	t.count("reset", counter(text, `Socket errors:.* read (\d+)`)+counter(text, `Socket errors:.* write (\d+)`))
	t.count("timeout", counter(text, `Socket errors:.* timeout (\d+)`))
	if m := find(text, `Latency\s+(\S+)\s+\S+\s+(\S+)`); m != nil {
		t.latency("mean", m[0])
		t.latency("max", m[1])
	}
	for _, q := range []string{"50", "90", "99"} {
		if m := find(text, `\n\s*`+q+`%\s+(\S+)`); m != nil {
			t.latency("p"+q, m[0])
		}
	}
	t.notes = []string{
		"wrk adds samples that were not measured after every latency over twice the mean (its correction of coordinated omission): its quantiles are not those of its requests",
		"wrk stamps a request when its socket is found writable and its reply when it has been read, both after the wait that brought them",
		"wrk prints bytes with three digits",
	}
	return t, nil
}

// readH2load reads what h2load of nghttp2 prints for a timed run.
func readH2load(text string) (told, error) {
	t := told{errors: map[string]uint64{}, ns: map[string]int64{}}
	rate := find(text, `finished in \S+, ([\d.]+) req/s`)
	all := find(text, `requests: (\d+) total, \d+ started, \d+ done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout`)
	if rate == nil || all == nil {
		return t, errors.New("the output of h2load has no req/s, or no number of requests")
	}
	var n [5]uint64
	for i := range n {
		n[i], _ = strconv.ParseUint(all[i], 10, 64)
	}
	t.rate, _ = strconv.ParseFloat(rate[0], 64)
	t.requests = n[1]
	t.bytes = counter(text, `traffic: \S+ \((\d+)\) total`)
	// Errored and timed out requests are among the failed ones.
	t.count("timeout", n[4])
	t.count("reset", n[3])
	t.count("status", n[2]-min(n[2], n[3]+n[4]))
	if m := find(text, `time for request:\s+(\S+)\s+(\S+)\s+(\S+)`); m != nil {
		t.latency("min", m[0])
		t.latency("max", m[1])
		t.latency("mean", m[2])
	}
	t.notes = []string{"h2load tells the mean, the least and the largest latency of a request, no quantile"}
	return t, nil
}

func (t *told) count(kind string, n uint64) {
	if n > 0 {
		t.errors[kind] = n
	}
}

// latency reads a time such as 279.00us; what is none is left out.
func (t *told) latency(name, text string) {
	if d, err := time.ParseDuration(text); err == nil {
		t.ns[name] = d.Nanoseconds()
	}
}

// report makes of it what a load process of medusa reports. cpu is the
// program's CPU time over its run, lead how long it ran before the window began.
func (l Load) report(t told, cpu, lead int64, version string) results.LoadReport {
	failed := uint64(0)
	for _, n := range t.errors {
		failed += n
	}
	r := results.LoadReport{
		SchemaVersion: results.SchemaVersion, URL: l.URL, Backend: l.Name, Engine: "peer", Pacing: "sleep", Mode: "closed",
		Active: l.Connections, TimeoutNs: int64(l.Timeout), AchievedRate: t.rate, DurationNs: int64(l.Duration),
		Scheduled: t.requests + failed, Sent: t.requests + failed - t.errors["refused"], Requests: t.requests, BytesReceived: t.bytes,
		Errors: t.errors, Fate: map[string]uint64{}, CPUNs: cpu, BusyShare: float64(cpu) / float64(l.Duration), Verdict: results.VerdictValid,
		LeadNs: lead, Peer: &results.Peer{Version: version, Command: l.Command}, Told: t.ns, Notes: t.notes,
	}
	if t.rate > 0 {
		r.DurationNs = int64(float64(t.requests+t.errors["status"]) / t.rate * 1e9)
	}
	none := map[string]string{}
	for _, q := range []string{"p50", "p90", "p99", "p999"} {
		none[q] = l.Name + " is another program, whose latencies are not measured as medusa's are: see told_p50_us"
	}
	for _, d := range []*results.Dist{&r.Response, &r.ResponseOK, &r.Service, &r.FirstByte, &r.Connect, &r.Admission, &r.Lag, &r.Queue} {
		*d = results.Dist{Count: max(t.requests, 1<<20), Missing: none}
	}
	return r
}

// ready is what is said of a generator before it runs.
func (l Load) ready(pid int) *control.Ready {
	return &control.Ready{PID: pid, Backend: l.Name, Engine: "peer", CPUs: l.CPUs, NoFile: control.NoFile()}
}

// seconds rounds up to whole seconds, at least one.
func seconds(d time.Duration) int { return max(1, int((d+time.Second-1)/time.Second)) }

// firstLines joins the first lines of an output, to say what went wrong.
func firstLines(text string) string {
	return strings.Join(strings.Fields(text[:min(len(text), 300)]), " ")
}
