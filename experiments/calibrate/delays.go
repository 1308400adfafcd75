package calibrate

import (
	"fmt"
	"math"
	"slices"
	"time"

	"medusa/experiments/truthd"
	"medusa/loadgen"
	"medusa/results"
)

// clockTolerance is how far the stamps of two processes on one clock may
// contradict each other: the generator's clock was converted with an error of
// some 100 ns.
const clockTolerance = 1000

// withinLeast is the share of requests that must be measured within the floor.
const withinLeast = 0.99

// floorMost bounds how much of a wake floor a check allows: the floor of a
// disturbed machine must not excuse the instrument.
const floorMost = int64(time.Millisecond)

// CheckDelays holds the requests of a window against the truth one by one: none
// took less time than the server had it, and 99 % took at most the wake floor's
// p99 more (and never over 1 ms). service is from sent to the reply, response from the intended
// start.
func CheckDelays(w *Window, floor results.WakeFloor) results.Truth {
	b := newTruth("delay-"+w.Truth.Kind, fmt.Sprintf("%s delay of %v, request by request", w.Truth.Kind, w.Truth.Mean))
	all, strangers := w.pairs()
	all = answered(all)
	b.part("requests compared", "", float64(len(all)), atLeast(math.Max(withinLeast*float64(w.scheduled()), 100)))
	b.part("requests known to one end only", "", float64(strangers), exactly(0))
	limit := min(floor.Block.P99, floorMost)
	early, disorder := 0, 0
	response := make([]int64, len(all))
	excess := make([]int64, len(all))
	for i, p := range all {
		excess[i] = p.service() - p.truth()
		if excess[i] < 0 {
			early++
		}
		response[i] = p.response() - p.truth()
		if int64(p.q.Sent) > p.e.Arrival+clockTolerance || int64(p.q.End) < p.e.Reply-clockTolerance {
			disorder++
		}
	}
	slices.Sort(excess)
	slices.Sort(response)
	n := len(all)
	b.part("service under the truth", "share", share(early, n), exactly(0))
	within := func(name string, over0 []int64, machine func(x int64) float64) {
		outside := func(x int64) float64 { return over(over0, x) + 1 - over(over0, -1) }
		b.partBeside(name+" 0 to the floor's p99 over the truth", "share", 1-outside(limit), atLeast(withinLeast),
			beside{q: withinLeast, limit: limit, n: n, late: outside, machine: machine})
	}
	// A reply may find the generator's CPU away, a request the server's; and
	// what is due the generator's, which response holds against it.
	within("service", excess, pausesOf(w.Bare, w.Away))
	within("response", response, pausesOf(w.Bare, w.Bare, w.Away))
	b.part("sent after it arrived, or ended before the reply was sent", "share", share(disorder, n), exactly(0))
	b.part("excess p50", "us", us(rank(excess, .5)), atMost(us(floor.Block.P50)))
	b.part("excess p99", "us", us(rank(excess, .99)), shown())
	late := pausesOf(w.Bare, w.Away)(limit)
	b.chance(binomialOver(n, late, (1-withinLeast)*float64(n)),
		fmt.Sprintf("binomial: the machine alone makes %.2g of requests later than the floor's p99 (bare loops on both CPUs)", late))
	return b.Truth
}

// quantiles that a report publishes.
var quantiles = []struct {
	name string
	q    float64
	of   func(*loadgen.Dist) *int64
	in   func(results.Floor) int64
}{
	{"p50", .5, func(d *loadgen.Dist) *int64 { return d.P50 }, func(f results.Floor) int64 { return f.P50 }},
	{"p90", .9, func(d *loadgen.Dist) *int64 { return d.P90 }, func(f results.Floor) int64 { return f.P90 }},
	{"p99", .99, func(d *loadgen.Dist) *int64 { return d.P99 }, func(f results.Floor) int64 { return f.P99 }},
}

// digits is the relative error of a report's quantiles: its histograms have
// three significant digits.
const digits = 1e-3

// CheckRank holds the quantiles that the report publishes against those of the
// distribution that the server was told to draw from: quantile q of n requests
// lies between the true ones at q -+ 3 standard errors of a rank, and above by
// no more than the wake floor has at q. The report's own quantiles must be
// those of the log.
func CheckRank(w *Window, floor results.WakeFloor) results.Truth {
	b := newTruth("rank-"+w.Truth.Kind, fmt.Sprintf("%s delay of %v, in rank", w.Truth.Kind, w.Truth.Mean))
	n := float64(w.Report.Requests)
	false3 := 0.0
	limit := min(floor.Block.P99, floorMost)
	for _, of := range []struct {
		name    string
		dist    *loadgen.Dist
		log     []int64
		machine func(x int64) float64
	}{{"service", &w.Report.Service, w.durations(pair.service), pausesOf(w.Bare, w.Away)}, {"response", &w.Report.Response, w.durations(pair.response), pausesOf(w.Bare, w.Bare, w.Away)}} {
		for _, q := range quantiles {
			measured := q.of(of.dist)
			if measured == nil {
				b.part(of.name+" "+q.name, "us", math.NaN(), shown())
				continue
			}
			band := 3 * math.Sqrt(q.q*(1-q.q)/n)
			lo, hi := w.Truth.Quantile(q.q-band), w.Truth.Quantile(q.q+band)+float64(min(q.in(floor.Block), floorMost))
			b.partBeside(of.name+" "+q.name, "us", us(*measured), between(us(lo), us(hi)).of(us(w.Truth.Quantile(q.q))),
				beside{q: q.q, limit: limit, n: int(n), machine: of.machine, late: func(x int64) float64 {
					if float64(*measured) < lo {
						return 1 // no pause makes early
					}
					return over(of.log, int64(hi)+x-limit)
				}})
			log := float64(rank(of.log, q.q))
			b.part(of.name+" "+q.name+", report to log", "", float64(*measured)/log, between(1-digits, 1+digits).of(1))
			if w.Truth.Kind != truthd.Constant && of.name == "service" {
				false3 += binomialAtLeast(int(n), q.q-band, math.Ceil(q.q*n)) + binomialBelow(int(n), q.q+band, math.Ceil(q.q*n))
			}
		}
	}
	how := "binomial, of both ends of each band"
	if w.Truth.Kind == truthd.Constant {
		how = "a constant delay has no sampling error"
	}
	late := pausesOf(w.Bare, w.Away)(limit)
	b.chance(false3+binomialOver(int(n), late, .01*n),
		fmt.Sprintf("%s; and of p99, binomial: the machine alone makes %.2g of requests later than the floor's p99", how, late))
	return b.Truth
}

// durations of the window's answered requests as the generator has them,
// ascending.
func (w *Window) durations(of func(pair) int64) []int64 {
	var out []int64
	w.inWindow(func(q *loadgen.Logged) {
		if q.Kind == loadgen.OK {
			out = append(out, of(pair{q: q}))
		}
	})
	slices.Sort(out)
	return out
}
