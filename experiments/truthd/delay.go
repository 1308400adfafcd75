package truthd

import (
	"container/heap"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// The kinds of servers.
const (
	Null        = "null"        // answers at once
	Constant    = "constant"    // Mean after the arrival
	Exponential = "exponential" // a delay with this mean, independent for each request
	Bimodal     = "bimodal"     // a fifth to three tenths of Mean, and for one in five 5 to 6 times Mean
	Serial      = "serial"      // one at a time in the order of arrival, each an exponential time
	Stalling    = "stalling"    // a tenth of Mean; in a stall nothing is answered until its end
	Faulty      = "faulty"      // Mean; one in 50 is reset, one in 50 never answered
)

// Kinds are all kinds of servers.
var Kinds = []string{Null, Constant, Exponential, Bimodal, Serial, Stalling, Faulty}

// Spec is what a server does with a request.
type Spec struct {
	Kind string
	Mean time.Duration // see the kinds
	Seed uint64
	// StallAfter is from the first request to the stall of Stalling, and Stall
	// its length.
	StallAfter, Stall time.Duration
}

// Check says what is wrong with a Spec.
func (s Spec) Check() error {
	for _, k := range Kinds {
		if k == s.Kind {
			if s.Mean < 0 || s.StallAfter < 0 || s.Stall < 0 {
				return fmt.Errorf("a negative time")
			}
			return nil
		}
	}
	return fmt.Errorf("there is no truth server %q: give one of %s", s.Kind, strings.Join(Kinds, ", "))
}

// The two modes of Bimodal, each uniform, as multiples of the mean, and the
// share of the slow one. They are apart, so that it shows where a quantile is
// taken from.
const (
	bimodalSlow         = 0.2
	fastFrom, fastWidth = 0.2, 0.1
	slowFrom, slowWidth = 5.0, 1.0
)

// Fate is what a server does with a request.
type Fate uint8

// Fates.
const (
	Answered Fate = iota
	Mute          // never answered
	Aborted       // its connection is reset in place of an answer
)

var fateNames = []string{"answered", "mute", "aborted"}

// String is the fate's name in a log.
func (f Fate) String() string { return fateNames[f] }

// Plan decides when requests are answered. It reads no clock: the same
// arrivals give the same decisions.
type Plan struct {
	s     Spec
	rand  *rand.Rand
	begun bool
	stall [2]int64 // from, to
	idle  int64    // Serial: when the request before is done
	n     int64
}

// NewPlan starts a plan.
func NewPlan(s Spec) *Plan {
	return &Plan{s: s, rand: rand.New(rand.NewPCG(s.Seed, 0x7472757468))} // "truth"
}

// Decide says what becomes of the next request, which arrived at a time in
// nanoseconds: when it is due, the work that is in it, and its fate. Requests
// are to be shown in the order of arrival. One that opens a connection (first)
// is answered at once, and its answer is no part of any truth.
func (p *Plan) Decide(arrival int64, first bool) (due, work int64, fate Fate) {
	if !p.begun && !first {
		p.begun = true
		p.stall[0] = arrival + int64(p.s.StallAfter)
		p.stall[1] = p.stall[0] + int64(p.s.Stall)
	}
	if first {
		return arrival, 0, Answered
	}
	mean := float64(p.s.Mean)
	switch p.s.Kind {
	case Null:
	case Constant, Faulty:
		work = int64(mean)
	case Stalling:
		work = int64(mean / 10)
	case Bimodal:
		from, width := fastFrom, fastWidth
		if p.rand.Float64() < bimodalSlow {
			from, width = slowFrom, slowWidth
		}
		work = int64((from + width*p.rand.Float64()) * mean)
	default:
		work = int64(p.rand.ExpFloat64() * mean)
	}
	due = arrival + work
	switch p.s.Kind {
	case Serial:
		due = max(p.idle, arrival) + work
		p.idle = due
	case Stalling:
		if due >= p.stall[0] && due < p.stall[1] {
			due = p.stall[1]
		}
	case Faulty:
		p.n++
		switch p.n % 50 {
		case 0:
			fate = Mute
		case 25:
			fate = Aborted
		}
	}
	return due, work, fate
}

// reply is one that is due.
type reply struct {
	due   int64
	order int // of arrival: replies that are due at one time keep it
	c     *conn
	entry int // in the log
}

// replies is a heap, the next one first.
type replies []reply

func (r replies) Len() int { return len(r) }
func (r replies) Less(i, j int) bool {
	return r[i].due < r[j].due || r[i].due == r[j].due && r[i].order < r[j].order
}
func (r replies) Swap(i, j int) { r[i], r[j] = r[j], r[i] }
func (r *replies) Push(x any)   { *r = append(*r, x.(reply)) }
func (r *replies) Pop() any {
	last := len(*r) - 1
	x := (*r)[last]
	*r = (*r)[:last]
	return x
}

var _ heap.Interface = (*replies)(nil)

// Quantile is that of the delays which the kind draws, in nanoseconds, for q
// from 0 to 1, where waiting for others has no part in them. Outside of 0 to 1 it
// is that of the nearer end.
func (s Spec) Quantile(q float64) float64 {
	mean := float64(s.Mean)
	q = min(max(q, 0), 1)
	switch s.Kind {
	case Constant, Faulty:
		return mean
	case Stalling:
		return mean / 10
	case Exponential:
		return -math.Log1p(-q) * mean
	case Bimodal:
		if fast := 1 - bimodalSlow; q > fast {
			return (slowFrom + slowWidth*(q-fast)/bimodalSlow) * mean
		}
		return (fastFrom + fastWidth*q/(1-bimodalSlow)) * mean
	}
	return 0
}
