package calibrate

import (
	"fmt"
	"math"
	"slices"
	"time"

	"medusa/loadgen"
	"medusa/results"
)

const (
	// lagP99 and lagP999 bound what a generator with a CPU of its own adds.
	lagP99  = 50 * time.Microsecond
	lagP999 = 150 * time.Microsecond
)

// CheckStall holds a constant load on a server that answers nothing for a
// while against what must come out: of the requests that were meant to start in
// the stall, half wait for over half of it. Their share of all is the rank at
// which the response must be half of the stall, while the service of all but
// those that were under way is that of a healthy server.
func CheckStall(w *Window) results.Truth {
	stall := w.Truth.Stall
	part := stall.Seconds() / w.Duration.Seconds()
	half := 1 - part/2
	b := newTruth("stall", fmt.Sprintf("constant %.0f/s, a stall of %v in %v", w.Rate, stall, w.Duration))
	var response, service, queue []int64
	w.inWindow(func(q *loadgen.Logged) {
		if q.Kind != loadgen.OK {
			return
		}
		response = append(response, int64(q.End-q.Intended))
		service = append(service, int64(q.End-q.Sent))
		queue = append(queue, int64(max(0, q.Free-q.Intended)))
	})
	for _, list := range [][]int64{response, service, queue} {
		slices.Sort(list)
	}
	lags := w.lags()
	scheduled := w.Rate * w.Duration.Seconds()
	name := fmt.Sprintf("p%.4g", 100*half)
	ms := func(ns int64) float64 { return float64(ns) / 1e6 }
	whole := float64(stall.Milliseconds())
	b.part("requests answered", "", float64(len(response)), between(scheduled*.997, scheduled+1))
	b.part("response "+name, "ms", ms(rank(response, half)), between(.49*whole, .54*whole).of(.5*whole))
	b.part("service "+name, "ms", ms(rank(service, half)), atMost(10))
	b.part("queue "+name, "ms", ms(rank(queue, half)), between(.48*whole, .54*whole).of(.5*whole))
	machine := w.Bare.LateShare(int64(lagP99))
	b.partBeside("lag p99", "us", us(rank(lags, .99)), atMost(us(int64(lagP99))),
		beside{q: .99, limit: int64(lagP99), n: len(lags), machine: w.Bare.LateShare, late: func(x int64) float64 { return over(lags, x) }})
	// Of the report, which has other quantiles, the same.
	for _, q := range quantiles {
		late := 1 - (1-q.q)/part // of the stall
		if late < .1 {
			continue // outside of the stall, or so near its end that it could be
		}
		measured := math.NaN()
		if p := q.of(&w.Report.Response); p != nil {
			measured = ms(*p)
		}
		b.part("response "+q.name+" of the report", "ms", measured, between((late-.01)*whole, (late+.04)*whole).of(late*whole))
	}
	limited := 0.0
	if w.Report.Verdict == loadgen.ClientLimited {
		limited = 1
	}
	b.part("called client-limited", "", limited, exactly(0))
	b.chance(binomialOver(len(lags), machine, .01*float64(len(lags))),
		fmt.Sprintf("the load is constant; of the lag, binomial: the machine alone makes %.2g of moments late by 50 us", machine))
	return b.Truth
}
