package loadgen

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"medusa/poller/loop"
)

// Pacing is how the generator waits for the next arrival.
const (
	Busy  = "busy"  // it polls and never sleeps: for a CPU of its own
	Sleep = "sleep" // it sleeps, and polls for the last Spin before an arrival
)

// Spin is how long before an arrival a generator with Sleep pacing stops
// sleeping: a sleeping CPU takes some 60 us to wake.
const Spin = 60 * time.Microsecond

// Spec is a load: what is asked of a server, how, for how long. Start from
// Default.
type Spec struct {
	// URL is http://HOST[:PORT]/PATH, ftp://[USER[:PASSWORD]@]HOST[:PORT]/PATH,
	// raw://HOST:PORT or echo://HOST:PORT/BYTES.
	URL string
	FTP FTPSpec // of an ftp URL
	// Address is where the URL's host is. Run looks it up; New wants it.
	Address     netip.AddrPort
	Backend     string // of the generator's loop; "" is the first of Preferred that is here
	Connections int    // that requests are sent on
	Idle        int    // that send one request at opening and are silent then
	// IdleSilent: the idle connections do not send that one either. What a
	// server allocates with a first request it then never does, and nothing
	// tells whether it has accepted them: only FillRate keeps its backlog
	// from overflowing.
	IdleSilent bool
	// Closed: each connection sends its next request when the reply to the
	// last is in. Otherwise requests start by Schedule.
	Closed bool
	// Depth is how many requests a connection of a closed loop keeps on their
	// way: over 1 it sends on while replies are to come. Otherwise it is 1.
	Depth int
	// Assign says whom each request of an open loop belongs to: AssignFree (or
	// "") or AssignTurn.
	Assign   string
	Schedule Schedule
	Timeout  time.Duration // of a request, counted from its intended time
	// ConnectTimeout bounds the opening of a connection; with NoKeepAlive the
	// request's own Timeout does.
	ConnectTimeout time.Duration
	Warmup         time.Duration // load before the window that is not measured
	Duration       time.Duration // the window
	// Spans are moments of the window, from its start, that cut it into parts
	// of which the report tells apart.
	Spans       Moments
	NoKeepAlive bool // a connection for each request
	// PerConnection is how many requests a connection has: it is opened for the
	// first, and after the last the next request opens another. 0: any number,
	// and connections are opened before the load. 1 is NoKeepAlive.
	PerConnection int
	// ReadRate bounds how fast each active connection is read, in bytes/s; 0: as
	// fast as can be. ReceiveBuffer is their SO_RCVBUF; 0: the system's.
	ReadRate      int64
	ReceiveBuffer int
	// Slow are connections beside, of http only, that ask for SlowPath (with "",
	// the URL's) again and again and read at SlowRate, in bytes/s: see Slow.
	Slow              int
	SlowRate          int64
	SlowPath          string
	SlowReceiveBuffer int
	// Redial replaces a connection that was lost. Without it the load goes on
	// with those that are left, and one that was never answered is kept; but a
	// client that was answered before, and whose connection the server ends in
	// order while it has no request, connects again as any client of HTTP does
	// (RFC 9112 sections 9.5 and 9.6): it was served and let go, not turned away.
	// With AssignTurn so does one whose request crosses that end and is reset.
	Redial bool
	// Leave is the share of the connections that are served whose clients leave
	// after the window, so that others find a place; 0: none. How long these wait
	// then, RecoverLimit at most, is Report.Recovery.
	Leave        float64
	RecoverLimit time.Duration
	Pacing       string // Busy or Sleep
	// LooseBody checks only the length of a reply's body, or of an echo, not its
	// bytes.
	LooseBody bool
	// FillRate is at how many connections a second the fill opens them, and
	// FillLimit how long it waits, after the last was begun, for those that
	// were not answered.
	FillRate  float64
	FillLimit time.Duration
	// Sources are local addresses to connect from in turn, where one has too
	// few ports; empty leaves the choice to the system.
	Sources []netip.Addr
	// Of is how many processes put this load on together, of which this is the
	// share of one: what bounds the fill is shared among them, and it may have
	// no active connection. 0 and 1: it is alone.
	Of int
}

// Default is a Spec in which only the URL, and Closed or a rate, are missing.
func Default() Spec {
	return Spec{
		Connections: 64, Depth: 1, Assign: AssignFree,
		Schedule: Schedule{Arrivals: Poisson, Burst: 16, Seed: 1},
		Timeout:  time.Second, ConnectTimeout: 3 * time.Second,
		Warmup: time.Second, Duration: 10 * time.Second,
		Redial: true, Pacing: Sleep, RecoverLimit: 5 * time.Second,
		FillRate: 30_000, FillLimit: time.Second,
	}
}

const (
	maxConnections = 1 << 20
	maxDuration    = 24 * time.Hour
	maxDepth       = 1024
	// maxAsked bounds the requests that a connection has on their way, in bytes:
	// as much as a loop queues for sending without ceasing to read. A generator
	// that did would deadlock with a server that ceases as well.
	maxAsked = loop.MaxBuffer
)

// Check says what is wrong with a Spec, in one line that names the flag.
func (s Spec) Check() error {
	_, size, err := s.request()
	if err != nil {
		return err
	}
	if err := s.checkLines(); err != nil {
		return err
	}
	switch {
	case s.Depth < 1 || s.Depth > maxDepth:
		return fmt.Errorf("--depth %d: give a number from 1 to %d", s.Depth, maxDepth)
	case s.Depth > 1 && !s.Closed:
		return fmt.Errorf("--depth %d: in an open loop the schedule decides when requests start; give --closed", s.Depth)
	case s.Depth > 1 && s.NoKeepAlive:
		return fmt.Errorf("--depth %d and --no-keep-alive: a connection for each request has one", s.Depth)
	case s.Assign != "" && s.Assign != AssignFree && s.Assign != AssignTurn:
		return fmt.Errorf("--assign %q: give %s or %s", s.Assign, AssignFree, AssignTurn)
	case s.Assign == AssignTurn && s.Closed:
		return errors.New("--assign turn and --closed: in a closed loop whoever is answered asks again, each request has its client already; give --rate")
	case s.Assign == AssignTurn && s.NoKeepAlive:
		return errors.New("--assign turn and --no-keep-alive: with a connection for each request no client has one of its own")
	case !(s.Leave >= 0 && s.Leave <= 1):
		return fmt.Errorf("--leave %v: give a share from 0 to 1", s.Leave)
	case s.Leave > 0 && s.IdleSilent && s.Idle > 0:
		return errors.New("--leave and --no-idle-first-request: of who never asks it is not known whether he has a place")
	case s.Leave > 0 && s.RecoverLimit == 0:
		return errors.New("--recover-limit 0s and --leave: nobody could have a place in no time; give the time to wait for them")
	case s.Leave > 0 && (s.Redial || s.brief()):
		return errors.New("--leave: who waits for a place is known only of clients that keep their connections and do not replace them: give --no-redial, without --no-keep-alive")
	case s.Depth*size > maxAsked:
		return fmt.Errorf("--depth %d: requests of %d bytes each would be over %d bytes on their way on a connection", s.Depth, size, maxAsked)
	case s.Connections < s.least() || s.Connections > maxConnections:
		return fmt.Errorf("--connections %d: give a number from 1 to %d", s.Connections, maxConnections)
	case s.Idle < 0 || s.Idle > maxConnections:
		return fmt.Errorf("--idle %d: give a number from 0 to %d", s.Idle, maxConnections)
	case s.Pacing != Busy && s.Pacing != Sleep:
		return fmt.Errorf("--pacing %q: give %s or %s", s.Pacing, Busy, Sleep)
	case !(s.FillRate >= 1 || s.Of > 1 && s.FillRate > 0) || s.FillRate > 1e6:
		return fmt.Errorf("--fill-rate %v: give 1 to 1000000 connections/s", s.FillRate)
	}
	for _, d := range []struct {
		flag     string
		d, least time.Duration
	}{
		{"--timeout", s.Timeout, time.Millisecond},
		{"--connect-timeout", s.ConnectTimeout, time.Millisecond},
		{"--warmup", s.Warmup, 0},
		{"--duration", s.Duration, time.Millisecond},
		{"--fill-limit", s.FillLimit, 0},
		{"--recover-limit", s.RecoverLimit, 0},
	} {
		if d.d < d.least || d.d > maxDuration {
			return fmt.Errorf("%s %v: give a time from %v to %v", d.flag, d.d, d.least, maxDuration)
		}
	}
	if err := s.checkFTP(); err != nil {
		return err
	}
	if err := checkSpans(s.Spans, s.Duration); err != nil {
		return err
	}
	for _, a := range s.Sources {
		if s.Address.IsValid() && a.Is4() != s.Address.Addr().Is4() {
			return fmt.Errorf("--sources %v: the server's address %v is of the other IP version", a, s.Address.Addr())
		}
	}
	if s.Closed {
		if s.Schedule.Rate != 0 {
			return errors.New("--closed and --rate: give one of them, a closed loop has no rate of its own")
		}
		if s.Schedule.Arrivals == Traced || s.Schedule.Trace != nil {
			return errors.New("--closed and a trace: give one of them, a closed loop has no schedule")
		}
		return nil
	}
	if s.Schedule.Rate == 0 && s.Schedule.Arrivals != Traced && s.Schedule.Trace == nil {
		return errors.New("no load: give --rate R (requests/s, open loop) or --closed")
	}
	if err := s.Schedule.check(); err != nil || s.Schedule.Trace == nil {
		return err
	}
	if err := s.Schedule.Trace.Covers(s.Warmup + s.Duration); err != nil {
		return fmt.Errorf("--trace: %w", err)
	}
	return nil
}

// least is how many active connections there must be.
func (s Spec) least() int {
	if s.Of > 1 {
		return 0
	}
	return 1
}

// share is this process's share of a bound on what all do together.
func (s Spec) share(most int) int { return max(1, most/max(1, s.Of)) }

// target is what a URL names.
type target struct {
	host string // for the Host field, as the URL has it
	name string // to look up
	port string
	path string // with the query
	echo int    // bytes of a message; 0: not echo
}

// parse reads the URL.
func (s Spec) parse() (target, error) {
	bad := func(why string) (target, error) {
		return target{}, fmt.Errorf("URL %q: %s; give http://HOST[:PORT]/PATH, ftp://HOST[:PORT]/PATH, raw://HOST:PORT or echo://HOST:PORT/BYTES", redacted(s.URL), why)
	}
	u, err := url.Parse(s.URL)
	if err != nil {
		var parse *url.Error
		if errors.As(err, &parse) {
			err = parse.Err
		}
		return bad(err.Error())
	}
	t := target{host: u.Host, name: u.Hostname(), port: u.Port(), path: u.RequestURI()}
	switch {
	case u.Scheme != "http" && u.Scheme != "ftp" && u.Scheme != "raw" && u.Scheme != "echo":
		return bad("unknown scheme")
	case t.name == "":
		return bad("no host")
	case u.User != nil && u.Scheme != "ftp":
		return bad("a user is not supported")
	case u.Scheme == "ftp" && (u.RawQuery != "" || u.Fragment != ""):
		return bad("a ? or # of a file's name is written %3F or %23")
	case u.Scheme == "ftp" && t.port == "":
		t.port = "21"
	case u.Scheme != "http" && t.port == "":
		return bad("no port")
	case t.port == "":
		t.port = "80"
	}
	if n, err := strconv.ParseUint(t.port, 10, 16); err != nil || n == 0 {
		return bad(fmt.Sprintf("port %q is not a number from 1 to 65535", t.port))
	}
	if strings.ContainsAny(t.host+t.path, "\r\n \x00") {
		return bad("a space or control character")
	}
	if u.Scheme == "echo" {
		t.echo, err = strconv.Atoi(strings.TrimPrefix(t.path, "/"))
		if err != nil || t.echo < 1 || t.echo > maxAsked {
			return bad(fmt.Sprintf("a message has 1 to %d bytes", maxAsked))
		}
	}
	if !strings.HasPrefix(t.path, "/") {
		t.path = "/"
	}
	return t, nil
}

// request renders the bytes of a request (RFC 9112 section 3), which of echo, that
// has others each time, are nil.
func (s Spec) request() (p []byte, size int, err error) {
	t, err := s.parse()
	if err != nil || t.echo > 0 || s.isFTP() {
		return nil, t.echo, err
	}
	switch s.each() {
	case 0:
		p = t.get("")
	case 1:
		p = t.get("Connection: close\r\n")
	default:
		p = t.get(goingOn)
	}
	return p, len(p), nil
}

func (t target) get(field string) []byte {
	return []byte("GET " + t.path + " HTTP/1.1\r\nHost: " + t.host + "\r\nUser-Agent: medusa\r\n" + field + "\r\n")
}
