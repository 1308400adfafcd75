package calibrate

import (
	"fmt"
	"math"
	"math/rand/v2"

	"medusa/results"
	"medusa/results/stats"
)

// margin of Decide, which does not bear on what is simulated here.
const margin = 0.05

// CheckStatistics simulates what the report does with pairs of trials: equal
// things called different, a difference found, intervals that hold the truth.
// The seeds are fixed, so it comes out the same everywhere; that a machine can
// do it wrongly is not expected, that a change of the program can is.
func CheckStatistics() []results.Truth {
	return []results.Truth{checkFalsePositives(), checkPower(), checkCoverage()}
}

func checkFalsePositives() results.Truth {
	const runs, n = 1000, 10
	b := newTruth("false-positives", "1,000 simulated comparisons of a thing with itself, 10 pairs each")
	r := rand.New(rand.NewPCG(1, n))
	different, coverage := 0, 0.0
	for range runs {
		i := stats.SignedRankInterval(normalPairs(r, n, .05, 0), .95)
		coverage = i.Coverage
		if stats.Decide(i, stats.NoInterval(), margin, true) != stats.NotResolved {
			different++
		}
	}
	b.part("called different", "", float64(different), between(30, 73).of((1-coverage)*runs))
	b.chance(binomialBelow(runs, 1-coverage, 30)+binomialOver(runs, 1-coverage, 73), "binomial, if the seed were another")
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
		r := rand.New(rand.NewPCG(2, uint64(1000*c.sd)))
		found := 0
		for range runs {
			if stats.SignedRankInterval(normalPairs(r, n, c.sd, math.Log1p(.05)), .95).Lo > 0 {
				found++
			}
		}
		b.part(fmt.Sprintf("found at a pair sd of %.0f %%", 100*c.sd), "", float64(found), atLeast(c.least))
		fails += binomialBelow(runs, share(found, runs), c.least)
	}
	b.chance(fails, "binomial at the share that was found, if the seed were another")
	return b.Truth
}

func normalPairs(r *rand.Rand, n int, sd, truth float64) []float64 {
	d := make([]float64, n)
	for i := range d {
		d[i] = truth + sd*r.NormFloat64()
	}
	return d
}

// noises make the log times of the two trials of a pair, in order of execution.
var noises = []struct {
	name string
	make func(r *rand.Rand) func() (first, second float64)
}{
	{"log-normal", func(r *rand.Rand) func() (float64, float64) {
		return func() (float64, float64) { return .05 * r.NormFloat64(), .05 * r.NormFloat64() }
	}},
	{"bimodal", func(r *rand.Rand) func() (float64, float64) {
		one := func() float64 {
			v := .01 * r.NormFloat64()
			if r.IntN(4) == 0 {
				v += math.Log(1.2)
			}
			return v
		}
		return func() (float64, float64) { return one(), one() }
	}},
	{"AR(1)", func(r *rand.Rand) func() (float64, float64) {
		state := 0.0
		next := func() float64 {
			state = .9*state + .05*r.NormFloat64()
			return state + .02*r.NormFloat64()
		}
		return func() (float64, float64) { return next(), next() }
	}},
	{"two states", func(r *rand.Rand) func() (float64, float64) {
		slow := 0.0
		return func() (float64, float64) { // common to the pair
			if r.IntN(10) == 0 {
				slow = math.Log(1.43) - slow
			}
			return slow + .03*r.NormFloat64(), slow + .03*r.NormFloat64()
		}
	}},
}

func checkCoverage() results.Truth {
	const runs, truth = 5000, .3
	b := newTruth("coverage", "95 % intervals of 5,000 simulations each hold the truth")
	fails := 0.0
	for _, noise := range noises {
		for _, n := range []int{6, 10, 20} {
			r := rand.New(rand.NewPCG(3, uint64(n)))
			pair := noise.make(r)
			held, coverage := 0, 0.0
			d := make([]float64, n)
			for range runs {
				for i := range d {
					first, second := pair()
					if r.IntN(2) == 0 { // which of both is first
						first, second = second, first
					}
					d[i] = truth + first - second
				}
				i := stats.SignedRankInterval(d, .95)
				coverage = i.Coverage
				if i.Lo <= truth && truth <= i.Hi {
					held++
				}
			}
			b.part(fmt.Sprintf("%s, %d pairs", noise.name, n), "share", share(held, runs), atLeast(.94).of(coverage))
			fails += binomialBelow(runs, coverage, .94*runs)
		}
	}
	b.chance(fails, "binomial at the exact coverage, if the seed were another")
	return b.Truth
}
