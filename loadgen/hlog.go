package loadgen

import (
	"fmt"
	"io"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// WriteLog writes the window's histograms in the HdrHistogram log format, in
// nanoseconds, each with its tag: response, response_ok, service, first_byte,
// connect, admission, lag, queue; empty ones are left out. In `response`
// failures stand at the timeout, as no survivor is that late; so do, in
// `queue`, requests that never got a connection. began is the wall clock at
// the window's start; name, if any, goes into the head of the log. It may be
// called once, after Reported.
func (g *ledger) WriteLog(w io.Writer, name string, began time.Time) error {
	rec := g.rec
	all := newDist()
	all.merge(&rec.response)
	for range rec.failed() {
		all.record(int64(g.s.Timeout))
	}
	for range rec.unassigned {
		rec.queue.record(int64(g.s.Timeout))
	}
	if name != "" {
		name += ": "
	}
	log := hdrhistogram.NewHistogramLogWriter(w)
	start := began.UnixMilli()
	steps := []func() error{
		log.OutputLogFormatVersion,
		func() error {
			return log.OutputComment(fmt.Sprintf("[%s%s, a window of %v]", name, g.s.URL, g.s.Duration))
		},
		func() error {
			return log.OutputComment(fmt.Sprintf("[%d of %d requests failed: they stand at the timeout, %v, in response]",
				rec.failed(), rec.scheduled, g.s.Timeout))
		},
		func() error { return log.OutputStartTime(start) },
		log.OutputLegend,
	}
	for _, t := range []struct {
		tag string
		d   *dist
	}{
		{"response", &all}, {"response_ok", &rec.response}, {"service", &rec.service},
		{"first_byte", &rec.firstByte}, {"connect", &rec.connect}, {"admission", &rec.admission},
		{"lag", &rec.lag}, {"queue", &rec.queue},
	} {
		if t.d.count() == 0 {
			continue
		}
		t.d.h.SetTag(t.tag)
		t.d.h.SetStartTimeMs(start)
		t.d.h.SetEndTimeMs(start + g.s.Duration.Milliseconds())
		steps = append(steps, func() error { return log.OutputIntervalHistogram(t.d.h) })
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("write histograms: %w", err)
		}
	}
	return nil
}
