package calibrate

import (
	"fmt"

	"medusa/results"
	"medusa/results/stats"
)

// CheckStatistics simulates what the report does with pairs of trials: equal
// things called different, a difference found, intervals that hold the truth.
// The seeds are fixed, so it comes out the same everywhere; that a machine can
// do it wrongly is not expected, that a change of the program can is.
func CheckStatistics() []results.Truth {
	return []results.Truth{checkFalsePositives(), checkPower(), checkCoverage()}
}

// coverageOf is the exact coverage of the 95 % interval over n pairs.
func coverageOf(n int) float64 {
	pairs := make([]float64, n)
	for i := range pairs {
		pairs[i] = float64(i)
	}
	return stats.SignedRankInterval(pairs, .95).Coverage
}

func checkFalsePositives() results.Truth {
	const runs, n = 1000, 10
	b := newTruth("false-positives", "1,000 simulated comparisons of a thing with itself, 10 pairs each")
	alpha := 1 - coverageOf(n)
	b.part("called different", "", float64(stats.SimulateAA(1, stats.LogNormal, n, runs)), between(30, 73).of(alpha*runs))
	b.chance(binomialBelow(runs, alpha, 30)+binomialOver(runs, alpha, 73), "binomial, if the seed were another")
	return b.Truth
}

func checkPower() results.Truth {
	const runs, n = 1000, 20
	b := newTruth("power", "a difference of 5 %, 20 pairs, 1,000 simulations")
	fails := 0.0
	for _, c := range []struct {
		sd    float64
		least float64
	}{{.05, 950}, {.07, 780}} {
		found := stats.SimulatePower(2, n, c.sd, .05, runs)
		b.part(fmt.Sprintf("found at a pair sd of %.0f %%", 100*c.sd), "", float64(found), atLeast(c.least))
		fails += binomialBelow(runs, share(found, runs), c.least)
	}
	b.chance(fails, "binomial at the share that was found, if the seed were another")
	return b.Truth
}

func checkCoverage() results.Truth {
	const runs = 5000
	b := newTruth("coverage", "95 % intervals of 5,000 simulations each hold the truth")
	fails := 0.0
	for _, noise := range stats.Noises() {
		for _, n := range []int{6, 10, 20} {
			held, coverage := stats.SimulateCoverage(3, noise, n, runs), coverageOf(n)
			b.part(fmt.Sprintf("%s, %d pairs", noise, n), "share", share(held, runs), atLeast(.94).of(coverage))
			fails += binomialBelow(runs, coverage, .94*runs)
		}
	}
	b.chance(fails, "binomial at the exact coverage, if the seed were another")
	return b.Truth
}
