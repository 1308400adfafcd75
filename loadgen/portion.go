package loadgen

import (
	"fmt"
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"medusa/control"
	"medusa/poller/loop"
)

// portion is what one of several processes hands over when its requests have
// ended: its counts, whole, so that those of all can be added up before
// anything is made of them. A quantile of parts is no quantile.
type portion struct {
	Report   *Report // its own; for its limits
	WindowNs int64   // CLOCK_MONOTONIC at the window's beginning
	// BeganUnixNs is the wall clock then.
	BeganUnixNs int64

	Begun, Unasked, IdleOpen  int
	Offered, Opened, Admitted int
	Fates                     []uint64 // by fate
	Sent, Answered            uint64
	QueueStart, QueueEnd      int
	Redialled                 int
	Slow                      slowPortion
	Stored                    Stored
	ElapsedNs                 int64 // between the readings at the window's edges
	CPUNs, SpunNs             int64 // between them
	Recorded                  recorded
}

// recorded is a recorder that has joined.
type recorded struct {
	// Dists are response, service, first byte, connect, admission, lag, queue.
	Dists                                             []encoded
	Scheduled, Sent, LateFree, Unassigned, ReplyBytes uint64
	Errors                                            []uint64 // by kind
	Series                                            []slice
	Spans                                             []spanned
	Area, Sum                                         int64
	Waited                                            [5]int64
	Onset                                             []uint32
}

// encoded is a dist.
type encoded struct {
	Histogram string // HdrHistogram's V2 compressed encoding
	Sum       int64
	Min, Max  int64
	Backward  uint64
}

// spanned is a span.
type spanned struct {
	Failed uint64
	OK     encoded
}

// slice is a part of the window.
type slice struct {
	Failed uint64
	Counts [][2]uint32 // index and count of each bucket that is not empty
}

// dists are the distributions of a recorder, in the order in which they are
// handed over.
func (r *recorder) dists() []*dist {
	return []*dist{&r.response, &r.service, &r.firstByte, &r.connect, &r.admission, &r.lag, &r.queue}
}

// portion is a ledger to hand over, of which a report has been made.
func (g *ledger) portion(report *Report, windowNs int64, began time.Time) (*portion, error) {
	p := &portion{
		Report: report, WindowNs: windowNs, BeganUnixNs: began.UnixNano(),
		Begun: g.begun, Unasked: g.unasked, IdleOpen: g.idleOpen,
		Offered: g.offered, Opened: g.openedCount, Admitted: g.admitted,
		Fates: g.fates[:], Sent: g.sent, Answered: g.answered, QueueStart: g.queueStart, QueueEnd: g.queueEnd,
		Redialled: g.redialled, Slow: g.slowCounts.portion(), Stored: g.storedCounts,
		ElapsedNs: int64(g.edge[1].at - g.edge[0].at),
		CPUNs:     g.edge[1].cpu - g.edge[0].cpu, SpunNs: int64(g.edge[1].spun - g.edge[0].spun),
	}
	var err error
	p.Recorded, err = g.rec.handOver()
	return p, err
}

func (r *recorder) handOver() (recorded, error) {
	h := recorded{
		Scheduled: r.scheduled, Sent: r.sent, LateFree: r.lateFree, Unassigned: r.unassigned, ReplyBytes: r.bytes,
		Errors: r.errors[:], Area: r.flow.area, Sum: r.flow.sum, Waited: r.flow.waited, Onset: r.onset.Answered,
	}
	for _, d := range r.dists() {
		e, err := d.encode()
		if err != nil {
			return h, err
		}
		h.Dists = append(h.Dists, e)
	}
	for i := range r.spans.part {
		p := &r.spans.part[i]
		e, err := p.ok.encode()
		if err != nil {
			return h, err
		}
		h.Spans = append(h.Spans, spanned{p.failed, e})
	}
	for i := range r.series.part {
		p := &r.series.part[i]
		s := slice{Failed: p.failed}
		for k, n := range p.rough.counts {
			if n > 0 {
				s.Counts = append(s.Counts, [2]uint32{uint32(k), n})
			}
		}
		h.Series = append(h.Series, s)
	}
	return h, nil
}

func (d *dist) encode() (encoded, error) {
	text, err := d.h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return encoded{}, fmt.Errorf("histogram to hand over: %w", err)
	}
	return encoded{string(text), d.sum, d.min, d.max, d.backward}, nil
}

// add adds what another process has recorded.
func (d *dist) add(e encoded) error {
	counts, err := hdrhistogram.Decode([]byte(e.Histogram))
	if err != nil {
		return fmt.Errorf("histogram of a part: %w", err)
	}
	d.merge(&dist{h: counts, sum: e.Sum, min: e.Min, max: e.Max, backward: e.Backward})
	return nil
}

// newMerged is a ledger for the whole of a load, to which its parts are added.
func newMerged(s Spec) *ledger {
	rec := newRecorder(s)
	rec.window(0, loop.Time(s.Duration))
	rec.joined = true
	return &ledger{s: s, rec: rec}
}

// add adds what a process handed over.
func (g *ledger) add(p *portion) error {
	if len(p.Fates) != int(fates) || len(p.Recorded.Errors) != int(kinds) {
		return fmt.Errorf("it counts %d fates and %d kinds, not %d and %d: is it another version?", len(p.Fates), len(p.Recorded.Errors), fates, kinds)
	}
	g.begun += p.Begun
	g.unasked += p.Unasked
	g.idleOpen += p.IdleOpen
	g.offered += p.Offered
	g.openedCount += p.Opened
	g.admitted += p.Admitted
	for i, n := range p.Fates {
		g.fates[i] += n
	}
	g.sent += p.Sent
	g.answered += p.Answered
	g.queueStart += p.QueueStart
	g.queueEnd += p.QueueEnd
	g.redialled += p.Redialled
	g.slowCounts.add(p.Slow)
	g.storedCounts.add(p.Stored)
	g.edge[1].cpu += p.CPUNs
	g.edge[1].spun += loop.Time(p.SpunNs).Sub(0)
	g.edge[1].at = max(g.edge[1].at, loop.Time(p.ElapsedNs))
	if p.Report != nil {
		g.fillNs = max(g.fillNs, p.Report.FillNs)
		g.backend, g.engine = p.Report.Backend, p.Report.Engine
	}
	return g.rec.add(&p.Recorded)
}

func (r *recorder) add(h *recorded) error {
	all := r.dists()
	if len(h.Dists) != len(all) || len(h.Series) != parts || len(h.Onset) != onsetSlots || len(h.Spans) != len(r.spans.part) {
		return fmt.Errorf("it has %d distributions, %d parts of the window and %d first slots", len(h.Dists), len(h.Series), len(h.Onset))
	}
	for i, e := range h.Dists {
		if err := all[i].add(e); err != nil {
			return err
		}
	}
	for i, s := range h.Spans {
		r.spans.part[i].failed += s.Failed
		if err := r.spans.part[i].ok.add(s.OK); err != nil {
			return err
		}
	}
	r.scheduled += h.Scheduled
	r.sent += h.Sent
	r.lateFree += h.LateFree
	r.unassigned += h.Unassigned
	r.bytes += h.ReplyBytes
	for i, n := range h.Errors {
		r.errors[i] += n
	}
	for i, s := range h.Series {
		p := &r.series.part[i]
		p.failed += s.Failed
		for _, c := range s.Counts {
			if c[0] >= roughBuckets {
				return fmt.Errorf("a part of the window has a bucket %d", c[0])
			}
			p.rough.n += uint64(c[1])
			p.rough.counts[c[0]] += c[1]
		}
	}
	r.flow.area += h.Area
	r.flow.sum += h.Sum
	for i, ns := range h.Waited {
		r.flow.waited[i] += ns
	}
	for i, n := range h.Onset {
		r.onset.Answered[i] += n
	}
	return nil
}

// Process is one of the processes that a load was divided among.
type Process struct {
	PID       int     `json:"pid"`
	CPUs      []int   `json:"cpus"`
	Active    int     `json:"active_connections"`
	Idle      int     `json:"idle_connections"`
	BusyShare float64 `json:"busy_share"` // of the window; of one without active connections, of somewhat more
	CPUNs     int64   `json:"cpu_ns"`
	LagP99    *int64  `json:"lag_p99_ns"` // as Report.Lag has it
}

// spreadMost is how far apart the windows of processes may begin.
const spreadMost = time.Millisecond

// divided is the ledger of a load that was divided, of what its processes handed
// over and the CPU time that the one above them used in the window. Each has to
// keep the rules of a generator by itself: the one that is the furthest from
// that is told.
func divided(s Spec, parts []*portion, cpus [][]int, pids []int, own int64) (*ledger, error) {
	g := newMerged(s)
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	var starts, finals []control.Snapshot
	worst := -1
	for i, p := range parts {
		if err := g.add(p); err != nil {
			return nil, fmt.Errorf("what process %d of %d handed over cannot be added: %w", i+1, len(parts), err)
		}
		r := p.Report
		starts, finals = append(starts, *r.Start), append(finals, *r.Snapshot)
		g.processes = append(g.processes, Process{
			PID: pids[i], CPUs: cpus[i], Active: r.Active, Idle: r.Idle, BusyShare: r.BusyShare, CPUNs: r.CPUNs, LagP99: r.Lag.P99,
		})
		if r.Active == 0 {
			continue
		}
		first, last = min(first, p.WindowNs), max(last, p.WindowNs)
		if len(clientLimits(r)) > 0 && (worst < 0 || further(r, parts[worst].Report)) {
			worst = i
		}
	}
	g.edge[1].cpu += own
	g.start, g.final = control.Sum(starts, pids), control.Sum(finals, pids)
	g.spread = last - first
	if g.spread > int64(spreadMost) {
		g.limits = append(g.limits, fmt.Sprintf("the windows of its processes began %v apart, over %v", time.Duration(g.spread), spreadMost))
	}
	if s.Leave > 0 {
		// Places that one's clients give up may be taken by those of another,
		// which they have left at a moment of their own: no time would tell.
		g.recovery = &Recovery{LimitNs: int64(s.RecoverLimit), Missing: "several processes put the load on, which do not leave at one moment"}
	}
	if worst >= 0 {
		for _, why := range clientLimits(parts[worst].Report) {
			g.limits = append(g.limits, fmt.Sprintf("process %d of %d: %s", worst+1, len(parts), why))
		}
	}
	return g, nil
}

// further says that the generator of one report is more at its limit than that
// of another: later, or busier.
func further(a, b *Report) bool {
	if a.Lag.P99 != nil && b.Lag.P99 != nil && *a.Lag.P99 != *b.Lag.P99 {
		return *a.Lag.P99 > *b.Lag.P99
	}
	return a.BusyShare > b.BusyShare
}
