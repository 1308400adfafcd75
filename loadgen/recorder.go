package loadgen

import (
	"time"

	"medusa/poller/loop"
)

// Request is what was seen of one request. Times that did not come are Never.
type Request struct {
	Slot     int       // the connection's place among the active ones
	Port     uint16    // of the connection's own end; 0 without one, or where nobody observes
	Ordinal  int64     // requests on the connection before it, that of the fill included
	Intended loop.Time // meant to start; in a closed loop: when its connection was free
	Free     loop.Time // a connection was free for it (or, with a connection for each request, its slot)
	Dialled  loop.Time // connect was called; with a connection for each request only
	Opened   loop.Time // and it was established
	Sent     loop.Time // just before the call that gave the kernel the last byte; with a depth over 1 when it was issued
	First    loop.Time // the first byte of the reply was here
	End      loop.Time // the last one was, or it was given up
	Kind     Kind
	Bytes    int64 // of the reply, its head included, as far as it came
}

// Never stands for a time that did not come.
const Never = loop.Time(-1)

// lag is what the generator itself added: from the moment it could have sent
// to when it did, the network's part of connecting left out.
func (q *Request) lag() int64 {
	start := max(q.Intended, q.Free)
	if q.Dialled == Never {
		return int64(q.Sent - start)
	}
	return int64(q.Dialled-start) + int64(q.Sent-q.Opened)
}

// queue is how long no connection was free for it.
func (q *Request) queue() int64 { return int64(max(0, q.Free-q.Intended)) }

// recorder keeps what the window's requests show. Requests outside the window
// pass through it for the account of requests in flight only.
type recorder struct {
	from, to loop.Time
	timeout  time.Duration
	closed   bool // closed loop: response is service, lag and queue are not claimed

	response  dist // survivors
	service   dist
	firstByte dist
	whole     dist // service of replies that came in one piece: first byte and last are one
	connect   dist
	admission dist
	lag       dist
	queue     dist
	unqueued  uint64 // requests that found a free connection

	scheduled  uint64
	sent       uint64
	lateFree   uint64 // not sent although a connection was free
	unassigned uint64 // never got a connection
	errors     [kinds]uint64
	bytes      uint64 // of replies
	series     *series
	cuts       []time.Duration // of spans, from the window's start
	spans      *spans
	flow       flow
	onset      Onset
	joined     bool // the distributions are complete
}

func newRecorder(s Spec) *recorder {
	return &recorder{
		timeout: s.Timeout, closed: s.Closed, cuts: s.Spans, onset: newOnset(),
		response: newDist(), service: newDist(), firstByte: newDist(), whole: newDist(),
		connect: newDist(), admission: newDist(), lag: newDist(), queue: newDist(),
	}
}

// window says when the window is. No request is counted before it is known.
func (r *recorder) window(from, to loop.Time) {
	r.from, r.to = from, to
	r.series = newSeries(from, to)
	r.spans = newSpans(from, to, r.cuts)
	r.flow = flow{from: from, to: to}
}

// begin counts a request in.
func (r *recorder) begin(intended loop.Time) {
	r.flow.begin(intended)
	if intended >= r.from && intended < r.to {
		r.scheduled++
	}
}

// missed notes a request that comes too late to be sent although a connection
// is free.
func (r *recorder) missed(intended loop.Time) {
	if intended >= r.from && intended < r.to {
		r.lateFree++
	}
}

// end counts a request out, in the window or not.
func (r *recorder) end(q *Request) {
	r.flow.end(q.Intended, q.End)
	inside := q.Intended >= r.from && q.Intended < r.to
	if !r.closed {
		r.waited(q, inside)
	}
	if !inside {
		return
	}
	if q.Opened != Never {
		r.connect.record(int64(q.Opened - q.Dialled))
	}
	if q.Dialled != Never && q.First != Never {
		r.admission.record(int64(q.First - q.Dialled))
	}
	if q.Sent != Never {
		r.sent++
		if !r.closed {
			r.lag.record(q.lag())
		}
	}
	r.errors[q.Kind]++
	r.bytes += uint64(q.Bytes)
	p := r.series.at(q.Intended)
	if q.Kind != OK {
		p.failed++
		r.spans.add(q.Intended, q.Kind, 0)
		return
	}
	r.onset.add(q.End - r.from)
	service := int64(q.End - q.Sent)
	response := service
	if q.First == q.End {
		r.whole.record(service)
	} else {
		r.service.record(service)
		r.firstByte.record(int64(q.First - q.Sent))
	}
	if !r.closed {
		response = int64(q.End - q.Intended)
		r.response.record(response)
	}
	p.rough.record(response)
	r.spans.add(q.Intended, OK, response)
}

// waited records the time without a connection. A wait that began before the
// window is part of the queue inside it.
func (r *recorder) waited(q *Request, inside bool) {
	if q.Free == Never {
		r.flow.waitedFor(q.Intended, q.End)
		if inside {
			r.unassigned++
		}
		return
	}
	wait := q.queue()
	if wait > 0 {
		r.flow.waitedFor(q.Intended, q.Free)
	}
	switch {
	case !inside:
	case wait == 0:
		r.unqueued++
	default:
		r.queue.record(wait)
	}
}

// join completes the distributions that the hot path kept in parts, when the
// last request has ended. It does so once.
func (r *recorder) join() {
	if r.joined {
		return
	}
	r.joined = true
	r.service.merge(&r.whole)
	r.firstByte.merge(&r.whole)
	r.queue.addZeros(r.unqueued)
	if r.closed {
		r.response.merge(&r.service)
	}
}

// failed is how many of the window's requests failed.
func (r *recorder) failed() uint64 {
	var n uint64
	for _, k := range r.errors[OK+1:] {
		n += k
	}
	return n
}

// backward counts the durations that came out negative.
func (r *recorder) backward() uint64 {
	var n uint64
	for _, d := range []*dist{&r.response, &r.service, &r.firstByte, &r.connect, &r.admission, &r.lag, &r.queue} {
		n += d.backward
	}
	return n
}
