package results

import "sort"

// spreadLabels moves labels apart: it returns places as near to the wanted ones as
// possible (least squares) with neighbours at least gap apart, all within lo to
// hi where that fits. The order of the wanted places is kept.
//
// With z_i = place_i - i*gap the condition is that z does not decrease, which
// makes it an isotonic regression; pooling adjacent violators solves it.
func spreadLabels(want []float64, gap, lo, hi float64) []float64 {
	n := len(want)
	if n == 0 {
		return nil
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return want[order[a]] < want[order[b]] })
	type pool struct {
		sum float64
		n   int
	}
	var pools []pool
	for i, k := range order {
		pools = append(pools, pool{want[k] - float64(i)*gap, 1})
		for len(pools) > 1 {
			a, b := pools[len(pools)-2], pools[len(pools)-1]
			if a.sum/float64(a.n) <= b.sum/float64(b.n) {
				break
			}
			pools = append(pools[:len(pools)-2], pool{a.sum + b.sum, a.n + b.n})
		}
	}
	top := max(hi-float64(n-1)*gap, lo)
	place := make([]float64, n)
	i := 0
	for _, p := range pools {
		z := min(max(p.sum/float64(p.n), lo), top)
		for range p.n {
			place[order[i]] = z + float64(i)*gap
			i++
		}
	}
	return place
}
