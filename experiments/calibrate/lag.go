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
	bare := bareOf(windows)
	for _, group := range byRate(windows) {
		var lags [][]int64
		sent := 0
		for _, w := range group {
			lags = append(lags, w.lags())
			sent += len(lags[len(lags)-1])
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
		for _, bound := range []struct {
			name  string
			q     float64
			limit int64
		}{{"p99", .99, int64(lagP99)}, {"p99.9", .999, int64(lagP999)}} {
			median := func(q float64) int64 {
				var of []int64
				for _, l := range lags {
					of = append(of, rank(l, q))
				}
				return middle(of)
			}
			machine := bare.LateShare(bound.limit)
			b.partBeside(fmt.Sprintf("lag %s at %.0f/s, median of %d windows", bound.name, rate, len(group)), "us", us(median(bound.q)), atMost(us(bound.limit)),
				beside{q: bound.q, limit: bound.limit, n: n, machine: bare.LateShare, late: func(x int64) float64 {
					var of []float64
					for _, l := range lags {
						of = append(of, over(l, x))
					}
					return middle(of)
				}})
			fails += medianOf3(binomialOver(n, machine, (1-bound.q)*float64(n)))
		}
	}
	b.part("a bare loop's p99.9 on that CPU, worst of all windows", "us", us(worst.P999), shown())
	b.part("its longest pause then", "us", us(worst.Longest), shown())
	b.chance(fails, "binomial: as many moments are late as bare loops on that CPU are late beside the windows; pauses come in clusters, so it is rather more")
	b.Note = fmt.Sprintf("machine gap p99.9 (how late the machine alone makes a thread that never sleeps, worst of all windows): %.4g us on the generator's CPU, by a bare loop that only reads the clock, beside the windows; %.4g us on the server's, by the truth server, in them",
		us(worst.P999), us(server.P999))
	return b.Truth
}

// bareOf is what bare loops on the generator's CPU met beside all windows.
func bareOf(windows []*Window) (all truthd.Away) {
	for _, w := range windows {
		all.WholeNs += w.Bare.WholeNs
		all.Pauses = append(all.Pauses, w.Bare.Pauses...)
	}
	return all
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
func middle[T int64 | float64](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
