package experiments

import (
	"fmt"
	"math"
	"sort"
	"strings"

	"medusa/loadgen"
	"medusa/results"
)

// cell is one combination of levels of a grid.
type cell struct {
	factors  map[string]any // by factor: string or float64
	settings values         // all in force, defaults included
	level    string         // of the compared factor
	place    string         // of the others: cells that share it form a mini-block
}

// reserveFDs are the descriptors that a process of a trial may hold beside its
// connections: standard streams, listeners, what the poller and the Go runtime
// need, files.
const reserveFDs = 48

// Roles of trials.
const (
	closedLoopProbe = "capacity" // sets the rates of its mini-block
	measured        = "trial"
)

// expand returns the cells of a grid in the order of its levels, the first
// factor slowest, with collapsed ones left out.
func (g *Grid) expand(compare string) []cell {
	var out []cell
	var walk func(i int, factors map[string]any, set values)
	walk = func(i int, factors map[string]any, set values) {
		if i == len(g.Factors) {
			if c := g.cell(compare, factors, set); c != nil {
				out = append(out, *c)
			}
			return
		}
		f := g.Factors[i]
		for _, l := range f.Levels {
			fs := make(map[string]any, len(factors)+1)
			for k, v := range factors {
				fs[k] = v
			}
			fs[f.Name] = l.Value
			s := set.clone()
			for k, v := range l.Settings {
				s[k] = v
			}
			walk(i+1, fs, s)
		}
	}
	base := values{}
	for k, v := range g.Fixed {
		base[k] = v
	}
	walk(0, map[string]any{}, base)
	return out
}

// cell completes one combination; nil when it is collapsed into another.
func (g *Grid) cell(compare string, factors map[string]any, set values) *cell {
	for _, s := range settings {
		if s.Default == nil || set.has(s.Name) {
			continue
		}
		// The number of connections comes from offered_share where it is set.
		if set.has("offered_share") && (s.Name == "active_connections" || s.Name == "idle_connections") {
			continue
		}
		set[s.Name] = s.Default
	}
	lookup := func(name string) (any, bool) {
		if v, ok := factors[name]; ok {
			return v, true
		}
		v, ok := set[name]
		return v, ok
	}
	for _, c := range g.Collapse {
		if c.When.holds(lookup) && !sameLevel(levelName(factors[c.Factor]), c.Level) {
			return nil
		}
	}
	c := &cell{factors: factors, settings: set, level: levelName(factors[compare])}
	var parts []string
	for name, v := range factors {
		if name != compare {
			parts = append(parts, name+"="+levelName(v))
		}
	}
	sort.Strings(parts)
	c.place = strings.Join(parts, " ")
	return c
}

// contradiction returns what is wrong with a combination of settings whatever
// the machine; "" when it makes sense.
func (v values) contradiction() string {
	switch {
	case v.text("mode") == "closed" && (v.has("rate_rps") || v.has("rate_share")):
		return "a closed loop (mode: closed) has no rate: remove rate_rps and rate_share, or set mode: open"
	case v.traceWrong() != "":
		return v.traceWrong()
	case v.text("mode") == "open" && v.text("arrivals") != loadgen.Traced && !v.has("rate_rps") && !v.has("rate_share"):
		return "an open loop (mode: open) needs rate_rps or rate_share"
	case v.has("rate_rps") && v.has("rate_share"):
		return "rate_rps and rate_share exclude each other"
	case v.faultWrong() != "":
		return v.faultWrong()
	case v.has("active_share") && !v.has("offered_share"):
		return "active_share needs offered_share"
	case v.has("offered_share") && (v.has("active_connections") || v.has("idle_connections")):
		return "offered_share sets the number of connections: remove active_connections and idle_connections"
	case v.text("cold_files") == "ring" && v.text("backend") != "io_uring":
		return fmt.Sprintf("cold_files: ring is about the backend io_uring, not %s", v.text("backend"))
	case v.has("ring_without") && v.text("ring_without") != nothing && v.text("backend") != "io_uring":
		return fmt.Sprintf("ring_without %s is about the backend io_uring, not %s", v.text("ring_without"), v.text("backend"))
	case v.number("burn") > 0 && (v.text("backend") == "goroutines" || v.text("server_wait") == "poll"):
		return "burn is of a loop that does its work in turns and sleeps between them: not of the backend goroutines, nor of server_wait: poll"
	case v.text("protocol") == "echo" && !v.has("message_bytes"):
		return "protocol: echo needs message_bytes"
	case v.text("protocol") != "echo" && v.has("message_bytes"):
		return "message_bytes is the size of an echo: set protocol: echo, or for http path: /fixed/N"
	case v.text("protocol") != "http" && (v.has("head_timeout_s") || v.has("idle_timeout_s")):
		return "head_timeout_s and idle_timeout_s are of HTTP connections: remove them, or set protocol: http"
	case v.has("idle_timeout_s") && v.number("idle_connections") > 0 && v.number("idle_timeout_s") < v.number("warmup_s")+v.number("window_s"):
		return "idle_timeout_s ends the idle connections within the trial: give more, or remove idle_connections"
	case v.text("assign") == loadgen.AssignTurn && v.text("mode") != "open":
		return "assign: turn is of an open loop: in a closed one whoever is answered asks again"
	case v.text("assign") == loadgen.AssignTurn && !v.on("keep_alive"):
		return "assign: turn needs clients that keep their connections: remove keep_alive: false"
	}
	if why := v.linesWrong(); why != "" {
		return why
	}
	if why := v.ftpWrong(); why != "" {
		return why
	}
	return v.tooDeep()
}

// wrong is contradiction, and what is wrong with the grid's phases for them.
func (g *Grid) wrong(v values) string {
	if why := v.contradiction(); why != "" {
		return why
	}
	switch {
	case g.Phases.Leave > 0 && !v.has("offered_share"):
		return "leave_share is of clients of whom a server may have no place for some: give offered_share"
	case g.Phases.Leave > 0 && v.has("requests_per_connection"):
		return "leave_share needs clients that keep their connections: remove requests_per_connection"
	case g.Phases.Leave > 0 && !v.on("keep_alive"):
		return "leave_share needs clients that keep their connections: remove keep_alive: false"
	case g.Phases.Leave > 0 && !v.on("idle_first_request"):
		return "leave_share needs to know who has a place: remove idle_first_request: false"
	case g.Phases.Leave > 0 && v.number("load_processes") > 1:
		return "leave_share needs clients that leave at one moment: remove load_processes"
	case g.Phases.Leave > 0 && v.has("generator"):
		return "leave_share is of medusa's generator: remove generator: " + v.text("generator")
	}
	return ""
}

// tooDeep returns why requests cannot be kept on their way as asked for.
func (v values) tooDeep() string {
	switch depth := v.number("depth"); {
	case depth <= 1:
	case v.text("mode") != "closed":
		return "depth is of a closed loop: in an open one the schedule decides when requests start"
	case !v.on("keep_alive"):
		return "keep_alive: false has one request on each connection: remove depth"
	case depth*v.number("message_bytes") > maxAsked:
		return fmt.Sprintf("%s messages of %s bytes on their way on a connection are over %d bytes", show(depth), show(v.number("message_bytes")), maxAsked)
	}
	return ""
}

// maxAsked is what the generator has on its way on one connection at most, in
// bytes.
const maxAsked = 1 << 20

// checkGrids looks for contradictions in every cell.
func (s *Suite) checkGrids() error {
	for i := range s.Grids {
		g := s.Grids[i].with([]string{s.Design.Baseline})
		cells := g.expand(s.Design.Compare)
		if len(cells) == 0 {
			return g.at.fail("grid %s has no cells: collapse removes all", g.Name)
		}
		for _, c := range cells {
			if wrong := g.wrong(c.settings); wrong != "" {
				return g.at.fail("grid %s, at %s: %s", g.Name, describe(c), wrong)
			}
		}
	}
	return nil
}

// with returns the grid with `here` replaced by these backends.
func (g Grid) with(here []string) Grid {
	factors := append([]Factor(nil), g.Factors...)
	for i := range factors {
		if !factors[i].Here {
			continue
		}
		factors[i].Levels = nil
		for _, name := range here {
			factors[i].Levels = append(factors[i].Levels, Level{Value: name, Settings: map[string]any{"backend": name}})
		}
	}
	g.Factors = factors
	return g
}

func describe(c cell) string {
	names := make([]string, 0, len(c.factors))
	for name := range c.factors {
		names = append(names, name)
	}
	sort.Strings(names)
	for i, name := range names {
		names[i] = name + "=" + levelName(c.factors[name])
	}
	return strings.Join(names, " ")
}

// complete adds the settings that depend on the machine.
func (h Host) complete(v values) {
	if !v.has("nofile") {
		v["nofile"] = float64(min(h.NoFile, 1<<20))
	}
	if !v.has("pacing") {
		v["pacing"] = "busy"
		if len(h.CPUs) < 2 {
			v["pacing"] = "sleep"
		}
	}
}

// impossible returns why a complete cell cannot be run on a machine; "" when
// it can. The error is for a suite that asks for what exists nowhere.
func (h Host) impossible(v values) (why string, err error) {
	why, err = h.backend(v.text("backend"))
	if err != nil {
		return "", err
	}
	if why != "" {
		return fmt.Sprintf("the backend %s is not here: %s", v.text("backend"), why), nil
	}
	if why := h.cannot(v); why != "" {
		return why, nil
	}
	if why, err = h.cannotLoad(v); why != "" || err != nil {
		return why, err
	}
	if why := h.faultMissing(v); why != "" {
		return why, nil
	}
	limit := uint64(v.number("nofile"))
	if limit > h.NoFile {
		return fmt.Sprintf("nofile %d is above the hard limit %d (raise it: ulimit -Hn)", limit, h.NoFile), nil
	}
	if n := int(v.number("server_cpus")); n > 1 && n > len(h.CPUs)-1 {
		return fmt.Sprintf("server_cpus %d, and one CPU for the generator, of %d", n, len(h.CPUs)), nil
	}
	if c := v.text("congestion"); c != "" && len(h.Congestion) > 0 && !contains(h.Congestion, c) {
		return fmt.Sprintf("congestion control %s is not loaded (there are: %s)", c, strings.Join(h.Congestion, " ")), nil
	}
	n := connections(v)
	if why := v.crowded(n); why != "" {
		return why, nil
	}
	if why := h.tooMany(v, n); why != "" {
		return why, nil
	}
	if h.Ports > 0 && !h.Loopback && n > h.Ports {
		return fmt.Sprintf("%d connections need as many ephemeral ports, there are %d", n, h.Ports), nil
	}
	return "", nil
}

// tooMany returns why the load processes cannot have so many connections; ""
// when they can.
func (h Host) tooMany(v values, n int) string {
	processes := int(v.number("load_processes"))
	if v.text("generator") != "" {
		processes = 1 // of another program
	}
	if processes == 0 {
		processes = loadgen.MaxProcesses
	}
	if n <= processes*loadgen.Holds(h.NoFile) {
		return ""
	}
	each := (n+processes-1)/processes + reserveFDs
	if processes == 1 {
		return fmt.Sprintf("%d connections need %d descriptors in the load process, the hard limit is %d", n, each, h.NoFile)
	}
	return fmt.Sprintf("%d connections need %d descriptors in each of %d load processes, the hard limit is %d", n, each, processes, h.NoFile)
}

// connections returns how many connections a trial opens at once; for
// offered_share at most, as the server is not yet running.
func connections(v values) int {
	if v.has("offered_share") {
		places := v.number("nofile") * float64(v.serverProcesses())
		if v.has("max_connections") {
			places = min(places, v.number("max_connections"))
		}
		return int(math.Ceil(v.number("offered_share") * places))
	}
	return int(v.number("active_connections") + v.number("idle_connections") + v.number("slow_connections"))
}

// split divides the offered connections into active and idle ones.
// usable are the descriptors that the server has for connections.
func split(v values, usable int) (active, idle int) {
	if !v.has("offered_share") {
		return int(v.number("active_connections")), int(v.number("idle_connections"))
	}
	offered := max(1, int(math.Round(v.number("offered_share")*float64(usable))))
	share := 1.0
	if v.has("active_share") {
		share = v.number("active_share")
	}
	active = min(offered, max(1, int(math.Round(share*float64(offered)))))
	return active, offered - active
}

// skips gathers what cannot be run, by reason.
type skips struct {
	order []string
	list  map[string]*results.Skipped
}

func (s *skips) add(what, why string, cells int) {
	key := what + "\x00" + why
	if s.list == nil {
		s.list = map[string]*results.Skipped{}
	}
	if e := s.list[key]; e != nil {
		e.Cells += cells
		return
	}
	s.order = append(s.order, key)
	s.list[key] = &results.Skipped{What: what, Why: why, Cells: cells}
}

func (s *skips) all() []results.Skipped {
	var out []results.Skipped
	for _, key := range s.order {
		out = append(out, *s.list[key])
	}
	return out
}
