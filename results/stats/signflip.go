package stats

import (
	"math"
	"math/rand/v2"
)

// signFlipEnumerated is the largest number of pairs whose sign patterns are
// all enumerated (2^19 by symmetry); above it signFlipDraws patterns are drawn.
const (
	signFlipEnumerated = 20
	signFlipDraws      = 99_999
)

// SignFlipP returns the two-sided p of the sign-flip permutation test on the
// mean of d: the share of sign patterns whose mean is at least as far from 0
// as the observed one, the observed one included. It is exact up to 20 values;
// above, patterns are drawn from the seed and p is (1 + hits) / (1 + draws),
// which is valid too. 1 for no data. The smallest p of n values is 2 / 2^n.
func SignFlipP(d []float64, seed uint64) float64 {
	if len(d) == 0 {
		return 1
	}
	var sum, scale float64
	for _, v := range d {
		sum += v
		scale += math.Abs(v)
	}
	// Sums of the same numbers in another order differ by rounding only;
	// patterns that are equal in truth must count as equal.
	bar := math.Abs(sum) - 1e-12*scale
	if len(d) <= signFlipEnumerated {
		// The last sign is kept: a pattern and its opposite count alike.
		hits := countFlips(d[:len(d)-1], d[len(d)-1], bar)
		return float64(hits) / float64(int(1)<<(len(d)-1))
	}
	r := rand.New(rand.NewPCG(seed, uint64(len(d))))
	hits := 0
	for range signFlipDraws {
		s, bits := 0.0, uint64(0)
		for i, v := range d {
			if i%64 == 0 {
				bits = r.Uint64()
			}
			if bits&1 == 1 {
				v = -v
			}
			s, bits = s+v, bits>>1
		}
		if math.Abs(s) >= bar {
			hits++
		}
	}
	return float64(1+hits) / float64(1+signFlipDraws)
}

// countFlips counts the sign patterns of d for which |sum + pattern| >= bar.
func countFlips(d []float64, sum, bar float64) int {
	if len(d) == 0 {
		if math.Abs(sum) >= bar {
			return 1
		}
		return 0
	}
	return countFlips(d[1:], sum+d[0], bar) + countFlips(d[1:], sum-d[0], bar)
}
