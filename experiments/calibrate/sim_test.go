package calibrate

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"medusa/experiments/truthd"
	"medusa/loadgen"
	"medusa/poller/loop"
	"medusa/results"
)

// floor is that of a virtual machine as they are.
var floor = results.WakeFloor{Block: results.Floor{Count: 10_000, P50: 80e3, P90: 105e3, P99: 300e3, P999: 2e6}}

// handOver is how long bytes take one way in virtual time.
const handOver = 10 * time.Microsecond

// simServer is a truth server on a loop, in virtual time: the same decisions
// and the same log.
type simServer struct {
	l    *loop.Loop
	plan *truthd.Plan
	log  []truthd.Entry
}

type simConn struct {
	s       *simServer
	port    uint16
	ordinal int64
}

func (h *simConn) Opened(c *loop.Conn) { h.port = c.RemoteAddr().Port() }
func (h *simConn) Received(c *loop.Conn, p []byte) (used int) {
	for {
		i := bytes.Index(p[used:], []byte("\r\n\r\n"))
		if i < 0 {
			return used
		}
		used += i + 4
		now := int64(h.s.l.Now())
		due, work, fate := h.s.plan.Decide(now, h.ordinal == 0)
		at := len(h.s.log)
		h.s.log = append(h.s.log, truthd.Entry{Port: h.port, Ordinal: h.ordinal, Arrival: now, Work: work, Fate: fate})
		h.ordinal++
		if fate == truthd.Mute {
			continue
		}
		h.s.l.At(loop.Time(due), func() {
			e := &h.s.log[at]
			e.Reply = int64(h.s.l.Now())
			if fate == truthd.Aborted {
				c.Abort()
				return
			}
			e.Sent = e.Reply
			c.Write([]byte(truthd.Reply))
		})
	}
}
func (h *simConn) Ended(c *loop.Conn)       { c.CloseWhenDone() }
func (h *simConn) Expired(*loop.Conn)       {}
func (h *simConn) Drained(*loop.Conn)       {}
func (h *simConn) Closed(*loop.Conn, error) {}

// simulate is observe in virtual time: a correct generator on a machine that
// is never late.
func simulate(t *testing.T, spec truthd.Spec, l load) *Window {
	t.Helper()
	lp, err := loop.New(loop.Config{Backend: "sim", Stamp: true, Sim: &loop.SimConfig{Seed: l.seed, Latency: handOver}})
	if err != nil {
		t.Fatal(err)
	}
	server := &simServer{l: lp, plan: truthd.NewPlan(spec)}
	address := netip.MustParseAddrPort("127.0.0.1:80")
	if _, err := lp.Listen(loop.ListenOptions{Address: address}, func(*loop.Conn) loop.Handler { return &simConn{s: server} }); err != nil {
		t.Fatal(err)
	}
	s := loadgen.Default()
	s.URL, s.Address, s.Connections, s.Timeout = "http://server/", address, l.connections, l.timeout
	s.Schedule = loadgen.Schedule{Arrivals: l.arrivals, Rate: l.rate, Seed: l.seed}
	s.Warmup, s.Duration = l.warmup, l.window
	var g *loadgen.Generator
	g, err = loadgen.New(lp, s, func(e loadgen.Event) {
		switch e.Stage {
		case loadgen.Filled:
			g.Go()
		case loadgen.Failed, loadgen.Reported:
			lp.Stop()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	var all []loadgen.Request
	g.Observe(func(q loadgen.Request) { all = append(all, q) })
	lp.Post(g.Start)
	if err := lp.Run(); err != nil {
		t.Fatal(err)
	}
	if g.Report() == nil {
		t.Fatal("no report")
	}
	return &Window{Truth: spec, Rate: l.rate, Duration: l.window, Timeout: l.timeout, Server: server.log, Load: g.Log(all), Report: g.Report()}
}

// The windows of a calibration, in virtual time.

func simDelay(t *testing.T, kind string) *Window {
	return simulate(t, truthd.Spec{Kind: kind, Mean: time.Millisecond, Seed: 1}, load{
		arrivals: loadgen.Poisson, rate: 2000, connections: 64, warmup: 100 * time.Millisecond, window: 6 * time.Second, timeout: time.Second, seed: 2})
}

func simSerial(t *testing.T) *Window {
	return simulate(t, truthd.Spec{Kind: truthd.Serial, Mean: time.Millisecond, Seed: 3}, load{
		arrivals: loadgen.Poisson, rate: 500, connections: 64, warmup: 100 * time.Millisecond, window: 10 * time.Second, timeout: 5 * time.Second, seed: 4})
}

func simStall(t *testing.T) *Window {
	return simulate(t, truthd.Spec{Kind: truthd.Stalling, Mean: time.Millisecond, StallAfter: 12 * time.Second, Stall: time.Second}, load{
		arrivals: loadgen.Constant, rate: 1000, connections: 16, warmup: 100 * time.Millisecond, window: 30 * time.Second, timeout: 5 * time.Second, seed: 5})
}

func simLosses(t *testing.T) *Window {
	return simulate(t, truthd.Spec{Kind: truthd.Faulty, Mean: time.Millisecond, Seed: 6}, load{
		arrivals: loadgen.Poisson, rate: 2000, connections: 128, warmup: 100 * time.Millisecond, window: 3 * time.Second, timeout: 250 * time.Millisecond, seed: 7})
}

func simNull(t *testing.T, rate float64, seed uint64) *Window {
	return simulate(t, truthd.Spec{Kind: truthd.Null}, load{
		arrivals: loadgen.Poisson, rate: rate, connections: 64, warmup: 100 * time.Millisecond, window: 4 * time.Second, timeout: time.Second, seed: seed})
}

func simNulls(t *testing.T) []*Window {
	return []*Window{simNull(t, 1000, 8), simNull(t, 1000, 9), simNull(t, 1000, 10)}
}

// TestCorrect: a correct generator passes every check, and what it measures is
// the truth to the nanosecond: here nothing but the network is between both.
func TestCorrect(t *testing.T) {
	t.Parallel()
	var truths []results.Truth
	for _, kind := range []string{truthd.Constant, truthd.Exponential, truthd.Bimodal} {
		w := simDelay(t, kind)
		truths = append(truths, CheckDelays(w, floor), CheckRank(w, floor))
		all, _ := w.pairs()
		for _, p := range all {
			if d := p.response() - p.truth(); d != int64(2*handOver) {
				t.Fatalf("%s: measured %d ns over the truth", kind, d)
			}
		}
		points := ExcessOf(w)
		if len(points) != excessRanks || points[49].Us != 20 || points[49].Rank != .99 || points[0].Series != kind {
			t.Errorf("%d points, the last %+v", len(points), points[len(points)-1])
		}
	}
	nulls := simNulls(t)
	lindley := CheckLindley(simSerial(t), floor)
	for _, p := range lindley.Parts {
		if strings.HasPrefix(p.Name, "excess") && p.Measured != 20 {
			t.Errorf("serial server: %s %v us, but the network takes 20", p.Name, p.Measured)
		}
	}
	truths = append(truths, lindley, CheckStall(simStall(t)), CheckLosses(simLosses(t)), CheckLag(nulls), CheckSchedule(nulls))
	for _, truth := range truths {
		if !truth.Pass {
			t.Errorf("%s fails: %+v", truth.ID, failed(truth))
		}
		if truth.FalseFail == nil || truth.FalseFailHow == "" || *truth.FalseFail > .02 {
			t.Errorf("%s: how often a correct generator fails is %v (%s)", truth.ID, truth.FalseFail, truth.FalseFailHow)
		}
	}
}

// failed are the names of the parts that did not come out.
func failed(truth results.Truth) (names []string) {
	for _, p := range truth.Parts {
		if !p.Pass {
			names = append(names, p.Name)
		}
	}
	return names
}
