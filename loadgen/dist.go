package loadgen

import (
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Dist is a distribution of nanoseconds as a report has it. A quantile is
// null when fewer than 30 exceedances are expected (Missing says so) or when
// it falls among failures (Censored has what it is known to be at least).
type Dist struct {
	Count    uint64            `json:"count"`
	Failed   uint64            `json:"failed,omitempty"` // of count, requests that failed
	Mean     *float64          `json:"mean"`
	Min      *int64            `json:"min"`
	P50      *int64            `json:"p50"`
	P90      *int64            `json:"p90"`
	P99      *int64            `json:"p99"`
	P999     *int64            `json:"p999"`
	Max      *int64            `json:"max"`
	Missing  map[string]string `json:"missing,omitempty"`
	Censored map[string]int64  `json:"censored,omitempty"`
	Open     []string          `json:"open,omitempty"` // 30 to 99 expected exceedances
}

// quantile returns a quantile by name.
func (d *Dist) quantile(name string) **int64 {
	switch name {
	case "p50":
		return &d.P50
	case "p90":
		return &d.P90
	case "p99":
		return &d.P99
	}
	return &d.P999
}

const (
	// longest is the longest time that is told apart; longer ones count as it.
	longest = int64(time.Hour)
	// digits is the precision of a histogram in significant decimal digits.
	digits = 3
)

// dist records durations: a histogram for the quantiles, and what a histogram
// knows only roughly apart and exactly.
type dist struct {
	h        *hdrhistogram.Histogram
	sum      int64
	min, max int64
	backward uint64 // negative durations: a clock or an order is broken
}

func newDist() dist {
	return dist{h: hdrhistogram.New(1, longest, digits), min: math.MaxInt64, max: math.MinInt64}
}

// record adds a duration in nanoseconds.
func (d *dist) record(v int64) {
	if uint64(v) > uint64(longest) {
		if v < 0 {
			d.backward++
			v = 0
		} else {
			v = longest
		}
	}
	// It cannot fail: v is in range and the count far from overflowing.
	_ = d.h.RecordValue(v)
	d.sum += v
	d.min = min(d.min, v)
	d.max = max(d.max, v)
}

// addZeros adds n durations of nothing.
func (d *dist) addZeros(n uint64) {
	if n == 0 {
		return
	}
	_ = d.h.RecordValues(0, int64(n))
	d.min = min(d.min, 0)
	d.max = max(d.max, 0)
}

// merge adds what another has recorded.
func (d *dist) merge(o *dist) {
	d.h.Merge(o.h)
	d.sum += o.sum
	d.min = min(d.min, o.min)
	d.max = max(d.max, o.max)
	d.backward += o.backward
}

func (d *dist) count() uint64 { return uint64(d.h.TotalCount()) }

// at is the value of a rank, from 1 to count.
func (d *dist) at(rank uint64) int64 {
	v := d.h.ValueAtPercentile(100 * float64(rank) / float64(d.h.TotalCount()))
	return min(max(v, d.min), d.max)
}

// publish makes the distribution of what was recorded and of failed more
// requests that count as later than all and as at least atLeast.
func (d *dist) publish(failed uint64, atLeast time.Duration) Dist {
	ok := d.count()
	n := ok + failed
	p := Dist{Count: n, Failed: failed}
	if n == 0 {
		return p
	}
	if ok > 0 {
		low := d.min
		p.Min = &low
	}
	if failed == 0 {
		mean, high := float64(d.sum)/float64(ok), d.max
		p.Mean, p.Max = &mean, &high
	} else {
		p.Missing = map[string]string{"mean": "some requests failed; see the survivors'"}
		p.Censored = map[string]int64{"max": int64(atLeast)}
	}
	for _, q := range quantiles {
		s, rank, reason := judge(n, failed, q.q)
		switch s {
		case missing:
			if p.Missing == nil {
				p.Missing = map[string]string{}
			}
			p.Missing[q.name] = reason
			continue
		case censored:
			p.Censored[q.name] = int64(atLeast)
			continue
		case drawnOpen:
			p.Open = append(p.Open, q.name)
		}
		v := d.at(rank)
		*p.quantile(q.name) = &v
	}
	return p
}
