package loadgen

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"medusa/poller/loop"
)

func first(s Schedule, n int) []loop.Time {
	times := s.Times()
	list := make([]loop.Time, n)
	for i := range list {
		list[i] = times.Next()
	}
	return list
}

func TestConstantTimes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		rate float64
		i    int64
		want loop.Time
	}{
		{1000, 0, 0}, {1000, 1, 1e6}, {1000, 999, 999e6},
		{3, 1, 333_333_333}, {3, 2, 666_666_666}, {3, 3, 1e9}, {3, 3_000_000, 1e15},
		{1e6, 7, 7000}, {0.5, 2, 4e9}, {7e4, 70_000, 1e9}, {1e8, 1 << 40, 10 << 40},
	} {
		times := Times{s: Schedule{Arrivals: Constant, Rate: tc.rate}, index: tc.i}
		if got := times.Next(); got != tc.want {
			t.Errorf("arrival %d at %v/s is at %d, want %d", tc.i, tc.rate, got, tc.want)
		}
	}
}

// The exact times of a seed are part of what a run can be repeated from: a
// change of the generator of random numbers must not go unnoticed.
func TestGoldenTimes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		s    Schedule
		want []loop.Time
		hash string
	}{
		{Schedule{Arrivals: Constant, Rate: 3000, Seed: 1}, []loop.Time{0, 333333, 666666, 1000000, 1333333}, "b530f0fcd75385f151ee54978c6c3023"},
		{Schedule{Arrivals: Poisson, Rate: 3000, Seed: 1}, []loop.Time{253737, 774803, 780256, 787350, 868514}, "081c285a44838e672596edc4b594840b"},
		{Schedule{Arrivals: Burst, Rate: 3000, Seed: 1, Burst: 2}, []loop.Time{507475, 507475, 1549607, 1549607, 1560512}, "911cb197b15d72813a5c742ef628d4d7"},
	} {
		if got := first(tc.s, 5); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %d, want %d", tc.s.Arrivals, got, tc.want)
		}
		if n, got := tc.s.Window(1e8, 2e9); got != tc.hash {
			t.Errorf("%s: %d times with hash %s, want %s", tc.s.Arrivals, n, got, tc.hash)
		}
	}
}

func TestWindow(t *testing.T) {
	t.Parallel()
	s := Schedule{Arrivals: Constant, Rate: 1000}
	n, a := s.Window(0, 1e9)
	if n != 1000 {
		t.Errorf("%d arrivals in a second at 1000/s", n)
	}
	if m, b := s.Window(5e9, 6e9); m != n || b != a {
		t.Errorf("a later second has %d arrivals and hash %s, the first %d and %s", m, b, n, a)
	}
	if m, b := s.Window(0, 999_000_001); m != 1000 || b != a {
		t.Errorf("the bounds take %d arrivals", m)
	}
	if m, b := s.Window(0, 999_000_000); m != 999 || b == a {
		t.Errorf("the end belongs to the window: %d arrivals", m)
	}
	if m, b := s.Window(1, 1e9); m != 999 || b == a {
		t.Errorf("the start does not belong to the window: %d arrivals", m)
	}
}

func anySchedule(kind string) *rapid.Generator[Schedule] {
	return rapid.Custom(func(t *rapid.T) Schedule {
		return Schedule{
			Arrivals: kind, Rate: math.Pow(10, rapid.Float64Range(0, 6).Draw(t, "log rate")),
			Burst: rapid.IntRange(1, 100).Draw(t, "burst"), Seed: rapid.Uint64().Draw(t, "seed"),
		}
	})
}

// Whatever the seed and the rate: the same times each time, in order, at the
// rate within what chance allows (six standard deviations).
func TestScheduleProperties(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{Poisson, Constant, Burst} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				const n = 5000
				s := anySchedule(kind).Draw(t, "schedule")
				list := first(s, n)
				if !slices.Equal(list, first(s, n)) {
					t.Fatal("two iterations differ")
				}
				if !slices.IsSorted(list) || list[0] < 0 {
					t.Fatal("times are not in order")
				}
				other := s
				other.Seed++
				if same := slices.Equal(list, first(other, n)); same != (kind == Constant) {
					t.Fatalf("another seed gives the same times: %v", same)
				}
				groups := 1.0
				allowed := 6.0
				switch kind {
				case Constant:
					allowed = 1e-3
				case Burst:
					groups = float64(s.Burst)
				}
				got := float64(list[n-1]) * s.Rate / 1e9 // arrivals expected by then
				if off := math.Abs(got - n); off > allowed*math.Sqrt(n*groups)+groups+1 {
					t.Fatalf("the %dth arrival comes when %.0f are due", n, got)
				}
				if kind == Burst {
					for i, at := range list {
						if at != list[i-i%s.Burst] {
							t.Fatalf("arrival %d is not at the time of its burst", i)
						}
					}
				}
			})
		})
	}
}

// ks is the Kolmogorov-Smirnov distance of gaps from an exponential
// distribution with this mean.
func ks(gaps []float64, mean float64) float64 {
	slices.Sort(gaps)
	d := 0.0
	n := float64(len(gaps))
	for i, g := range gaps {
		f := 1 - math.Exp(-g/mean)
		d = max(d, f-float64(i)/n, float64(i+1)/n-f)
	}
	return d
}

// dispersion is the variance over the mean of the counts in equal windows.
func dispersion(times []loop.Time, windows int) float64 {
	width := float64(times[len(times)-1]) / float64(windows)
	counts := make([]float64, windows)
	for _, at := range times {
		counts[min(int(float64(at)/width), windows-1)]++
	}
	mean := float64(len(times)) / float64(windows)
	sum := 0.0
	for _, c := range counts {
		sum += (c - mean) * (c - mean)
	}
	return sum / float64(windows-1) / mean
}

func gaps(times []loop.Time) []float64 {
	list := make([]float64, len(times)-1)
	for i := range list {
		list[i] = float64(times[i+1] - times[i])
	}
	return list
}

// poissonWrong says in what respect times are not Poisson arrivals.
func poissonWrong(times []loop.Time, rate float64) string {
	g := gaps(times)
	mean, lag := 1e9/rate, 0.0
	var variance float64
	for i := range g {
		variance += (g[i] - mean) * (g[i] - mean)
		if i > 0 {
			lag += (g[i] - mean) * (g[i-1] - mean)
		}
	}
	if c := lag / variance; math.Abs(c) > 5/math.Sqrt(float64(len(g))) {
		return "gaps follow from each other"
	}
	windows := len(times) / 20
	if d := dispersion(times, windows); math.Abs(d-1) > 6*math.Sqrt(2/float64(windows)) {
		return "counts are not dispersed like Poisson's"
	}
	if ks(g, mean) >= 0.02 {
		return "gaps are not exponential"
	}
	return ""
}

func TestPoissonIsPoisson(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := anySchedule(Poisson).Draw(t, "schedule")
		if wrong := poissonWrong(first(s, 20_000), s.Rate); wrong != "" {
			t.Fatal(wrong)
		}
	})
	// With the bounds that a schedule as sent must keep.
	for seed := range uint64(8) {
		times := first(Schedule{Arrivals: Poisson, Rate: 1000, Seed: seed}, 40_000)
		if d, k := dispersion(times, 2000), ks(gaps(times), 1e6); d < 0.9 || d > 1.1 || k >= 0.02 {
			t.Errorf("seed %d: dispersion %.3f, Kolmogorov-Smirnov %.4f", seed, d, k)
		}
	}
	// What must not pass for Poisson.
	s := Schedule{Arrivals: Poisson, Rate: 1000, Seed: 1, Burst: 2}
	quantised := first(s, 40_000)
	for i := range quantised {
		quantised[i] -= quantised[i] % loop.Time(time.Millisecond)
	}
	for name, times := range map[string][]loop.Time{
		"quantised to 1 ms": quantised,
		"constant":          first(Schedule{Arrivals: Constant, Rate: 1000}, 40_000),
		"bursts of two":     first(Schedule{Arrivals: Burst, Rate: 1000, Burst: 2, Seed: 1}, 40_000),
	} {
		if poissonWrong(times, 1000) == "" {
			t.Errorf("a schedule that is %s passes for Poisson", name)
		}
	}
}

func TestScheduleCheck(t *testing.T) {
	t.Parallel()
	good := Schedule{Arrivals: Poisson, Rate: 10, Burst: 1}
	for _, tc := range []struct {
		change func(*Schedule)
		want   string
	}{
		{func(*Schedule) {}, ""},
		{func(s *Schedule) { s.Arrivals = "uniform" }, "arrivals"},
		{func(s *Schedule) { s.Rate = 0 }, "rate"},
		{func(s *Schedule) { s.Rate = math.NaN() }, "rate"},
		{func(s *Schedule) { s.Rate = math.Inf(1) }, "rate"},
		{func(s *Schedule) { s.Rate = -1 }, "rate"},
		{func(s *Schedule) { s.Burst = 0 }, ""},
		{func(s *Schedule) { s.Arrivals, s.Burst = Burst, 0 }, "bursts"},
	} {
		s := good
		tc.change(&s)
		err := s.check()
		if (err == nil) != (tc.want == "") || (err != nil && !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%+v: error %v, want one about %q", s, err, tc.want)
		}
	}
}
