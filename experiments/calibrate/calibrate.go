package calibrate

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"medusa/experiments"
	"medusa/experiments/truthd"
	"medusa/loadgen"
	"medusa/results"
)

// Options say how a machine is calibrated.
type Options struct {
	Quick    bool // shorter windows
	Binary   string
	Version  string // of this program, for the record
	Command  string // that makes it again
	Here     []experiments.BackendInfo
	Progress io.Writer
	Launcher experiments.Launcher // nil: experiments.Processes
}

// lengths are the windows of a calibration.
type lengths struct {
	warmup    time.Duration
	delay     time.Duration
	delayRate float64
	serial    time.Duration
	stall     time.Duration
	losses    time.Duration
	null      []time.Duration // at each of nullRates
	beside    time.Duration   // see session
}

func (o Options) lengths() lengths {
	if o.Quick {
		return lengths{warmup: 300 * time.Millisecond, delay: 3600 * time.Millisecond, delayRate: 3000, serial: 6 * time.Second,
			stall: 10 * time.Second, losses: 3 * time.Second, null: []time.Duration{3600 * time.Millisecond, 2 * time.Second}, beside: 400 * time.Millisecond}
	}
	return lengths{warmup: time.Second, delay: 20 * time.Second, delayRate: 1000, serial: 20 * time.Second,
		stall: 30 * time.Second, losses: 5 * time.Second, null: []time.Duration{10 * time.Second, 10 * time.Second}, beside: time.Second}
}

// nullWindows is how many windows the null server has at each rate.
const nullWindows = 3

// nullRates are those rates, in requests a second.
var nullRates = []float64{1000, 10_000}

// About is how long a calibration takes.
func (o Options) About() time.Duration {
	l := o.lengths()
	windows := 3 + 1 + 1 + 1
	sum := 3*l.delay + l.serial + l.stall + l.losses
	for _, d := range l.null {
		sum += nullWindows * d
		windows += nullWindows
	}
	return sum + time.Duration(windows)*(l.warmup+2*l.beside+time.Second/2) + 7*time.Second
}

// Run calibrates the machine. An error means that something could not be
// measured at all; a truth that did not come out is in the certificate.
func Run(ctx context.Context, o Options) (*results.Certificate, error) {
	began := time.Now()
	host := experiments.ThisHost(o.Here)
	serverCPU, loadCPU, err := host.Apart()
	if err != nil {
		return nil, fmt.Errorf("this machine cannot be calibrated: %w", err)
	}
	folder, err := os.MkdirTemp("", "medusa-calibrate-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	s := &session{launcher: o.Launcher, binary: o.Binary, folder: folder, serverCPU: serverCPU, loadCPU: loadCPU, beside: o.lengths().beside}
	if s.launcher == nil {
		s.launcher = experiments.Processes{}
	}
	c := &results.Certificate{
		SchemaVersion: results.SchemaVersion, CreatedUnixNs: began.UnixNano(), Quick: o.Quick, Command: o.Command,
		Machine: experiments.MachineFacts(o.Binary, o.Version, o.Here),
	}
	say := func(what string) {
		fmt.Fprintf(o.Progress, "%5s of about %s  %s\n", time.Since(began).Round(time.Second), o.About().Round(5*time.Second), what)
	}
	say("the wake floor, between CPUs " + fmt.Sprint(serverCPU, " and ", loadCPU))
	if c.Floor, err = MeasureFloor(loadCPU, serverCPU); err != nil {
		return nil, fmt.Errorf("the wake floor: %w", err)
	}
	for _, step := range []func(context.Context, Options, *session, *results.Certificate, func(string)) error{delays, queues, nulls} {
		if err := step(ctx, o, s, c, say); err != nil {
			if ctx.Err() != nil {
				return nil, fmt.Errorf("interrupted: nothing was written")
			}
			return nil, err
		}
	}
	say("engines and statistics")
	c.Truths = append(c.Truths, CheckEngines(uint64(began.UnixNano())))
	c.Truths = append(c.Truths, CheckStatistics()...)
	c.Passed = true
	for i := range c.Truths {
		c.Passed = c.Passed && c.Truths[i].Pass
	}
	c.DurationNs = int64(time.Since(began))
	return c, nil
}

// delays are the servers whose every delay is known.
func delays(ctx context.Context, o Options, s *session, c *results.Certificate, say func(string)) error {
	l := o.lengths()
	for i, kind := range []string{truthd.Constant, truthd.Exponential, truthd.Bimodal} {
		say(kind + " delay")
		w, err := s.observe(ctx, truthd.Spec{Kind: kind, Mean: time.Millisecond, Seed: 40 + uint64(i)}, load{
			arrivals: loadgen.Poisson, rate: l.delayRate, connections: 64, warmup: l.warmup, window: l.delay, timeout: time.Second, seed: 50 + uint64(i)})
		if err != nil {
			return err
		}
		c.Truths = append(c.Truths, CheckDelays(w, c.Floor), CheckRank(w, c.Floor))
		c.Excess = append(c.Excess, ExcessOf(w)...)
	}
	return nil
}

// queues are the servers that make requests wait or fail.
func queues(ctx context.Context, o Options, s *session, c *results.Certificate, say func(string)) error {
	l := o.lengths()
	say("serial server")
	w, err := s.observe(ctx, truthd.Spec{Kind: truthd.Serial, Mean: time.Millisecond, Seed: 43}, load{
		arrivals: loadgen.Poisson, rate: 500, connections: 64, warmup: l.warmup, window: l.serial, timeout: 5 * time.Second, seed: 53})
	if err != nil {
		return err
	}
	c.Truths = append(c.Truths, CheckLindley(w, c.Floor))
	say("a stall of 1 s")
	w, err = s.observe(ctx, truthd.Spec{Kind: truthd.Stalling, Mean: time.Millisecond, Seed: 44, StallAfter: l.warmup + l.stall*2/5, Stall: time.Second}, load{
		arrivals: loadgen.Constant, rate: 1000, connections: 16, warmup: l.warmup, window: l.stall, timeout: 5 * time.Second, seed: 54})
	if err != nil {
		return err
	}
	c.Truths = append(c.Truths, CheckStall(w))
	say("losses")
	w, err = s.observe(ctx, truthd.Spec{Kind: truthd.Faulty, Mean: time.Millisecond, Seed: 45}, load{
		arrivals: loadgen.Poisson, rate: 2000, connections: 128, warmup: l.warmup, window: l.losses, timeout: 250 * time.Millisecond, seed: 55})
	if err != nil {
		return err
	}
	c.Truths = append(c.Truths, CheckLosses(w))
	return nil
}

// nulls are the windows on a server that answers at once.
func nulls(ctx context.Context, o Options, s *session, c *results.Certificate, say func(string)) error {
	l := o.lengths()
	var all []*Window
	for k := range nullWindows {
		for i, rate := range nullRates {
			say(fmt.Sprintf("null server, %.0f/s, window %d of %d", rate, k+1, nullWindows))
			w, err := s.observe(ctx, truthd.Spec{Kind: truthd.Null}, load{
				arrivals: loadgen.Poisson, rate: rate, connections: 64, warmup: l.warmup, window: l.null[i], timeout: time.Second, seed: 60 + uint64(10*k+i)})
			if err != nil {
				return err
			}
			all = append(all, w)
		}
	}
	c.Truths = append(c.Truths, CheckLag(all))
	for _, group := range byRate(all)[:1] {
		c.Truths = append(c.Truths, CheckSchedule(group))
	}
	c.Quiet = quietOf(all)
	return nil
}
