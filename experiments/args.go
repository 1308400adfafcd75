package experiments

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"medusa/control"
	"medusa/loadgen"
	"medusa/servers"
)

// command is how a kind of process is started.
type command struct {
	via    []string // words put before, such as ssh n1
	binary string
}

func (c command) argv(args []string) []string {
	return append(append(append([]string(nil), c.via...), c.binary), args...)
}

// serverArgs are the arguments of a trial's server.
func serverArgs(v values, address netip.Addr, cpus []int) []string {
	a := []string{"serve", "--control", "stdio", "--backend", v.text("backend"),
		"--" + v.text("protocol"), netip.AddrPortFrom(address, 0).String(),
		"--nofile", whole(v.number("nofile")), "--wait", v.text("server_wait")}
	if v.text("protocol") == "http" {
		a = append(a, "--fixed")
	}
	if len(cpus) > 0 {
		a = append(a, "--cpu", cpuList(cpus))
	}
	if c := v.text("congestion"); c != "" {
		a = append(a, "--congestion", c)
	}
	// A server closes connections that are silent for a minute: where there
	// are such by design, or a trial is long, it has to be told not to.
	trial := secs(v.number("warmup_s") + v.number("window_s"))
	if v.has("idle_timeout_s") {
		a = append(a, "--idle-timeout", secs(v.number("idle_timeout_s")).String())
	} else if trial > 30*time.Second || v.number("idle_connections") > 0 || v.number("slow_connections") > 0 || v.has("offered_share") {
		a = append(a, "--idle-timeout", max(10*trial, idleTimeout).String())
	}
	if v.text("protocol") == "echo" {
		a = append(a, "--echo-bytes", whole(v.number("message_bytes")))
	}
	if f := v.text("ring_without"); f != "" && f != nothing {
		a = append(a, "--ring-without", f)
	}
	if b := v.number("burn"); b > 0 {
		a = append(a, "--burn", strconv.FormatFloat(b, 'f', -1, 64))
	}
	if n := v.serverProcesses(); n > 1 {
		a = append(a, "--processes", strconv.Itoa(n))
	}
	a = append(a, limitArgs(v)...)
	a = append(a, ftpServerArgs(v)...)
	if v.has("in_bytes") {
		a = append(a, "--in", whole(v.number("in_bytes")))
	}
	if v.has("out_bytes") {
		a = append(a, "--out", whole(v.number("out_bytes")))
	}
	if b := v.text("buffers"); b != "" {
		a = append(a, "--buffers", servers.BuffersSpec(b))
	}
	if k := v.text("file_io"); k != "" {
		a = append(a, "--file-io", k)
	}
	if k := v.text("cold_files"); k != "" {
		a = append(a, "--cold-files", k)
	}
	if n := v.number("fd_base"); n > 0 {
		a = append(a, "--fd-base", whole(n))
	}
	return a
}

// idleTimeout is longer than any trial of less than half a minute can take
// with its fill and every timeout on the way.
const idleTimeout = 10 * time.Minute

// loadRun is what a load process is told beside the settings.
type loadRun struct {
	server       control.Ready
	backend      string
	active, idle int
	seed         uint64
	phases       Phases
	cpu          []int
	hlog, tag    string
	sources      []netip.Addr
}

// loadArgs are the arguments of a trial's load process. Times are written in
// Go's notation, such as 1.5s.
func loadArgs(v values, r loadRun) []string {
	a := []string{"load", target(v, r.server), "--control", "stdio", "--backend", r.backend,
		"--connections", strconv.Itoa(r.active), "--idle", strconv.Itoa(r.idle)}
	if v.text("mode") == "closed" {
		a = append(a, "--closed")
		if d := v.number("depth"); d > 1 {
			a = append(a, "--depth", whole(d))
		}
	} else if v.text("arrivals") == loadgen.Traced {
		a = append(a, "--arrivals", loadgen.Traced, "--trace", v.text("trace"))
	} else {
		a = append(a, "--rate", strconv.FormatFloat(v.number("rate_rps"), 'f', -1, 64), "--arrivals", v.text("arrivals"))
	}
	a = append(a, "--seed", strconv.FormatUint(r.seed, 10),
		"--timeout", ms(v.number("request_timeout_ms")).String(), "--connect-timeout", ms(v.number("connect_timeout_ms")).String(),
		"--warmup", secs(v.number("warmup_s")).String(), "--duration", secs(v.number("window_s")).String(), "--pacing", v.text("pacing"))
	a = append(a, spanArgs(v)...)
	a = append(a, ftpLoadArgs(v)...)
	if r.phases.Fill > 0 {
		a = append(a, "--fill-limit", secs(r.phases.Fill).String())
	}
	if v.text("assign") == loadgen.AssignTurn {
		a = append(a, "--assign", loadgen.AssignTurn)
	}
	if r.phases.Leave > 0 {
		a = append(a, "--leave", strconv.FormatFloat(r.phases.Leave, 'f', -1, 64), "--recover-limit", secs(r.phases.recoverMax()).String())
	}
	if r.idle > 0 && !v.on("idle_first_request") {
		a = append(a, "--no-idle-first-request")
	}
	if len(r.cpu) > 0 {
		a = append(a, "--cpu", cpuList(r.cpu))
	}
	if r.hlog != "" {
		a = append(a, "--hlog", r.hlog, "--hlog-tag", r.tag)
	}
	if !v.on("keep_alive") {
		a = append(a, "--no-keep-alive")
	}
	a = append(a, lineArgs(v)...)
	if v.has("offered_share") {
		// Who is not served is to be seen as that, not as another who comes.
		a = append(a, "--no-redial")
	}
	if v.has("load_processes") {
		a = append(a, "--processes", whole(v.number("load_processes")))
	}
	if len(r.sources) > 0 {
		names := make([]string, len(r.sources))
		for i, s := range r.sources {
			names[i] = s.String()
		}
		a = append(a, "--sources", strings.Join(names, ","))
	}
	return a
}

// target is the URL that the load process asks.
func target(v values, ready control.Ready) string {
	switch at := listening(v, ready); v.text("protocol") {
	case "raw":
		return "raw://" + at
	case "echo":
		return "echo://" + at + "/" + whole(v.number("message_bytes"))
	case "ftp":
		path := v.text("path")
		if v.text("transfer") == loadgen.Store {
			path = "/" // what is stored lies in the root
		}
		return "ftp://" + at + path
	default:
		return "http://" + at + v.text("path")
	}
}

// listening is where the server of a trial listens; "" if it does not say so.
func listening(v values, ready control.Ready) string {
	switch v.text("protocol") {
	case "raw":
		return ready.Raw
	case "echo":
		return ready.Echo
	case "ftp":
		return ready.FTP
	}
	return ready.HTTP
}

func whole(n float64) string { return strconv.FormatInt(int64(n), 10) }

func cpuList(cpus []int) string {
	names := make([]string, len(cpus))
	for i, c := range cpus {
		names[i] = strconv.Itoa(c)
	}
	return strings.Join(names, ",")
}

// trialAddress gives each trial an address of 127/8 of its own, so that no
// socket in TIME_WAIT of the one before stands in its way: 250^3 of them, never
// one whose last byte is 0 or 255, and never 127.0.
func trialAddress(trial int) netip.Addr {
	k := trial - 1
	return netip.AddrFrom4([4]byte{127, byte(1 + k/62_500%250), byte(1 + k/250%250), byte(1 + k%250)})
}

// sourceAddresses returns the addresses that the load process may connect from,
// where the server has one of 127/8: see loadgen.Sources.
func sourceAddresses(v values, connections int, h Host) []netip.Addr {
	if !h.Loopback {
		return nil
	}
	return loadgen.Sources(netip.AddrFrom4([4]byte{127, 0, 0, 1}), connections, !v.churns(), h.Ports)
}

// Timeouts bound the stages of a trial beyond what its settings say that they
// take. The zero value stands for the defaults.
type Timeouts struct {
	Start    time.Duration // a process, until it is ready; 15 s
	Snapshot time.Duration // the answer to a snapshot; 5 s
	Fill     time.Duration // more than connections and timeouts explain; 20 s
	Edge     time.Duration // the window's edges, late by; 10 s
	Report   time.Duration // after the drain; 15 s
	Exit     time.Duration // a process, until it has ended; 5 s
	Settle   time.Duration // until the server's descriptors are back; 1 s
}

func (t Timeouts) orDefaults() Timeouts {
	for _, f := range []struct {
		v    *time.Duration
		most time.Duration
	}{
		{&t.Start, 15 * time.Second}, {&t.Snapshot, 5 * time.Second}, {&t.Fill, 20 * time.Second}, {&t.Edge, 10 * time.Second},
		{&t.Report, 15 * time.Second}, {&t.Exit, 5 * time.Second}, {&t.Settle, time.Second},
	} {
		if *f.v == 0 {
			*f.v = f.most
		}
	}
	return t
}

// recordID names a trial's files.
func recordID(trial int) string { return fmt.Sprintf("%05d", trial) }
