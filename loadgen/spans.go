package loadgen

import (
	"fmt"
	"time"

	"medusa/poller/loop"
)

// Span is a part of the window: what was seen of the requests that were meant to
// start in it. That something happened to the server in one of them is for others
// to say.
type Span struct {
	FromNs   int64  `json:"from_ns"` // from the window's start
	ToNs     int64  `json:"to_ns"`
	Count    uint64 `json:"count"`  // requests whose intended time lies in it
	Failed   uint64 `json:"failed"` // of them
	Response Dist   `json:"response_ns"`
}

// Moments are times from the window's start, in order.
type Moments []time.Duration

// maxCuts bounds the parts of a window: each keeps a histogram.
const maxCuts = 16

// checkSpans says what is wrong with the moments at which a window is cut.
func checkSpans(cuts []time.Duration, window time.Duration) error {
	if len(cuts) > maxCuts {
		return fmt.Errorf("--span: %d moments; give at most %d", len(cuts), maxCuts)
	}
	last := time.Duration(0)
	for _, cut := range cuts {
		if cut <= last || cut >= window {
			return fmt.Errorf("--span %v: give moments inside the window of %v, each after the one before", cut, window)
		}
		last = cut
	}
	return nil
}

// spans record responses by the part of the window that they were meant to
// start in. Without cuts there are none.
type spans struct {
	edges []loop.Time // cuts and the window's edges
	part  []spanPart
}

type spanPart struct {
	failed uint64
	ok     dist
}

func newSpans(from, to loop.Time, cuts []time.Duration) *spans {
	s := &spans{}
	if len(cuts) == 0 {
		return s
	}
	s.edges = append(s.edges, from)
	for _, cut := range cuts {
		s.edges = append(s.edges, from.Add(cut))
	}
	s.edges = append(s.edges, to)
	for range len(cuts) + 1 {
		s.part = append(s.part, spanPart{ok: newDist()})
	}
	return s
}

// at is the part of an intended time inside the window; nil without cuts.
func (s *spans) at(t loop.Time) *spanPart {
	for i := range s.part {
		if t < s.edges[i+1] {
			return &s.part[i]
		}
	}
	return nil
}

// add counts a request that was answered well after response, or failed.
func (s *spans) add(intended loop.Time, kind Kind, response int64) {
	p := s.at(intended)
	switch {
	case p == nil:
	case kind != OK:
		p.failed++
	default:
		p.ok.record(response)
	}
}

// publish makes the spans of a report.
func (s *spans) publish(timeout time.Duration) []Span {
	var out []Span
	for i := range s.part {
		p := &s.part[i]
		out = append(out, Span{
			FromNs: int64(s.edges[i] - s.edges[0]), ToNs: int64(s.edges[i+1] - s.edges[0]),
			Count: p.ok.count() + p.failed, Failed: p.failed, Response: p.ok.publish(p.failed, timeout),
		})
	}
	return out
}
