package calibrate

import (
	"fmt"
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"medusa/results"
)

const (
	// ksMost is the largest distance allowed between the gaps as sent and
	// exponential ones.
	ksMost = 0.02
	// dispersionBins are the slices of time whose counts must vary as those of
	// a Poisson process do.
	dispersionBins = 2000
	// quantum is the grid that a coarse timer would put a schedule on.
	quantum = time.Millisecond
)

// CheckSchedule tests whether requests were sent as a Poisson process: gaps
// exponential with the mean that was asked for, counts with the variance of
// their mean, no gap telling of the next. The same times put on a grid of 1 ms
// must not pass, or the test could not tell.
func CheckSchedule(windows []*Window) results.Truth {
	rate := windows[0].Rate
	b := newTruth("schedule", fmt.Sprintf("Poisson %.0f/s as sent, %d windows", rate, len(windows)))
	s := scheduleOf(windows, 1)
	n := len(s.gaps)
	sigma := 3 / math.Sqrt(float64(n))
	b.part("gaps", "", float64(n), atLeast(10_000))
	b.part("Kolmogorov-Smirnov distance", "", s.distance(rate), atMost(ksMost))
	b.part(fmt.Sprintf("dispersion of %d counts", len(s.counts)), "", s.dispersion(), between(.9, 1.1).of(1))
	b.part("correlation of neighbouring gaps", "", s.correlation(), between(-sigma, sigma).of(0))
	grid := scheduleOf(windows, int64(quantum))
	b.part("distance of the same on a grid of 1 ms", "", grid.distance(rate), atLeast(ksMost))
	chi := distuv.ChiSquared{K: float64(len(s.counts) - 1)}
	rare := kolmogorov(n, ksMost) + chi.CDF(.9*chi.K) + 1 - chi.CDF(1.1*chi.K) + normalBeyond(3)
	b.chance(rare, "Kolmogorov's, the chi-square (of the dispersion) and the normal distribution (of the correlation)")
	return b.Truth
}

// schedule is what windows of one rate look like as times of sending.
type schedule struct {
	gaps   []float64 // seconds
	next   []float64 // of each but the last of a window: the one after it
	before []float64
	counts []float64 // in equal slices of time
}

// scheduleOf reads the times at which requests were sent, each put on a grid of
// so many nanoseconds.
func scheduleOf(windows []*Window, grid int64) schedule {
	var s schedule
	slicesEach := (dispersionBins + len(windows) - 1) / len(windows)
	for _, w := range windows {
		times := w.sent()
		for i := range times {
			times[i] -= times[i] % grid
		}
		var gaps []float64
		for i := 1; i < len(times); i++ {
			gaps = append(gaps, float64(times[i]-times[i-1])/1e9)
		}
		s.gaps = append(s.gaps, gaps...)
		if len(gaps) > 0 {
			s.before, s.next = append(s.before, gaps[:len(gaps)-1]...), append(s.next, gaps[1:]...)
		}
		counts := make([]float64, slicesEach)
		width := int64(w.Duration) / int64(slicesEach)
		for _, t := range times {
			if i := t / width; t >= 0 && i < int64(slicesEach) {
				counts[i]++
			}
		}
		s.counts = append(s.counts, counts...)
	}
	return s
}

// distance is Kolmogorov and Smirnov's, to the exponential distribution with a
// rate.
func (s schedule) distance(rate float64) float64 {
	sorted := slices.Sorted(slices.Values(s.gaps))
	n, d := float64(len(sorted)), math.NaN()
	for i, x := range sorted {
		f := -math.Expm1(-x * rate)
		here := math.Max(f-float64(i)/n, float64(i+1)/n-f)
		if !(d >= here) {
			d = here
		}
	}
	return d
}

// dispersion is the variance of the counts over their mean.
func (s schedule) dispersion() float64 {
	mean, variance := stat.MeanVariance(s.counts, nil)
	return variance / mean
}

func (s schedule) correlation() float64 { return stat.Correlation(s.before, s.next, nil) }
