package loadgen

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"medusa/poller/loop"
)

// The kinds of arrivals.
const (
	// Poisson arrivals come independently: gaps are exponential.
	Poisson = "poisson"
	// Constant arrivals come at equal gaps.
	Constant = "constant"
	// Burst arrivals come in groups of a fixed size with one intended time;
	// the groups are Poisson.
	Burst = "burst"
	// Traced arrivals come when a Trace says.
	Traced = "trace"
)

// Schedule says when requests are meant to start. It is a pure function of
// its fields: equal schedules give equal times, whatever the server does.
type Schedule struct {
	Arrivals string  // Poisson, Constant, Burst or Traced
	Rate     float64 // requests a second, above 0; 0 of Traced
	Burst    int     // requests in a group, at least 1; of Burst only
	Seed     uint64  // of Poisson and Burst
	Trace    *Trace  `json:"-"` // of Traced only
	// Part and Of are for a process that puts a part of a schedule on: of every
	// Of arrivals it takes the one at Part, from 0. All parts together are the
	// schedule. Of is 0 or 1 for the whole.
	Part, Of int
}

// stream tells the generator of arrivals from other uses of one seed.
const stream = 0x6172726976616c73 // "arrivals"

// Times returns the intended times in order, from the schedule's start.
func (s Schedule) Times() *Times {
	return &Times{s: s, gaps: rand.New(rand.NewPCG(s.Seed, stream))}
}

// Times iterates over the intended times of a Schedule.
type Times struct {
	s     Schedule
	gaps  *rand.Rand
	index int64     // arrivals returned
	whole loop.Time // the last random time: its whole nanoseconds
	part  float64   // and the rest, in [0, 1): rounding each gap would drift
}

// Next returns the next intended time, in nanoseconds from the start. Times
// never decrease. After the end of a trace they are Later.
func (t *Times) Next() loop.Time {
	if t.s.Of <= 1 {
		return t.any()
	}
	for t.index%int64(t.s.Of) != int64(t.s.Part) {
		t.any()
	}
	return t.any()
}

// any returns the next time of the whole schedule.
func (t *Times) any() loop.Time {
	i := t.index
	t.index++
	switch t.s.Arrivals {
	case Constant:
		// One multiplication instead of a sum: the error is that of one
		// rounding, below a nanosecond for the first 100 days.
		return loop.Time(float64(i) * 1e9 / t.s.Rate)
	case Traced:
		if i >= int64(len(t.s.Trace.Times)) {
			return Later
		}
		return t.s.Trace.Times[i]
	case Burst:
		if i%int64(t.s.Burst) == 0 {
			t.step(float64(t.s.Burst) * 1e9 / t.s.Rate)
		}
	default:
		t.step(1e9 / t.s.Rate)
	}
	return t.whole
}

// step moves on by an exponential gap with this mean in nanoseconds.
func (t *Times) step(mean float64) {
	sum := t.part + t.gaps.ExpFloat64()*mean
	whole := math.Floor(sum)
	t.part = sum - whole
	t.whole += loop.Time(whole)
}

// Window counts the intended times in [from, to) and hashes them (SHA-256 of
// the little-endian nanoseconds since from, its first 16 bytes in hex): two
// trials with one hash asked the same of their servers.
func (s Schedule) Window(from, to loop.Time) (count uint64, hash string) {
	h := sha256.New()
	buf := make([]byte, 0, 4096)
	times := s.Times()
	for t := times.Next(); t < to; t = times.Next() {
		if t < from {
			continue
		}
		count++
		buf = binary.LittleEndian.AppendUint64(buf, uint64(t-from))
		if len(buf) == cap(buf) {
			h.Write(buf)
			buf = buf[:0]
		}
	}
	h.Write(buf)
	return count, hex.EncodeToString(h.Sum(nil)[:16])
}

// check says what is wrong with the schedule.
func (s Schedule) check() error {
	switch {
	case s.Arrivals != Poisson && s.Arrivals != Constant && s.Arrivals != Burst && s.Arrivals != Traced:
		return fmt.Errorf("arrivals %q: give %s, %s, %s or %s", s.Arrivals, Poisson, Constant, Burst, Traced)
	case s.Arrivals == Traced && s.Trace == nil:
		return fmt.Errorf("arrivals %s: give the file of their times with --trace", Traced)
	case s.Arrivals == Traced && s.Rate != 0:
		return errors.New("a trace has its own rate: leave out --rate")
	case s.Arrivals == Traced:
		return nil
	case s.Trace != nil:
		return fmt.Errorf("--trace is a file of arrivals: give --arrivals %s", Traced)
	case !(s.Rate >= minRate && s.Rate <= maxRate):
		return fmt.Errorf("a rate of %v requests/s: give one from %v to %.0f", s.Rate, minRate, maxRate)
	case s.Arrivals == Burst && (s.Burst < 1 || s.Burst > maxBurst):
		return fmt.Errorf("bursts of %d requests: give a size from 1 to %d", s.Burst, maxBurst)
	}
	return nil
}

// Later is after every time of a schedule.
const Later = loop.Time(1) << 60

const (
	minRate  = 0.001 // requests/s: one in 17 minutes
	maxRate  = 1e8
	maxBurst = 1 << 20
)
