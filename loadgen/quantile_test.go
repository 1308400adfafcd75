package loadgen

import (
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The publication rule against its definition in exact fractions, for every
// number of requests up to 600, many numbers of failures, and every quantile
// that a report has; then at random for large numbers.
func TestJudge(t *testing.T) {
	t.Parallel()
	for n := uint64(0); n <= 600; n++ {
		for failed := uint64(0); failed <= n; failed += 1 + n/40 {
			for _, q := range quantiles {
				checkJudge(t, n, failed, q.q)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64Range(1, 1e12).Draw(t, "n")
		failed := rapid.Uint64Range(0, n).Draw(t, "failed")
		q := rapid.SampledFrom(quantiles).Draw(t, "quantile").q
		checkJudge(t, n, failed, q)
		// At the very edge of censoring.
		edge := n * (1000 - q) / 1000
		checkJudge(t, n, edge, q)
		checkJudge(t, n, min(edge+1, n), q)
	})
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

func checkJudge(t fataler, n, failed, q uint64) {
	t.Helper()
	s, rank, reason := judge(n, failed, q)
	share := big.NewRat(int64(1000-q), 1000)
	exceed := new(big.Rat).Mul(share, new(big.Rat).SetInt64(int64(n)))
	want := published
	switch {
	case exceed.Cmp(big.NewRat(30, 1)) < 0:
		want = missing
	case new(big.Rat).SetFrac64(int64(failed), int64(n)).Cmp(share) > 0:
		want = censored
	case exceed.Cmp(big.NewRat(100, 1)) < 0:
		want = drawnOpen
	}
	if s != want {
		t.Fatalf("judge(%d, %d, %d) = %d, want %d", n, failed, q, s, want)
	}
	if (reason != "") != (want == missing) {
		t.Fatalf("judge(%d, %d, %d) has reason %q", n, failed, q, reason)
	}
	if want == missing || want == censored {
		if rank != 0 {
			t.Fatalf("judge(%d, %d, %d) has rank %d", n, failed, q, rank)
		}
		return
	}
	// The least rank with at least a share q of all at or below it, and it is
	// a survivor's.
	if rank > n-failed || rank*1000 < q*n || (rank-1)*1000 >= q*n {
		t.Fatalf("judge(%d, %d, %d) has rank %d of %d survivors", n, failed, q, rank, n-failed)
	}
}

func TestJudgeThresholds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		n, failed, q uint64
		want         standing
	}{
		{59, 0, 500, missing}, {60, 0, 500, drawnOpen}, {199, 0, 500, drawnOpen}, {200, 0, 500, published},
		{2999, 0, 990, missing}, {3000, 0, 990, drawnOpen}, {9999, 0, 990, drawnOpen}, {10_000, 0, 990, published},
		{29_999, 0, 999, missing}, {100_000, 0, 999, published},
		{10_000, 100, 990, published}, {10_000, 101, 990, censored},
		{10_000, 10_000, 500, censored}, {10, 10, 500, missing},
	} {
		if got, _, _ := judge(tc.n, tc.failed, tc.q); got != tc.want {
			t.Errorf("judge(%d, %d, %d) = %d, want %d", tc.n, tc.failed, tc.q, got, tc.want)
		}
	}
	if _, _, reason := judge(2999, 0, 990); reason != "2999 requests; 3000 are needed for 30 expected exceedances" {
		t.Errorf("reason %q", reason)
	}
}

func TestDist(t *testing.T) {
	t.Parallel()
	d := newDist()
	if p := d.publish(0, 0); p.Count != 0 || p.Min != nil || p.P50 != nil || p.Missing != nil {
		t.Errorf("an empty distribution: %+v", p)
	}
	for i := range int64(100_000) {
		d.record((i + 1) * 1000)
	}
	p := d.publish(0, 0)
	if p.Count != 100_000 || *p.Min != 1000 || *p.Max != 100_000_000 || *p.Mean != 50_000_500 || p.Open != nil || p.Missing != nil {
		t.Errorf("%+v", p)
	}
	for name, want := range map[string]float64{"p50": 50e6, "p90": 90e6, "p99": 99e6, "p999": 99.9e6} {
		if got := float64(**p.quantile(name)); math.Abs(got-want) > 0.001*want {
			t.Errorf("%s is %.0f, want %.0f within 0.1 %%", name, got, want)
		}
	}
	// A thousand failures are the last percent: p99 is still a survivor's.
	p = d.publish(1010, time.Second)
	if *p.P99 < 99e6 || p.P999 != nil || p.Censored["p999"] != 1e9 || p.Censored["max"] != 1e9 || p.Max != nil || p.Mean != nil || p.Missing["mean"] == "" {
		t.Errorf("with failures: %+v", p)
	}
	p = d.publish(1011, time.Second)
	if p.P99 != nil || p.Censored["p99"] != 1e9 {
		t.Errorf("with one failure more: %+v", p)
	}
	d.record(-5)
	d.record(2 * longest)
	if d.backward != 1 || d.min != 0 || d.max != longest {
		t.Errorf("out of range: %d backward, min %d, max %d", d.backward, d.min, d.max)
	}
	all := newDist()
	p = all.publish(10_000, time.Second)
	if p.Count != 10_000 || p.Min != nil || p.P50 != nil || p.Censored["p50"] != 1e9 || p.Censored["p99"] != 1e9 || !strings.HasPrefix(p.Missing["p999"], "10000 requests") {
		t.Errorf("failures only: %+v", p)
	}
}

// Quantiles of any data are within the histogram's precision of the exact ones.
func TestDistProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(0, longest), 1, 300).Draw(t, "values")
		d, half := newDist(), newDist()
		for i, v := range values {
			if i%2 == 0 {
				d.record(v)
			} else {
				half.record(v)
			}
		}
		d.merge(&half)
		sorted := append([]int64(nil), values...)
		for i := range sorted {
			for j := i; j > 0 && sorted[j] < sorted[j-1]; j-- {
				sorted[j], sorted[j-1] = sorted[j-1], sorted[j]
			}
		}
		for rank := 1; rank <= len(sorted); rank++ {
			want, got := sorted[rank-1], d.at(uint64(rank))
			if float64(got) < float64(want)*0.999-1 || float64(got) > float64(want)*1.001+1 {
				t.Fatalf("rank %d of %v is %d, want %d", rank, sorted, got, want)
			}
		}
		if d.at(1) < sorted[0] || d.at(uint64(len(sorted))) > sorted[len(sorted)-1] {
			t.Fatal("a quantile is outside of what was recorded")
		}
	})
}
