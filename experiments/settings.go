package experiments

import (
	"fmt"
	"math"
	"strconv"

	"medusa/loadgen"
	"medusa/results"
	"medusa/servers"
)

// Kind is the type of a setting's value.
type Kind string

// The kinds of settings. Numbers are float64 in memory, as in JSON.
const (
	Integer Kind = "integer"
	Number  Kind = "number"
	Switch  Kind = "true or false"
	Text    Kind = "text"
	Choice  Kind = "one of"
)

// Setting is one thing that a suite can fix or vary. The registry is closed: a
// setting stands in it only if a process of a trial honours it.
type Setting struct {
	Name    string
	Kind    Kind
	Min     float64 // of Integer and Number, inclusive
	Max     float64
	Power   bool     // only powers of two
	Choices []string // of Choice
	Unit    string
	Meaning string
	Process string // which honours it: "server", "load", "both" or "runner"
	Flag    string // the flag that it becomes
	Default any    // nil: not set unless a suite sets it
}

// settings is the registry, in the order in which a list shows it.
var settings = []Setting{
	{Name: "backend", Kind: Text, Process: "server", Flag: "--backend", Default: "epoll",
		Meaning: "the I/O backend of the server; `here` as a factor stands for all that this system has"},
	{Name: "ring_without", Kind: Choice, Choices: ringWithout, Process: "server", Flag: "--ring-without",
		Meaning: "a feature that the backend io_uring shall do without, or nothing"},
	{Name: "burn", Kind: Number, Min: 0, Max: 1, Unit: "share", Process: "server", Flag: "--burn",
		Meaning: "CPU time that the server burns, as a share of what it uses: a known slowness, to try comparisons with"},
	{Name: "protocol", Kind: Choice, Choices: []string{"http", "raw", "echo", "ftp"}, Process: "both", Flag: "--http, --raw, --echo, --ftp", Default: "http",
		Meaning: "http; raw: fixed bytes for each CRLFCRLF, nothing parsed; echo: what comes is sent back; or ftp: a request is a transfer"},
	{Name: "transfer", Kind: Choice, Choices: []string{loadgen.Retrieve, loadgen.Store, loadgen.List}, Process: "both", Flag: "--transfer",
		Meaning: "what a request of ftp does: download the path (retr), upload (stor), or list the path (list); else retr"},
	{Name: "data_connection", Kind: Choice, Choices: []string{loadgen.EPSV, loadgen.PASV, loadgen.EPRT, loadgen.PORT}, Process: "load", Flag: "--data",
		Meaning: "who connects for the data of ftp, and how that is said: epsv and pasv, the client; eprt and port, the server; else epsv"},
	{Name: "mix", Kind: Text, Process: "load", Flag: "--mix",
		Meaning: "sizes of ftp's files and their weights, such as 1KiB=70,1MiB=30; with path: /files/{bytes}, or transfer: stor"},
	{Name: "store_bytes", Kind: Integer, Min: 1, Max: 1 << 40, Unit: "bytes", Process: "load", Flag: "--store-bytes",
		Meaning: "size of what ftp uploads; else 64 KiB"},
	{Name: "path", Kind: Text, Process: "load", Flag: "URL", Default: "/fixed/13",
		Meaning: "what an http request asks for; /fixed/N is a body of N bytes"},
	{Name: "message_bytes", Kind: Integer, Min: 1, Max: 1 << 20, Unit: "bytes", Process: "both", Flag: "URL, --echo-bytes",
		Meaning: "the size of a request of echo, and of its reply; with echo only"},
	{Name: "mode", Kind: Choice, Choices: []string{"open", "closed"}, Process: "load", Flag: "--closed, --rate", Default: "closed",
		Meaning: "open: requests start by a schedule; closed: the next starts when one has ended"},
	{Name: "active_connections", Kind: Integer, Min: 1, Max: 1 << 20, Process: "load", Flag: "--connections", Default: 100.0,
		Meaning: "connections that requests are sent on"},
	{Name: "depth", Kind: Integer, Min: 1, Max: 1024, Process: "load", Flag: "--depth", Default: 1.0,
		Meaning: "requests that an active connection of a closed loop keeps on their way: 1 is ping-pong, more is streaming"},
	{Name: "idle_connections", Kind: Integer, Min: 0, Max: 1 << 20, Process: "load", Flag: "--idle", Default: 0.0,
		Meaning: "open connections that stay silent"},
	{Name: "idle_first_request", Kind: Switch, Process: "load", Flag: "--no-idle-first-request", Default: true,
		Meaning: "whether each idle connection makes one request before it falls silent"},
	{Name: "settle_memory", Kind: Switch, Process: "server", Flag: "--control", Default: false,
		Meaning: "whether both processes, with all connections open and silent, return their garbage to the system and tell their memory again; the trial then tells no CPU time"},
	{Name: "rate_rps", Kind: Number, Min: 0.1, Max: 1e7, Unit: "1/s", Process: "load", Flag: "--rate",
		Meaning: "rate of arrivals in an open loop"},
	{Name: "rate_share", Kind: Number, Min: 0.001, Max: 100, Unit: "share", Process: "runner", Flag: "--rate",
		Meaning: "rate of arrivals as a share of the baseline's capacity, probed in the same mini-block"},
	{Name: "generator", Kind: Text, Process: "load", Flag: "load-peer",
		Meaning: "a load generator of another program, as the suite names it; else medusa's"},
	{Name: "load_backend", Kind: Text, Process: "load", Flag: "--backend",
		Meaning: "the I/O backend of medusa's generator; else the run's (--load-backend)"},
	{Name: "load_processes", Kind: Integer, Min: 0, Max: loadgen.MaxProcesses, Process: "load", Flag: "--processes",
		Meaning: "processes that medusa's generator divides the connections among; 0, or not set: as many as its limit of descriptors asks for"},
	{Name: "arrivals", Kind: Choice, Choices: []string{"poisson", "constant", "burst", loadgen.Traced}, Process: "load", Flag: "--arrivals", Default: "poisson",
		Meaning: "how arrivals of an open loop are spread"},
	{Name: "assign", Kind: Choice, Choices: []string{loadgen.AssignFree, loadgen.AssignTurn}, Process: "load", Flag: "--assign",
		Meaning: "whom a request of an open loop belongs to: free, the connection that has been free the longest; turn, the clients in turn, so that one that is not served fails its share; else free"},
	{Name: "trace", Kind: Text, Process: "load", Flag: "--trace",
		Meaning: "a file of arrivals, one time in seconds a line; relative to the suite's file; with arrivals: trace"},
	{Name: "keep_alive", Kind: Switch, Process: "load", Flag: "--no-keep-alive", Default: true,
		Meaning: "false: a connection for each request"},
	{Name: "nofile", Kind: Integer, Min: 16, Max: 1 << 30, Process: "server", Flag: "--nofile",
		Meaning: "descriptor limit of each process of the server (RLIMIT_NOFILE); else the system's hard limit"},
	{Name: "server_processes", Kind: Integer, Min: 1, Max: servers.MaxProcesses, Process: "server", Flag: "--processes", Default: 1.0,
		Meaning: "processes that share the server's address and that the kernel spreads connections among (SO_REUSEPORT), each with its own nofile and one of server_cpus"},
	{Name: "max_connections", Kind: Integer, Min: 1, Max: 1 << 30, Process: "server", Flag: "--max-connections",
		Meaning: "connections that the server holds at most, if its descriptors suffice for so many; else these alone are the bound"},
	{Name: "on_full", Kind: Choice, Choices: []string{"pause", "shed", "reap"}, Process: "server", Flag: "--on-full",
		Meaning: "what the server does with who comes when all places are taken: pause (he waits in the backlog), shed (he is refused) or reap (the connection that has been idle longest is closed); else pause"},
	{Name: "accepts_per_turn", Kind: Integer, Min: 1, Max: 1 << 16, Process: "server", Flag: "--accepts-per-turn",
		Meaning: "connections that the server accepts one after the other; else 64"},
	{Name: "defer_accept_s", Kind: Integer, Min: 1, Max: 3600, Unit: "s", Process: "server", Flag: "--defer-accept",
		Meaning: "how long a connection whose client says nothing stays in the kernel (TCP_DEFER_ACCEPT); else not at all"},
	{Name: "head_timeout_s", Kind: Number, Min: 0.001, Max: 86_400, Unit: "s", Process: "server", Flag: "--head-timeout",
		Meaning: "how long the head of an HTTP request may take; else 10 s"},
	{Name: "idle_timeout_s", Kind: Number, Min: 0.001, Max: 86_400, Unit: "s", Process: "server", Flag: "--idle-timeout",
		Meaning: "after which silence the server closes an HTTP connection; else a minute, or longer than the trial where connections are silent by design"},
	{Name: "offered_share", Kind: Number, Min: 0.001, Max: 100, Unit: "share", Process: "runner", Flag: "--connections, --idle",
		Meaning: "connections offered, as a share of the descriptors that the server can use for them"},
	{Name: "active_share", Kind: Number, Min: 0, Max: 1, Unit: "share", Process: "runner", Flag: "--connections, --idle",
		Meaning: "share of the offered connections that is active, at least one; with offered_share only"},
	{Name: "server_wait", Kind: Choice, Choices: []string{"block", "poll"}, Process: "server", Flag: "--wait", Default: "block",
		Meaning: "whether the server sleeps when there is nothing to do, or polls"},
	{Name: "pacing", Kind: Choice, Choices: []string{"busy", "sleep"}, Process: "load", Flag: "--pacing",
		Meaning: "whether the generator busy-waits or sleeps between arrivals; busy where it has a CPU of its own"},
	{Name: "congestion", Kind: Text, Process: "server", Flag: "--congestion",
		Meaning: "TCP congestion control of the server's connections, such as cubic; else the system's"},
	{Name: "request_timeout_ms", Kind: Number, Min: 1, Max: 600_000, Unit: "ms", Process: "load", Flag: "--timeout", Default: 1000.0,
		Meaning: "a request without a full reply after this time has failed"},
	{Name: "connect_timeout_ms", Kind: Number, Min: 1, Max: 600_000, Unit: "ms", Process: "load", Flag: "--connect-timeout", Default: 3000.0,
		Meaning: "a connection not established after this time has failed"},
	{Name: "in_bytes", Kind: Integer, Min: 512, Max: 1 << 20, Power: true, Unit: "bytes", Process: "server", Flag: "--in",
		Meaning: "input buffer of a connection"},
	{Name: "out_bytes", Kind: Integer, Min: 512, Max: 1 << 20, Power: true, Unit: "bytes", Process: "server", Flag: "--out",
		Meaning: "output buffer of a connection"},
	{Name: "buffers", Kind: Text, Process: "server", Flag: "--buffers",
		Meaning: "buffers of connections beyond in_bytes and out_bytes: what `serve --buffers` takes for default, such as 4KiB, auto or out=4KiB,send=64KiB,owned; or whole, with networks, such as default=4KiB; 127.0.0.0/8=auto"},
	{Name: "file_io", Kind: Choice, Choices: []string{"sendfile", "copy"}, Process: "server", Flag: "--file-io",
		Meaning: "how the server sends files: by sendfile, or read into its output buffers and sent from there; else by sendfile"},
	{Name: "cold_files", Kind: Choice, Choices: []string{"loop", "work", "ring"}, Process: "server", Flag: "--cold-files",
		Meaning: "who waits for the disk where a file is not in the page cache: loop, and with it all connections; work, a thread; ring, the kernel, on the backend io_uring; else loop"},
	{Name: "warmup_s", Kind: Number, Min: 0, Max: 3600, Unit: "s", Process: "load", Flag: "--warmup", Default: 0.5,
		Meaning: "load before the window that is not measured"},
	{Name: "window_s", Kind: Number, Min: 0.05, Max: 3600, Unit: "s", Process: "load", Flag: "--duration", Default: 3.0,
		Meaning: "the window that is measured"},
	{Name: "fault", Kind: Choice, Choices: faultChoices(), Process: "runner", Flag: "fault",
		Meaning: "what clients that misbehave, or somebody else, does to the server in a part of the window; none: nothing"},
	{Name: "fault_connections", Kind: Integer, Min: 1, Max: 1e8, Process: "runner", Flag: "--connections",
		Meaning: "connections of the fault: held at once, or of half-open, burst and short-connections all that there are"},
	{Name: "fault_path", Kind: Text, Process: "runner", Flag: "URL",
		Meaning: "what the clients of the fault ask for; else path, or 1 MiB where that has to be large"},
	{Name: "fault_rate_per_s", Kind: Number, Min: 0.1, Max: 1e6, Unit: "1/s", Process: "runner", Flag: "--rate",
		Meaning: "connections that the fault begins in a second; else its own rate"},
	{Name: "fault_evicts", Kind: Switch, Process: "runner", Flag: "--evict",
		Meaning: "drop the file of fault_path from the page cache before each download"},
	{Name: "fault_after_s", Kind: Number, Min: 0.05, Max: 3600, Unit: "s", Process: "runner", Flag: "--span",
		Meaning: "when the fault begins, from the window's start"},
	{Name: "fault_s", Kind: Number, Min: 0.05, Max: 3600, Unit: "s", Process: "runner", Flag: "--duration, --span",
		Meaning: "how long the fault lasts at most"},
	{Name: "fd_base", Kind: Integer, Min: 0, Max: 1 << 30, Process: "server", Flag: "--fd-base",
		Meaning: "descriptor numbers below this one are taken before the server listens, so that those of its connections are higher"},
	{Name: "requests_per_connection", Kind: Integer, Min: 1, Max: 1e9, Process: "load", Flag: "--requests-per-connection",
		Meaning: "requests that a connection has before it is closed and another is opened; 1 is keep_alive: false; else any number"},
	{Name: "read_rate_bytes_s", Kind: Integer, Min: 1, Max: 1 << 32, Unit: "bytes/s", Process: "load", Flag: "--read-rate",
		Meaning: "rate at which each active connection is read, as over a slow line; else as fast as can be"},
	{Name: "receive_buffer_bytes", Kind: Integer, Min: 1, Max: 1 << 29, Unit: "bytes", Process: "load", Flag: "--receive-buffer",
		Meaning: "SO_RCVBUF of the generator's active and idle connections, which Linux doubles; else the system's"},
	{Name: "slow_connections", Kind: Integer, Min: 0, Max: 1 << 20, Process: "load", Flag: "--slow",
		Meaning: "connections beside the active ones that download slow_path again and again, each at slow_rate_bytes_s; the server's figures for each request have theirs among its requests, latencies have not"},
	{Name: "slow_rate_bytes_s", Kind: Integer, Min: 1, Max: 1 << 32, Unit: "bytes/s", Process: "load", Flag: "--slow-rate",
		Meaning: "rate at which each slow connection is read"},
	{Name: "slow_path", Kind: Text, Process: "load", Flag: "--slow-path",
		Meaning: "what the slow connections download, of the server's own or /files/N; else path"},
	{Name: "slow_receive_buffer_bytes", Kind: Integer, Min: 1, Max: 1 << 29, Unit: "bytes", Process: "load", Flag: "--slow-receive-buffer",
		Meaning: "SO_RCVBUF of the slow connections, which Linux doubles; with the system's each takes 128 KiB or more at once, whatever its rate"},
	{Name: "server_cpus", Kind: Integer, Min: 1, Max: 1024, Process: "server", Flag: "--cpu", Default: 1.0,
		Meaning: "CPUs that the server may run on, each of several processes on one of them; the generator has another"},
}

// nothing is the choice of ring_without that leaves io_uring whole.
const nothing = "nothing"

// ringWithout are the choices of ring_without: the features that `serve
// --ring-without` knows.
var ringWithout = []string{nothing, "defer-taskrun", "single-issuer", "no-sqarray", "registered-ring", "multishot", "buffer-groups", "skip-success", "batching"}

// Settings returns the registry.
func Settings() []Setting { return append([]Setting(nil), settings...) }

// lookupSetting returns the setting of that name; the error names the nearest.
func lookupSetting(name string) (Setting, error) {
	names := make([]string, len(settings))
	for i, s := range settings {
		if s.Name == name {
			return s, nil
		}
		names[i] = s.Name
	}
	return Setting{}, fmt.Errorf("there is no setting %q; the nearest is %q", name, results.Nearest(name, names))
}

func isSetting(name string) bool {
	_, err := lookupSetting(name)
	return err == nil
}

// check returns the value in its canonical type (float64, bool or string), or
// says what is wrong with it. Text that comes from a command line is accepted
// in place of a number or a switch by checkText.
func (s Setting) check(v any) (any, error) {
	switch s.Kind {
	case Switch:
		if b, ok := v.(bool); ok {
			return b, nil
		}
		return nil, fmt.Errorf("%s must be true or false, not %s", s.Name, show(v))
	case Text:
		if t, ok := v.(string); ok && t != "" {
			if (s.Name == "path" || s.Name == "slow_path" || s.Name == "fault_path") && t[0] != '/' {
				return nil, fmt.Errorf("%s must begin with /, not %q", s.Name, t)
			}
			if s.Name == "buffers" {
				if err := servers.CheckBuffers(t); err != nil {
					return nil, err
				}
			}
			return t, nil
		}
		return nil, fmt.Errorf("%s must be text, not %s", s.Name, show(v))
	case Choice:
		t, _ := v.(string)
		for _, c := range s.Choices {
			if t == c {
				return t, nil
			}
		}
		return nil, fmt.Errorf("%s must be %s, not %s", s.Name, orList(s.Choices), show(v))
	}
	n, ok := v.(float64)
	if !ok {
		return nil, fmt.Errorf("%s must be a number, not %s", s.Name, show(v))
	}
	switch {
	case s.Kind == Integer && n != math.Trunc(n):
		return nil, fmt.Errorf("%s must be a whole number, not %s", s.Name, show(n))
	case math.IsNaN(n) || n < s.Min || n > s.Max:
		return nil, fmt.Errorf("%s must be between %s and %s%s, not %s", s.Name, show(s.Min), show(s.Max), unitSuffix(s.Unit), show(n))
	case s.Power && int64(n)&(int64(n)-1) != 0:
		return nil, fmt.Errorf("%s must be a power of two, not %s", s.Name, show(n))
	}
	return n, nil
}

// checkText is check for a value that was typed as text.
func (s Setting) checkText(t string) (any, error) {
	switch s.Kind {
	case Switch:
		if b, err := strconv.ParseBool(t); err == nil {
			return b, nil
		}
	case Integer, Number:
		if n, err := strconv.ParseFloat(t, 64); err == nil {
			return s.check(n)
		}
	}
	return s.check(t)
}

func unitSuffix(unit string) string {
	if unit == "" || unit == "share" {
		return ""
	}
	return " " + unit
}

// show writes a value as a user would.
func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		return strconv.Quote(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// levelName is how a level is written: as a name in a record, in a condition
// and on the command line.
func levelName(v any) string {
	if t, ok := v.(string); ok {
		return t
	}
	return show(v)
}

func orList(names []string) string {
	out := ""
	for i, n := range names {
		switch {
		case i == 0:
		case i == len(names)-1:
			out += " or "
		default:
			out += ", "
		}
		out += n
	}
	return out
}

// values are the settings in force in one trial.
type values map[string]any

func (v values) number(name string) float64 { n, _ := v[name].(float64); return n }
func (v values) text(name string) string    { t, _ := v[name].(string); return t }
func (v values) has(name string) bool       { _, ok := v[name]; return ok }

// on reports whether a switch is on.
func (v values) on(name string) bool { b, _ := v[name].(bool); return b }

func (v values) clone() values {
	c := make(values, len(v)+2)
	for k, x := range v {
		c[k] = x
	}
	return c
}
