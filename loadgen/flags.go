package loadgen

import (
	"fmt"
	"time"
)

// Flags is the grammar of `medusa load`, in kong's tags.
type Flags struct {
	URL         string        `arg:"" name:"url" help:"What to ask: http://HOST[:PORT]/PATH, ftp://[USER[:PASSWORD]@]HOST[:PORT]/PATH (anonymous, without a user; a request is a transfer), raw://HOST:PORT (a server with --raw), or echo://HOST:PORT/BYTES (one with --echo): messages of so many bytes."`
	Transfer    string        `default:"" help:"With ftp: retr (download the path), stor (upload to the directory that the path names), or list it; retr, without." placeholder:"KIND"`
	Data        string        `default:"" help:"With ftp: who connects for data, and how that is said: epsv or pasv, the client; eprt or port, the server; epsv, without." placeholder:"KIND"`
	Mix         string        `help:"With ftp: sizes of files and their weights, as 1KiB=70,1MiB=30, drawn for each transfer by the seed. In the path of what is downloaded {bytes} stands for the size." placeholder:"LIST"`
	StoreBytes  Bytes         `name:"store-bytes" help:"With ftp: size of what is uploaded (64KiB)." placeholder:"BYTES"`
	Backend     string        `help:"I/O backend of the generator; without, io_uring where it is here, else kqueue, epoll or poll." placeholder:"NAME"`
	Connections int           `short:"c" default:"64" help:"Connections that requests are sent on (${default})." placeholder:"N"`
	Idle        int           `default:"0" help:"Connections besides that make one request at opening and then stay silent." placeholder:"N"`
	IdleAsk     bool          `name:"idle-first-request" default:"true" negatable:"" help:"Let each idle connection make that one request; with --no-idle-first-request it never says anything."`
	Rate        float64       `short:"r" help:"Open loop: this many requests a second, by a schedule that does not wait for replies." placeholder:"R"`
	Arrivals    string        `default:"poisson" help:"How the schedule spreads them: poisson, constant, burst, or trace: as a file says (${default})." placeholder:"KIND"`
	Trace       string        `help:"The file of a trace: for each request a line with its time in seconds from the start, in order; # begins a comment." placeholder:"FILE"`
	Burst       int           `default:"16" help:"Requests in a burst (${default})." placeholder:"N"`
	Seed        uint64        `default:"1" help:"Of the schedule: the same seed gives the same one (${default})." placeholder:"N"`
	Assign      string        `default:"free" help:"Whom each request of an open loop belongs to: free, the connection that has been free the longest, so that those that are served have all; or turn, the clients in turn, so that one that is not served fails its share (${default})." placeholder:"RULE"`
	Closed      bool          `help:"Closed loop: each connection sends its next request when the reply is in. The generator then waits for a slow server, and its latencies are service times."`
	Depth       int           `default:"1" help:"Requests that each connection of a closed loop keeps on their way (${default}): over 1 it sends on while replies are to come, and its latencies have the wait behind those before." placeholder:"K"`
	Timeout     time.Duration `default:"1s" help:"A request without a whole reply this long after it was meant to start has failed (${default})." placeholder:"D"`
	ConnectTime time.Duration `name:"connect-timeout" default:"3s" help:"A connection not established after this has failed (${default})." placeholder:"D"`
	Warmup      time.Duration `default:"1s" help:"Load before the window, not measured (${default})." placeholder:"D"`
	Duration    time.Duration `short:"d" default:"10s" help:"The window that is measured (${default})." placeholder:"D"`
	Span        Moments       `help:"Moments of the window, such as 2s,4s, that cut it into parts of which the report tells apart." placeholder:"D"`
	KeepAlive   bool          `default:"true" negatable:"" help:"Keep connections; --no-keep-alive opens one for each request, so that with ftp each transfer has a login."`
	PerConn     int           `name:"requests-per-connection" default:"0" help:"Requests that a connection has before it is closed and another is opened; 1 is --no-keep-alive, 0 any number (${default})." placeholder:"N"`
	ReadRate    Bytes         `default:"0" help:"Bytes a second that each active connection is read at, such as 7KiB, as over a slow line; 0: as fast as can be (${default}). The kernel takes its receive buffer full beforehand (128 KiB, and it grows): bound that by --receive-buffer." placeholder:"BYTES"`
	Receive     Bytes         `name:"receive-buffer" default:"0" help:"Receive buffer of the kernel for each active or idle connection (SO_RCVBUF; Linux doubles it); 0: the system's (${default})." placeholder:"BYTES"`
	Slow        int           `default:"0" help:"Connections besides that download --slow-path again and again, each read at --slow-rate: a background, in the totals and under slow in the report, in no latency. http only." placeholder:"N"`
	SlowRate    Bytes         `default:"0" help:"Bytes a second of each slow connection, such as 3500 or 7KiB." placeholder:"BYTES"`
	SlowPath    string        `help:"What they download, such as /fixed/1048576; without, the URL's path." placeholder:"PATH"`
	SlowReceive Bytes         `name:"slow-receive-buffer" default:"0" help:"Their --receive-buffer: with the system's, each slow client's first 128 KiB or more come as fast as any (${default})." placeholder:"BYTES"`
	Redial      bool          `default:"true" negatable:"" help:"Replace connections that were lost; --no-redial goes on without."`
	Leave       float64       `default:"0" help:"Share of the served connections whose clients leave after the window, 0 to 1, to see how soon others have their places; with --no-redial (${default})." placeholder:"SHARE"`
	RecoverTime time.Duration `name:"recover-limit" default:"5s" help:"How long these others are waited for (${default})." placeholder:"D"`
	Pacing      string        `default:"sleep" enum:"sleep,busy" help:"How to wait for the next arrival: sleep (the last 60 us polling), or busy: never sleep, for a CPU of its own (${default})." placeholder:"KIND"`
	LooseBody   bool          `help:"Check the length of replies only, not their bytes."`
	FillRate    float64       `default:"30000" help:"Connections opened a second at the start (${default})." placeholder:"R"`
	FillLimit   time.Duration `default:"1s" help:"How long connections may stay unanswered at the start, after the last was begun, before the load begins without them (${default})." placeholder:"D"`
	Sources     []string      `help:"Local addresses to connect from in turn, where one has too few ports." placeholder:"ADDRESS"`
	Processes   int           `default:"0" help:"Processes to divide the connections among; 0 for as many as the descriptor limit asks for, mostly 1 (${default}). Active connections are in the first of them, one for each CPU of --cpu." placeholder:"N"`
	CPU         []int         `name:"cpu" help:"CPUs to run on." placeholder:"LIST"`
	Background  bool          `hidden:"" help:"Let every other process go first."`
	JSON        string        `name:"json" help:"Write the report as JSON to FILE, or - for standard output." placeholder:"FILE"`
	HLog        string        `name:"hlog" help:"Write the histograms to FILE, as an HdrHistogram log." placeholder:"FILE"`
	HLogTag     string        `name:"hlog-tag" help:"A name to write into the head of that log." placeholder:"NAME"`
	Requests    string        `help:"Write a line for each request to FILE when all have ended, as CSV: its connection's port, its place there and its times on CLOCK_MONOTONIC." placeholder:"FILE"`
	Control     string        `hidden:"" enum:",stdio" default:"" help:"Take commands on standard input and answer on standard output (stdio)."`
}

// Config makes of the flags what Run takes. It does not check more than their
// form.
func (f Flags) Config() (Config, error) {
	s := Default()
	s.URL, s.Backend = f.URL, f.Backend
	s.Connections, s.Idle, s.IdleSilent = f.Connections, f.Idle, !f.IdleAsk
	s.Closed, s.Depth, s.Assign = f.Closed, f.Depth, f.Assign
	s.Schedule = Schedule{Arrivals: f.Arrivals, Rate: f.Rate, Burst: f.Burst, Seed: f.Seed}
	var err error
	if f.Trace != "" {
		if s.Schedule.Trace, err = ReadTraceFile(f.Trace); err != nil {
			return Config{}, fmt.Errorf("--trace: %w", err)
		}
	}
	s.Timeout, s.ConnectTimeout, s.Warmup, s.Duration = f.Timeout, f.ConnectTime, f.Warmup, f.Duration
	s.Leave, s.RecoverLimit = f.Leave, f.RecoverTime
	s.Spans = f.Span
	s.NoKeepAlive, s.Redial = !f.KeepAlive, f.Redial
	s.PerConnection, s.ReadRate, s.ReceiveBuffer = f.PerConn, int64(f.ReadRate), int(f.Receive)
	s.Slow, s.SlowRate, s.SlowPath, s.SlowReceiveBuffer = f.Slow, int64(f.SlowRate), f.SlowPath, int(f.SlowReceive)
	s.FTP = FTPSpec{Transfer: f.Transfer, Data: f.Data, Mix: f.Mix, StoreBytes: int64(f.StoreBytes)}
	s.Pacing, s.LooseBody = f.Pacing, f.LooseBody
	s.FillRate, s.FillLimit = f.FillRate, f.FillLimit
	if s.Sources, err = ParseSources(f.Sources); err != nil {
		return Config{}, err
	}
	return Config{Spec: s, CPUs: f.CPU, JSON: f.JSON, HLog: f.HLog, HLogTag: f.HLogTag, Background: f.Background, Requests: f.Requests, Control: f.Control != "",
		Processes: f.Processes, TraceFile: f.Trace}, nil
}
