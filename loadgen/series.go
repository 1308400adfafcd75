package loadgen

import (
	"math/bits"

	"medusa/poller/loop"
)

// SeriesPoint is one part of the window.
type SeriesPoint struct {
	StartNs int64  `json:"start_ns"` // from the window's start
	Count   uint64 `json:"count"`    // requests whose intended time lies in it
	Failed  uint64 `json:"failed"`
	P50     int64  `json:"p50"` // of response, 0 where none
}

const (
	// parts is into how many equal parts the window is cut at most.
	parts = 100
	// partRequests is how many requests a part needs on average.
	partRequests = 20
)

// cuts are the numbers of parts that parts can be joined to. Stationarity is
// judged on 50 or more; with less data halves and tenths are compared.
var cuts = []int{100, 50, 20, 10, 5, 2, 1}

// series records responses by the part of the window that they were meant to
// start in.
type series struct {
	from  loop.Time
	width loop.Time // of a part, rounded up
	part  [parts]part
}

type part struct {
	failed uint64
	rough  rough
}

func newSeries(from, to loop.Time) *series {
	return &series{from: from, width: max(1, (to-from+parts-1)/parts)}
}

// at is the part of an intended time inside the window.
func (s *series) at(t loop.Time) *part { return &s.part[(t-s.from)/s.width] }

// points joins parts until each has enough requests on average. A failed
// request counts as later than all, and as timeout where a median needs a
// number for it.
func (s *series) points(timeout int64) []SeriesPoint {
	var total uint64
	for i := range s.part {
		total += s.part[i].rough.n + s.part[i].failed
	}
	k := 1
	for _, cut := range cuts {
		if total >= uint64(cut)*partRequests {
			k = cut
			break
		}
	}
	points := make([]SeriesPoint, k)
	each := parts / k
	for i := range points {
		joined := s.part[i*each]
		for j := i*each + 1; j < (i+1)*each; j++ {
			joined.failed += s.part[j].failed
			joined.rough.merge(&s.part[j].rough)
		}
		n := joined.rough.n + joined.failed
		p := SeriesPoint{StartNs: int64(s.width) * int64(i*each), Count: n, Failed: joined.failed}
		switch rank := (n + 1) / 2; {
		case n == 0:
		case rank > joined.rough.n:
			p.P50 = timeout
		default:
			p.P50 = joined.rough.at(rank)
		}
		points[i] = p
	}
	return points
}

const (
	roughBits = 6 // a bucket is 1/64 of its power of two: 1.6 %
	// roughBuckets reach to 2^42 ns, over an hour; the last takes all above.
	roughBuckets = (42 - roughBits + 1) << roughBits
)

// rough is a small histogram: 1.6 % wide buckets, between which it
// interpolates. A hundred of them are too many for HdrHistogram's size.
type rough struct {
	n      uint64
	counts [roughBuckets]uint32
}

func (r *rough) record(v int64) {
	r.n++
	r.counts[roughIndex(uint64(max(v, 0)))]++
}

func (r *rough) merge(o *rough) {
	r.n += o.n
	for i, n := range o.counts {
		r.counts[i] += n
	}
}

// roughIndex is the bucket of v: v itself up to 127, then 64 to a power of two.
func roughIndex(v uint64) int {
	shift := max(bits.Len64(v)-roughBits-1, 0)
	return min(shift<<roughBits+int(v>>shift), roughBuckets-1)
}

// roughLow is the least value of a bucket.
func roughLow(i int) float64 {
	shift := max(i>>roughBits-1, 0)
	return float64(uint64(i-shift<<roughBits) << shift)
}

// at is the value of a rank, from 1 to n, taking the values in a bucket as
// spread evenly.
func (r *rough) at(rank uint64) int64 {
	var below uint64
	for i, n := range r.counts {
		if below+uint64(n) >= rank {
			low, high := roughLow(i), roughLow(i+1)
			if high-low <= 1 {
				return int64(low)
			}
			return int64(low + (high-low)*(float64(rank-below)-0.5)/float64(n))
		}
		below += uint64(n)
	}
	return 0
}
