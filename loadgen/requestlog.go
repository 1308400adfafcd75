package loadgen

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"medusa/control"
	"medusa/poller/loop"
)

// Logged is a request as a log of requests has it. Its times are those of
// CLOCK_MONOTONIC (of the virtual clock on "sim"), so that they can be compared
// with what other processes of the machine saw.
type Logged struct {
	Request
	InWindow bool // its intended time lies in the window
}

// requestLog keeps every request of a load in memory.
type requestLog struct{ all []Request }

// closedLoopLog is how many requests of a closed loop, whose number nobody
// knows beforehand, the log has room for before it has to grow.
const closedLoopLog = 1 << 20

// newRequestLog makes a log with room for the load of s. The memory is touched
// here, so that no page fault falls into the window.
func newRequestLog(s Spec) *requestLog {
	room := closedLoopLog
	if !s.Closed {
		expected := s.Schedule.Rate * (s.Warmup + s.Duration).Seconds()
		if s.Schedule.Arrivals == Traced {
			expected = float64(len(s.Schedule.Trace.Times))
		}
		room = int(min(1.1*expected+10_000, 1<<26))
	}
	l := &requestLog{all: make([]Request, room)}
	for i := range l.all {
		l.all[i].Slot = -1
	}
	l.all = l.all[:0]
	return l
}

func (l *requestLog) add(q Request) { l.all = append(l.all, q) }

// in returns the log of a generator that has reported, its times moved by
// base.
func (l *requestLog) in(g *Generator, base loop.Time) []Logged {
	return logged(l.all, g.from, g.to, base)
}

// Log is what a generator that has reported makes of requests that Observe was
// given, on the loop's own clock.
func (g *Generator) Log(all []Request) []Logged { return logged(all, g.from, g.to, 0) }

func logged(all []Request, from, to, base loop.Time) []Logged {
	out := make([]Logged, len(all))
	for i, q := range all {
		inside := q.Intended >= from && q.Intended < to
		for _, t := range []*loop.Time{&q.Intended, &q.Free, &q.Dialled, &q.Opened, &q.Sent, &q.First, &q.End} {
			if *t != Never {
				*t += base
			}
		}
		out[i] = Logged{q, inside}
	}
	return out
}

// monotonicBase is what is to be added to the loop's times to get those of
// CLOCK_MONOTONIC. The loop's clock is read before and after the other one; of
// some attempts the shortest is taken, so the error is at most half of its
// length, some 100 ns.
func monotonicBase(l *loop.Loop) loop.Time {
	base, shortest := loop.Time(0), loop.Time(1<<62)
	for range 100 {
		before := l.Now()
		there := loop.Time(control.Monotonic())
		after := l.Now()
		if after-before < shortest {
			shortest = after - before
			base = there - before - (after-before)/2
		}
	}
	return base
}

// requestsHeader names the columns of a log of requests:
//
//	local_port  of the connection's own end; 0: it never got a connection
//	ordinal     requests on that connection before it
//	*_ns        nanoseconds of CLOCK_MONOTONIC; empty: that did not come
//	kind        how it ended, as a report's errors name it, or ok
//	in_window   1 or 0: warm-up
const requestsHeader = "local_port,ordinal,intended_ns,free_ns,sent_ns,first_ns,end_ns,kind,in_window"

// WriteRequests writes a log as CSV, with a header line that names the columns.
func WriteRequests(w io.Writer, all []Logged) error {
	b := bufio.NewWriterSize(w, 1<<16)
	fmt.Fprintln(b, requestsHeader)
	line := make([]byte, 0, 160)
	for i := range all {
		q := &all[i]
		line = strconv.AppendUint(line[:0], uint64(q.Port), 10)
		line = strconv.AppendInt(append(line, ','), q.Ordinal, 10)
		for _, t := range []loop.Time{q.Intended, q.Free, q.Sent, q.First, q.End} {
			line = append(line, ',')
			if t != Never {
				line = strconv.AppendInt(line, int64(t), 10)
			}
		}
		line = append(append(append(line, ','), q.Kind.String()...), ',')
		if q.InWindow {
			line = append(line, "1\n"...)
		} else {
			line = append(line, "0\n"...)
		}
		b.Write(line)
	}
	return b.Flush()
}

// ReadRequests reads what WriteRequests wrote. Slot, Bytes and the times of
// connecting are not in it.
func ReadRequests(r io.Reader) ([]Logged, error) {
	lines := bufio.NewScanner(r)
	var all []Logged
	for n := 1; lines.Scan(); n++ {
		if n == 1 {
			if lines.Text() != requestsHeader {
				return nil, fmt.Errorf("line 1: no log of requests; its header is %s", requestsHeader)
			}
			continue
		}
		q, err := readRequest(lines.Text())
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		all = append(all, q)
	}
	return all, lines.Err()
}

func readRequest(line string) (Logged, error) {
	q := Logged{Request: Request{Slot: -1, Dialled: Never, Opened: Never}}
	fields := strings.Split(line, ",")
	if len(fields) != 9 {
		return q, fmt.Errorf("%d fields, not 9", len(fields))
	}
	port, err := strconv.ParseUint(fields[0], 10, 16)
	if err != nil {
		return q, err
	}
	q.Port = uint16(port)
	if q.Ordinal, err = strconv.ParseInt(fields[1], 10, 64); err != nil {
		return q, err
	}
	for i, t := range []*loop.Time{&q.Intended, &q.Free, &q.Sent, &q.First, &q.End} {
		if *t = Never; fields[2+i] == "" {
			continue
		}
		ns, err := strconv.ParseInt(fields[2+i], 10, 64)
		if err != nil {
			return q, err
		}
		*t = loop.Time(ns)
	}
	kind := slices.Index(kindNames[:], fields[7])
	if kind < 0 {
		return q, fmt.Errorf("there is no end of a request called %q", fields[7])
	}
	q.Kind, q.InWindow = Kind(kind), fields[8] == "1"
	return q, nil
}
