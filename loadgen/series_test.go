package loadgen

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"medusa/poller/loop"
)

func TestSeriesCuts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ n, want int }{
		{0, 1}, {1, 1}, {39, 1}, {40, 2}, {99, 2}, {100, 5}, {200, 10}, {399, 10}, {400, 20},
		{999, 20}, {1000, 50}, {1999, 50}, {2000, 100}, {100_000, 100},
	} {
		const from, to = loop.Time(7), loop.Time(7 + 3_000_000_001)
		s := newSeries(from, to)
		for i := range tc.n {
			at := from + loop.Time(int64(i)*int64(to-from)/int64(tc.n))
			if i%10 == 9 {
				s.at(at).failed++
			} else {
				s.at(at).rough.record(1000)
			}
		}
		s.at(to - 1) // the last moment has a part
		points := s.points(1e9)
		if len(points) != tc.want {
			t.Errorf("%d requests make %d parts, want %d", tc.n, len(points), tc.want)
		}
		var n, failed uint64
		for i, p := range points {
			n += p.Count
			failed += p.Failed
			if want := float64(i) * 3e9 / float64(tc.want); math.Abs(float64(p.StartNs)-want) > 200 {
				t.Errorf("part %d of %d begins at %d", i, tc.want, p.StartNs)
			}
			if want := int64(1000); p.Count > 0 && math.Abs(float64(p.P50-want)) > 16 {
				t.Errorf("p50 is %d, want %d", p.P50, want)
			}
		}
		if n != uint64(tc.n) || failed != uint64(tc.n/10) {
			t.Errorf("the parts count %d requests, %d failed, of %d", n, failed, tc.n)
		}
	}
}

func TestSeriesMedianAmongFailures(t *testing.T) {
	t.Parallel()
	s := newSeries(0, 1000)
	for range 10 {
		s.at(0).rough.record(500)
		s.at(0).failed++
	}
	if p := s.points(1e9)[0]; p.P50 > 510 || p.P50 < 490 {
		t.Errorf("with half failed the median is %d, want the survivors' 500", p.P50)
	}
	s.at(0).failed++
	if p := s.points(1e9)[0]; p.P50 != 1e9 {
		t.Errorf("with most failed the median is %d, want the timeout", p.P50)
	}
}

func TestRough(t *testing.T) {
	t.Parallel()
	for _, v := range []uint64{0, 1, 63, 64, 127, 128, 129, 255, 256, 1 << 20, 1<<20 + 1, 1<<42 - 1} {
		i := roughIndex(v)
		if low, high := roughLow(i), roughLow(i+1); float64(v) < low || float64(v) >= high || high-low > max(1, low/64) {
			t.Errorf("%d is in bucket %d, from %v to %v", v, i, low, high)
		}
	}
	if i := roughIndex(math.MaxInt64); i != roughBuckets-1 {
		t.Errorf("the longest time is in bucket %d of %d", i, roughBuckets)
	}
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(0, 1e10), 1, 100).Draw(t, "values")
		var r rough
		for _, v := range values {
			r.record(v)
		}
		slices.Sort(values)
		rank := rapid.IntRange(1, len(values)).Draw(t, "rank")
		want, got := float64(values[rank-1]), float64(r.at(uint64(rank)))
		if math.Abs(got-want) > want/64+1 {
			t.Fatalf("rank %d of %v is %.0f", rank, values, got)
		}
	})
}
