package calibrate

import (
	"fmt"
	"slices"

	"medusa/experiments/truthd"
	"medusa/results"
)

// CheckLag bounds what the generator adds to requests, at each rate over some
// windows of a server that answers at once. p99 and p99.9 are each the median
// over the windows: one that the hypervisor disturbed does not decide.
func CheckLag(windows []*Window) results.Truth {
	b := newTruth("lag", "null server: how late the generator sends")
	fails, worst, server := 0.0, truthd.Away{}, truthd.Away{}
	for _, group := range byRate(windows) {
		var p99, p999 []int64
		sent, late99, late999 := 0, 0.0, 0.0
		for _, w := range group {
			lags := w.lags()
			sent += len(lags)
			p99, p999 = append(p99, rank(lags, .99)), append(p999, rank(lags, .999))
			late99 = max(late99, w.Bare.LateShare(int64(lagP99)))
			late999 = max(late999, w.Bare.LateShare(int64(lagP999)))
			if w.Bare.P999 >= worst.P999 {
				worst = w.Bare
			}
			if w.Away.P999 >= server.P999 {
				server = w.Away
			}
		}
		rate := group[0].Rate
		n := sent / len(group)
		b.part(fmt.Sprintf("requests sent at %.0f/s", rate), "", float64(sent), atLeast(.95*rate*group[0].Duration.Seconds()*float64(len(group))))
		b.part(fmt.Sprintf("lag p99 at %.0f/s, median of %d windows", rate, len(group)), "us", us(middle(p99)), atMost(us(int64(lagP99))))
		b.part(fmt.Sprintf("lag p99.9 at %.0f/s, median of %d windows", rate, len(group)), "us", us(middle(p999)), atMost(us(int64(lagP999))))
		fails += medianOf3(binomialOver(n, late99, .01*float64(n))) + medianOf3(binomialOver(n, late999, .001*float64(n)))
	}
	b.part("a bare loop's p99.9 on that CPU, worst of all windows", "us", us(worst.P999), shown())
	b.part("its longest pause then", "us", us(worst.Longest), shown())
	b.chance(fails, "binomial: as many moments as the worst bare loop on that CPU was away for are late; pauses come in clusters, so it is rather more")
	b.Note = fmt.Sprintf("machine gap p99.9 (how late the machine alone makes a thread that never sleeps, worst of all windows): %.4g us on the generator's CPU, by a bare loop that only reads the clock, beside the windows; %.4g us on the server's, by the truth server, in them",
		us(worst.P999), us(server.P999))
	return b.Truth
}

// byRate groups windows by their rate, ascending.
func byRate(windows []*Window) [][]*Window {
	groups := map[float64][]*Window{}
	for _, w := range windows {
		groups[w.Rate] = append(groups[w.Rate], w)
	}
	var out [][]*Window
	for _, g := range groups {
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b []*Window) int { return int(a[0].Rate - b[0].Rate) })
	return out
}

// middle is the median of a few values, of an even number the upper one.
func middle(values []int64) int64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
